/* SPDX-License-Identifier: Apache-2.0
 *
 * The commands of idpctl as a table that both sides read: idpctl parses its command line and prints
 * its help from it, the daemon dispatches by it.
 *
 * Wire: a Unix stream socket. idpctl sends one JSON object {noun, verb, args{}} and closes its
 * writing side; the daemon answers with one JSON object {status, out, text} or
 * {status, error, error_description} and closes. `out` is what --json prints, `text` what people
 * read. The peer is known by SO_PEERCRED. */
#ifndef IDP_CTL_COMMANDS_H
#define IDP_CTL_COMMANDS_H

#include <stddef.h>

#define CTL_MESSAGE_MAX (16 * 1024 * 1024) /* bytes: a file of accounts fits */

/* Exit statuses of idpctl, a contract. 4 is kept for acts that wait for a second person. */
enum ctl_status { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_UNREACHABLE = 3 };

enum {
    CTL_FILE = 1,   /* --file F is required; its content is sent as args.file ("-": standard input) */
    CTL_JSON = 4,   /* JSON for people too */
    CTL_WORDS_OPTIONAL = 8, /* the words may be left out: options say it otherwise */
    CTL_SECRET = 2  /* the answer holds a secret: never logged; --secret-file F takes it */
};

struct ctl_command {
    const char *noun, *verb;   /* verb NULL: the noun stands alone */
    const char *positional[3]; /* names of required words, in order */
    const char *options[6];    /* names of optional --NAME VALUE */
    unsigned flags;
    const char *help;
};

extern const struct ctl_command ctl_commands[];
extern const size_t ctl_commands_count;

#endif

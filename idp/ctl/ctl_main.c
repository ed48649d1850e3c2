/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl: staff's command line. Talks to the daemon, never to the database.
 *   idpctl [--socket S] [--json] NOUN [VERB] [WORDS] [--OPTION VALUE]
 * Exit 0 done, 1 refused, 2 usage, 3 daemon unreachable. Data goes to
 * standard output, messages to standard error. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "idp/ctl/commands.h"
#include "idp/ctl/ctl_link.h"
#include "idp/ctl/import.h"
#include "idp/ctl/jose.h"

#define DEFAULT_SOCKET "/run/idp/admin.sock"

struct invocation {
    const char *socket;
    bool json;
    const struct ctl_command *command;
    json_t *args;
    const char *secret_path; /* of --secret-file */
    int secret_fd;           /* -1: the secret goes to standard output */
};

static int usage(void) {
    fputs("usage: idpctl [--socket S] [--json] NOUN [VERB] ...\n\n", stderr);
    for (size_t i = 0; i < ctl_commands_count; i++) {
        const struct ctl_command *c = &ctl_commands[i];
        CLEANUP(buf_done) struct buf line = BUF_INIT(1024);
        buf_addf(&line, "%s%s%s", c->noun, c->verb ? " " : "", c->verb ? c->verb : "");
        for (size_t k = 0; k < ARRAY_LEN(c->positional) && c->positional[k]; k++)
            buf_addf(&line, c->flags & CTL_WORDS_OPTIONAL ? " [%s]" : " %s", c->positional[k]);
        if (c->flags & CTL_FILE)
            buf_add_str(&line, " --file F");
        for (size_t k = 0; k < ARRAY_LEN(c->options) && c->options[k]; k++)
            buf_addf(&line, " [--%s V]", c->options[k]);
        if (c->flags & CTL_SECRET)
            buf_add_str(&line, " [--secret-file F]");
        fprintf(stderr, "  %-44s %s\n", line.data, c->help);
    }
    fputs("  import FILE [--dry-run]                      clients and accounts from a JSON export\n", stderr);
    fputs("  jose verify --jwk FILE [--alg A]             verify a compact JWS from standard input\n", stderr);
    return CTL_USAGE;
}

static int fail(const struct invocation *v, int status, const char *error, const char *description) {
    if (v->json) {
        AUTO_JSON json_t *out = json_pack("{ss ss}", "error", error, "error_description", description);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        fprintf(stderr, "idpctl: %s: %s\n", error, description);
    }
    return status;
}

/* ---- command line ---- */

static const struct ctl_command *find_command(int argc, char **argv, int *ret_used) {
    for (size_t i = 0; argc > 0 && i < ctl_commands_count; i++) {
        const struct ctl_command *c = &ctl_commands[i];
        if (strcmp(c->noun, argv[0]) != 0)
            continue;
        if (!c->verb || (argc > 1 && strcmp(c->verb, argv[1]) == 0)) {
            *ret_used = c->verb ? 2 : 1;
            return c;
        }
    }
    return NULL;
}

static bool is_option(const struct ctl_command *c, const char *name) {
    for (size_t i = 0; i < ARRAY_LEN(c->options) && c->options[i]; i++)
        if (strcmp(c->options[i], name) == 0)
            return true;
    return false;
}

static int take_file(struct invocation *v, const char *path) {
    CLEANUP(buf_done) struct buf content = BUF_INIT(CTL_MESSAGE_MAX / 2);
    enum err e = ctl_read_file(path, &content);
    if (e)
        return fail(v, CTL_USAGE, "invalid_request", e == ERR_TOO_LONG ? "--file: longer than 8 MiB" : "--file cannot be read");
    json_t *text = json_stringn(content.data ? content.data : "", content.len);
    if (!text)
        return fail(v, CTL_USAGE, "invalid_request", "--file: not UTF-8 text");
    json_object_set_new(v->args, "file", text);
    return CTL_DONE;
}

/* Made before the command is sent: a secret that nobody can keep must not come to be. */
static int make_secret_file(struct invocation *v, const char *path) {
    cleanup_close(&v->secret_fd);
    v->secret_path = path;
    v->secret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return v->secret_fd >= 0 ? CTL_DONE
                             : fail(v, CTL_USAGE, "invalid_request",
                                    "--secret-file cannot be made, or is there already");
}

static int take_option(struct invocation *v, const char *name, const char *value) {
    const struct ctl_command *c = v->command;
    if (c->flags & CTL_FILE && strcmp(name, "file") == 0)
        return take_file(v, value);
    if (c->flags & CTL_SECRET && strcmp(name, "secret-file") == 0)
        return make_secret_file(v, value);
    if (!is_option(c, name))
        return usage();
    return json_object_set_new(v->args, name, json_string(value)) ? usage() : CTL_DONE;
}

static int parse_words(struct invocation *v, int argc, char **argv) {
    const struct ctl_command *c = v->command;
    size_t words = 0;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            int status = i + 1 < argc ? take_option(v, argv[i] + 2, argv[i + 1]) : usage();
            if (status)
                return status;
            i++;
        } else {
            if (words == ARRAY_LEN(c->positional) || !c->positional[words])
                return usage();
            json_object_set_new(v->args, c->positional[words++], json_string(argv[i]));
        }
    }
    bool words_missing = words < ARRAY_LEN(c->positional) && c->positional[words] &&
                         !(c->flags & CTL_WORDS_OPTIONAL);
    bool file_missing = c->flags & CTL_FILE && !json_object_get(v->args, "file");
    return words_missing || file_missing ? usage() : CTL_DONE;
}

/* ---- the answer ---- */

/* Moves the secret from the answer into its file; what is left is printed. */
static enum err keep_secret(const struct invocation *v, json_t *out) {
    static const char *const names[] = {"client_secret", "initial_access_token"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct span secret = json_str(out, names[i]);
        if (secret.len && (write(v->secret_fd, secret.ptr, secret.len) != (ssize_t)secret.len ||
                           write(v->secret_fd, "\n", 1) != 1 || fsync(v->secret_fd) != 0))
            return ERR_IO;
        json_object_del(out, names[i]);
    }
    return ERR_OK;
}

static int show(const struct invocation *v, const json_t *answer) {
    int status = (int)json_integer_value(json_object_get(answer, "status"));
    const char *error = json_string_value(json_object_get(answer, "error")),
               *description = json_string_value(json_object_get(answer, "error_description"));
    if (status != CTL_DONE)
        return fail(v, status, error ? error : "refused", description ? description : "");
    json_t *out = json_object_get(answer, "out");
    if (v->secret_fd >= 0 && keep_secret(v, out))
        return fail(v, CTL_REFUSED, "write_failed", "the secret could not be written: make another one");
    if (v->json || v->secret_fd >= 0 || v->command->flags & CTL_JSON) {
        json_dumpf(out, stdout, (v->json ? JSON_COMPACT : JSON_INDENT(2)) | JSON_ENCODE_ANY);
        putchar('\n');
    } else {
        struct span text = json_str(answer, "text");
        fwrite(text.ptr ? text.ptr : "", 1, text.len, stdout);
    }
    return CTL_DONE;
}

static int talk(const struct invocation *v) {
    AUTO_JSON json_t *answer = NULL;
    const char *why;
    if (ctl_exchange(v->socket, v->command->noun, v->command->verb, v->args, &answer, &why))
        return fail(v, CTL_UNREACHABLE, "unreachable", why);
    return show(v, answer);
}

int main(int argc, char **argv) {
    struct invocation v = {.socket = DEFAULT_SOCKET, .secret_fd = -1};
    int at = 1, used = 0;
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--json") == 0)
            v.json = true;
        else if (strcmp(argv[at], "--socket") == 0 && at + 1 < argc)
            v.socket = argv[++at];
        else
            return usage();
    }
    if (secret_init())
        return CTL_REFUSED;
    if (at + 1 < argc && strcmp(argv[at], "jose") == 0)
        return ctl_jose(argc - at, argv + at);
    if (at < argc && strcmp(argv[at], "import") == 0)
        return ctl_import_file(v.socket, v.json, argc - at, argv + at);
    v.command = find_command(argc - at, argv + at, &used);
    if (!v.command)
        return usage();
    AUTO_JSON json_t *args = json_object();
    v.args = args;
    int status = args ? parse_words(&v, argc - at - used, argv + at + used) : CTL_REFUSED;
    if (!status)
        status = talk(&v);
    if (status && v.secret_fd >= 0)
        (void)unlink(v.secret_path);
    cleanup_close(&v.secret_fd);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * idpctl's link to the daemon (the wire is told in commands.h), and the reading of its files. */
#ifndef IDP_CTL_LINK_H
#define IDP_CTL_LINK_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

/* Sends one command and reads its answer, which the caller owns. ERR_IO with a static sentence. */
must_check enum err ctl_exchange(const char *socket_path, const char *noun, const char *verb,
                                 json_t *args, json_t **ret_answer, const char **reterr_text);
/* "-" is standard input. ERR_IO; ERR_TOO_LONG past the buffer's maximum. */
must_check enum err ctl_read_file(const char *path, struct buf *out);

#endif

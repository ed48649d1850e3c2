/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON object a line, on standard error. Programs log; libraries return errors. Values are
 * escaped here, so CR LF in a user name stays on one line (F26). Never pass a secret, a token, a
 * code, a cookie or a personal number. A line has at most 4096 bytes (PIPE_BUF): values are cut at
 * 1024 bytes, shorter where that is needed to keep the line, which then says "shortened". */
#ifndef IDP_BASE_LOG_H
#define IDP_BASE_LOG_H

#include <stdint.h>

#include "base/span.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
    const char *name;
    enum { LOG_FIELD_STR, LOG_FIELD_INT } kind;
    struct span str;
    int64_t num;
};

#define LOG_STR(name_, cstr_) ((struct log_field){(name_), LOG_FIELD_STR, span_of(cstr_), 0})
#define LOG_SPAN(name_, span_) ((struct log_field){(name_), LOG_FIELD_STR, (span_), 0})
#define LOG_INT(name_, n_) ((struct log_field){(name_), LOG_FIELD_INT, SPAN_NONE, (int64_t)(n_)})

/* `program` (static) goes into every line; lines below `least` are dropped. Threads may log. */
void log_init(const char *program, enum log_level least);
/* `event` is a short constant name, e.g. "signer_restarted". */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);

/* From now on this thread's lines below LOG_WARN wait for log_flush(), or until 4096 bytes of them are
 * together, so that a loop which handles many requests writes once a turn. A warning or an error goes
 * out at once, behind what waits. Whoever holds flushes before it sleeps and when it ends. */
void log_hold(void);
void log_flush(void);

#define LOG(level, event, ...)                                                                   \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                         \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
#define LOG0(level, event) log_write((level), (event), NULL, 0)

#endif

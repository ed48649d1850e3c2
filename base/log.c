/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON line an event; see log.h. A line goes out in one write, so threads do not mix. */
#include "base/log.h"

#include <limits.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

/* PIPE_BUF: what a pipe takes in one piece even when idpd and idp-signer share it. */
#define LINE_MAX_BYTES 4096
_Static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a line must go out undivided");

/* Bytes that one value may take, tried in turn: a hostile value may shorten a line (escapes take
 * six times the room), but never make it vanish. */
static const size_t value_max[] = {1024, 128, 0};

static const char *log_program = "idp";
static atomic_int log_least = LOG_INFO;

void log_init(const char *program, enum log_level least) {
    log_program = program;
    atomic_store(&log_least, least);
}

static void add_field(struct json_out *o, const struct log_field *f, size_t max) {
    struct span value = f->str;
    if (value.len > max)
        value.len = max;
    if (f->kind == LOG_FIELD_INT)
        json_add_i64(o, f->name, f->num);
    else
        json_add_str(o, f->name, value);
}

static void line_build(struct buf *line, enum log_level level, const char *event,
                       const struct log_field *fields, size_t n, size_t max) {
    static const char *const level_name[] = {"debug", "info", "warn", "error"};
    struct json_out o = JSON_OUT(line);
    char now[24];
    clock_format_utc(clock_now(), now, sizeof now);
    json_open_object(&o, NULL);
    json_add_str(&o, "time", span_of(now));
    json_add_str(&o, "level", span_of(level_name[level]));
    json_add_str(&o, "program", span_of(log_program));
    json_add_str(&o, "event", span_of(event));
    for (size_t i = 0; i < n; i++)
        add_field(&o, &fields[i], max);
    if (max != value_max[0])
        json_add_bool(&o, "shortened", true);
    json_close_object(&o);
    buf_add_char(line, '\n');
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n) {
    if ((int)level < atomic_load_explicit(&log_least, memory_order_relaxed))
        return;
    CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(value_max); i++) {
        buf_reset(&line);
        line_build(&line, level, event, fields, n, value_max[i]);
        if (buf_err(&line) == ERR_OK)
            break;
    }
    if (buf_err(&line) == ERR_OK)
        (void)!write(STDERR_FILENO, line.data, line.len);
}

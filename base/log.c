/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON line an event; see log.h. Whole lines go out in one write, so threads do not mix. */
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

/* Written out once a second, not once a line. */
static const char *time_text(void) {
    static _Thread_local int64_t second = INT64_MIN;
    static _Thread_local char text[24];
    int64_t now = clock_now();
    if (now != second)
        clock_format_utc(now, text, sizeof text);
    second = now;
    return text;
}

static void line_build(struct buf *line, enum log_level level, const char *event,
                       const struct log_field *fields, size_t n, size_t max) {
    static const char *const level_name[] = {"debug", "info", "warn", "error"};
    struct json_out o = JSON_OUT(line);
    json_open_object(&o, NULL);
    json_add_str(&o, "time", span_of(time_text()));
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

/* ---- held lines ---- */

static _Thread_local struct {
    bool is_on;
    size_t len;
    char lines[LINE_MAX_BYTES];
} held;

void log_flush(void) {
    if (held.len)
        (void)!write(STDERR_FILENO, held.lines, held.len);
    held.len = 0;
}

void log_hold(void) {
    held.is_on = true;
}

static void line_out(enum log_level level, const struct buf *line) {
    if (held.is_on && level < LOG_WARN) {
        if (line->len > sizeof held.lines - held.len)
            log_flush();
        memcpy(held.lines + held.len, line->data, line->len);
        held.len += line->len;
        return;
    }
    log_flush();
    (void)!write(STDERR_FILENO, line->data, line->len);
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
        line_out(level, &line);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * One JSON line an event; see log.h. A line goes out in one write, so threads do not mix. */
#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"

#define LINE_MAX_BYTES 8192
#define VALUE_MAX_BYTES 1024

static const char *log_program = "idp";
static atomic_int log_least = LOG_INFO;

void log_init(const char *program, enum log_level least) {
    log_program = program;
    atomic_store(&log_least, least);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n) {
    static const char *const level_name[] = {"debug", "info", "warn", "error"};
    if ((int)level < atomic_load_explicit(&log_least, memory_order_relaxed))
        return;
    CLEANUP(buf_done) struct buf line = BUF_INIT(LINE_MAX_BYTES);
    struct json_out o = JSON_OUT(&line);
    char now[24];
    clock_format_utc(clock_now(), now, sizeof now);

    json_open_object(&o, NULL);
    json_add_str(&o, "time", span_of(now));
    json_add_str(&o, "level", span_of(level_name[level]));
    json_add_str(&o, "program", span_of(log_program));
    json_add_str(&o, "event", span_of(event));
    for (size_t i = 0; i < n; i++) {
        struct span value = fields[i].str;
        if (value.len > VALUE_MAX_BYTES)
            value.len = VALUE_MAX_BYTES;
        if (fields[i].kind == LOG_FIELD_INT)
            json_add_i64(&o, fields[i].name, fields[i].num);
        else
            json_add_str(&o, fields[i].name, value);
    }
    json_close_object(&o);
    buf_add_char(&line, '\n');
    if (!buf_err(&line))
        (void)!write(STDERR_FILENO, line.data, line.len);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * See mask.h. Pure. */
#include "idp/ctl/mask.h"

#include "base/encode.h"

static size_t count_characters(struct span text) {
    size_t n = 0;
    for (size_t at = 0; at < text.len; n++) {
        size_t len = utf8_sequence((struct span){text.ptr + at, text.len - at});
        at += len ? len : 1;
    }
    return n;
}

/* C0, DEL and C1: a terminal would obey them. */
static bool is_control(struct span one) {
    unsigned char first = (unsigned char)one.ptr[0];
    return first < 0x20 || first == 0x7F ||
           (one.len == 2 && first == 0xC2 && (unsigned char)one.ptr[1] < 0xA0);
}

void mask_add(struct buf *out, const json_t *value) {
    if (!json_is_string(value)) {
        buf_add_str(out, json_is_null(value) || !value ? "-" : "*");
        return;
    }
    struct span text = {json_string_value(value), json_string_length(value)};
    size_t n = count_characters(text), head = 0, tail = 0;
    if (n >= 12) {
        head = 4;
        tail = 3;
    } else if (n >= 6) {
        head = tail = 1;
    }
    for (size_t i = 0, at = 0; i < n; i++) {
        struct span one = {text.ptr + at, utf8_sequence((struct span){text.ptr + at, text.len - at})};
        bool is_shown = (i < head || i >= n - tail) && one.len && !is_control(one);
        if (is_shown)
            buf_add_span(out, one);
        else
            buf_add_char(out, '*');
        at += one.len ? one.len : 1;
    }
}

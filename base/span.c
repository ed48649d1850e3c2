/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting borrowed bytes into words, and comparing them. */
#include "base/span.h"

struct span span_cut(struct span *rest, char sep) {
    const char *hit = rest->len ? memchr(rest->ptr, sep, rest->len) : NULL;
    struct span head = *rest;
    if (!hit) {
        *rest = SPAN_NONE;
        return head;
    }
    head.len = (size_t)(hit - rest->ptr);
    rest->ptr = hit + 1;
    rest->len -= head.len + 1;
    return head;
}

struct span span_word(struct span *rest) {
    while (rest->len && rest->ptr[0] == ' ') {
        rest->ptr++;
        rest->len--;
    }
    return rest->len ? span_cut(rest, ' ') : SPAN_NONE;
}

bool span_list_has(struct span list, struct span word) {
    for (struct span w = span_word(&list); w.ptr; w = span_word(&list))
        if (span_eq(w, word))
            return true;
    return false;
}

int span_order(struct span a, struct span b) {
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool span_among(const struct span *list, size_t n, struct span s) {
    for (size_t i = 0; i < n; i++)
        if (span_eq(list[i], s))
            return true;
    return false;
}

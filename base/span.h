/* SPDX-License-Identifier: Apache-2.0
 *
 * A borrowed run of bytes. It owns nothing, need not end in NUL, and is valid as long as what it
 * points into. The empty span has len 0 and may have a NULL pointer: "absent" is ptr == NULL. */
#ifndef IDP_BASE_SPAN_H
#define IDP_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *ptr;
    size_t len;
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_NONE ((struct span){NULL, 0})
/* For printf: "%.*s", SPAN_FMT(s) */
#define SPAN_FMT(s) (int)(s).len, (s).ptr ? (s).ptr : ""

static inline struct span span_of(const char *cstr) {
    return (struct span){cstr, cstr ? strlen(cstr) : 0};
}
static inline struct span span_bytes(const void *ptr, size_t len) {
    return (struct span){(const char *)ptr, len};
}
/* Not constant time: for public values only (secrets: ct_equal in secret.h). */
static inline bool span_eq(struct span a, struct span b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
static inline bool span_is(struct span a, const char *cstr) {
    return span_eq(a, span_of(cstr));
}
static inline bool span_starts(struct span s, const char *prefix) {
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.ptr, prefix, n) == 0;
}
/* Cuts `*rest` at the first `sep`: returns what stands before it, leaves what follows (absent
 * when there was no separator). */
struct span span_cut(struct span *rest, char sep);
/* The next space-separated word of `*rest` (RFC 6749 3.3 scope lists), absent at the end. */
struct span span_word(struct span *rest);
/* By bytes, a prefix before what it begins: negative, 0 (equal) or positive, for qsort. */
int span_order(struct span a, struct span b);
/* Whether one of the `n` spans of an array equals `s`. */
bool span_among(const struct span *list, size_t n, struct span s);
/* Whether a space-separated list contains `word`. */
bool span_list_has(struct span list, struct span word);

#endif

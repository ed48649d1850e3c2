/* SPDX-License-Identifier: Apache-2.0
 *
 * Scope lists; see scope.h. */
#include "protocols/oidc/scope.h"

#include "base/buf.h"
#include "base/cleanup.h"

/* RFC 6749 appendix A.4: scope-token = 1*NQCHAR, here with the spaces between tokens. */
static bool is_scope_text(struct span s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e || s.ptr[i] == '"' || s.ptr[i] == '\\')
            return false;
    return true;
}

static void add_word(struct buf *b, struct span word) {
    if (span_list_has(buf_span(b), word))
        return;
    if (b->len)
        buf_add_char(b, ' ');
    buf_add_span(b, word);
}

static enum err finish(struct arena *a, const struct buf *b, struct span *ret_scope) {
    enum err e = buf_err(b);
    if (e)
        return e;
    struct span copy = arena_dup(a, b->len ? buf_span(b) : SPAN(""));
    if (!copy.ptr)
        return ERR_NOMEM;
    *ret_scope = copy;
    return ERR_OK;
}

enum err scope_reduce(struct arena *a, struct span requested, struct span allowed,
                      struct span *ret_scope) {
    if (requested.len > SCOPE_MAX)
        return ERR_TOO_LONG;
    if (!is_scope_text(requested))
        return ERR_SYNTAX;
    CLEANUP(buf_done) struct buf b = BUF_INIT(SCOPE_MAX);
    unsigned words = 0;
    for (struct span rest = requested, word; (word = span_word(&rest)).len;) {
        if (++words > SCOPE_WORDS_MAX)
            return ERR_TOO_LONG;
        if (span_list_has(allowed, word))
            add_word(&b, word);
    }
    if (b.len == 0 && !buf_err(&b))
        return ERR_REFUSED;
    return finish(a, &b, ret_scope);
}

enum err scope_without(struct arena *a, struct span scope, struct span word,
                       struct span *ret_scope) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(SCOPE_MAX);
    for (struct span rest = scope, w; (w = span_word(&rest)).len;)
        if (!span_eq(w, word))
            add_word(&b, w);
    return finish(a, &b, ret_scope);
}

enum err scope_union(struct arena *a, struct span first, struct span second,
                     struct span *ret_scope) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(4 * SCOPE_MAX);
    for (struct span rest = first, w; (w = span_word(&rest)).len;)
        add_word(&b, w);
    for (struct span rest = second, w; (w = span_word(&rest)).len;)
        add_word(&b, w);
    return finish(a, &b, ret_scope);
}

bool scope_covered(struct span scope, struct span in) {
    for (struct span rest = scope, w; (w = span_word(&rest)).len;)
        if (!span_list_has(in, w))
            return false;
    return true;
}

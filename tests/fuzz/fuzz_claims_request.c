/* SPDX-License-Identifier: Apache-2.0
 *
 * protocols/oidc/claims_request.c: whatever a client asks for singly, it gets no claim of a scope
 * that it may not have, and what travels in codes is what was read (A21, A22). */
#include "base/cleanup.h"
#include "base/encode.h"
#include "idp/claims.h"
#include "protocols/oidc/claims_request.h"
#include "tests/fuzz/fuzz.h"

#define ALLOWED "openid profile email"

static void allowed_only(struct span names) {
    for (struct span rest = names, word; (word = span_word(&rest)).len;) {
        const char *scope = claims_scope_of(word);
        FUZZ_CHECK(scope && span_list_has(SPAN(ALLOWED), span_of(scope)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct claims_request r = {0};
    struct span text;
    if (claims_request_parse(&a, span_bytes(data, size), SPAN(ALLOWED), &r))
        return 0;
    FUZZ_CHECK(size <= CLAIMS_REQUEST_MAX);
    allowed_only(r.userinfo);
    allowed_only(r.id_token);
    for (struct span rest = r.scope, word; (word = span_word(&rest)).len;)
        FUZZ_CHECK(span_list_has(SPAN(ALLOWED), word));
    FUZZ_CHECK(utf8_valid(r.sub) && utf8_valid(r.acr_values));
    FUZZ_CHECK(claims_request_build(&a, &r, &text) == ERR_OK);
    FUZZ_CHECK(span_eq(claims_request_userinfo(text), r.userinfo));
    FUZZ_CHECK(span_eq(claims_request_id_token(text), r.id_token));
    return 0;
}

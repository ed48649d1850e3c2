/* SPDX-License-Identifier: Apache-2.0
 *
 * protocols/oidc/client_auth.c: the Basic field (RFC 6749 2.3.1, B08, B09) and its rivals. What is
 * read is within its limits and reads the same after being written anew; two methods at once are
 * never taken. Input: the field's value, LF, client_id, LF, client_secret, LF, assertion. */
#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "protocols/oidc/client_auth.h"
#include "tests/fuzz/fuzz.h"

static void write_anew(struct arena *a, const struct client_auth_claim *claim) {
    CLEANUP(buf_done) struct buf pair = BUF_INIT(16384);
    static unsigned char text[32768] = "Basic ";
    percent_add(&pair, claim->client_id);
    buf_add_char(&pair, ':');
    percent_add(&pair, claim->secret);
    FUZZ_CHECK(!buf_err(&pair));
    int len = EVP_EncodeBlock(text + 6, (const unsigned char *)pair.data, (int)pair.len);
    if (len + 6 > 2048) /* the field's own limit */
        return;
    const struct client_auth_input in = {.authorization = span_bytes(text, (size_t)len + 6),
                                         .n_authorization = 1};
    struct client_auth_claim again;
    FUZZ_CHECK(client_auth_parse(a, &in, &again).error == OIDC_NO_ERROR);
    FUZZ_CHECK(span_eq(again.client_id, claim->client_id) && span_eq(again.secret, claim->secret));
}

static void judge(const struct client_auth_claim *claim) {
    const struct client_secret *secret;
    struct client client = {.is_enabled = true, .auth = CLIENT_AUTH_SECRET_BASIC};
    FUZZ_CHECK(client_auth_check(NULL, claim, 1, &secret) != ALLOW);
    FUZZ_CHECK(client_auth_check(&client, claim, 1, &secret) != ALLOW); /* it has no secret */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span rest = span_bytes(data, size);
    struct client_auth_input in = {.authorization = span_cut(&rest, '\n')};
    in.n_authorization = in.authorization.len > 0;
    in.client_id = span_cut(&rest, '\n');
    in.client_secret = span_cut(&rest, '\n');
    in.client_assertion = rest;
    if (rest.len)
        in.client_assertion_type = SPAN("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    /* what the parameter table lets through */
    if (in.client_id.len > CLIENT_ID_MAX || in.client_secret.len > CLIENT_SECRET_MAX)
        return 0;
    struct client_auth_claim claim;
    if (client_auth_parse(&a, &in, &claim).error)
        return 0;
    FUZZ_CHECK(claim.method != CLIENT_AUTH_INVALID);
    FUZZ_CHECK(claim.client_id.len > 0 && claim.client_id.len <= CLIENT_ID_MAX);
    FUZZ_CHECK(!in.n_authorization || utf8_valid(claim.client_id));
    FUZZ_CHECK(claim.secret.len <= CLIENT_SECRET_MAX);
    FUZZ_CHECK(!in.client_id.len || span_eq(in.client_id, claim.client_id));
    FUZZ_CHECK((in.n_authorization > 0) + (in.client_secret.len > 0) + (in.client_assertion.len > 0) <= 1);
    judge(&claim);
    if (claim.method == CLIENT_AUTH_SECRET_BASIC)
        write_anew(&a, &claim);
    return 0;
}

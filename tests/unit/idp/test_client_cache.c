/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: no client outlives a change of the epoch in the cache, none is lost to a request that
 * still holds it, and the cache is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/cleanup.h"
#include "idp/client_cache.h"

static struct client make(unsigned number) {
    char id[16];
    snprintf(id, sizeof id, "c%u", number);
    json_t *m =
        json_pack("{ss ss s[s] ss ss}", "client_id", id, "token_endpoint_auth_method", "none",
                  "grant_types", "authorization_code", "id_token_signed_response_alg", "ES256",
                  "access_token_signed_response_alg", "ES256");
    struct client c;
    assert_int_equal(client_from_metadata(m, true, NULL, 0, &c), ERR_OK);
    return c;
}

static const struct client *put(struct client_cache *cache, uint64_t epoch, unsigned number) {
    struct client c = make(number);
    const struct client *kept = client_cache_put(cache, epoch, &c);
    assert_non_null(kept);
    assert_null(c.metadata); /* taken over */
    return kept;
}

static void test_epoch(void **state) {
    (void)state;
    struct client_cache *cache;
    assert_int_equal(client_cache_new(&cache), ERR_OK);
    assert_null(client_cache_find(cache, 1, SPAN("c1")));
    const struct client *held = put(cache, 1, 1);
    assert_ptr_equal(client_cache_find(cache, 1, SPAN("c1")), held);
    assert_null(client_cache_find(cache, 1, SPAN("c2")));
    assert_null(client_cache_find(cache, 1, SPAN("c")));
    assert_null(client_cache_find(cache, 2, SPAN("c1")));
    assert_true(span_is(held->client_id, "c1")); /* still valid for who holds it */

    /* Read before the change, put after it: for this request only. */
    const struct client *late = put(cache, 1, 1);
    assert_true(span_is(late->client_id, "c1"));
    assert_null(client_cache_find(cache, 2, SPAN("c1")));

    const struct client *first = put(cache, 2, 1), *second = put(cache, 2, 1);
    assert_ptr_equal(client_cache_find(cache, 2, SPAN("c1")), first);
    assert_true(span_is(second->client_id, "c1"));
    client_cache_free(cache);
    client_cache_free(NULL);
}

static void test_bound(void **state) {
    (void)state;
    struct client_cache *cache;
    assert_int_equal(client_cache_new(&cache), ERR_OK);
    for (unsigned i = 0; i < CLIENT_CACHE_MAX; i++)
        (void)put(cache, 1, i);
    const struct client *held = client_cache_find(cache, 1, SPAN("c0"));
    assert_non_null(held);
    (void)put(cache, 1, CLIENT_CACHE_MAX);
    assert_null(client_cache_find(cache, 1, SPAN("c0")));
    assert_non_null(client_cache_find(cache, 1, SPAN("c4096")));
    assert_true(span_is(held->client_id, "c0"));
    client_cache_free(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_epoch), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

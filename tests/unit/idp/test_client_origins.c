/* SPDX-License-Identifier: Apache-2.0
 *
 * An origin is known while some enabled public client has it, byte by byte, and from the moment on
 * that the epoch of the clients has changed (A36, B34). */
#include <stdio.h>

#include "../store/fixture.h"
#include "idp/client_origins.h"

#define METADATA(id, method, more)                                                               \
    "{\"client_id\":\"" id "\",\"token_endpoint_auth_method\":\"" method                           \
    "\",\"grant_types\":[\"authorization_code\"],\"id_token_signed_response_alg\":\"ES256\","      \
    "\"access_token_signed_response_alg\":\"ES256\"," more "}"

static void add(struct fixture *f, const char *id, const char *metadata, bool is_enabled) {
    const struct client_row row = {.client_id = span_of(id),
                                   .metadata = span_of(metadata),
                                   .is_enabled = is_enabled,
                                   .created_at = NOW};
    store_client_insert(fresh(f), &row);
    assert_int_equal(run_write(f), ERR_OK);
}

static enum err find(struct client_origins *o, uint64_t epoch, const char *origin) {
    return client_origins_find(o, epoch, span_of(origin));
}

static void test_origins_of_public_clients(void **state) {
    struct fixture *f = *state;
    struct client_origins *o;
    assert_int_equal(client_origins_new(&o), ERR_OK);
    assert_int_equal(find(o, 0, "https://page.example"), ERR_EXPIRED);
    assert_int_equal(client_origins_refresh(o, f->store, 0), ERR_OK);
    assert_int_equal(find(o, 0, "https://page.example"), ERR_NOT_FOUND);

    add(f, "page", METADATA("page", "none", "\"redirect_uris\":[\"https://page.example/cb\"]"), true);
    add(f, "two", METADATA("two", "none", "\"redirect_uris\":[\"https://a.example/cb\"],"
        "\"cors_origins\":[\"https://b.example:8443\",\"https://page.example\"]"), true);
    add(f, "secret", METADATA("secret", "client_secret_basic",
        "\"redirect_uris\":[\"https://secret.example/cb\"],\"cors_origins\":[\"https://secret.example\"]"), true);
    add(f, "off", METADATA("off", "none", "\"redirect_uris\":[\"https://off.example/cb\"]"), false);
    add(f, "bad", "{\"client_id\":\"bad\"}", true);
    add(f, "worse", "{", true);
    assert_int_equal(find(o, 0, "https://page.example"), ERR_NOT_FOUND);
    assert_int_equal(find(o, 1, "https://page.example"), ERR_EXPIRED);
    assert_int_equal(client_origins_refresh(o, f->store, 1), ERR_OK);

    static const char *const known[] = {"https://page.example", "https://b.example:8443"};
    static const char *const unknown[] = {
        "https://a.example", /* it has named others */
        "https://secret.example", "https://off.example", "http://page.example", "https://page.example:443",
        "https://page.example/", "https://page.exampl", "https://page.example.evil", "https://PAGE.example",
        "null", "", "*", "-", "https://b.example",
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_int_equal(find(o, 1, known[i]), ERR_OK);
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        assert_int_equal(find(o, 1, unknown[i]), ERR_NOT_FOUND);

    store_client_set_enabled(fresh(f), SPAN("two"), false, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(client_origins_refresh(o, f->store, 2), ERR_OK);
    assert_int_equal(find(o, 2, "https://page.example"), ERR_OK); /* page has it still */
    assert_int_equal(find(o, 2, "https://b.example:8443"), ERR_NOT_FOUND);
    assert_int_equal(find(o, 1, "https://b.example:8443"), ERR_NOT_FOUND); /* newer than was asked */
    client_origins_free(o);
    client_origins_free(NULL);
}

static void test_more_than_fits_at_first(void **state) {
    struct fixture *f = *state;
    struct client_origins *o;
    char id[32], metadata[512], origin[64];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(id, sizeof id, "c%d", i);
        (void)snprintf(metadata, sizeof metadata,
                       METADATA("c%d", "none", "\"redirect_uris\":[\"https://h%d.example/cb\"]"), i, i);
        add(f, id, metadata, true);
    }
    assert_int_equal(client_origins_new(&o), ERR_OK);
    assert_int_equal(client_origins_refresh(o, f->store, 7), ERR_OK);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(origin, sizeof origin, "https://h%d.example", i);
        assert_int_equal(find(o, 7, origin), ERR_OK);
    }
    assert_int_equal(find(o, 7, "https://h200.example"), ERR_NOT_FOUND);
    client_origins_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_origins_of_public_clients),
        STORE_TEST(test_more_than_fits_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

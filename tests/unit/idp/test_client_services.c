/* SPDX-License-Identifier: Apache-2.0
 *
 * Offered are enabled clients that staff registered with an initiate_login_uri, and no others, from
 * the moment on that the epoch of the clients has changed. */
#include <stdio.h>

#include "../store/fixture.h"
#include "base/cleanup.h"
#include "idp/client_services.h"

#define METADATA(id, more)                                                                       \
    "{\"client_id\":\"" id "\",\"token_endpoint_auth_method\":\"none\",\"grant_types\":["         \
    "\"authorization_code\"],\"id_token_signed_response_alg\":\"ES256\","                         \
    "\"access_token_signed_response_alg\":\"ES256\"" more "}"
#define LOGIN(id) ",\"initiate_login_uri\":\"https://" id ".example/login\""

static void add(struct fixture *f, const char *id, const char *metadata, bool is_enabled) {
    const struct client_row row = {
        .client_id = span_of(id), .metadata = span_of(metadata), .is_enabled = is_enabled};
    store_client_insert(fresh(f), &row);
    assert_int_equal(run_write(f), ERR_OK);
}

static void test_who_is_offered(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct client_services *s;
    struct client_service *list = NULL;
    size_t count = 99;
    assert_int_equal(client_services_new(&s), ERR_OK);
    assert_int_equal(client_services_list(s, 0, &a, &list, &count), ERR_EXPIRED);
    assert_int_equal(client_services_refresh(s, f->store, 0), ERR_OK);
    assert_int_equal(client_services_list(s, 0, &a, &list, &count), ERR_OK);
    assert_int_equal(count, 0);

    add(f, "z", METADATA("z", LOGIN("z") ",\"client_name\":\"Alpha\",\"client_name#en\":\"First\""), true);
    add(f, "b", METADATA("b", LOGIN("b") ",\"client_name\":\"Beta\""), true);
    add(f, "nameless", METADATA("nameless", LOGIN("n")), true);
    add(f, "plain", METADATA("plain", ",\"client_name\":\"A\""), true);
    add(f, "off", METADATA("off", LOGIN("off")), false);
    add(f, "self", METADATA("self", LOGIN("self") ",\"self_registered\":true"), true);
    add(f, "bad", "{", true);
    assert_int_equal(client_services_list(s, 1, &a, &list, &count), ERR_EXPIRED);
    assert_int_equal(client_services_refresh(s, f->store, 1), ERR_OK);
    assert_int_equal(client_services_list(s, 1, &a, &list, &count), ERR_OK);
    assert_int_equal(count, 3);
    assert_true(span_is(list[0].name, "Alpha") && span_is(list[0].name_en, "First") &&
                span_is(list[0].client_id, "z") &&
                span_is(list[0].initiate_login_uri, "https://z.example/login"));
    assert_true(span_is(list[1].name, "Beta") && !list[1].name_en.ptr);
    assert_true(span_is(list[2].name, "nameless"));

    store_client_set_enabled(fresh(f), SPAN("b"), false, NOW);
    assert_int_equal(run_write(f), ERR_OK);
    assert_int_equal(client_services_refresh(s, f->store, 2), ERR_OK);
    assert_int_equal(client_services_list(s, 2, &a, &list, &count), ERR_OK);
    assert_int_equal(count, 2);
    client_services_free(s);
    client_services_free(NULL);
}

static void test_no_more_than_a_page_shows(void **state) {
    struct fixture *f = *state;
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct client_services *s;
    struct client_service *list;
    char id[16], metadata[512];
    size_t count;
    for (int i = 0; i < CLIENT_SERVICES_MAX + 20; i++) {
        (void)snprintf(id, sizeof id, "c%03d", i);
        (void)snprintf(metadata, sizeof metadata, METADATA("%s", LOGIN("%s")), id, id);
        add(f, id, metadata, true);
    }
    assert_int_equal(client_services_new(&s), ERR_OK);
    assert_int_equal(client_services_refresh(s, f->store, 0), ERR_OK);
    assert_int_equal(client_services_list(s, 0, &a, &list, &count), ERR_OK);
    assert_int_equal(count, CLIENT_SERVICES_MAX);
    client_services_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_who_is_offered),
        STORE_TEST(test_no_more_than_a_page_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: of Wycheproof's JWS and JWK cases every invalid one is refused and every valid one of
 * a supported algorithm accepted. Prints cases, accepted, refused per file; wrong counts fail.
 * The folder is ../shared/vectors beside the project, or IDP_VECTORS; without it: skipped (77). */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/secret.h"
#include "keys/jws.h"

#define SKIPPED 77

/* Valid cases that are refused on purpose. */
static const struct {
    int id;
    const char *name;
    const char *reason;
} refused_on_purpose[] = {
    {372, "InvalidCharacterInsertedInHeader", "'?' inside base64url: RFC 7515 2 forbids it"},
    {373, "InvalidCharacterInsertedInPayload", "'?' inside base64url: RFC 7515 2 forbids it"},
};

/* Invalid cases whose token and key equal, byte for byte, those of the valid case 357: the padding
 * that their names speak of is not in the file, so no verifier can tell them apart. */
static const int same_as_valid[] = {367, 370};

/* Expected outcome of each file: a changed file or a changed verifier must be looked at. */
static const struct {
    const char *name;
    int cases, accepted, unsupported, on_purpose, same;
} files[] = {
    {"json_web_signature_test.json", 401, 26, 20, 2, 2},
    {"json_web_key_test.json", 26, 3, 2, 0, 0},
};

struct counts {
    int cases, accepted, refused, unsupported, on_purpose, same, wrong;
};

static bool is_refused_on_purpose(int id, const char *comment) {
    for (size_t i = 0; i < ARRAY_LEN(refused_on_purpose); i++)
        if (refused_on_purpose[i].id == id && strcmp(refused_on_purpose[i].name, comment) == 0)
            return true;
    return false;
}

/* Case 357, remembered when it was run. */
static const char *valid_token;
static const json_t *valid_key;
#define VALID_CASE 357

/* The algorithm in the token's own header, for counting what we do not offer. */
static bool token_alg_supported(const char *token) {
    const char *dot = strchr(token, '.');
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span header;
    if (!dot || b64url_decode_arena(&a, (struct span){token, (size_t)(dot - token)}, &header))
        return true;
    json_t *j = json_loadb(header.ptr, header.len, 0, NULL);
    bool supported = jose_alg_find(span_of(json_string_value(json_object_get(j, "alg")))) != NULL;
    json_decref(j);
    return supported;
}

static bool load_keys(const json_t *key, struct jwk_set *set) {
    char *text = json_dumps(key, 0);
    struct jwk *k = NULL;
    bool good;
    set->count = 0;
    if (json_object_get(key, "keys")) {
        good = jwk_set_parse(span_of(text), set) == ERR_OK;
    } else {
        good = jwk_parse(span_of(text), &k) == ERR_OK;
        if (good)
            set->key[set->count++] = k;
    }
    free(text);
    return good;
}

static bool accepts(const json_t *key, const char *token) {
    CLEANUP(jwk_set_done) struct jwk_set set = {.count = 0};
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct jws jws;
    if (!load_keys(key, &set))
        return false;
    return jws_verify(&a, span_of(token), &(struct jws_expect){.typ = NULL}, &set, &jws) == ERR_OK;
}

/* Holds only while the file really repeats the valid token, under the same key. */
static bool is_same_as_valid(int id, const char *token, const json_t *key) {
    for (size_t i = 0; i < ARRAY_LEN(same_as_valid); i++)
        if (same_as_valid[i] == id && valid_token && strcmp(token, valid_token) == 0 &&
            json_equal(key, valid_key))
            return true;
    return false;
}

static void run_case(const json_t *key, const json_t *test, struct counts *c) {
    int id = (int)json_integer_value(json_object_get(test, "tcId"));
    const char *comment = json_string_value(json_object_get(test, "comment"));
    const char *token = json_string_value(json_object_get(test, "jws"));
    bool valid = strcmp(json_string_value(json_object_get(test, "result")), "invalid") != 0;
    bool accepted = accepts(key, token);
    if (id == VALID_CASE && valid) {
        valid_token = token;
        valid_key = key;
    }
    c->cases++;
    c->accepted += accepted;
    c->refused += !accepted;
    if (accepted == valid)
        return;
    if (valid && !token_alg_supported(token)) {
        c->unsupported++;
    } else if (valid && is_refused_on_purpose(id, comment)) {
        c->on_purpose++;
    } else if (!valid && is_same_as_valid(id, token, key)) {
        c->same++;
    } else {
        c->wrong++;
        printf("wrong: case %d %s: %s, but %s\n", id, comment, valid ? "valid" : "invalid",
               accepted ? "accepted" : "refused");
    }
}

static int run_file(const char *folder, size_t f) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/wycheproof/%s", folder, files[f].name);
    json_t *doc = json_load_file(path, 0, NULL);
    if (!doc) {
        printf("%s: cannot be read\n", path);
        return 1;
    }
    struct counts c = {0};
    size_t i, k;
    json_t *group, *test;
    json_array_foreach(json_object_get(doc, "testGroups"), i, group) {
        const json_t *key = json_object_get(group, "public");
        if (!key)
            key = json_object_get(group, "private");
        json_array_foreach(json_object_get(group, "tests"), k, test)
            run_case(key, test, &c);
    }
    int announced = (int)json_integer_value(json_object_get(doc, "numberOfTests"));
    json_decref(doc);
    printf("%s: cases %d, accepted %d, refused %d (of the valid: %d of algorithms not offered, "
           "%d on purpose; of the invalid: %d are the bytes of a valid case)\n",
           files[f].name, c.cases, c.accepted, c.refused, c.unsupported, c.on_purpose, c.same);
    bool as_expected = c.wrong == 0 && c.cases == announced && c.cases == files[f].cases &&
                       c.accepted == files[f].accepted && c.unsupported == files[f].unsupported &&
                       c.on_purpose == files[f].on_purpose && c.same == files[f].same;
    if (!as_expected)
        printf("%s: FAILED: %d wrong; expected cases %d, accepted %d\n", files[f].name, c.wrong,
               files[f].cases, files[f].accepted);
    return !as_expected;
}

int main(int argc, char **argv) {
    const char *folder = getenv("IDP_VECTORS");
    if (!folder)
        folder = argc > 1 ? argv[1] : "../shared/vectors";
    struct stat st;
    if (stat(folder, &st) != 0) {
        printf("skipped: no folder %s\n", folder);
        return SKIPPED;
    }
    if (secret_init())
        return 1;
    int failed = 0;
    for (size_t f = 0; f < ARRAY_LEN(files); f++)
        failed += run_file(folder, f);
    return failed ? 1 : 0;
}

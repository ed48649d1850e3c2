/* SPDX-License-Identifier: Apache-2.0
 *
 * Property: of Wycheproof's JWS and JWK cases every invalid one is refused and every valid one of
 * a supported algorithm accepted. Prints cases, accepted, refused per file; wrong counts fail.
 * The folder is ../shared/vectors beside the project, or IDP_VECTORS; without it: skipped (77). */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/secret.h"
#include "keys/jws.h"

#define SKIPPED 77

/* Algorithms that have no row in keys/alg.c, by the token's own header, and how many valid cases
 * each has. A valid case of any other algorithm must be accepted. */
static const struct {
    const char *file, *alg;
    int valid;
} not_offered[] = {
    {"json_web_signature_test.json", "RS384", 4}, {"json_web_signature_test.json", "RS512", 4},
    {"json_web_signature_test.json", "PS384", 6}, {"json_web_signature_test.json", "PS512", 4},
    {"json_web_signature_test.json", "ES512", 2}, {"json_web_key_test.json", "HS384", 1},
    {"json_web_key_test.json", "HS512", 1},
};

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
    int cases, accepted, on_purpose, same;
} files[] = {
    {"json_web_signature_test.json", 401, 26, 2, 2},
    {"json_web_key_test.json", 26, 3, 0, 0},
};

struct counts {
    const char *file;
    int cases, accepted, refused, on_purpose, same, wrong;
    int unsupported[ARRAY_LEN(not_offered)];
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

/* The row of not_offered that the token's own header names; -1 when there is none. */
static int find_not_offered(const char *file, const char *token) {
    const char *dot = strchr(token, '.');
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct span header;
    if (!dot || b64url_decode_arena(&a, (struct span){token, (size_t)(dot - token)}, &header))
        return -1;
    AUTO_JSON json_t *j = json_loadb(header.ptr, header.len, 0, NULL);
    for (size_t i = 0; i < ARRAY_LEN(not_offered); i++)
        if (strcmp(not_offered[i].file, file) == 0 &&
            span_is(json_str(j, "alg"), not_offered[i].alg))
            return (int)i;
    return -1;
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
    int row = valid ? find_not_offered(c->file, token) : -1;
    if (row >= 0) {
        c->unsupported[row]++;
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

static int print_not_offered(const struct counts *c) {
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(not_offered); i++) {
        if (strcmp(not_offered[i].file, c->file) != 0)
            continue;
        printf("  valid, but of an algorithm that is not offered: %s %d\n", not_offered[i].alg,
               c->unsupported[i]);
        wrong += c->unsupported[i] != not_offered[i].valid;
    }
    return wrong;
}

static int run_file(const char *folder, size_t f) {
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/wycheproof/%s", folder, files[f].name);
    json_t *doc = json_load_file(path, 0, NULL);
    if (!doc) {
        printf("%s: cannot be read\n", path);
        return 1;
    }
    struct counts c = {.file = files[f].name};
    size_t i, k;
    json_t *group, *test;
    json_array_foreach(json_object_get(doc, "testGroups"), i, group) {
        const json_t *key = json_object_get(group, "public");
        if (!key)
            key = json_object_get(group, "private");
        json_array_foreach(json_object_get(group, "tests"), k, test) run_case(key, test, &c);
    }
    int announced = (int)json_integer_value(json_object_get(doc, "numberOfTests"));
    json_decref(doc);
    printf("%s: cases %d, accepted %d, refused %d\n", files[f].name, c.cases, c.accepted,
           c.refused);
    c.wrong += print_not_offered(&c);
    printf("  valid, but refused on purpose: %d\n  invalid, but the bytes of a valid case: %d\n",
           c.on_purpose, c.same);
    bool as_expected = c.wrong == 0 && c.cases == announced && c.cases == files[f].cases &&
                       c.accepted == files[f].accepted && c.on_purpose == files[f].on_purpose &&
                       c.same == files[f].same;
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

/* SPDX-License-Identifier: Apache-2.0
 *
 * See shortage.h. */
#include "base/shortage.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdlib.h>

static _Thread_local bool has_met;

static void *noted(void *p) {
    has_met = has_met || !p;
    return p;
}

static void *json_allocate(size_t bytes) {
    return noted(malloc(bytes));
}

static void *openssl_allocate(size_t bytes, const char *file, int line) {
    (void)file, (void)line;
    return bytes ? noted(malloc(bytes)) : NULL;
}

static void *openssl_reallocate(void *p, size_t bytes, const char *file, int line) {
    (void)file, (void)line;
    if (bytes)
        return noted(realloc(p, bytes));
    free(p);
    return NULL;
}

static void openssl_free(void *p, const char *file, int line) {
    (void)file, (void)line;
    free(p);
}

/* Before main: OpenSSL takes allocators only until it has allocated. */
__attribute__((constructor)) static void begin(void) {
    json_set_alloc_funcs(json_allocate, free);
    if (!CRYPTO_set_mem_functions(openssl_allocate, openssl_reallocate, openssl_free))
        abort();
}

void shortage_clear(void) {
    has_met = false;
}

bool shortage_met(void) {
    return has_met;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * What fuzz targets share. A target is `LLVMFuzzerTestOneInput`; it states properties of what it
 * calls with FUZZ_CHECK, since "does not crash" alone would miss a lenient parser. */
#ifndef IDP_TESTS_FUZZ_FUZZ_H
#define IDP_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif

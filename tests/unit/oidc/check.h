/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of this folder share. */
#ifndef IDP_TESTS_UNIT_OIDC_CHECK_H
#define IDP_TESTS_UNIT_OIDC_CHECK_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/params.h"
#include "base/span.h"

#define assert_span(s, text)                                                                     \
    do {                                                                                         \
        struct span got_ = (s);                                                                  \
        if (!span_is(got_, (text)))                                                              \
            fail_msg("got \"%.*s\", expected \"%s\"", SPAN_FMT(got_), (text));                   \
    } while (0)

#endif

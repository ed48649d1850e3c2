/* SPDX-License-Identifier: Apache-2.0
 *
 * Request parameters as data: an endpoint declares a table, params_fill() turns a list of
 * name/value pairs into a struct, and gives REPEATED, MISSING, TOO_LONG and SYNTAX with the
 * parameter's name.
 *
 * RFC 6749 3.1: "Parameters sent without a value MUST be treated as if they were omitted from the
 * request. The authorization server MUST ignore unrecognized request parameters. Request and
 * response parameters MUST NOT be included more than once." */
#ifndef IDP_BASE_PARAMS_H
#define IDP_BASE_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/* Already decoded (form_decode). `raw` is the value as it stood on the wire. */
struct param {
    struct span name;
    struct span value;
    struct span raw;
};

#define PARAMS_MAX 64 /* pairs in one query or body */

struct params {
    struct param item[PARAMS_MAX];
    size_t count;
};

enum {
    PARAM_REQUIRED = 1,
    /* May be repeated (RFC 8707 2): `parse` is called for each value in turn, so a plain field ends
     * up with the last one; a parser that collects them keeps all. */
    PARAM_MULTIPLE = 2
};

/* Parses a value into the field at `field`. Pure but for the arena. */
typedef enum err param_parse_fn(struct arena *a, struct span value, void *field);

struct param_def {
    const char *name;
    size_t field; /* offset in the target struct */
    param_parse_fn *parse;
    size_t max; /* bytes of the decoded value */
    unsigned flags;
};

/* Splits and decodes a query string or form body. ERR_SYNTAX (escape, UTF-8, NUL), ERR_TOO_LONG
 * (more than PARAMS_MAX pairs). Appends to `params`, so that query and body can be joined. */
must_check enum err params_split(struct arena *a, struct span text, struct params *params);

/* Fills `target`. On failure `*reterr_name` is the table's name of the parameter at fault, "" for
 * an unknown one: it is otherwise ignored, but may not be repeated either (A07). A pair without a
 * value is as good as absent, also for counting repetitions. */
must_check enum err params_fill(const struct param_def *defs, size_t n_defs, struct arena *a,
                                const struct params *params, void *target,
                                const char **reterr_name);

/* First value of a name, absent when missing or empty. */
struct span params_find(const struct params *params, const char *name);
/* How often a name occurs with a value. */
size_t params_count(const struct params *params, const char *name);

/* Ready-made parsers. */
param_parse_fn param_span;    /* struct span: any UTF-8 */
param_parse_fn param_ascii;   /* struct span: printable ASCII (VSCHAR) */
param_parse_fn param_seconds; /* int64_t: decimal digits, 0..2^31-1 */

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * W3C Trace Context: the traceparent field. Pure. */
#ifndef IDP_WEB_TRACE_H
#define IDP_WEB_TRACE_H

#include <stdbool.h>

#include "base/span.h"

#define TRACE_ID_CHARS 32

/* False when the field is malformed or its ids are all zero; then a trace of our own is begun.
 * `flags` gets two hex digits. Both with a NUL. */
bool trace_parse(struct span traceparent, char trace_id[TRACE_ID_CHARS + 1], char flags[3]);

#endif

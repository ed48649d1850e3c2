/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and log texts of the error enumeration. */
#include "base/err.h"

#include <stddef.h>

static const struct {
    const char *name, *text;
} entries[] = {
#define ERR_ROW(name, text) [name] = {#name, text},
    ERR_ENTRIES(ERR_ROW)
#undef ERR_ROW
};

const char *err_text(enum err e) {
    return (size_t)e < ERR_COUNT ? entries[e].text : "unknown error";
}

const char *err_name(enum err e) {
    return (size_t)e < ERR_COUNT ? entries[e].name : "ERR_UNKNOWN";
}

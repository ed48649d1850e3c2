/* SPDX-License-Identifier: Apache-2.0
 *
 * A setting that is a list of plain values. */
#ifndef IDP_CONFIG_LIST_H
#define IDP_CONFIG_LIST_H

#include <stddef.h>

#include "base/span.h"

#define CONFIG_LIST_MAX 64 /* a table's row may say less */

struct config_list {
    struct span item[CONFIG_LIST_MAX];
    size_t count;
};

#endif

/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for idp/resource_set.c: https://api.example.vn (dossier.read, dossier.write) and
 * https://tax.example.vn (tax.read), which takes level 2 and above. */
#ifndef IDP_TESTS_FAKE_RESOURCE_H
#define IDP_TESTS_FAKE_RESOURCE_H

#include "idp/resource.h"

extern const struct resource_set fake_resources;

#endif

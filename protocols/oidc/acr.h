/* SPDX-License-Identifier: Apache-2.0
 *
 * Levels and methods of authentication as tokens name them: acr (three levels, each with
 * a configured URI and two short aliases) and amr (RFC 8176). */
#ifndef IDP_PROTOCOLS_OIDC_ACR_H
#define IDP_PROTOCOLS_OIDC_ACR_H

#include "base/arena.h"
#include "base/json.h"
#include "base/span.h"

struct config;

#define ACR_LEVELS 3

/* The level 1..3 that a name stands for; 0 when it is none of ours. */
int acr_level(const struct config *cfg, struct span name);
/* The name of the reached level, in the vocabulary of the first of ours among `acr_values`
 * (space-separated, may be absent); never a higher level than `loa`. Absent for loa 0. In the
 * configuration or static. */
struct span acr_name(const struct config *cfg, struct span acr_values, int loa);
/* The highest of `acr_values` that `loa` reaches; absent when it reaches none. */
struct span acr_highest(const struct config *cfg, struct span acr_values, int loa);
/* The level of the least of `acr_values` that is one of ours; 0: none is. */
int acr_lowest(const struct config *cfg, struct span acr_values);
/* The level of the first of `acr_values` that is one of ours; 0: none is. */
int acr_first(const struct config *cfg, struct span acr_values);
/* Every accepted name, for metadata. */
void acr_list(const struct config *cfg, struct json_out *o, const char *member);

/* Adds member "amr" for AMR_* bits; nothing for none. */
void amr_add(struct json_out *o, unsigned amr);

#endif

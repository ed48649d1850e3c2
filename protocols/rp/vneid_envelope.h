/* SPDX-License-Identifier: Apache-2.0
 *
 * The encrypted answers of VNeID's partner interface (dialect vneid-partner): the body of a token or
 * userinfo answer is not the JSON object itself but
 *
 *   {"key": base64 of an AES key, wrapped for our envelope key by RSAES-PKCS1-v1_5,
 *    "data": base64 of AES-ECB with PKCS#7 padding over the JSON object}
 *
 * Pure: the private key is in idp-signer, which unwraps. Between the two halves of an answer:
 *
 *   vneid_envelope_parse(arena, body, &envelope)
 *   SIGNER_OP_UNWRAP, kid = the connector's envelope_kid, bytes = envelope.wrapped
 *   vneid_envelope_open(arena, &envelope, answer.bytes, &inner)
 *   rp_code_take(rp, login, arena, status, inner, ...), or rp_userinfo_take(SPAN_NONE, status, inner, ...)
 *
 * The request needs nothing special: rp_code_exchange's is form-encoded, as the partner has it.
 *
 * Nobody signed an envelope, and ECB shows and lets move whole blocks: whoever holds our public key can
 * make one. That an answer is the partner's, TLS to the token endpoint alone says. What is asked of this
 * module is to tell nothing: each failure is ERR_REFUSED, after the same work (no padding oracle), and its
 * caller's word to the browser is the one for any upstream failure. */
#ifndef IDP_VNEID_ENVELOPE_H
#define IDP_VNEID_ENVELOPE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define VNEID_ENVELOPE_MAX (64 * 1024) /* bytes of body */
#define VNEID_WRAPPED_MAX  1024        /* bytes: an RSA modulus of 8192 bits */

struct vneid_envelope {
    struct span wrapped; /* the AES key's bytes, for SIGNER_OP_UNWRAP */
    struct span data;    /* ciphertext, whole blocks, at least one */
};

/* Into the arena. Exactly the two members, standard base64 with padding. ERR_REFUSED; ERR_NOMEM. */
must_check enum err vneid_envelope_parse(struct arena *a, struct span body,
                                         struct vneid_envelope *ret_envelope);
/* `unwrapped`: the signer's answer (UNWRAPPED_BYTES), whatever it holds. `ret_json`, in the arena, is the
 * text of one JSON object without duplicate members. ERR_REFUSED: it does not open, for whatever reason.
 * ERR_NOMEM says nothing of what is inside: only lengths that everybody sees decide about it. */
must_check enum err vneid_envelope_open(struct arena *a, const struct vneid_envelope *envelope,
                                        struct span unwrapped, struct span *ret_json);

#endif

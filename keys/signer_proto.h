/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire form of keys/PROTOCOL.signer, for both sides. Pure: bytes to structs and back. */
#ifndef IDP_KEYS_SIGNER_PROTO_H
#define IDP_KEYS_SIGNER_PROTO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "keys/signer_client.h"

#define SIGNER_PROTO_VERSION 1
#define SIGNER_FIRST_FD 3

must_check enum err signer_requests_build(uint32_t sequence, const struct signer_request *requests,
                                          size_t n, struct buf *out);
/* Spans borrow from `message`. ERR_SYNTAX, ERR_TOO_LONG. */
must_check enum err signer_requests_parse(struct span message, uint32_t *ret_sequence,
                                          struct signer_request ret_requests[SIGNER_BATCH_MAX],
                                          size_t *ret_n);
must_check enum err signer_answers_build(uint32_t sequence, const struct signer_answer *answers,
                                         size_t n, struct buf *out);
must_check enum err signer_answers_parse(struct span message, uint32_t *ret_sequence,
                                         struct signer_answer ret_answers[SIGNER_BATCH_MAX],
                                         size_t *ret_n);

#endif

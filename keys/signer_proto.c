/* SPDX-License-Identifier: Apache-2.0
 *
 * See signer_proto.h and PROTOCOL.signer. */
#include "keys/signer_proto.h"

#include "base/cleanup.h"

#define KID_MAX 128
#define ALG_MAX 16
#define TYP_MAX 32

static const enum err status_err[] = {
    ERR_OK,        ERR_REFUSED, ERR_NOT_FOUND, ERR_SYNTAX, ERR_BAD_SIGNATURE, ERR_UNSUPPORTED,
    ERR_INTERNAL,  ERR_EXISTS,  ERR_TOO_LONG,
};
#define STATUS_FAILED_INSIDE 6

static uint8_t status_of(enum err e) {
    for (size_t i = 0; i < ARRAY_LEN(status_err); i++)
        if (status_err[i] == e)
            return (uint8_t)i;
    return STATUS_FAILED_INSIDE;
}

static const char *const use_names[KEY_USE_COUNT] = {
    [KEY_USE_SIG] = "sig",   [KEY_USE_PEPPER] = "pepper", [KEY_USE_DATA] = "data",
    [KEY_USE_INDEX] = "index", [KEY_USE_CODE] = "code",   [KEY_USE_PAIRWISE] = "pairwise",
    [KEY_USE_ENVELOPE] = "envelope",
};

const char *key_use_name(enum key_use use) {
    return use > KEY_USE_NONE && use < KEY_USE_COUNT ? use_names[use] : "none";
}

enum key_use key_use_find(struct span name) {
    for (unsigned i = KEY_USE_NONE + 1; i < KEY_USE_COUNT; i++)
        if (span_is(name, use_names[i]))
            return (enum key_use)i;
    return KEY_USE_NONE;
}

static void head_build(uint32_t sequence, size_t n, struct buf *out) {
    buf_add_u8(out, SIGNER_PROTO_VERSION);
    buf_add_u32(out, sequence);
    buf_add_u8(out, (uint8_t)n);
}

static enum err head_parse(struct reader *r, uint32_t *ret_sequence, size_t *ret_n) {
    uint8_t version = reader_u8(r);
    *ret_sequence = reader_u32(r);
    *ret_n = reader_u8(r);
    if (r->failed || version != SIGNER_PROTO_VERSION || *ret_n > SIGNER_BATCH_MAX)
        return ERR_SYNTAX;
    return ERR_OK;
}

enum err signer_requests_build(uint32_t sequence, const struct signer_request *q, size_t n,
                               struct buf *out) {
    if (n == 0 || n > SIGNER_BATCH_MAX)
        return ERR_RANGE;
    head_build(sequence, n, out);
    for (size_t i = 0; i < n; i++) {
        buf_add_u8(out, (uint8_t)q[i].op);
        buf_add_u8(out, (uint8_t)q[i].use);
        buf_add_block(out, q[i].kid);
        buf_add_block(out, q[i].alg);
        buf_add_block(out, q[i].typ);
        buf_add_block(out, q[i].bytes);
    }
    return buf_err(out);
}

static enum err request_parse(struct reader *r, struct signer_request *q) {
    uint8_t op = reader_u8(r), use = reader_u8(r);
    *q = (struct signer_request){.op = (enum signer_op)op, .use = (enum key_use)use};
    q->kid = reader_block(r);
    q->alg = reader_block(r);
    q->typ = reader_block(r);
    q->bytes = reader_block(r);
    if (r->failed || op < SIGNER_OP_STATUS || op > SIGNER_OP_UNWRAP || use >= KEY_USE_COUNT)
        return ERR_SYNTAX;
    return q->kid.len > KID_MAX || q->alg.len > ALG_MAX || q->typ.len > TYP_MAX ? ERR_TOO_LONG : ERR_OK;
}

enum err signer_requests_parse(struct span message, uint32_t *ret_sequence,
                               struct signer_request ret_requests[SIGNER_BATCH_MAX], size_t *ret_n) {
    struct reader r = READER_INIT(message);
    uint32_t sequence;
    size_t n;
    enum err e = head_parse(&r, &sequence, &n);
    if (!e && n == 0)
        e = ERR_SYNTAX;
    for (size_t i = 0; !e && i < n; i++)
        e = request_parse(&r, &ret_requests[i]);
    if (!e)
        e = reader_end(&r);
    if (e)
        return e;
    *ret_sequence = sequence;
    *ret_n = n;
    return ERR_OK;
}

enum err signer_answers_build(uint32_t sequence, const struct signer_answer *a, size_t n,
                              struct buf *out) {
    head_build(sequence, n, out);
    for (size_t i = 0; i < n; i++) {
        buf_add_u8(out, status_of(a[i].err));
        buf_add_block(out, a[i].kid);
        buf_add_block(out, a[i].text);
        buf_add_block(out, a[i].bytes);
    }
    return buf_err(out);
}

enum err signer_answers_parse(struct span message, uint32_t *ret_sequence,
                              struct signer_answer ret_answers[SIGNER_BATCH_MAX], size_t *ret_n) {
    struct reader r = READER_INIT(message);
    uint32_t sequence;
    size_t n;
    enum err e = head_parse(&r, &sequence, &n);
    for (size_t i = 0; !e && i < n; i++) {
        uint8_t status = reader_u8(&r);
        ret_answers[i].kid = reader_block(&r);
        ret_answers[i].text = reader_block(&r);
        ret_answers[i].bytes = reader_block(&r);
        ret_answers[i].err = status < ARRAY_LEN(status_err) ? status_err[status] : ERR_INTERNAL;
    }
    if (!e)
        e = reader_end(&r);
    if (e)
        return e;
    *ret_sequence = sequence;
    *ret_n = n;
    return ERR_OK;
}

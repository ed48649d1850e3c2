/* SPDX-License-Identifier: Apache-2.0
 *
 * The one error enumeration, and the verdict that is never an integer.
 * A function that can fail returns `enum err` and is marked `must_check`; ERR_OK is 0. Text for
 * the wire never comes from here: protocols keep their own tables (RFC 6749 5.2 and so on). */
#ifndef IDP_BASE_ERR_H
#define IDP_BASE_ERR_H

#define must_check __attribute__((warn_unused_result))

#define ERR_ENTRIES(X)                                                                           \
    X(ERR_OK, "ok")                                                                              \
    X(ERR_NOMEM, "out of memory")                                                                \
    X(ERR_SYNTAX, "malformed input")                                                             \
    X(ERR_TOO_LONG, "input longer than its limit")                                               \
    X(ERR_MISSING, "a required value is missing")                                                \
    X(ERR_REPEATED, "a value is given more than once")                                           \
    X(ERR_RANGE, "value out of range")                                                           \
    X(ERR_NOT_FOUND, "not found")                                                                \
    X(ERR_EXISTS, "already exists")                                                              \
    X(ERR_REFUSED, "refused by policy")                                                          \
    X(ERR_EXPIRED, "expired")                                                                    \
    X(ERR_REPLAYED, "already used")                                                              \
    X(ERR_BAD_SIGNATURE, "signature or authentication tag does not verify")                      \
    X(ERR_UNKNOWN_KEY, "signed with a key that is not known")                                    \
    X(ERR_UNSUPPORTED, "not supported")                                                          \
    X(ERR_BUSY, "queue full")                                                                    \
    X(ERR_UNAVAILABLE, "a needed process or service is not available")                           \
    X(ERR_TIMEOUT, "took too long")                                                              \
    X(ERR_IO, "input/output error")                                                              \
    X(ERR_CRYPTO, "cryptographic library error")                                                 \
    X(ERR_STORE, "store error")                                                                  \
    X(ERR_INTERNAL, "internal error")

enum err {
#define ERR_ENUM(name, text) name,
    ERR_ENTRIES(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

/* Static text for the log; never for the wire. Valid for every value, also unknown ones. */
const char *err_text(enum err e);
/* The enumerator's own name, e.g. "ERR_EXPIRED". */
const char *err_name(enum err e);

/* A security verdict. Zero-initialised means no, and no stray 1 means yes. */
enum verdict { DENY = 0, ALLOW = 0x5A };

#endif

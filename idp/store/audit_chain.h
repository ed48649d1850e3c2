/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain through the audit rows: each row's hash is SHA-256 over the hash before it (zeros for
 * the first) and the row in a form that has one reading only:
 *   u32 version 1, then seq, at, event, actor, target, client_id, address, request_id, detail,
 *   each as one byte of kind (0 absent, 1 number, 2 text) and u64 or u32 length || bytes,
 * all big-endian. So a row cannot be changed, taken out or put in without every later hash
 * changing. The writer thread fills it in; whoever verifies calls store_audit_hash. */
#ifndef IDP_STORE_AUDIT_CHAIN_H
#define IDP_STORE_AUDIT_CHAIN_H

#include "idp/store/driver.h"
#include "idp/store/store.h"

struct audit_chain {
    int64_t seq; /* of the newest row; 0: none yet */
    unsigned char hash[AUDIT_HASH_BYTES];
};

/* From the newest row of the database. */
must_check enum err audit_chain_load(const struct db_driver *driver, struct db_conn *conn,
                                     struct audit_chain *ret_chain);
/* Fills in sequence and hash of an insert of an audit row, and moves on. ERR_TOO_LONG for a row
 * over 64 KiB. */
must_check enum err audit_chain_add(struct audit_chain *c, struct op *op, struct arena *a);

#endif

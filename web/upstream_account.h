/* SPDX-License-Identifier: Apache-2.0
 *
 * What an upstream identity does to an account: makes it, or brings it up to date, with a history. */
#ifndef IDP_WEB_UPSTREAM_ACCOUNT_H
#define IDP_WEB_UPSTREAM_ACCOUNT_H

#include "idp/connector.h"
#include "idp/linking.h"
#include "idp/request.h"
#include "idp/store/store.h"
#include "idp/upstream_person.h"

/* A new account without a password, not yet written. ERR_NOMEM, ERR_CRYPTO. */
must_check enum err upstream_account_new(struct request *req, const struct upstream_person *p,
                                         const struct connector *c, struct user *ret_account);
/* Adds to req->write: the account and its identifiers. */
must_check enum err upstream_account_insert(struct request *req, const struct user *account,
                                            const struct upstream_person *p);
/* Adds to req->write what upstream says differently from the account, and the history row; nothing
 * when there is no difference. `account` gets the new state. */
must_check enum err upstream_account_refresh(struct request *req, struct user *account,
                                             const struct upstream_person *p,
                                             const struct connector *c,
                                             const struct linking_found *found);
/* sid_hash and sealed of the row. ERR_NOMEM, ERR_CRYPTO. */
must_check enum err upstream_session_fill(struct request *req, const struct upstream_person *p,
                                          struct upstream_session *s);

#endif

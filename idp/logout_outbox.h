/* SPDX-License-Identifier: Apache-2.0
 *
 * Tells clients that sessions have ended (OpenID Connect Back-Channel Logout 1.0, the sending side).
 * What is to be told stands in the store, written by the commit that ended the session; one thread
 * takes it from there after that commit, has a token signed for each attempt, and posts it through
 * the outbound thread. 200 and 204 are the end of it, and 400 is; anything else is tried again, less
 * and less often, for LOGOUT_TRIED_SECONDS. Each is told at least once: what was under way when the
 * process died is told again.
 *
 * A client that does not answer holds at most OUTBOX_OF_CLIENT of OUTBOX_SLOTS places. */
#ifndef IDP_LOGOUT_OUTBOX_H
#define IDP_LOGOUT_OUTBOX_H

#include "base/buf.h"
#include "base/err.h"
#include "idp/client.h"
#include "idp/idp.h"
#include "idp/store/store.h"
#include "keys/signer_client.h"

#define OUTBOX_SLOTS     32
#define OUTBOX_OF_CLIENT 4

/* The claims of a logout token (protocols/oidc/logout_token.h). */
typedef enum err logout_claims_fn(struct idp *idp, const struct client *client,
                                  const struct logout_delivery *d, int64_t now, struct buf *out);

struct logout_outbox;

/* With a channel of its own. ERR_NOMEM, ERR_INTERNAL, ERR_STORE. */
must_check enum err logout_outbox_start(struct idp *idp, struct signer_channel *channel,
                                        logout_claims_fn *claims, struct logout_outbox **ret_outbox);
/* Takes up nothing more, lets what is under way end (OUTBOUND_SECONDS at most), joins the thread.
 * Before outbound_free and store_close. Accepts NULL. */
void logout_outbox_stop(struct logout_outbox *o);

#endif

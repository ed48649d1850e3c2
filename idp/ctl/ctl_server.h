/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side of idpctl: a Unix socket and one thread. Peers: root, the daemon's own user, and
 * the users that `admin.uids` lists; anyone else is refused by credential, whatever the file mode. */
#ifndef IDP_CTL_SERVER_H
#define IDP_CTL_SERVER_H

#include "base/err.h"
#include "idp/idp.h"
#include "keys/signer_client.h"

struct ctl_server;

/* `channel` is the thread's own. A socket left by a dead daemon is replaced; a live one is ERR_EXISTS. */
must_check enum err ctl_server_start(struct idp *idp, struct signer_channel *channel, struct ctl_server **ret_server);
void ctl_server_stop(struct ctl_server *s); /* accepts NULL */

#endif

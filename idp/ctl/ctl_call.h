/* SPDX-License-Identifier: Apache-2.0
 *
 * One command under way in the daemon: what it was given, and how it answers. */
#ifndef IDP_CTL_CALL_H
#define IDP_CTL_CALL_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "idp/idp.h"
#include "idp/store/store.h"
#include "keys/signer_client.h"

#define CTL_TEXT_MAX (4 * 1024 * 1024)

struct ctl_call {
    struct idp *idp;
    struct signer_channel *channel;
    struct arena *arena;
    const json_t *args;
    struct span actor; /* "staff:UID" */
    int64_t now;
    /* the answer */
    json_t *out;       /* owned by the call */
    struct buf text;
    const char *error; /* set: refused */
    const char *error_description;
};

/* An argument's text; absent when it was not given. */
struct span ctl_arg(const struct ctl_call *c, const char *name);
/* A number within [least, most], `otherwise` when absent; false when it is neither: refused. */
bool ctl_arg_int(struct ctl_call *c, const char *name, int64_t least, int64_t most, int64_t otherwise,
                 int64_t *ret_number);
/* Refuses with an RFC 6749-like error word and a sentence. */
__attribute__((format(printf, 3, 4))) void ctl_refuse(struct ctl_call *c, const char *error, const char *fmt, ...);
/* Refuses with what a store error means. */
void ctl_refuse_err(struct ctl_call *c, enum err e, const char *what);
/* The account of args.username, or refused. */
bool ctl_find_user(struct ctl_call *c, struct user *ret_user);
/* The same for an account that another argument names. */
bool ctl_find_user_of(struct ctl_call *c, const char *arg, struct user *ret_user);
/* In the call's arena. */
struct span ctl_id_hex(struct ctl_call *c, const struct user_id *id);
void ctl_audit(struct ctl_call *c, struct batch *b, const char *event, struct span target);
/* `detail`: a small JSON object. */
void ctl_audit_detail(struct ctl_call *c, struct batch *b, const char *event, struct span target,
                      struct span detail);

typedef void ctl_handler(struct ctl_call *c);
ctl_handler ctl_client_add, ctl_client_list, ctl_client_show, ctl_client_disable, ctl_client_enable,
    ctl_client_rotate_secret, ctl_client_drop_secret;
ctl_handler ctl_import, ctl_export;
ctl_handler ctl_resource_add, ctl_resource_update, ctl_resource_list, ctl_resource_show,
    ctl_resource_disable, ctl_resource_enable;
ctl_handler ctl_registration_token_add, ctl_registration_token_list, ctl_registration_token_revoke;
ctl_handler ctl_user_add, ctl_user_list, ctl_user_show, ctl_user_lock, ctl_user_unlock, ctl_user_disable,
    ctl_user_erase, ctl_user_set_password, ctl_user_history;
ctl_handler ctl_link_list, ctl_link_unlink, ctl_link_merge;
ctl_handler ctl_representation_add, ctl_representation_list, ctl_representation_end;
ctl_handler ctl_keys_list, ctl_keys_generate, ctl_keys_public, ctl_keys_rotate;
ctl_handler ctl_session_list, ctl_session_end, ctl_session_logout_status;
ctl_handler ctl_audit_tail, ctl_backup, ctl_status;

#endif

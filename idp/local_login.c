/* SPDX-License-Identifier: Apache-2.0
 *
 * The switches of `local_login`; see local_login.h. */
#include "idp/local_login.h"

struct rule {
    struct span word;
    int64_t from;
};

static struct rule rule_of(const struct config *c, enum user_type type) {
    switch (type) {
    case USER_CITIZEN:
        return (struct rule){c->local_login_citizen, c->local_login_citizen_from};
    case USER_ENTERPRISE:
        return (struct rule){c->local_login_enterprise, c->local_login_enterprise_from};
    case USER_OFFICIAL:
        return (struct rule){c->local_login_official, c->local_login_official_from};
    }
    return (struct rule){SPAN("deny"), 0};
}

enum local_login config_local_login(const struct config *c, enum user_type type, int64_t now) {
    struct rule rule = rule_of(c, type);
    if (span_is(rule.word, "allow") || now < rule.from)
        return LOCAL_LOGIN_ALLOW;
    return span_is(rule.word, "step-up-only") ? LOCAL_LOGIN_STEP_UP_ONLY : LOCAL_LOGIN_DENY;
}

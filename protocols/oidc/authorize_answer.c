/* SPDX-License-Identifier: Apache-2.0
 *
 * How the authorization endpoint's answer reaches the client: in the query of a redirect (RFC 6749
 * 4.1.2), or as fields of a form that the browser posts to the redirect URI (OAuth 2.0 Form Post
 * Response Mode). A code and an error travel in the same way; see authorize.h. */
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/config.h"
#include "idp/idp.h"
#include "protocols/oidc/authorize.h"
#include "protocols/oidc/redirect.h"

static json_t *text_new(struct span s) {
    return json_stringn(s.ptr, s.len);
}

/* Form Post 2: "the parameters are encoded as HTML form values that are auto-submitted in the User
 * Agent"; without scripts the person presses the form's button. */
static enum step answer_by_form(struct request *req, const struct authorize *a,
                                const struct redirect_param *params, size_t n) {
    AUTO_JSON json_t *fields = json_array();
    for (size_t i = 0; i < n; i++) {
        struct span value = params[i].is_raw ? a->request.state : params[i].value;
        if (value.ptr)
            json_array_append_new(fields,
                                  json_pack("{ss so}", "name", params[i].name, "value",
                                            text_new(value)));
    }
    json_t *model = json_pack("{so so sO}", "action", text_new(a->request.redirect_uri),
                              "client_name", text_new(client_display_name(req, a->lookup.client)),
                              "fields", fields);
    if (!model)
        return authorize_error_page(req, 503, "unavailable");
    req->response.form_action = redirect_form_action(a->request.redirect_uri);
    respond_page(req, 200, "form_post", model);
    return STEP_RESPOND;
}

static enum step answer_with(struct request *req, const struct authorize *a,
                             const struct redirect_param *params, size_t n) {
    struct span location;
    if (a->request.is_form_post)
        return answer_by_form(req, a, params, n);
    if (redirect_build(req->arena, a->request.redirect_uri, params, n, &location))
        return authorize_error_page(req, 500, "internal");
    respond_redirect(req, location);
    return STEP_RESPOND;
}

//= https://www.rfc-editor.org/rfc/rfc9207#section-2
//# In authorization responses to the client, including error responses, an authorization server
//# supporting this specification MUST indicate its identity by including the iss parameter in
//# the response.
enum step authorize_fail(struct request *req, const struct authorize *a, struct oidc_failure f) {
    const struct redirect_param params[] = {
        {"error", span_of(oidc_error_code(f.error)), false},
        {"error_description", span_of(f.description), false},
        {"state", a->request.state_raw, true},
        {"iss", request_config(req)->issuer, false},
    };
    return answer_with(req, a, params, ARRAY_LEN(params));
}

enum step authorize_give_code(struct request *req, const struct authorize *a) {
    const struct redirect_param params[] = {
        {"code", a->code, false},
        {"state", a->request.state_raw, true},
        {"iss", request_config(req)->issuer, false},
    };
    return answer_with(req, a, params, ARRAY_LEN(params));
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire's errors; see oidc_error.h. */
#include "protocols/oidc/oidc_error.h"

#include "base/cleanup.h"
#include "base/json.h"

#define ERROR_BODY_MAX    1024
#define RETRY_SECONDS     SPAN("2")  /* signer or store are back within this, as a rule */
#define RETRY_SECONDS_429 SPAN("60") /* wrong secrets are forgotten after this */

static const struct {
    const char *code;
    unsigned status;
} errors[] = {
#define OIDC_ERROR_ROW(name, code, status) [name] = {code, status},
    OIDC_ERROR_ENTRIES(OIDC_ERROR_ROW)
#undef OIDC_ERROR_ROW
};

const char *oidc_error_code(enum oidc_error e) {
    return errors[e].code;
}

void oidc_error_respond(struct request *req, struct oidc_failure failure) {
    CLEANUP(buf_done) struct buf b = BUF_INIT(ERROR_BODY_MAX);
    struct json_out o = JSON_OUT(&b);
    json_open_object(&o, NULL);
    json_add_str(&o, "error", span_of(errors[failure.error].code));
    json_add_opt(&o, "error_description", span_of(failure.description));
    json_close_object(&o);
    unsigned status = errors[failure.error].status;
    if (status == 503 || status == 429)
        respond_header(req, "Retry-After", status == 503 ? RETRY_SECONDS : RETRY_SECONDS_429);
    respond_buf(req, status, "application/json", &b);
}

enum step oidc_unavailable(struct request *req) {
    oidc_error_respond(req, OIDC_FAILURE(OIDC_TEMPORARILY_UNAVAILABLE, NULL));
    return STEP_RESPOND;
}

enum oidc_error oidc_error_of(enum err e, enum oidc_error mistake) {
    return e == ERR_NOMEM || e == ERR_BUSY ? OIDC_TEMPORARILY_UNAVAILABLE : mistake;
}

struct oidc_failure oidc_failure_of(enum err e, enum oidc_error mistake, const char *description) {
    enum oidc_error error = oidc_error_of(e, mistake);
    return OIDC_FAILURE(error, error == mistake ? description : NULL);
}

struct oidc_failure oidc_param_failure(enum err e, const char *name, struct arena *a) {
    static const struct {
        enum err err;
        const char *text;
    } texts[] = {
        {ERR_MISSING, "is missing"},
        {ERR_REPEATED, "is given more than once"},
        {ERR_TOO_LONG, "is too long"},
    };
    const char *what = "is malformed";
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].err == e)
            what = texts[i].text;
    const char *text = arena_printf(a, "%s %s", name && *name ? name : "a parameter", what);
    return oidc_failure_of(e, OIDC_INVALID_REQUEST, text);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Every setting of a connector: path, type, limits, default, meaning; and the defaults that follow
 * from the dialect. The second half of docs/CONFIG.md is generated from these tables. */
#include "base/cleanup.h"
#include "idp/connector_internal.h"
#include "idp/outbound.h"

#define FIELD(name) offsetof(struct connector_draft, name)
#define MINUTE      60
#define URL_MAX     500

const char *const connector_dialects[DIALECTS] = {
    [DIALECT_NONE] = "none",
    [DIALECT_OIDC] = "oidc",
    [DIALECT_DVCQG] = "dvcqg",
    [DIALECT_VNEID] = "vneid",
    [DIALECT_VNEID_PARTNER] = "vneid-partner",
};

static const struct setting settings[] = {
    {"id", SETTING_TEXT, FIELD(c.id), true, 1, CONNECTOR_ID_MAX, NULL, NULL,
     "Its name in addresses, tables and the audit: letters a-z, digits, `-`. Never change it."},
    {"name", SETTING_TEXT, FIELD(c.name), true, 1, 120, NULL, NULL,
     "Name on the sign-in page's button, in Vietnamese."},
    {"name_en", SETTING_TEXT, FIELD(c.name_en), false, 1, 120, NULL, NULL,
     "The same in English; without it, `name`."},
    {"dialect", SETTING_CHOICE, FIELD(dialect), true, 0, 0, NULL, "oidc dvcqg vneid vneid-partner",
     "What that provider speaks: plain OpenID Connect; the National Public Service Portal's; the "
     "Ministry of Public Security's Keycloak; VNeID's partner interface with its encrypted answers."},
    {"enabled", SETTING_BOOL, FIELD(c.is_enabled), false, 0, 0, "true", NULL,
     "`false`: nobody can sign in through it, and answers still on their way are refused."},
    {"issuer", SETTING_TEXT, FIELD(c.issuer), true, 8, URL_MAX, NULL, NULL,
     "That provider's name, exactly as it writes it itself. Accounts are linked to it and the person's "
     "identifier there: never change it."},

    {"endpoints.authorization", SETTING_TEXT, FIELD(c.authorization_endpoint), false, 8, URL_MAX, NULL,
     NULL,
     "Where the browser is sent. What is not given is discovered from the issuer; `dvcqg` and "
     "`vneid-partner` have nothing to discover, so give authorization, token and userinfo."},
    {"endpoints.token", SETTING_TEXT, FIELD(c.token_endpoint), false, 8, URL_MAX, NULL, NULL,
     "Where the code is exchanged."},
    {"endpoints.userinfo", SETTING_TEXT, FIELD(c.userinfo_endpoint), false, 8, URL_MAX, NULL, NULL,
     "Where the person's data are fetched, server to server."},
    {"endpoints.jwks", SETTING_TEXT, FIELD(c.jwks_uri), false, 8, URL_MAX, NULL, NULL,
     "Its public keys."},
    {"endpoints.end_session", SETTING_TEXT, FIELD(c.end_session_endpoint), false, 8, URL_MAX, NULL,
     NULL, "Where the browser goes to sign out there."},

    {"client.id", SETTING_TEXT, FIELD(c.client_id), true, 1, 256, NULL, NULL,
     "Who we are there."},
    {"client.secret_file", SETTING_PATH, FIELD(secret_file), true, 1, 4000, NULL, NULL,
     "File with our secret there, one line: a regular file that only its owner may read (mode 0600). "
     "Read with the configuration."},
    {"client.auth", SETTING_CHOICE, FIELD(auth), false, 0, 0, NULL,
     "client_secret_basic client_secret_post", "How the secret is presented."},
    {"client.id_token_alg", SETTING_CHOICE, FIELD(c.id_token_alg), false, 0, 0, NULL, "RS256 ES256",
     "Signature of its ID tokens; no other is accepted."},
    {"client.redirect_path", SETTING_TEXT, FIELD(c.redirect_path), false, 1, 100, NULL, NULL,
     "Where the browser comes back, below our issuer: `/upstream/callback/ID` with the connector's id, "
     "or `/commonauth`, which one connector may have. Without it, the former."},
    {"client.envelope_kid", SETTING_TEXT, FIELD(c.envelope_kid), false, 1, 128, NULL, NULL,
     "`vneid-partner`: the name of the key in idp-signer that opens its answers."},

    {"request.scope", SETTING_TEXT, FIELD(c.scope), false, 1, 500, NULL, NULL,
     "Scopes that are asked for, with spaces between them."},
    {"request.acr_values", SETTING_TEXT, FIELD(c.acr_values), false, 1, 200, NULL, NULL,
     "`acr_values` that are sent when the service's own are not passed on, or there are none."},
    {"request.pass", SETTING_WORDS, FIELD(passes), false, 0, 5, NULL,
     "acr_values login_hint ui_locales prompt max_age",
     "What of a service's request is passed on: the level asked for (in that provider's words), the "
     "name that a service suggests, the language, `prompt=login`, the age of the sign-in."},
    {"request.silent_first", SETTING_BOOL, FIELD(c.is_silent_first), false, 0, 0, NULL, NULL,
     "At deep links, ask first without any page (`prompt=none`), then with one."},

    {"person.subject", SETTING_TEXT, FIELD(c.subject), false, 1, 64, NULL, NULL,
     "The claim that names the person there and never changes. It is the key of the link."},
    {"person.from_userinfo", SETTING_BOOL, FIELD(c.identity_from_userinfo), false, 0, 0, NULL, NULL,
     "Who the person is comes from userinfo, fetched server to server, not from the ID token."},
    {"person.claims", SETTING_PAIRS, FIELD(claims), false, 0, CONNECTOR_PAIRS_MAX, NULL, NULL,
     "What is taken over: `OURS=THEIRS`. OURS is a claim or identifier of an account, or "
     "`LoaiTaiKhoan` (1 person, 2 enterprise). What is not listed is dropped."},
    {"person.unknown", SETTING_CHOICE, FIELD(unknown), false, 0, 0, "create", "create refuse",
     "What happens when nobody here has that identity."},

    {"levels.claim", SETTING_TEXT, FIELD(c.level_claim), false, 1, 64, NULL, NULL,
     "The claim that says how well the person was checked there."},
    {"levels.map", SETTING_PAIRS, FIELD(levels), false, 0, CONNECTOR_LEVELS_MAX, NULL, NULL,
     "What its values are worth here: `VALUE=1`, `=2` or `=3`. Any other value, or none, is level 1."},
    {"levels.most", SETTING_INT, FIELD(most_level), false, 1, 3, NULL, NULL,
     "No answer is worth more than this level."},
    {"levels.proves_identity", SETTING_BOOL, FIELD(c.proves_identity), false, 0, 0, NULL, NULL,
     "An answer of level 2 or 3 proves the account's identity (its `ial` becomes 2)."},

    {"session.within_upstream", SETTING_BOOL, FIELD(c.session_within_upstream), false, 0, 0, "false",
     NULL, "Our session ends no later than that provider says (`session_expiry`, else the ID token)."},
    {"session.backchannel_logout", SETTING_BOOL, FIELD(c.takes_backchannel_logout), false, 0, 0, NULL,
     NULL, "That provider may end our sessions (OpenID Connect Back-Channel Logout)."},
    {"session.logout_upstream", SETTING_BOOL, FIELD(c.logs_out_upstream), false, 0, 0, NULL, NULL,
     "Signing out here goes on to that provider."},

    {"network.connections", SETTING_INT, FIELD(c.connections), false, 1, OUTBOUND_GROUP_MOST, "8", NULL,
     "Most requests to it under way at once; the rest wait, within 5 seconds."},
    {"network.failures", SETTING_INT, FIELD(c.failures_to_open), false, 1, 100, "5", NULL,
     "After so many failures in a row it counts as down: people are told at once."},
    {"network.retry", SETTING_DURATION, FIELD(c.retry_seconds), false, 1, 10 * MINUTE, "30s", NULL,
     "How long until one request tries whether it is back."},
    {"network.check_after", SETTING_DURATION, FIELD(c.quiet_seconds), false, 1, 60 * MINUTE, "30s", NULL,
     "When nothing was heard of it for this time, its token endpoint (or its metadata) is asked before the "
     "next person is sent there."},
};
const struct config_schema connector_schema = {settings, ARRAY_LEN(settings)};

#define OIDC_CLAIMS                                                                                \
    "name=name family_name=family_name given_name=given_name birthdate=birthdate gender=gender "   \
    "email=email email_verified=email_verified phone_number=phone_number "                         \
    "phone_number_verified=phone_number_verified address=address"
/* The portal's own names, but for the sensitive ones (DanToc, TonGiao ...), which no portal needs. */
#define DVCQG_CLAIMS                                                                               \
    "LoaiTaiKhoan=LoaiTaiKhoan TechID=TechID HoVaTen=HoVaTen SoDinhDanh=SoDinhDanh SoCMND=SoCMND "  \
    "HoChieu=HoChieu NgayThangNamSinh=NgayThangNamSinh GioiTinh=GioiTinh QuocTich=QuocTich "       \
    "SoDienThoai=SoDienThoai ThuDienTu=ThuDienTu DiaChi=DiaChi ThuongTru=ThuongTru "               \
    "NoiOHienNay=NoiOHienNay MaSoThue=MaSoThue MaSoDoanhNghiep=MaSoDoanhNghiep "                   \
    "TenDoanhNghiep=TenDoanhNghiep NguoiDaiDien=NguoiDaiDien"
#define VNEID_CLAIMS "HoVaTen=name NgayThangNamSinh=birthdate"
#define PARTNER_CLAIMS                                                                             \
    "LoaiTaiKhoan=accountType SoDinhDanh=citizenPid HoVaTen=fullName NgayThangNamSinh=birthDate"
#define OIDC_LEVELS  "urn:vn:dvc:loa:1=1 urn:vn:dvc:loa:2=2 urn:vn:dvc:loa:3=3"
#define DVCQG_LEVELS "LoA1=1 LoA2=2 LoA3=3"
#define VNEID_LEVELS "1=1 2=2"

/* clang-format off */
const struct connector_default connector_defaults[] = {
    /* setting                      oidc                         dvcqg                 vneid                  vneid-partner */
    {"client.auth",                {NULL, "client_secret_basic", "client_secret_post", "client_secret_basic", "client_secret_post"}},
    {"client.id_token_alg",        {NULL, "RS256",               "RS256",              "RS256",               "RS256"}},
    {"request.scope",              {NULL, "openid profile",      "openid",             "openid",              "openid"}},
    {"request.acr_values",         {NULL, NULL,                  "LoA1",               "1",                   NULL}},
    {"request.pass",               {NULL, "acr_values ui_locales prompt max_age", "acr_values prompt", "acr_values prompt max_age", NULL}},
    {"request.silent_first",       {NULL, "true",                "true",               "true",                "false"}},
    {"person.subject",             {NULL, "sub",                 "TechID",             "sub",                 "citizenPid"}},
    {"person.from_userinfo",       {NULL, "false",               "true",               "false",               "true"}},
    {"person.claims",              {NULL, OIDC_CLAIMS,           DVCQG_CLAIMS,         VNEID_CLAIMS,          PARTNER_CLAIMS}},
    {"levels.claim",               {NULL, "acr",                 "loAs",               "acr",                 "accountLevel"}},
    {"levels.map",                 {NULL, OIDC_LEVELS,           DVCQG_LEVELS,         VNEID_LEVELS,          VNEID_LEVELS}},
    {"levels.most",                {NULL, "1",                   "2",                  "2",                   "2"}},
    {"levels.proves_identity",     {NULL, "false",               "true",               "true",                "true"}},
    {"session.backchannel_logout", {NULL, "false",               "false",              "true",                "false"}},
    {"session.logout_upstream",    {NULL, "false",               "true",               "true",                "false"}},
};
/* clang-format on */
const size_t connector_defaults_count = ARRAY_LEN(connector_defaults);

static void document_defaults(struct buf *out) {
    buf_add_str(out, "\nDefaults that follow from the dialect:\n\n| setting |");
    for (size_t d = DIALECT_OIDC; d < DIALECTS; d++)
        buf_addf(out, " %s |", connector_dialects[d]);
    buf_add_str(out, "\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < connector_defaults_count; i++) {
        buf_addf(out, "| `%s` |", connector_defaults[i].path);
        for (size_t d = DIALECT_OIDC; d < DIALECTS; d++)
            if (connector_defaults[i].value[d])
                buf_addf(out, " `%s` |", connector_defaults[i].value[d]);
            else
                buf_add_str(out, " |");
        buf_add_str(out, "\n");
    }
}

void connector_document(struct buf *out) {
    buf_add_str(out,
                "\n# Settings of a connector\n\n"
                "One file for each other provider that people may sign in through, listed in "
                "`federation.connectors`;\nexamples are in [FEDERATION.md](FEDERATION.md). Pairs and "
                "words are lists: `[HoVaTen=fullName, SoDinhDanh=citizenPid]`.\n\n");
    config_schema_document(&connector_schema, out);
    document_defaults(out);
}

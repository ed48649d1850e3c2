/* SPDX-License-Identifier: Apache-2.0
 *
 * Every setting: path, type, limits, default, meaning. docs/CONFIG.md is generated from this table.
 * Default times: the values that the operators' rules and OpenID profiles ask for. */
#include "idp/config_schema.h"

#include "base/cleanup.h"

#define FIELD(name) offsetof(struct config, name)
#define MINUTE      60
#define HOUR        (60 * MINUTE)
#define DAY         (24 * HOUR)
#define MIB         1024 /* KiB */
#define ITEMS_MAX   32

static const struct setting settings[] = {
    {"issuer", SETTING_URL, FIELD(issuer), true, 8, 200, NULL, NULL,
     "The provider's name: `https://` and a host, no path, no trailing slash. `http://` only for "
     "localhost, 127.0.0.1 and [::1]. Never change it once services are registered."},

    {"brand.name", SETTING_TEXT, FIELD(brand_name), true, 1, 120, NULL, NULL,
     "Name shown on pages, in Vietnamese."},
    {"brand.name_en", SETTING_TEXT, FIELD(brand_name_en), false, 1, 120, NULL, NULL,
     "The same in English; without it, `brand.name`."},
    {"brand.contact", SETTING_TEXT, FIELD(contact), true, 1, 200, NULL, NULL,
     "Whom a person may ask for help: telephone, mail or counter, in Vietnamese."},
    {"brand.contact_en", SETTING_TEXT, FIELD(contact_en), false, 1, 200, NULL, NULL,
     "The same in English; without it, `brand.contact`."},

    {"listen.address", SETTING_ADDRESS, FIELD(listen_address), false, 0, 0, "127.0.0.1:8080", NULL,
     "Address and port of the public listener."},
    {"listen.tls_certificate", SETTING_PATH, FIELD(tls_certificate), false, 1, 4000, NULL, NULL,
     "PEM file with the certificate chain, for TLS served here. Read again at SIGHUP."},
    {"listen.tls_key", SETTING_PATH, FIELD(tls_key), false, 1, 4000, NULL, NULL,
     "PEM file with its private key."},
    {"listen.trusted_proxies", SETTING_CIDRS, FIELD(trusted_proxies), false, 0, ITEMS_MAX,
     NULL, NULL,
     "Networks of proxies whose Forwarded and X-Forwarded-For headers, or PROXY v2, are "
     "believed. Nobody else's are."},
    {"listen.proxy_protocol", SETTING_BOOL, FIELD(proxy_protocol), false, 0, 0, "false", NULL,
     "PROXY v2 is expected on every connection."},
    {"listen.connections", SETTING_INT, FIELD(connection_limit), false, 16, 1000000, "10000", NULL,
     "Most connections open at once."},
    {"listen.idle_timeout", SETTING_DURATION, FIELD(connection_timeout), false, 1, 10 * MINUTE,
     "10s", NULL, "A connection on which nothing happens is closed after this time."},

    {"admin.address", SETTING_ADDRESS, FIELD(admin_address), false, 0, 0, "127.0.0.1:8081", NULL,
     "Address and port of the listener for /metrics."},
    {"admin.socket", SETTING_PATH, FIELD(admin_socket), false, 1, 107, "/run/idp/admin.sock", NULL,
     "Unix socket of idpctl."},
    {"admin.uids", SETTING_UIDS, FIELD(admin_uids), false, 0, ITEMS_MAX, NULL, NULL,
     "Numeric ids of the users who may use idpctl, besides root and the daemon's own."},

    {"signer.binary", SETTING_PATH, FIELD(signer_binary), false, 1, 4000, NULL, NULL,
     "Path of idp-signer; without it, the one beside idpd."},
    {"signer.policy", SETTING_PATH, FIELD(signer_policy), true, 1, 4000, NULL, NULL,
     "The signer's own policy file."},

    {"store.path", SETTING_PATH, FIELD(store_path), true, 1, 4000, NULL, NULL,
     "The SQLite database."},

    {"threads.io", SETTING_INT, FIELD(io_threads), false, 0, 256, "0", NULL,
     "Threads that serve HTTP; 0: one for every two cores, at least two."},
    {"threads.work", SETTING_INT, FIELD(work_threads), false, 0, 256, "0", NULL,
     "Threads that hash passwords; 0: one for each core."},
    {"threads.work_queue", SETTING_INT, FIELD(work_queue), false, 4, 4096, "64", NULL,
     "Hashes that may wait; beyond them people are asked to try again in a moment."},

    {"times.code", SETTING_DURATION, FIELD(code_seconds), false, 5, MINUTE, "30s", NULL,
     "Life of an authorization code."},
    {"times.id_token", SETTING_DURATION, FIELD(id_token_seconds), false, 30, HOUR, "5m", NULL,
     "Life of an ID token."},
    {"times.access_token", SETTING_DURATION, FIELD(access_token_seconds), false, MINUTE, HOUR, "5m",
     NULL, "Life of an access token, unless the client's registration says otherwise."},
    {"times.session_idle", SETTING_DURATION, FIELD(session_idle_seconds), false, MINUTE, 12 * HOUR,
     "30m", NULL, "A session in which the browser asks for nothing ends after this time."},
    {"times.session", SETTING_DURATION, FIELD(session_absolute_seconds), false, 5 * MINUTE,
     30 * DAY, "12h", NULL, "A session ends after this time in any case."},
    {"times.flow", SETTING_DURATION, FIELD(flow_seconds), false, MINUTE, 2 * HOUR, "30m", NULL,
     "How long a person may take to sign in."},
    {"times.refresh_idle", SETTING_DURATION, FIELD(refresh_idle_seconds), false, 5 * MINUTE,
     365 * DAY, "30d", NULL, "An unused refresh token with `offline_access` ends after this time."},
    {"times.refresh", SETTING_DURATION, FIELD(refresh_absolute_seconds), false, 5 * MINUTE,
     730 * DAY, "90d", NULL, "A grant with `offline_access` ends after this time in any case."},
    {"times.refresh_grace", SETTING_DURATION, FIELD(refresh_grace_seconds), false, 0, MINUTE, "10s",
     NULL,
     "A client that lost the answer may present the old refresh token again for this long, "
     "while the new one is unused."},
    {"times.jwks_max_age", SETTING_DURATION, FIELD(jwks_max_age), false, 1, DAY, "1h", NULL,
     "How long services may cache the public keys. Never above the time between publication and "
     "first use of a key."},

    {"password.memory", SETTING_MEMORY, FIELD(argon2_memory_kib), false, 8 * MIB, 256 * MIB,
     "19MiB", NULL, "Memory that one Argon2id hash fills."},
    {"password.passes", SETTING_INT, FIELD(argon2_passes), false, 1, 16, "2", NULL,
     "Passes of Argon2id over that memory."},
    {"password.min_length", SETTING_INT, FIELD(password_min_length), false, 8, 64, "15", NULL,
     "Least characters of a password that a person chooses. 15 is for a password that is the only "
     "factor, 8 for one with a second (NIST SP 800-63B-4, 3.1.1.2)."},

    {"throttle.account_free", SETTING_INT, FIELD(throttle_account_free), false, 1, 20, "5", NULL,
     "Wrong passwords for one account from one network before it has to wait."},
    {"throttle.account_hard", SETTING_INT, FIELD(throttle_account_hard), false, 10, 100, "100",
     NULL,
     "Consecutive wrong passwords of one account after which only a known device, or staff, opens "
     "it again."},
    {"throttle.network_free", SETTING_INT, FIELD(throttle_network_free), false, 5, 100000, "100",
     NULL, "Wrong passwords from one network, for any accounts, before it has to wait."},
    {"throttle.first_wait", SETTING_DURATION, FIELD(throttle_base_seconds), false, 1, 5 * MINUTE,
     "2s", NULL, "The first wait; it doubles with each further wrong password."},
    {"throttle.longest_wait", SETTING_DURATION, FIELD(throttle_max_seconds), false, 1, DAY, "15m",
     NULL, "The longest wait."},
    {"throttle.memory", SETTING_DURATION, FIELD(throttle_memory_seconds), false, 5 * MINUTE,
     30 * DAY, "1d", NULL, "Wrong passwords are forgotten this long after the last one."},

    {"levels.loa1", SETTING_TEXT, FIELD(acr_1), false, 1, 100, "urn:vn:dvc:loa:1", NULL,
     "`acr` of a session with a password."},
    {"levels.loa2", SETTING_TEXT, FIELD(acr_2), false, 1, 100, "urn:vn:dvc:loa:2", NULL,
     "`acr` of a session of a verified person with two factors."},
    {"levels.loa3", SETTING_TEXT, FIELD(acr_3), false, 1, 100, "urn:vn:dvc:loa:3", NULL,
     "`acr` of a session of a verified person with a device-bound, user-verified key."},

    {"registration.policy", SETTING_CHOICE, FIELD(registration_policy), false, 0, 0, "closed",
     "closed token open",
     "Who may register clients over HTTP (RFC 7591): nobody, whoever holds an initial access token "
     "(`idpctl registration-token add`), or everybody."},

    {"outbound.jwks", SETTING_PLACES, FIELD(outbound_jwks), false, 0, ITEMS_MAX, NULL, NULL,
     "Where key sets of services (`jwks_uri`) may be fetched from: networks (10.0.0.0/8), host names, "
     "or `public` for any public address. Nowhere, unless listed."},
    {"outbound.sector", SETTING_PLACES, FIELD(outbound_sector), false, 0, ITEMS_MAX, NULL,
     NULL, "The same for `sector_identifier_uri`."},
    {"outbound.request_uri", SETTING_PLACES, FIELD(outbound_request_uri), false, 0, ITEMS_MAX,
     NULL, NULL, "The same for request objects by reference (`request_uris`)."},
    {"outbound.logo", SETTING_PLACES, FIELD(outbound_logo), false, 0, ITEMS_MAX, NULL, NULL,
     "The same for pictures that the consent page shows of services (`logo_uri`)."},
    {"outbound.upstream", SETTING_PLACES, FIELD(outbound_upstream), false, 0, ITEMS_MAX, NULL,
     NULL, "The same for the endpoints of other providers that people sign in through (connectors)."},
    {"outbound.logout", SETTING_PLACES, FIELD(outbound_logout), false, 0, ITEMS_MAX, NULL, NULL,
     "The same for services that are told that a session has ended (`backchannel_logout_uri`)."},
    {"outbound.ca_file", SETTING_PATH, FIELD(outbound_ca_file), false, 1, 4000, NULL, NULL,
     "PEM file with the authorities that those servers' certificates must come from; without it, the "
     "system's."},

    {"federation.connectors", SETTING_PATHS, FIELD(connector_files), false, 1, CONNECTORS_MAX, NULL,
     NULL,
     "Files of the other providers that people may sign in through, one each (see below, and "
     "[FEDERATION.md](FEDERATION.md)), in the order in which the sign-in page offers them."},

    {"local_login.citizen", SETTING_CHOICE, FIELD(local_login_citizen), false, 0, 0, "allow",
     "allow step-up-only deny",
     "Whether citizens may sign in with what this provider itself checks (password): always, only to "
     "raise the level of a session that began at a connector, or never."},
    {"local_login.citizen_from", SETTING_DATE, FIELD(local_login_citizen_from), false, 0, 0, NULL, NULL,
     "The day from which that holds, in Viet Nam's time; before it, `allow`. Without it: now."},
    {"local_login.enterprise", SETTING_CHOICE, FIELD(local_login_enterprise), false, 0, 0, "allow",
     "allow step-up-only deny", "The same for accounts of enterprises."},
    {"local_login.enterprise_from", SETTING_DATE, FIELD(local_login_enterprise_from), false, 0, 0, NULL,
     NULL, "The day from which that holds."},
    {"local_login.official", SETTING_CHOICE, FIELD(local_login_official), false, 0, 0, "allow",
     "allow step-up-only deny", "The same for accounts of officials."},
    {"local_login.official_from", SETTING_DATE, FIELD(local_login_official_from), false, 0, 0, NULL,
     NULL, "The day from which that holds."},

    {"log.level", SETTING_CHOICE, FIELD(log_level), false, 0, 0, "info", "debug info warn error",
     "Least weighty events that are logged."},
};
const struct config_schema config_schema = {settings, ARRAY_LEN(settings)};

bool setting_is_list(const struct setting *s) {
    switch (s->type) {
    case SETTING_CIDRS:
    case SETTING_UIDS:
    case SETTING_PLACES:
    case SETTING_PATHS:
    case SETTING_WORDS:
    case SETTING_PAIRS:
        return true;
    default:
        return false;
    }
}

const char *setting_type_name(enum setting_type t) {
    static const char *const names[] = {
        [SETTING_TEXT] = "text",       [SETTING_INT] = "number",      [SETTING_DURATION] = "time",
        [SETTING_MEMORY] = "memory",   [SETTING_BOOL] = "true/false", [SETTING_CHOICE] = "word",
        [SETTING_ADDRESS] = "address", [SETTING_PATH] = "path",       [SETTING_URL] = "URL",
        [SETTING_CIDRS] = "networks",  [SETTING_UIDS] = "user ids",   [SETTING_PLACES] = "places",
        [SETTING_PATHS] = "paths",     [SETTING_WORDS] = "words",     [SETTING_PAIRS] = "pairs",
        [SETTING_DATE] = "date",
    };
    return names[t];
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings, typed. The schema table in config_schema.c gives for each its YAML path, type, limits,
 * unit, default and what it means; docs/CONFIG.md is generated from it. Immutable once loaded. */
#ifndef IDP_CONFIG_H
#define IDP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "idp/config_list.h"
#include "idp/connector.h"

struct config {
    struct arena arena;
    /* issuer */
    struct span issuer;           /* "https://sso.example.gov.vn", no trailing slash */
    bool is_https;
    struct span host;             /* host[:port] of the issuer, for the Host check (D15) */
    char cookie_suffix[7];        /* 6 hex digits of SHA-256(issuer) */
    struct span brand_name, brand_name_en;   /* shown on pages */
    struct span contact, contact_en;         /* phone, mail or counter of the help desk */
    /* listen */
    struct span listen_address;   /* "127.0.0.1:8080" or "[::1]:8080" */
    struct span admin_address;    /* metrics, loopback by default */
    struct span admin_socket;     /* idpctl's Unix socket */
    struct config_list admin_uids; /* besides root and idpd's own uid */
    struct config_list trusted_proxies; /* CIDRs */
    struct span registration_policy; /* closed, token, open: who may register clients */
    /* what may be reached: networks, host names, "public" (idp/outbound.h) */
    struct config_list outbound_jwks, outbound_sector, outbound_request_uri, outbound_logo,
        outbound_upstream, outbound_logout;
    struct span outbound_ca_file;
    bool proxy_protocol;          /* PROXY v2 expected on every connection */
    struct span tls_certificate, tls_key;
    /* processes */
    struct span signer_binary, signer_policy;
    int64_t io_threads, work_threads, work_queue;
    int64_t connection_limit, connection_timeout;
    /* store */
    struct span store_path;
    /* times, seconds */
    int64_t code_seconds, id_token_seconds, access_token_seconds;
    int64_t session_idle_seconds, session_absolute_seconds, flow_seconds;
    int64_t refresh_idle_seconds, refresh_absolute_seconds, refresh_grace_seconds;
    int64_t jwks_max_age;
    /* password hashing */
    int64_t argon2_memory_kib, argon2_passes;
    int64_t password_min_length;
    /* throttling: see throttle.h */
    int64_t throttle_account_free, throttle_account_hard, throttle_network_free,
        throttle_base_seconds, throttle_max_seconds, throttle_memory_seconds;
    /* levels */
    struct span acr_1, acr_2, acr_3; /* "urn:vn:dvc:loa:1" ... */
    struct span log_level;
    /* other providers that people sign in through; each from its own file */
    struct config_list connector_files;
    struct connector connector[CONNECTORS_MAX];
    size_t n_connectors;
    /* whether people may sign in here itself, and from when; see local_login.h */
    struct span local_login_citizen, local_login_enterprise, local_login_official;
    int64_t local_login_citizen_from, local_login_enterprise_from,
        local_login_official_from; /* seconds since 1970; 0: always */
};

/* Reads and checks a file and those of its connectors; reports every error in one run as
 * `file:line:col: key: what is wrong (did you mean ...?)`, one a line, into `report`. ERR_SYNTAX when
 * there was any. */
must_check enum err config_load(const char *path, struct buf *report, struct config **ret_config);
void config_free(struct config *c);
/* The connector of that id, NULL: none. Disabled ones are found too. */
const struct connector *config_connector_find(const struct config *c, struct span id);
/* Markdown tables of every setting, of idpd and of connectors, generated from the schemas. */
void config_document(struct buf *out);

#endif

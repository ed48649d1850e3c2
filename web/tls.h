/* SPDX-License-Identifier: Apache-2.0
 *
 * The public listener's certificate, which can be exchanged while running. Apart from
 * server_internal.h: GnuTLS's headers and base/params.h both use the tag `params`. */
#ifndef IDP_WEB_TLS_H
#define IDP_WEB_TLS_H

#include "base/err.h"

struct tls;

/* PEM files; the chain begins with the server's own certificate. ERR_EXISTS: the library's
 * certificate callback has no closure, so there is one per process. ERR_REFUSED: the key is not
 * the certificate's, or others than its owner can read it. */
must_check enum err tls_new(const char *certificate, const char *key, struct tls **ret_tls);
/* On failure the old certificate stays. */
must_check enum err tls_reload(struct tls *t, const char *certificate, const char *key);
void tls_free(struct tls *t);
/* A gnutls_certificate_retrieve_function2. */
void *tls_certificate_callback(void);
/* For gnutls_priority_init. */
extern const char tls_priorities[];

#endif

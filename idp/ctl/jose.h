/* SPDX-License-Identifier: Apache-2.0
 *
 * `idpctl jose verify --jwk FILE [--alg A]`: the strict verifier (keys/jws.h) on the command line.
 * It needs no daemon. The token is read from standard input, up to 16 KiB; one final LF is
 * ignored, nothing else is trimmed; the payload may be any bytes. Messages go to standard error. */
#ifndef IDP_CTL_JOSE_H
#define IDP_CTL_JOSE_H

/* `argv[0]` is the noun, "jose"; the verb and its options follow. Returns the exit code:
 *   0  verified
 *   1  not verified: the token, the key or both are refused
 *   2  usage: options, a file that cannot be read or is no JSON object, an algorithm that is not
 *      supported, an RSA or oct key whose algorithm neither --alg nor the JWK names */
int ctl_jose(int argc, char **argv);

#endif

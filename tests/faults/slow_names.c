/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands before the C library's getaddrinfo (LD_PRELOAD): names below .invalid are looked for in vain, for 20
 * seconds, as when the servers of a zone do not answer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define SECONDS 20
#define ZONE    ".invalid"

typedef int lookup(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **ret) {
    size_t len = node ? strlen(node) : 0, zone = strlen(ZONE);
    if (len > zone && strcmp(node + len - zone, ZONE) == 0) {
        sleep(SECONDS);
        return EAI_AGAIN;
    }
    lookup *next = (lookup *)dlsym(RTLD_NEXT, "getaddrinfo");
    return next ? next(node, service, hints, ret) : EAI_FAIL;
}

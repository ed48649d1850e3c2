/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder with a KEK and a policy for a real idp-signer, for tests that start one. The binary is
 * named by IDP_SIGNER. */
#ifndef IDP_TESTS_SIGNER_FIXTURE_H
#define IDP_TESTS_SIGNER_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIXTURE_ISSUER "https://sso.example.gov.vn"

/* ThreadSanitizer makes system calls of its own, which the filter kills. */
#ifdef __SANITIZE_THREAD__
#define FIXTURE_SANDBOX "off"
#else
#define FIXTURE_SANDBOX "on"
#endif

struct signer_files {
    char folder[64], policy[96], kek[96], store[96];
};

static inline void file_write(const char *path, const void *bytes, size_t len) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
        abort();
    close(fd);
}

static inline void signer_files_make(struct signer_files *f) {
    static const unsigned char kek[32] = {1, 2, 3, 4, 5, 6, 7, 8};
    char policy[512];
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/idp-signer-XXXXXX");
    if (!mkdtemp(f->folder))
        abort();
    (void)snprintf(f->policy, sizeof f->policy, "%s/policy.json", f->folder);
    (void)snprintf(f->kek, sizeof f->kek, "%s/kek", f->folder);
    (void)snprintf(f->store, sizeof f->store, "%s/idp.db", f->folder);
    file_write(f->kek, kek, sizeof kek);
    (void)snprintf(policy, sizeof policy,
                   "{\"issuer\":\"" FIXTURE_ISSUER "\",\"kek_file\":\"%s\",\"sandbox\":\"" FIXTURE_SANDBOX "\"}",
                   f->kek);
    file_write(f->policy, policy, strlen(policy));
}

static inline void signer_files_remove(const struct signer_files *f) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r '%s'", f->folder);
    if (system(command) != 0)
        abort();
}

#endif

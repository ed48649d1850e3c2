/* SPDX-License-Identifier: Apache-2.0
 *
 * Secret bytes in libsodium's guarded memory; see secret.h. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum err secret_init(void) {
    return sodium_init() < 0 ? ERR_CRYPTO : ERR_OK;
}

enum err secret_new(size_t len, struct secret *ret_secret) {
    unsigned char *p = sodium_malloc(len ? len : 1);
    if (!p)
        return ERR_NOMEM;
    memset(p, 0, len);
    *ret_secret = (struct secret){p, len};
    return ERR_OK;
}

enum err secret_copy(struct span bytes, struct secret *ret_secret) {
    struct secret s = SECRET_INIT;
    enum err e = secret_new(bytes.len, &s);
    if (e)
        return e;
    if (bytes.len)
        memcpy(s.ptr, bytes.ptr, bytes.len);
    *ret_secret = s;
    return ERR_OK;
}

enum err secret_random(size_t len, struct secret *ret_secret) {
    struct secret s = SECRET_INIT;
    enum err e = secret_new(len, &s);
    if (e)
        return e;
    randombytes_buf(s.ptr, s.len);
    *ret_secret = s;
    return ERR_OK;
}

static enum err file_check(int fd, size_t max, size_t *ret_size) {
    struct stat st;
    if (fstat(fd, &st) != 0)
        return ERR_IO;
    if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0)
        return ERR_REFUSED;
    if (st.st_size < 0 || (size_t)st.st_size > max)
        return ERR_TOO_LONG;
    *ret_size = (size_t)st.st_size;
    return ERR_OK;
}

enum err secret_read_file(const char *path, size_t max, struct secret *ret_secret) {
    /* O_NONBLOCK: opening a FIFO would wait for its writer before we could refuse it. */
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return ERR_IO;
    size_t size;
    enum err e = file_check(fd, max, &size);
    if (e)
        return e;
    CLEANUP(secret_done) struct secret s = SECRET_INIT;
    e = secret_new(size, &s);
    if (e)
        return e;
    for (size_t at = 0; at < size;) {
        ssize_t n = read(fd, s.ptr + at, size - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        at += (size_t)n;
    }
    *ret_secret = s;
    s = SECRET_INIT;
    return ERR_OK;
}

struct span secret_span(const struct secret *s) {
    return (struct span){(const char *)s->ptr, s->len};
}

void secret_done(struct secret *s) {
    if (s->ptr)
        sodium_free(s->ptr);
    *s = SECRET_INIT;
}

void wipe(void *ptr, size_t len) {
    if (len)
        explicit_bzero(ptr, len);
}

bool ct_equal(struct span a, struct span b) {
    if (a.len != b.len)
        return false;
    return a.len == 0 || sodium_memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * For exhaustion.py (X09), preloaded into idpd: lets the nth allocation from now fail. The file that
 * FAIL_MALLOC names holds one 32-bit number that the test writes and this counts down: 0 is off, 1
 * fails the next one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);

static _Atomic unsigned *left;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAIL_MALLOC");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
        left = page;
    if (fd >= 0)
        (void)close(fd);
}

static int fails(void) {
    if (!left || atomic_load_explicit(left, memory_order_relaxed) == 0)
        return 0;
    if (atomic_fetch_sub(left, 1) != 1)
        return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size) {
    return fails() ? NULL : __libc_realloc(p, size);
}

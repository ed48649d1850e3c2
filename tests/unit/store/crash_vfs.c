/* SPDX-License-Identifier: Apache-2.0
 *
 * See crash_vfs.h. Only the store's writer thread writes, but connections of other threads are
 * opened and read through this too: what is shared is under one lock. */
#include "crash_vfs.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR 512

enum file_kind { FILE_DATABASE, FILE_LOG, FILE_KINDS, FILE_OTHER = FILE_KINDS };

struct event {
    enum { EVENT_WRITE, EVENT_TRUNCATE, EVENT_SYNC } what;
    enum file_kind file;
    size_t at, len;
    unsigned char *bytes;
};

/* A file's bytes; grows with zeros. */
struct image {
    unsigned char *bytes;
    size_t len, cap;
};

static struct {
    pthread_mutex_t lock;
    bool recording;
    struct event *event;
    size_t n_events, cap_events;
    bool log_is_dirty;
    struct image safe[FILE_KINDS]; /* replayed up to `replayed` */
    size_t replayed;
    size_t first_unsynced[FILE_KINDS];
    unsigned calls[DISK_CALLS], fail_at[DISK_CALLS];
    int fail_with;
    bool has_failed;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The wrapped file: SQLite allocates szOsFile bytes, the system's own file lies behind. */
struct file {
    sqlite3_file base;
    enum file_kind kind;
    sqlite3_file *real;
};

static sqlite3_vfs vfs;

/* ---- record ---- */

static void *grown(void *p, size_t *cap, size_t need, size_t size) {
    if (need <= *cap)
        return p;
    *cap = need * 2;
    p = realloc(p, *cap * size);
    assert(p);
    return p;
}

static void record(int what, enum file_kind file, size_t at, const void *bytes, size_t len) {
    pthread_mutex_lock(&disk.lock);
    if (disk.recording && file != FILE_OTHER) {
        disk.event = grown(disk.event, &disk.cap_events, disk.n_events + 1, sizeof *disk.event);
        struct event *e = &disk.event[disk.n_events++];
        *e = (struct event){.what = what, .file = file, .at = at, .len = len};
        if (bytes) {
            e->bytes = malloc(len);
            assert(e->bytes);
            memcpy(e->bytes, bytes, len);
        }
        if (file == FILE_LOG)
            disk.log_is_dirty = what != EVENT_SYNC;
    }
    pthread_mutex_unlock(&disk.lock);
}

/* SQLITE_OK, or the fault that is due. */
static int strike(enum disk_call call) {
    pthread_mutex_lock(&disk.lock);
    int rc = ++disk.calls[call] == disk.fail_at[call] ? disk.fail_with : SQLITE_OK;
    disk.has_failed = disk.has_failed || rc != SQLITE_OK;
    pthread_mutex_unlock(&disk.lock);
    return rc;
}

/* ---- the file's methods: what matters here, the rest is passed on ---- */

#define REAL(f)              (((struct file *)(f))->real)
#define PASS(f, method, ...) REAL(f)->pMethods->method(REAL(f), __VA_ARGS__)

static int file_close(sqlite3_file *f) {
    return REAL(f)->pMethods->xClose(REAL(f));
}
static int file_read(sqlite3_file *f, void *out, int len, sqlite3_int64 at) {
    return PASS(f, xRead, out, len, at);
}
static int file_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at) {
    int rc = strike(DISK_WRITE);
    if (rc == SQLITE_OK)
        rc = PASS(f, xWrite, bytes, len, at);
    if (rc == SQLITE_OK)
        record(EVENT_WRITE, ((struct file *)f)->kind, (size_t)at, bytes, (size_t)len);
    return rc;
}
static int file_truncate(sqlite3_file *f, sqlite3_int64 len) {
    int rc = PASS(f, xTruncate, len);
    if (rc == SQLITE_OK)
        record(EVENT_TRUNCATE, ((struct file *)f)->kind, (size_t)len, NULL, 0);
    return rc;
}
static int file_sync(sqlite3_file *f, int flags) {
    (void)flags;
    int rc = strike(DISK_SYNC);
    if (rc == SQLITE_OK)
        record(EVENT_SYNC, ((struct file *)f)->kind, 0, NULL, 0);
    return rc;
}
static int file_size(sqlite3_file *f, sqlite3_int64 *ret) {
    return PASS(f, xFileSize, ret);
}
static int file_lock(sqlite3_file *f, int level) {
    return PASS(f, xLock, level);
}
static int file_unlock(sqlite3_file *f, int level) {
    return PASS(f, xUnlock, level);
}
static int file_check_reserved(sqlite3_file *f, int *ret) {
    return PASS(f, xCheckReservedLock, ret);
}
static int file_control(sqlite3_file *f, int op, void *arg) {
    return PASS(f, xFileControl, op, arg);
}
static int file_sector(sqlite3_file *f) {
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static int file_characteristics(sqlite3_file *f) {
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}
static int file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret) {
    return PASS(f, xShmMap, page, size, extend, ret);
}
static int file_shm_lock(sqlite3_file *f, int at, int n, int flags) {
    return PASS(f, xShmLock, at, n, flags);
}
static void file_shm_barrier(sqlite3_file *f) {
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int file_shm_unmap(sqlite3_file *f, int delete_it) {
    return PASS(f, xShmUnmap, delete_it);
}

static const sqlite3_io_methods file_methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static int vfs_open(sqlite3_vfs *v, const char *name, sqlite3_file *out, int flags,
                    int *ret_flags) {
    sqlite3_vfs *real = v->pAppData;
    struct file *f = (struct file *)out;
    *f = (struct file){.kind = FILE_OTHER, .real = (sqlite3_file *)(f + 1)};
    if (flags & SQLITE_OPEN_MAIN_DB)
        f->kind = FILE_DATABASE;
    else if (flags & SQLITE_OPEN_WAL)
        f->kind = FILE_LOG;
    int rc = real->xOpen(real, name, f->real, flags, ret_flags);
    if (rc == SQLITE_OK)
        f->base.pMethods = &file_methods;
    return rc;
}

void crash_vfs_install(void) {
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (real == &vfs)
        return;
    vfs = *real;
    vfs.zName = "crash";
    vfs.pNext = NULL;
    vfs.pAppData = real;
    vfs.szOsFile = (int)sizeof(struct file) + real->szOsFile;
    vfs.xOpen = vfs_open;
    int rc = sqlite3_vfs_register(&vfs, 1);
    assert(rc == SQLITE_OK);
    (void)rc;
}

/* ---- images ---- */

static void image_fit(struct image *im, size_t len) {
    im->bytes = grown(im->bytes, &im->cap, len, 1);
    if (len > im->len) {
        memset(im->bytes + im->len, 0, len - im->len);
        im->len = len;
    }
}

static void image_write(struct image *im, size_t at, const unsigned char *bytes, size_t len) {
    image_fit(im, at + len);
    memcpy(im->bytes + at, bytes, len);
}

static void image_apply(struct image *im, const struct event *e) {
    if (e->what == EVENT_WRITE)
        image_write(im, e->at, e->bytes, e->len);
    else if (e->what == EVENT_TRUNCATE && e->at < im->len)
        im->len = e->at;
}

static void image_apply_torn(struct image *im, const struct event *e, unsigned *seed) {
    if (e->what != EVENT_WRITE) {
        if (rand_r(seed) & 1)
            image_apply(im, e);
        return;
    }
    for (size_t at = 0; at < e->len; at += SECTOR)
        if (rand_r(seed) & 1)
            image_write(im, e->at + at, e->bytes + at, e->len - at < SECTOR ? e->len - at : SECTOR);
}

static void image_save(const struct image *im, const char *path) {
    FILE *f = fopen(path, "wb");
    assert(f);
    size_t n = im->len ? fwrite(im->bytes, 1, im->len, f) : 0;
    assert(n == im->len);
    (void)n;
    (void)fclose(f);
}

static void image_load(struct image *im, const char *path) {
    FILE *f = fopen(path, "rb");
    assert(f);
    (void)fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    im->len = 0;
    image_fit(im, len);
    size_t n = fread(im->bytes, 1, len, f);
    assert(n == len);
    (void)n;
    (void)fclose(f);
}

/* A sync makes all safe that was written to its file before. */
static void replay(size_t events) {
    assert(events >= disk.replayed && events <= disk.n_events);
    for (; disk.replayed < events; disk.replayed++) {
        const struct event *e = &disk.event[disk.replayed];
        if (e->what != EVENT_SYNC)
            continue;
        for (size_t i = disk.first_unsynced[e->file]; i < disk.replayed; i++)
            if (disk.event[i].file == e->file)
                image_apply(&disk.safe[e->file], &disk.event[i]);
        disk.first_unsynced[e->file] = disk.replayed + 1;
    }
}

void crash_vfs_image(size_t events, unsigned seed, const char *path) {
    static const char *const suffix[FILE_KINDS] = {"", "-wal"};
    static struct image torn;
    char name[256];
    replay(events);
    for (int k = 0; k < FILE_KINDS; k++) {
        torn.len = 0;
        image_write(&torn, 0, disk.safe[k].bytes, disk.safe[k].len);
        for (size_t i = disk.first_unsynced[k]; i < events; i++)
            if ((int)disk.event[i].file == k)
                image_apply_torn(&torn, &disk.event[i], &seed);
        (void)snprintf(name, sizeof name, "%s%s", path, suffix[k]);
        image_save(&torn, name);
    }
    (void)snprintf(name, sizeof name, "%s-shm", path);
    (void)remove(name);
}

/* ---- control ---- */

void crash_vfs_record(const char *path) {
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.n_events; i++)
        free(disk.event[i].bytes);
    disk.n_events = disk.replayed = 0;
    memset(disk.first_unsynced, 0, sizeof disk.first_unsynced);
    image_load(&disk.safe[FILE_DATABASE], path);
    disk.safe[FILE_LOG].len = 0;
    image_fit(&disk.safe[FILE_LOG], 1);
    disk.safe[FILE_LOG].len = 0;
    disk.log_is_dirty = false;
    disk.recording = true;
    pthread_mutex_unlock(&disk.lock);
}

void crash_vfs_stop(void) {
    pthread_mutex_lock(&disk.lock);
    disk.recording = false;
    pthread_mutex_unlock(&disk.lock);
}

size_t crash_vfs_events(void) {
    pthread_mutex_lock(&disk.lock);
    size_t n = disk.n_events;
    pthread_mutex_unlock(&disk.lock);
    return n;
}

size_t crash_vfs_checkpoints(void) {
    size_t n = 0;
    pthread_mutex_lock(&disk.lock);
    for (size_t i = 0; i < disk.n_events; i++)
        n += disk.event[i].what == EVENT_SYNC && disk.event[i].file == FILE_DATABASE;
    pthread_mutex_unlock(&disk.lock);
    return n;
}

bool crash_vfs_log_is_synced(void) {
    pthread_mutex_lock(&disk.lock);
    bool synced = !disk.log_is_dirty;
    pthread_mutex_unlock(&disk.lock);
    return synced;
}

void crash_vfs_fail(enum disk_call call, unsigned nth, int rc) {
    pthread_mutex_lock(&disk.lock);
    memset(disk.calls, 0, sizeof disk.calls);
    memset(disk.fail_at, 0, sizeof disk.fail_at);
    disk.fail_at[call] = nth;
    disk.fail_with = rc;
    disk.has_failed = false;
    pthread_mutex_unlock(&disk.lock);
}

unsigned crash_vfs_calls(enum disk_call call) {
    pthread_mutex_lock(&disk.lock);
    unsigned n = disk.calls[call];
    pthread_mutex_unlock(&disk.lock);
    return n;
}

bool crash_vfs_has_failed(void) {
    pthread_mutex_lock(&disk.lock);
    bool failed = disk.has_failed;
    pthread_mutex_unlock(&disk.lock);
    return failed;
}

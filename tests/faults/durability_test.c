/* SPDX-License-Identifier: Apache-2.0
 *
 * Property (X06): no acknowledgement leaves the store before the write-ahead log was synced, and after
 * a power cut at any moment everything that was acknowledged is there. A VFS between SQLite and the
 * disk keeps two images of each file: what was written, and what was synced. A power cut keeps the
 * second only. durability.py also builds this program against seeded faults, which it must catch.
 *   durability_test FOLDER   exit 0: holds; 1: does not */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/secret.h"
#include "idp/store/store.h"

#define THREADS 4
#define JOBS_EACH 500
#define JOBS (THREADS * JOBS_EACH)
#define CUT_EVERY 20
#define FILES_MAX 8
#define IMAGE_MAX (64 * 1024 * 1024)

/* ---- the shim ---- */

struct image {
    char path[512];
    unsigned char *written, *synced;
    sqlite3_int64 written_size, synced_size, dirty_from, dirty_to;
    bool dirty;
};

struct shim_file {
    sqlite3_file base;
    struct image *image;
    sqlite3_file *real;
};

static struct image images[FILES_MAX];
static pthread_mutex_t image_lock = PTHREAD_MUTEX_INITIALIZER;
static sqlite3_vfs *real_vfs;

#define REAL(f) (((struct shim_file *)(f))->real)
#define IMAGE(f) (((struct shim_file *)(f))->image)

static struct image *image_of(const char *path) {
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (images[i].written && strcmp(images[i].path, path) == 0)
            return &images[i];
        if (!images[i].written) {
            (void)snprintf(images[i].path, sizeof images[i].path, "%s", path);
            images[i].written = calloc(1, IMAGE_MAX);
            images[i].synced = calloc(1, IMAGE_MAX);
            return &images[i];
        }
    }
    abort();
}

static void touch(struct image *im, sqlite3_int64 from, sqlite3_int64 to) {
    if (!im->dirty || from < im->dirty_from)
        im->dirty_from = from;
    if (!im->dirty || to > im->dirty_to)
        im->dirty_to = to;
    im->dirty = true;
}

static int shim_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at) {
    int rc = REAL(f)->pMethods->xWrite(REAL(f), bytes, n, at);
    struct image *im = IMAGE(f);
    if (rc == SQLITE_OK && im) {
        pthread_mutex_lock(&image_lock);
        if (at + n > IMAGE_MAX)
            abort();
        memcpy(im->written + at, bytes, (size_t)n);
        if (at + n > im->written_size)
            im->written_size = at + n;
        touch(im, at, at + n);
        pthread_mutex_unlock(&image_lock);
    }
    return rc;
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size) {
    int rc = REAL(f)->pMethods->xTruncate(REAL(f), size);
    struct image *im = IMAGE(f);
    if (rc == SQLITE_OK && im) {
        pthread_mutex_lock(&image_lock);
        im->written_size = size;
        touch(im, 0, size);
        pthread_mutex_unlock(&image_lock);
    }
    return rc;
}

static int shim_sync(sqlite3_file *f, int flags) {
    int rc = REAL(f)->pMethods->xSync(REAL(f), flags);
    struct image *im = IMAGE(f);
    if (rc == SQLITE_OK && im && im->dirty) {
        pthread_mutex_lock(&image_lock);
        memcpy(im->synced + im->dirty_from, im->written + im->dirty_from, (size_t)(im->dirty_to - im->dirty_from));
        im->synced_size = im->written_size;
        im->dirty = false;
        pthread_mutex_unlock(&image_lock);
    }
    return rc;
}

static int shim_close(sqlite3_file *f) {
    int rc = REAL(f)->pMethods->xClose(REAL(f));
    free(REAL(f));
    return rc;
}
static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at) {
    return REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *size) {
    return REAL(f)->pMethods->xFileSize(REAL(f), size);
}
static int shim_lock(sqlite3_file *f, int level) {
    return REAL(f)->pMethods->xLock(REAL(f), level);
}
static int shim_unlock(sqlite3_file *f, int level) {
    return REAL(f)->pMethods->xUnlock(REAL(f), level);
}
static int shim_reserved(sqlite3_file *f, int *out) {
    return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}
static int shim_control(sqlite3_file *f, int op, void *arg) {
    return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}
static int shim_sector(sqlite3_file *f) {
    return REAL(f)->pMethods->xSectorSize(REAL(f));
}
static int shim_device(sqlite3_file *f) {
    return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}
static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
    return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}
static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
    return REAL(f)->pMethods->xShmLock(REAL(f), offset, n, flags);
}
static void shim_shm_barrier(sqlite3_file *f) {
    REAL(f)->pMethods->xShmBarrier(REAL(f));
}
static int shim_shm_unmap(sqlite3_file *f, int remove) {
    return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2, .xClose = shim_close, .xRead = shim_read, .xWrite = shim_write, .xTruncate = shim_truncate,
    .xSync = shim_sync, .xFileSize = shim_size, .xLock = shim_lock, .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved, .xFileControl = shim_control, .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device, .xShmMap = shim_shm_map, .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier, .xShmUnmap = shim_shm_unmap,
};

static char watched[512]; /* only this database and its log have images */

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags) {
    (void)vfs;
    struct shim_file *s = (struct shim_file *)f;
    s->real = calloc(1, (size_t)real_vfs->szOsFile);
    int rc = real_vfs->xOpen(real_vfs, name, s->real, flags, out_flags);
    if (rc != SQLITE_OK) {
        free(s->real);
        return rc;
    }
    bool ours = name && strncmp(name, watched, strlen(watched)) == 0 &&
                flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL);
    s->image = ours ? image_of(name) : NULL;
    s->base.pMethods = &shim_methods;
    return SQLITE_OK;
}

static void shim_install(void) {
    static sqlite3_vfs shim;
    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs;
    shim.zName = "shim";
    shim.szOsFile = (int)sizeof(struct shim_file);
    shim.xOpen = shim_open;
    sqlite3_vfs_register(&shim, 1);
}

/* ---- load, acknowledgements, power cuts ---- */

struct job {
    struct write_job job;
    struct arena arena;
    struct batch batch;
    unsigned char key[PENDING_KEY_BYTES];
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool is_done;
};

static const char *folder;
static struct job jobs[JOBS];
static const struct job *acknowledged[JOBS];
static size_t n_acknowledged, early, lost, cuts;

static void image_save(const struct image *im, const char *to) {
    char path[1024];
    const char *name = strrchr(im->path, '/') + 1;
    (void)snprintf(path, sizeof path, "%s/%s", to, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(im->synced, 1, (size_t)im->synced_size, f) != (size_t)im->synced_size)
        abort();
    (void)fclose(f);
}

/* What a restart finds when the power went now. */
static void power_cut(void) {
    char cut[600], path[700];
    const char *why = "";
    CLEANUP(arena_done) struct arena a = ARENA_INIT(64 * 1024 * 1024);
    struct store *store;
    (void)snprintf(cut, sizeof cut, "%s/cut%zu", folder, cuts++);
    (void)mkdir(cut, 0700);
    for (size_t i = 0; i < FILES_MAX && images[i].written; i++)
        image_save(&images[i], cut);
    (void)snprintf(path, sizeof path, "%s/idp.db", cut);
    if (store_open(path, &a, &store, &why)) {
        printf("after a power cut the store does not open: %s\n", why);
        lost++;
        return;
    }
    struct store_reader *reader;
    if (store_reader_open(store, &reader))
        abort();
    for (size_t i = 0; i < n_acknowledged; i++) {
        struct batch b = BATCH_INIT(&a);
        struct pending row = {.found = false};
        store_pending_find(&b, acknowledged[i]->key, 0, &row);
        lost += store_read(reader, &b) || !row.found;
        arena_reset(&a);
    }
    store_reader_close(reader);
    store_close(store);
}

static bool log_is_dirty(void) {
    bool dirty = false;
    pthread_mutex_lock(&image_lock);
    for (size_t i = 0; i < FILES_MAX && images[i].written; i++)
        dirty = dirty || (images[i].dirty && strstr(images[i].path, "-wal"));
    pthread_mutex_unlock(&image_lock);
    return dirty;
}

/* On the writer thread: this is the moment at which an answer may leave. */
static void job_done(struct write_job *w) {
    struct job *j = (struct job *)w;
    if (j->batch.result == ERR_OK) { /* "not run yet" looks the same: what a fault would answer */
        early += log_is_dirty();
        acknowledged[n_acknowledged++] = j;
        if (n_acknowledged % CUT_EVERY == 0)
            power_cut();
    }
    pthread_mutex_lock(&j->lock);
    j->is_done = true;
    pthread_cond_signal(&j->cond);
    pthread_mutex_unlock(&j->lock);
}

static void run_job(struct store *store, struct job *j, size_t number) {
    memcpy(j->key, &number, sizeof number);
    j->arena = ARENA_INIT(65536);
    j->batch = BATCH_INIT(&j->arena);
    j->job = (struct write_job){.batch = &j->batch, .done = job_done};
    pthread_mutex_init(&j->lock, NULL);
    pthread_cond_init(&j->cond, NULL);
    store_pending_insert(&j->batch, j->key, SPAN("x"), 2000000000);
    store_audit(&j->batch, &(struct audit_event){.at = 1, .event = "test"});
    if (store_submit(store, &j->job))
        abort();
    pthread_mutex_lock(&j->lock);
    while (!j->is_done)
        pthread_cond_wait(&j->cond, &j->lock);
    pthread_mutex_unlock(&j->lock);
}

struct load {
    struct store *store;
    size_t first;
};

static void *load(void *arg) {
    const struct load *l = arg;
    for (size_t i = l->first; i < l->first + JOBS_EACH; i++)
        run_job(l->store, &jobs[i], i);
    return NULL;
}

int main(int argc, char **argv) {
    CLEANUP(arena_done) struct arena a = ARENA_INIT(ARENA_LIMIT_DEFAULT);
    struct store *store;
    const char *why = "";
    pthread_t threads[THREADS];
    struct load loads[THREADS];
    if (argc != 2 || secret_init())
        return 2;
    folder = argv[1];
    (void)snprintf(watched, sizeof watched, "%s/idp.db", folder);
    shim_install();
    if (store_open(watched, &a, &store, &why)) {
        printf("%s\n", why);
        return 2;
    }
    for (size_t i = 0; i < THREADS; i++) {
        loads[i] = (struct load){store, i * JOBS_EACH};
        pthread_create(&threads[i], NULL, load, &loads[i]);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    store_close(store);
    printf("%zu acknowledged, %zu before the log was synced; %zu power cuts, %zu acknowledged rows lost\n",
           n_acknowledged, early, cuts, lost);
    return n_acknowledged == JOBS && !early && !lost ? 0 : 1;
}

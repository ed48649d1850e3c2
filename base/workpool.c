/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded pool of low-priority threads; see workpool.h. */
#include "base/workpool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWNER_SHARE 4 /* one owner may hold a quarter of the queue */

struct workpool {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct work_job *head, **tail;
    unsigned depth, queue_max;
    unsigned n_threads;
    int nice;
    bool stopping;
    pthread_t thread[];
};

static struct work_job *take_job(struct workpool *p) {
    pthread_mutex_lock(&p->lock);
    while (!p->head && !p->stopping)
        pthread_cond_wait(&p->filled, &p->lock);
    struct work_job *job = p->head;
    if (job) {
        p->head = job->next;
        if (!p->head)
            p->tail = &p->head;
        p->depth--;
    }
    pthread_mutex_unlock(&p->lock);
    return job;
}

static void *worker(void *arg) {
    struct workpool *p = arg;
    /* On Linux a thread has a nice value of its own; it begins with its creator's. */
    id_t self = (id_t)syscall(SYS_gettid);
    (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + p->nice);
    for (struct work_job *job = take_job(p); job; job = take_job(p)) {
        job->run(job);
        job->done(job);
    }
    return NULL;
}

enum err workpool_new(unsigned threads, unsigned queue_max, int nice, struct workpool **ret_pool) {
    struct workpool *p = calloc(1, sizeof *p + threads * sizeof p->thread[0]);
    if (!p)
        return ERR_NOMEM;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->filled, NULL);
    p->tail = &p->head;
    p->queue_max = queue_max;
    p->nice = nice;
    for (unsigned i = 0; i < threads; i++) {
        if (pthread_create(&p->thread[i], NULL, worker, p) != 0) {
            workpool_free(p);
            return ERR_INTERNAL;
        }
        p->n_threads++;
    }
    *ret_pool = p;
    return ERR_OK;
}

static unsigned held_by(const struct workpool *p, uint64_t owner) {
    unsigned n = 0;
    for (const struct work_job *j = p->head; j; j = j->next)
        n += j->owner == owner;
    return n;
}

static bool has_room(const struct workpool *p, uint64_t owner) {
    if (p->stopping || p->depth >= p->queue_max)
        return false;
    unsigned share = p->queue_max / OWNER_SHARE;
    return owner == 0 || held_by(p, owner) < (share ? share : 1);
}

enum err workpool_submit(struct workpool *p, struct work_job *job) {
    pthread_mutex_lock(&p->lock);
    bool taken = has_room(p, job->owner);
    if (taken) {
        job->next = NULL;
        *p->tail = job;
        p->tail = &job->next;
        p->depth++;
        pthread_cond_signal(&p->filled);
    }
    pthread_mutex_unlock(&p->lock);
    return taken ? ERR_OK : ERR_BUSY;
}

unsigned workpool_depth(struct workpool *p) {
    pthread_mutex_lock(&p->lock);
    unsigned depth = p->depth;
    pthread_mutex_unlock(&p->lock);
    return depth;
}

void workpool_free(struct workpool *p) {
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->filled);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->filled);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded pool of low-priority threads for work that would stall an I/O thread (Argon2id,
 * blocking HTTP). Queue full: ERR_BUSY at once. A job carries an owner number (a hash of the
 * client's network); one owner may hold at most a quarter of the queue, so that nobody can starve
 * the others of sign-in. Owner 0 is exempt. */
#ifndef IDP_BASE_WORKPOOL_H
#define IDP_BASE_WORKPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct workpool;

struct work_job {
    void (*run)(struct work_job *job);  /* on a pool thread */
    void (*done)(struct work_job *job); /* on the same pool thread, right after run */
    uint64_t owner;
    struct work_job *next; /* the pool's own */
};

/* At least one thread and one place. `nice`: added to the threads' nice value (Linux: per thread).
 * ERR_NOMEM, ERR_INTERNAL. */
must_check enum err workpool_new(unsigned threads, unsigned queue_max, int nice,
                                 struct workpool **ret_pool);
/* The job must stay alive until done was called. ERR_BUSY: the queue, or the owner's quarter of
 * it, is full, and neither run nor done will be called. */
must_check enum err workpool_submit(struct workpool *pool, struct work_job *job);
/* Jobs waiting now (not those running). */
unsigned workpool_depth(struct workpool *pool);
/* Runs what is queued, then joins the threads. Accepts NULL. */
void workpool_free(struct workpool *pool);

#endif

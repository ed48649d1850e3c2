/* SPDX-License-Identifier: Apache-2.0
 *
 * Walks a request through its handler's phases (idp/request.h). The connection is suspended before
 * a job is handed to the pool or the writer; the job's end brings the exchange back to its I/O
 * thread, which goes on here and resumes the connection when the answer stands. */
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "web/server_internal.h"

static void batch_reset(struct batch *b, struct arena *a) {
    b->arena = a;
    b->n = 0;
    b->build_err = ERR_OK;
    b->result = ERR_OK;
    b->failed_op = 0;
}

/* ---- load: here and now ---- */

static void run_load(struct exchange *x) {
    struct request *req = &x->req;
    batch_reset(&req->load, req->arena);
    if (req->handler->load)
        req->handler->load(req);
    req->load.result = req->load.build_err;
    if (!req->load.result && req->load.n)
        req->load.result = store_read(req->thread->reader, &req->load);
}

/* ---- work: in the pool ---- */

static void work_run(struct work_job *job) {
    struct exchange *x = (struct exchange *)((char *)job - offsetof(struct exchange, work));
    /* Too late to be of use: whoever asked has given up, and others wait. */
    if (clock_mono_us() > x->work_deadline_us)
        x->req.work_result = ERR_BUSY;
    else
        x->req.handler->work(&x->req);
}

static void work_done(struct work_job *job) {
    io_thread_finish((struct exchange *)((char *)job - offsetof(struct exchange, work)));
}

/* True: a job is out. */
static bool begin_work(struct exchange *x) {
    x->work =
        (struct work_job){.run = work_run, .done = work_done, .owner = x->req.client.network_id};
    x->work_deadline_us = clock_mono_us() + WORK_DEADLINE_US;
    x->req.work_result = ERR_OK;
    library_suspend(x);
    if (workpool_submit(x->thread->server->cfg.pool, &x->work)) {
        x->req.work_result = ERR_BUSY;
        return false;
    }
    x->thread->jobs_out++;
    return true;
}

/* ---- write: through the writer ---- */

static void write_done(struct write_job *job) {
    io_thread_finish_quietly((struct exchange *)((char *)job - offsetof(struct exchange, write)));
}

static bool begin_write(struct exchange *x) {
    struct request *req = &x->req;
    batch_reset(&req->write, req->arena);
    req->wrote = true;
    req->handler->write(req);
    req->write.result = req->write.build_err;
    if (req->write.result || req->write.n == 0)
        return false;
    x->write = (struct write_job){.batch = &req->write, .done = write_done, .next = x->thread->writes};
    x->thread->writes = &x->write;
    library_suspend(x);
    return true;
}

void engine_submit_writes(struct io_thread *t) {
    struct write_job *jobs = NULL, *next;
    for (struct write_job *job = t->writes; job; job = next) { /* the last asked stands first */
        next = job->next;
        job->next = jobs;
        jobs = job;
        t->jobs_out++;
    }
    t->writes = NULL;
    if (!jobs)
        return;
    for (jobs = store_submit_all(t->server->cfg.store, jobs); jobs; jobs = next) {
        struct exchange *x = (struct exchange *)((char *)jobs - offsetof(struct exchange, write));
        next = jobs->next;
        /* Not ERR_BUSY: that is a throttle's gate, and means something else to who asked. */
        x->req.write.result = ERR_UNAVAILABLE;
        io_thread_finish(x);
    }
}

/* ---- fetch: on the outbound thread ---- */

static void fetch_done(struct outbound_job *job) {
    struct request *req = (struct request *)((char *)job - offsetof(struct request, fetch));
    io_thread_finish((struct exchange *)((char *)req - offsetof(struct exchange, req)));
}

static bool begin_fetch(struct exchange *x) {
    struct request *req = &x->req;
    struct outbound *outbound = x->thread->server->cfg.outbound;
    outbound_job_done(&req->fetch);
    req->fetch = (struct outbound_job){.done = fetch_done};
    req->handler->fetch(req);
    library_suspend(x);
    req->fetch.result = outbound ? outbound_submit(outbound, &req->fetch) : ERR_UNAVAILABLE;
    if (req->fetch.result)
        return false;
    x->thread->jobs_out++;
    return true;
}

/* ---- sign: with what others of this turn ask ---- */

/* True: it waits for the signer. */
static bool begin_sign(struct exchange *x) {
    struct request *req = &x->req;
    if (!req->handler->sign || req->response.status)
        return false;
    req->signing.n = 0;
    req->signing.result = ERR_OK;
    req->handler->sign(req);
    if (!req->signing.n || req->response.status)
        return false;
    signing_add(x);
    return true;
}

static void finish(struct exchange *x) {
    struct request *req = &x->req;
    if (req->handler->respond)
        req->handler->respond(req);
    if (!req->response.status)
        exchange_refuse(x, 500, "no answer");
    x->took_us = clock_mono_us() - x->started_us;
}

/* ---- the walk ---- */

static bool walk(struct exchange *x, enum step step) {
    struct request *req = &x->req;
    for (;;) {
        switch (step) {
        case STEP_RESPOND:
            if (begin_sign(x))
                return false;
            finish(x);
            return true;
        case STEP_LOAD:
            run_load(x);
            break;
        case STEP_WORK:
            if (begin_work(x))
                return false;
            break;
        case STEP_WRITE:
            if (begin_write(x))
                return false;
            break;
        case STEP_FETCH:
            if (begin_fetch(x))
                return false;
            break;
        }
        if (++req->rounds > ROUNDS_MAX) {
            exchange_refuse(x, 500, "too many steps");
            return true;
        }
        step = req->handler->decide ? req->handler->decide(req) : STEP_RESPOND;
    }
}

bool engine_start(struct exchange *x) {
    struct request *req = &x->req;
    req->handler = x->route->handler;
    if (req->handler->state_size &&
        !(req->state = arena_alloc(req->arena, req->handler->state_size))) {
        exchange_refuse(x, 500, "no memory");
        return true;
    }
    return walk(x, req->handler->parse ? req->handler->parse(req) : STEP_LOAD);
}

bool engine_continue(struct exchange *x) {
    struct request *req = &x->req;
    if (++req->rounds > ROUNDS_MAX) {
        exchange_refuse(x, 500, "too many steps");
        return true;
    }
    return walk(x, req->handler->decide ? req->handler->decide(req) : STEP_RESPOND);
}

void engine_signed(struct exchange *x) {
    finish(x);
}

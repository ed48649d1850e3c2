/* SPDX-License-Identifier: Apache-2.0
 *
 * What the requests of one turn of an I/O thread ask the signer, in as few messages as may be: most
 * of what a signature costs beside the signature is waking two threads (docs/decisions/0006). The
 * thread waits for the answers; nothing is left over when the turn ends. */
#include "web/server_internal.h"

void signing_add(struct exchange *x) {
    struct io_thread *t = x->thread;
    x->is_signing = true;
    x->next = NULL;
    *t->signing_tail = x;
    t->signing_tail = &x->next;
}

static struct exchange *take_first(struct io_thread *t) {
    struct exchange *x = t->signing;
    t->signing = x->next;
    if (!t->signing)
        t->signing_tail = &t->signing;
    x->is_signing = false;
    return x;
}

void signing_forget(struct exchange *x) {
    struct io_thread *t = x->thread;
    for (struct exchange **at = &t->signing; *at; at = &(*at)->next)
        if (*at == x) {
            *at = x->next;
            if (!x->next)
                t->signing_tail = at;
            break;
        }
    x->is_signing = false;
}

static size_t room_of(const struct signing *s) {
    size_t room = 0;
    for (size_t i = 0; i < s->n; i++)
        room += signer_room(&s->ask[i]);
    return room;
}

/* One message; at least one exchange, since what one asks always fits. */
static void send_some(struct io_thread *t) {
    struct exchange *asker[SIGNER_BATCH_MAX];
    struct signer_request ask[SIGNER_BATCH_MAX] = {{.kid = SPAN_NONE}};
    struct signer_answer answer[SIGNER_BATCH_MAX];
    struct arena *arena[SIGNER_BATCH_MAX] = {NULL};
    size_t n = 0, n_askers = 0, room = SIGNER_MESSAGE_MAX;
    while (t->signing) {
        const struct signing *s = &t->signing->req.signing;
        size_t needed = room_of(s);
        if (n_askers && (n + s->n > SIGNER_BATCH_MAX || needed > room))
            break;
        room -= needed < room ? needed : room;
        for (size_t i = 0; i < s->n; i++) {
            ask[n] = s->ask[i];
            arena[n++] = t->signing->req.arena;
        }
        asker[n_askers++] = take_first(t);
    }
    enum err e = signer_call_each(t->services.channel, ask, n, arena, answer);
    const struct signer_answer *next = answer;
    for (size_t i = 0; i < n_askers; i++) {
        struct signing *s = &asker[i]->req.signing;
        s->result = e;
        for (size_t k = 0; !e && k < s->n; k++)
            s->answer[k] = *next++;
        engine_signed(asker[i]);
        library_answer(asker[i]);
    }
}

bool signing_run(struct io_thread *t) {
    bool has_any = t->signing != NULL;
    while (t->signing)
        send_some(t);
    return has_any;
}

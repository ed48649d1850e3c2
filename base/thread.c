/* SPDX-License-Identifier: Apache-2.0
 *
 * See thread.h. */
#include "base/thread.h"

#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NANOSECONDS 100000

/* struct sched_attr of the kernel, which older C libraries do not declare. */
struct scheduling {
    uint32_t size;
    uint32_t policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void thread_prefer_latency(void) {
    struct scheduling s = {.size = sizeof s};
    if (syscall(SYS_sched_getattr, 0, &s, sizeof s, 0) != 0 || s.policy != SCHED_OTHER)
        return;
    s.runtime = SLICE_NANOSECONDS;
    (void)syscall(SYS_sched_setattr, 0, &s, 0);
}

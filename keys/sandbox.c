/* SPDX-License-Identifier: Apache-2.0
 *
 * See sandbox.h. The list is what a loaded signer was seen to need: channels, memory, locks, random
 * bytes, time, exit. No file can be opened and no socket made. */
#include "keys/sandbox.h"

#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static const int allowed[] = {
    SCMP_SYS(read),          SCMP_SYS(write),     SCMP_SYS(recvmsg),       SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),      SCMP_SYS(sendto),    SCMP_SYS(poll),          SCMP_SYS(ppoll),
    SCMP_SYS(futex),         SCMP_SYS(munmap),    SCMP_SYS(madvise),       SCMP_SYS(brk),
    SCMP_SYS(mlock),         SCMP_SYS(mlock2),    SCMP_SYS(munlock),       SCMP_SYS(getrandom),
    SCMP_SYS(getpid),        SCMP_SYS(gettid),    SCMP_SYS(clock_gettime), SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(close),
    SCMP_SYS(exit),          SCMP_SYS(exit_group),
};

void sandbox_prepare(void) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    /* Under a small limit, locking future mappings would make them fail. */
    struct rlimit memlock;
    if (getrlimit(RLIMIT_MEMLOCK, &memlock) == 0 && (memlock.rlim_cur == RLIM_INFINITY || geteuid() == 0))
        (void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

/* An empty set of rules that handles every file access right: nothing may be opened any more. */
static bool landlock_enter(void) {
#ifdef SYS_landlock_create_ruleset
    const struct {
        uint64_t handled_access_fs;
    } rules = {(1ULL << 13) - 1}; /* all rights of the first interface version */
    AUTO_CLOSE int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);
    return fd >= 0 && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
#else
    return false;
#endif
}

static enum err allow_memory(scmp_filter_ctx filter) {
    /* Only anonymous memory, and none of it ever executable. */
    if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                         SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS)) != 0 ||
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                         SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) != 0)
        return ERR_INTERNAL;
    return ERR_OK;
}

static enum err filter_load(scmp_filter_ctx filter) {
    for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
            return ERR_INTERNAL;
    enum err e = allow_memory(filter);
    if (e)
        return e;
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) != 0 || seccomp_load(filter) != 0)
        return ERR_UNSUPPORTED;
    return ERR_OK;
}

enum err sandbox_enter(bool *ret_landlock) {
    *ret_landlock = landlock_enter();
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return ERR_NOMEM;
    enum err e = filter_load(filter);
    seccomp_release(filter);
    return e;
}

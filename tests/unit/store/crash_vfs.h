/* SPDX-License-Identifier: Apache-2.0
 *
 * A disk that can lose power or fail: a VFS in front of the system's own, registered as SQLite's
 * default, so that the store under test needs no hook. While it records, it keeps every write and
 * sync of the database and its write-ahead log in order; from that record it makes the files as
 * they would be found after a power cut at any point. It counts calls, and can make one fail. */
#ifndef TESTS_UNIT_STORE_CRASH_VFS_H
#define TESTS_UNIT_STORE_CRASH_VFS_H

#include <stdbool.h>
#include <stddef.h>

/* Becomes the default of every connection opened from now on. Syncs are recorded, not done: the
 * power cut is simulated, and the disk's time would only be waited for. */
void crash_vfs_install(void);

/* Forgets the record, takes the database file at `path` (its log empty or absent) as safely on
 * disk, and records from here on. */
void crash_vfs_record(const char *path);
void crash_vfs_stop(void);
size_t crash_vfs_events(void);
/* Syncs of the database file so far: one a checkpoint. */
size_t crash_vfs_checkpoints(void);
/* Nothing has been written to the log since it was last synced. */
bool crash_vfs_log_is_synced(void);

/* What a cut after the first `events` events leaves: of what was synced all; of what was not, each
 * 512-byte sector by the toss of a coin. Calls must not go back in `events`. */
void crash_vfs_image(size_t events, unsigned seed, const char *path);

enum disk_call { DISK_WRITE, DISK_SYNC, DISK_CALLS };
/* The nth (from 1) of these calls from now on returns `rc`, once; 0: none. */
void crash_vfs_fail(enum disk_call call, unsigned nth, int rc);
/* Calls since crash_vfs_fail, and whether the fault has struck. */
unsigned crash_vfs_calls(enum disk_call call);
bool crash_vfs_has_failed(void);

#endif

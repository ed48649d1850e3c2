/* SPDX-License-Identifier: Apache-2.0
 *
 * An online copy of the database, checked whole before it is called one. Runs on the caller's
 * thread with a connection of its own; the writer goes on meanwhile. */
#include "idp/store/internal.h"

static enum err backup_check(struct store *s, const char *path, struct arena *a,
                             const char **reterr_text) {
    struct db_conn *c;
    enum err e = s->driver->open(path, DB_READ_WRITE, a, &c, reterr_text);
    if (e)
        return e;
    e = s->driver->check(c, true);
    if (e)
        *reterr_text = "the copy did not pass its integrity check";
    s->driver->close(c);
    return e;
}

enum err store_backup(struct store *s, const char *path, struct arena *a,
                      const char **reterr_text) {
    struct db_conn *c;
    enum err e = s->driver->open(s->target, DB_READ_ONLY, a, &c, reterr_text);
    if (e)
        return e;
    e = s->driver->copy_to(c, path);
    s->driver->close(c);
    if (e) {
        *reterr_text = e == ERR_EXISTS ? "the file exists already, or cannot be made"
                                       : "the copy could not be written";
        return e;
    }
    return backup_check(s, path, a, reterr_text);
}

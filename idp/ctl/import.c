/* SPDX-License-Identifier: Apache-2.0
 *
 * See import.h. The file is read here and sent a few hundred entries at a time: the daemon's
 * memory does not grow with it, and other commands get their turn. */
#include "idp/ctl/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "idp/ctl/commands.h"
#include "idp/ctl/ctl_link.h"
#include "idp/ctl/import_form.h"

#define BATCH_BYTES (CTL_MESSAGE_MAX / 4)
#define ENTRY_BYTES (256 * 1024)
#define LINE_MAX_BYTES 4096 /* of a report for people */

struct import {
    const char *socket_path;
    bool json, is_dry;
    const char *path;
    struct import_list list;
    json_t *seen; /* key -> number of the item that has it, from 0 */
    const char *why;
};

static void import_done(struct import *im) {
    import_list_done(&im->list);
    json_cleanup(&im->seen);
}

static int fail(const struct import *im, int status, const char *error, const char *why) {
    if (im->json) {
        AUTO_JSON json_t *out = json_pack("{ss ss}", "error", error, "error_description", why);
        json_dumpf(out, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        fprintf(stderr, "idpctl: %s: %s\n", error, why);
    }
    return status;
}

/* ---- to the daemon ---- */

/* The next entries that are still good, from `*at` on, as many as one message takes. */
static json_t *next_batch(struct import *im, size_t *at) {
    json_t *entries = json_array();
    size_t bytes = 0;
    for (; *at < im->list.count && bytes < BATCH_BYTES &&
           json_array_size(entries) < IMPORT_BATCH_ENTRIES;
         ++*at) {
        struct import_item *item = &im->list.item[*at];
        size_t len = item->entry ? json_dumpb(item->entry, NULL, 0, JSON_COMPACT) : 0;
        if (len > ENTRY_BYTES)
            import_refuse(item, "longer than %d KiB", ENTRY_BYTES / 1024);
        if (!item->entry)
            continue;
        bytes += len;
        json_array_append_new(entries, json_pack("{ss sO}", "kind", item->kind, "entry", item->entry));
    }
    return entries;
}

static void check_keys(struct import *im, size_t number, const json_t *keys) {
    struct import_item *item = &im->list.item[number];
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        const json_t *before = key ? json_object_get(im->seen, key) : NULL;
        if (before)
            import_refuse(item, "%.*s is that of %s %lld of this file", (int)strcspn(key, ":"), key,
                          item->kind, (long long)json_integer_value(before));
    }
    for (size_t i = 0; item->entry && i < json_array_size(keys); i++)
        json_object_set_new(im->seen, json_string_value(json_array_get(keys, i)),
                            json_integer((json_int_t)item->index));
}

/* What the daemon said of the entries between `from` and `to`. */
static enum err take_answers(struct import *im, size_t from, size_t to, const json_t *out, bool is_dry) {
    size_t n = 0;
    for (size_t i = from; i < to; i++) {
        struct import_item *item = &im->list.item[i];
        if (!item->entry)
            continue;
        const json_t *answer = json_array_get(out, n++);
        const char *error = json_string_value(json_object_get(answer, "error"));
        if (error)
            import_refuse(item, "%s", error);
        else if (!answer)
            return ERR_SYNTAX;
        else if (is_dry)
            check_keys(im, i, json_object_get(answer, "keys"));
    }
    return n == json_array_size(out) ? ERR_OK : ERR_SYNTAX;
}

static int send_all(struct import *im, bool is_dry) {
    for (size_t at = 0; at < im->list.count;) {
        size_t from = at;
        AUTO_JSON json_t *args = json_object();
        AUTO_JSON json_t *answer = NULL;
        json_t *entries = next_batch(im, &at);
        json_object_set_new(args, "entries", entries);
        json_object_set_new(args, "dry_run", json_boolean(is_dry));
        if (json_array_size(entries) == 0)
            continue;
        if (ctl_exchange(im->socket_path, "import", NULL, args, &answer, &im->why))
            return fail(im, CTL_UNREACHABLE, "unreachable", im->why);
        if (json_integer_value(json_object_get(answer, "status")) != CTL_DONE ||
            take_answers(im, from, at, json_object_get(answer, "out"), is_dry))
            return fail(im, CTL_REFUSED, "refused", "the daemon does not take these entries");
    }
    return CTL_DONE;
}

/* ---- the report ---- */

static void print_line(const char *line) {
    for (const char *p = line; *p; p++) /* names come from the file: nothing for the terminal to obey */
        putchar((unsigned char)*p < 0x20 || *p == 0x7F ? '?' : *p);
    putchar('\n');
}

static void print_item_line(const struct import_item *item, const char *what, const char *text) {
    char line[LINE_MAX_BYTES];
    (void)snprintf(line, sizeof line, "%s %zu \"%.200s\": %s%s", item->kind, item->index,
                   item->name ? json_string_value(item->name) : "", what, text);
    print_line(line);
}

static json_t *item_out(const struct import_item *item) {
    return json_pack("{ss sI sO* sO* ss sO*}", "kind", item->kind, "index", (json_int_t)item->index,
                     "name", item->name, "error", item->error, "result",
                     item->entry ? "taken" : "refused", "notes", item->notes);
}

struct counts {
    size_t taken, refused;
};

static struct counts count_kind(const struct import_list *list, const char *kind) {
    struct counts n = {0, 0};
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i].kind, kind) == 0)
            *(list->item[i].entry ? &n.taken : &n.refused) += 1;
    return n;
}

static void print_json(const struct import *im, struct counts clients, struct counts users) {
    json_t *entries = json_array();
    for (size_t i = 0; i < im->list.count; i++)
        if (im->list.item[i].error || im->list.item[i].notes)
            json_array_append_new(entries, item_out(&im->list.item[i]));
    AUTO_JSON json_t *out = json_pack(
        "{sb s{sI sI} s{sI sI} so sO}", "dry_run", (int)im->is_dry, "clients", "taken",
        (json_int_t)clients.taken, "refused", (json_int_t)clients.refused, "users", "taken",
        (json_int_t)users.taken, "refused", (json_int_t)users.refused, "entries", entries, "notes",
        im->list.notes);
    json_dumpf(out, stdout, JSON_COMPACT);
    putchar('\n');
}

static void print_text(const struct import *im, struct counts clients, struct counts users) {
    for (size_t i = 0; i < im->list.count; i++) {
        const struct import_item *item = &im->list.item[i];
        if (item->error)
            print_item_line(item, "refused: ", json_string_value(item->error));
        for (size_t n = 0; n < json_array_size(item->notes); n++)
            print_item_line(item, "", json_string_value(json_array_get(item->notes, n)));
    }
    for (size_t n = 0; n < json_array_size(im->list.notes); n++)
        print_line(json_string_value(json_array_get(im->list.notes, n)));
    printf("clients: %zu taken, %zu refused\nusers: %zu taken, %zu refused\n%s", clients.taken,
           clients.refused, users.taken, users.refused,
           im->is_dry ? "dry run: nothing was written\n" : "");
}

static int report(const struct import *im) {
    struct counts clients = count_kind(&im->list, "client"), users = count_kind(&im->list, "user");
    if (im->json)
        print_json(im, clients, users);
    else
        print_text(im, clients, users);
    return clients.refused + users.refused ? CTL_REFUSED : CTL_DONE;
}

/* ---- the command ---- */

static int parse_words(struct import *im, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--dry-run") == 0)
            im->is_dry = true;
        else if (!im->path && strncmp(argv[i], "--", 2) != 0)
            im->path = argv[i];
        else
            return fail(im, CTL_USAGE, "usage", "idpctl import FILE [--dry-run]");
    }
    return im->path ? CTL_DONE : fail(im, CTL_USAGE, "usage", "idpctl import FILE [--dry-run]");
}

static int read_list(struct import *im) {
    CLEANUP(buf_done) struct buf text = BUF_INIT(IMPORT_FILE_MAX);
    AUTO_JSON json_t *document = NULL;
    enum err e = ctl_read_file(im->path, &text);
    if (e)
        return fail(im, CTL_USAGE, "invalid_request",
                    e == ERR_TOO_LONG ? "the file is longer than 64 MiB: split it" : "the file cannot be read");
    if (json_parse_object(buf_span(&text), IMPORT_FILE_MAX, &document))
        return fail(im, CTL_REFUSED, "invalid_request",
                    "the file is not one JSON object, or has a member twice, or is nested too deep");
    if (import_read(document, &im->list, &im->why))
        return fail(im, CTL_REFUSED, "invalid_request", im->why);
    return CTL_DONE;
}

int ctl_import_file(const char *socket_path, bool json, int argc, char **argv) {
    CLEANUP(import_done) struct import im = {.socket_path = socket_path, .json = json, .seen = json_object()};
    int status = parse_words(&im, argc, argv);
    if (!status)
        status = read_list(&im);
    if (!status)
        status = send_all(&im, true);
    if (!status && !im.is_dry)
        status = send_all(&im, false);
    return status ? status : report(&im);
}

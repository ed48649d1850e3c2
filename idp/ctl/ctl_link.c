/* SPDX-License-Identifier: Apache-2.0
 *
 * See ctl_link.h. */
#include "idp/ctl/ctl_link.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/secret.h"
#include "idp/ctl/commands.h"

enum err ctl_read_file(const char *path, struct buf *out) {
    AUTO_CLOSE int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    char chunk[16384];
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0 && !buf_err(out))
        buf_add(out, chunk, (size_t)n);
    wipe(chunk, sizeof chunk);
    return n < 0 ? ERR_IO : buf_err(out);
}

static int connect_daemon(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    memcpy(address.sun_path, path, strlen(path));
    AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        return -1;
    return take_fd(&fd);
}

static enum err send_and_receive(int fd, const json_t *request, struct buf *answer) {
    char *text = json_dumps(request, JSON_COMPACT), chunk[16384];
    ssize_t n;
    size_t len = text ? strlen(text) : 0, sent = 0;
    while (sent < len && (n = send(fd, text + sent, len - sent, MSG_NOSIGNAL)) > 0)
        sent += (size_t)n;
    if (text)
        wipe(text, len);
    free(text);
    if (sent < len || len == 0 || shutdown(fd, SHUT_WR) != 0)
        return ERR_IO;
    while ((n = read(fd, chunk, sizeof chunk)) > 0)
        buf_add(answer, chunk, (size_t)n);
    wipe(chunk, sizeof chunk);
    return n < 0 ? ERR_IO : buf_err(answer);
}

enum err ctl_exchange(const char *socket_path, const char *noun, const char *verb, json_t *args,
                      json_t **ret_answer, const char **reterr_text) {
    AUTO_CLOSE int fd = connect_daemon(socket_path);
    *reterr_text = "no daemon answers at the admin socket";
    if (fd < 0)
        return ERR_IO;
    AUTO_JSON json_t *request = json_pack("{ss ss? sO}", "noun", noun, "verb", verb, "args", args);
    CLEANUP(buf_done) struct buf text = BUF_INIT(2 * CTL_MESSAGE_MAX);
    *reterr_text = "the daemon did not answer";
    if (!request || send_and_receive(fd, request, &text) ||
        json_parse_object(buf_span(&text), 2 * CTL_MESSAGE_MAX, ret_answer))
        return ERR_IO;
    return ERR_OK;
}

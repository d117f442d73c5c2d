#include "reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "collector_settings.h"
#include "memory.h"
#include "progress.h"
#include "settings_file.h"
#include "site.h"

#define READ_BYTES (256u * 1024)
#define LOOK_MS 200

struct reader {
    int socket;
    struct frame_reader frames;
    uint8_t *bytes;
    bool fed;
    bool waiting; /* what for is said */
    struct progress progress;
    uint64_t patience_us;
};

static bool socket_path(const struct command_context *context, char ret_path[FILES_PATH_MOST],
                        struct fault *fault) {
    struct collector_settings settings;
    char data[FILES_PATH_MOST];
    if (!settings_file_read(collector_settings_table(), context->site, "collector", &settings, fault))
        return false;
    bool own = settings.query.socket != NULL;
    bool good = own && site_below(ret_path, context->site, settings.query.socket);
    settings_release(collector_settings_table(), &settings);
    if (own)
        return good || fault_set(fault, FAULT_LIMIT, "the path of the query socket is too long");
    return command_data(context, data, fault) && site_path(ret_path, data, SITE_COLLECTOR_SOCKET);
}

static int connect_to(const char *path, struct fault *fault) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fault_set(fault, FAULT_LIMIT, "%s: a socket's path has at most %zu bytes", path,
                  sizeof address.sun_path - 1);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (errno == EACCES || errno == EPERM)
        fault_set(fault, FAULT_AUTH, "%s: not allowed; run it as root or as a member of the group tocsin",
                  path);
    else
        fault_set(fault, FAULT_MISSING,
                  "no collector answers at %s: start it (`systemctl start tocsin-collector`, or "
                  "tocsin-collector --site DIR)",
                  path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool send_request(int fd, const Tocsin__Request *request, struct fault *fault) {
    CLEANUP_BUFFER struct buffer out = BUFFER(FRAME_HEAD + FRAME_CONTROL_MOST);
    size_t size = tocsin__request__get_packed_size(request);
    if (!buffer_reserve(&out, FRAME_HEAD + size))
        return fault_set(fault, FAULT_LIMIT, "the request is too large");
    frame_head(out.data, FRAME_REQUEST, size);
    tocsin__request__pack(request, out.data + FRAME_HEAD);
    return send(fd, out.data, FRAME_HEAD + size, MSG_NOSIGNAL) == (ssize_t)(FRAME_HEAD + size) ||
           fault_set_system(fault, "the collector's socket");
}

struct reader *reader_open(const struct command_context *context, const Tocsin__Request *request,
                           struct fault *fault) {
    char path[FILES_PATH_MOST];
    if (!socket_path(context, path, fault))
        return NULL;
    int fd = connect_to(path, fault);
    if (fd < 0)
        return NULL;
    if (!send_request(fd, request, fault)) {
        close(fd);
        return NULL;
    }
    struct reader *reader = memory_new(sizeof *reader);
    reader->socket = fd;
    reader->bytes = memory_new(READ_BYTES);
    frame_reader_open(&reader->frames, FRAME_EVENT_ROW, FRAME_REFUSED);
    return reader;
}

bool reader_ask(struct reader *reader, const Tocsin__Request *request, struct fault *fault) {
    return send_request(reader->socket, request, fault);
}

struct reader *reader_close(struct reader *reader) {
    if (reader) {
        close(reader->socket);
        frame_reader_close(&reader->frames);
        free(reader->bytes);
        free(reader);
    }
    return NULL;
}

static bool take_end(const struct frame *frame, uint64_t *ret_count, struct fault *fault) {
    if (frame->type == FRAME_REFUSED) {
        Tocsin__Refused *refused = tocsin__refused__unpack(NULL, frame->message.size, frame->message.data);
        fault_set(fault, FAULT_USAGE, "%s", refused ? refused->text : "refused");
        if (refused)
            tocsin__refused__free_unpacked(refused, NULL);
        return false;
    }
    Tocsin__End *end = tocsin__end__unpack(NULL, frame->message.size, frame->message.data);
    *ret_count = end ? end->count : 0;
    if (end)
        tocsin__end__free_unpacked(end, NULL);
    return false;
}

void reader_wait_for(struct reader *reader, const char *what, uint64_t patience_us) {
    reader->waiting = true;
    reader->progress = progress_begin(what);
    reader->patience_us = patience_us;
}

/* Until there is something to read. */
static bool wait_for_bytes(struct reader *reader, struct fault *fault) {
    struct pollfd poll_of = {reader->socket, POLLIN, 0};
    uint64_t begun_us = clock_monotonic_us();
    while (reader->waiting && poll(&poll_of, 1, LOOK_MS) == 0) {
        progress_wait(&reader->progress);
        if (reader->patience_us && clock_monotonic_us() - begun_us > reader->patience_us) {
            progress_end(&reader->progress);
            return fault_set(fault, FAULT_BUSY,
                             "the collector does not answer: `tocsin status` tells how it is");
        }
    }
    progress_end(&reader->progress);
    return true;
}

bool reader_next(struct reader *reader, struct frame *ret_frame, uint64_t *ret_count, struct fault *fault) {
    for (;;) {
        struct fault bad = {0};
        if (reader->fed && frame_reader_next(&reader->frames, ret_frame, &bad)) {
            if (ret_frame->type == FRAME_END || ret_frame->type == FRAME_REFUSED)
                return take_end(ret_frame, ret_count, fault);
            return true;
        }
        if (bad.code) {
            *fault = bad;
            return false;
        }
        if (!wait_for_bytes(reader, fault))
            return false;
        ssize_t got = recv(reader->socket, reader->bytes, READ_BYTES, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_set_system(fault, "the collector's socket");
        if (got == 0)
            return fault_set(fault, FAULT_IO, "the collector ended the connection before it had answered");
        frame_reader_feed(&reader->frames, slice_make(reader->bytes, (size_t)got));
        reader->fed = true;
    }
}

bool reader_rows(struct reader *reader, reader_row *take, void *context, struct fault *fault) {
    struct frame frame;
    uint64_t count;
    struct fault inner = {0};
    while (reader_next(reader, &frame, &count, &inner)) {
        if (frame.type != FRAME_STORE_ROW)
            continue;
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (!row)
            return fault_set(fault, FAULT_IO, "the collector sent a row that cannot be read");
        take(context, row);
        tocsin__store_row__free_unpacked(row, NULL);
    }
    if (inner.code)
        *fault = inner;
    return !inner.code;
}

bool reader_has_more(struct reader *reader) {
    struct pollfd poll_of = {reader->socket, POLLIN, 0};
    return reader->frames.given.size > 0 || poll(&poll_of, 1, 0) > 0;
}

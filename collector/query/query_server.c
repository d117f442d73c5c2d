#include "query_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "entry_block.h"
#include "log.h"
#include "memory.h"
#include "query_run.h"

#define OUTPUT_BYTES (64u * 1024) /* gathered before a write */
#define WRITE_TIMEOUT_MS 60000
#define REQUEST_TIMEOUT_MS 10000
#define LOOK_MS 250 /* how soon a thread notices a stop */

struct query_server {
    struct query_server_settings settings;
    _Atomic(const struct knowledge *) knowledge;
    int listener;
    pthread_t thread;
    bool started;
    atomic_bool stopping;
    atomic_uint readers;
};

struct connection {
    struct query_server *server;
    int socket;
    struct buffer out;
    bool gone;
};

/* ---- one connection, in its own thread */

static bool wait_for(struct connection *connection, short events, int timeout_ms) {
    for (int waited = 0; waited < timeout_ms; waited += LOOK_MS) {
        struct pollfd poll_of = {connection->socket, events, 0};
        int ready = poll(&poll_of, 1, LOOK_MS);
        if (ready > 0)
            return !(poll_of.revents & (POLLERR | POLLNVAL));
        if ((ready < 0 && errno != EINTR) || atomic_load(&connection->server->stopping))
            return false;
    }
    return false;
}

static bool flush(struct connection *connection) {
    size_t done = 0;
    while (!connection->gone && done < connection->out.size) {
        ssize_t written = send(connection->socket, connection->out.data + done, connection->out.size - done,
                               MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written > 0)
            done += (size_t)written;
        else if (written < 0 && errno == EAGAIN)
            connection->gone = !wait_for(connection, POLLOUT, WRITE_TIMEOUT_MS);
        else if (written < 0 && errno != EINTR)
            connection->gone = true;
    }
    buffer_clear(&connection->out);
    return !connection->gone;
}

static bool write_frame(void *context, enum frame_type type, const ProtobufCMessage *message) {
    struct connection *connection = context;
    size_t size = protobuf_c_message_get_packed_size(message);
    if (connection->out.size + FRAME_HEAD + size > OUTPUT_BYTES && !flush(connection))
        return false;
    if (size > frame_limit(type) || !buffer_reserve(&connection->out, FRAME_HEAD + size)) {
        connection->gone = true;
        return false;
    }
    frame_head(connection->out.data + connection->out.size, type, size);
    protobuf_c_message_pack(message, connection->out.data + connection->out.size + FRAME_HEAD);
    connection->out.size += FRAME_HEAD + size;
    return !connection->gone;
}

static void refuse(void *context, const struct fault *fault) {
    char line[FAULT_LINE_SIZE];
    fault_line(fault, line);
    Tocsin__Refused refused;
    tocsin__refused__init(&refused);
    refused.text = line;
    write_frame(context, FRAME_REFUSED, &refused.base);
}

/* Also asked while a following query waits: what is gathered goes out, and a reader that hung up is noticed. */
static bool stopping(void *context) {
    struct connection *connection = context;
    uint8_t byte;
    ssize_t got = recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        connection->gone = true;
    return !flush(connection) || atomic_load(&connection->server->stopping);
}

static bool is_owner(void *context) {
    const struct connection *connection = context;
    struct ucred who;
    socklen_t size = sizeof who;
    return getsockopt(connection->socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
           (who.uid == 0 || who.uid == geteuid());
}

static Tocsin__Request *read_request(struct connection *connection) {
    struct frame_reader reader;
    struct frame frame;
    struct fault fault = {0};
    Tocsin__Request *request = NULL;
    frame_reader_open(&reader, FRAME_REQUEST, FRAME_REQUEST);
    while (!request && !fault.code && wait_for(connection, POLLIN, REQUEST_TIMEOUT_MS)) {
        uint8_t bytes[4096];
        ssize_t got = recv(connection->socket, bytes, sizeof bytes, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            break;
        frame_reader_feed(&reader, slice_make(bytes, got > 0 ? (size_t)got : 0));
        if (frame_reader_next(&reader, &frame, &fault)) {
            request = tocsin__request__unpack(NULL, frame.message.size, frame.message.data);
            if (!request)
                fault_set(&fault, FAULT_FORMAT, "a request that cannot be read");
        }
    }
    if (fault.code)
        refuse(connection, &fault);
    frame_reader_close(&reader);
    return request;
}

static void *serve(void *context) {
    struct connection *connection = context;
    struct query_server *server = connection->server;
    struct entry_block *block = NULL;
    Tocsin__Request *request;
    while (!connection->gone && (request = read_request(connection)) != NULL) {
        struct query_reader reader = {&server->settings, atomic_load(&server->knowledge), connection, write_frame,
                                      stopping, refuse, is_owner, &block};
        query_run(&reader, request);
        tocsin__request__free_unpacked(request, NULL);
        flush(connection);
    }
    entry_block_close(block);
    flush(connection);
    close(connection->socket);
    buffer_free(&connection->out);
    free(connection);
    atomic_fetch_sub(&server->readers, 1);
    return NULL;
}

/* ---- the listener */

static void accept_one(struct query_server *server) {
    int socket = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (socket < 0) {
        if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            usleep(LOOK_MS * 1000); /* no descriptor left: who waits is still there, and poll would not wait */
        return;
    }
    struct connection *connection = memory_new(sizeof *connection);
    *connection = (struct connection){server, socket, BUFFER(FRAME_HEAD + FRAME_ROW_MOST + OUTPUT_BYTES), false};
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 512 * 1024);
    bool started = atomic_fetch_add(&server->readers, 1) < QUERY_READERS_MOST &&
                   pthread_create(&thread, &attributes, serve, connection) == 0;
    pthread_attr_destroy(&attributes);
    if (started)
        return;
    struct fault busy = {0};
    fault_set(&busy, FAULT_BUSY, "%u readers are at work already; try again", QUERY_READERS_MOST);
    refuse(connection, &busy);
    flush(connection);
    close(socket);
    buffer_free(&connection->out);
    free(connection);
    atomic_fetch_sub(&server->readers, 1);
}

static void *listen_for_readers(void *context) {
    struct query_server *server = context;
    while (!atomic_load(&server->stopping)) {
        struct pollfd poll_of = {server->listener, POLLIN, 0};
        if (poll(&poll_of, 1, LOOK_MS) > 0)
            accept_one(server);
    }
    return NULL;
}

static int open_socket(const char *path, struct fault *fault) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        fault_set(fault, FAULT_LIMIT, "%s: a socket's path has at most %zu bytes; set query.socket", path,
                  sizeof address.sun_path - 1);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(path); /* the store's lock says that no other collector uses it */
    if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0660) != 0 || listen(listener, 64) != 0) {
        fault_set_system(fault, "%s", path);
        if (listener >= 0)
            close(listener);
        return -1;
    }
    return listener;
}

struct query_server *query_server_start(const struct query_server_settings *settings, struct fault *fault) {
    struct query_server *server = memory_new(sizeof *server);
    server->settings = *settings;
    atomic_store(&server->knowledge, settings->knowledge);
    server->listener = open_socket(settings->socket_path, fault);
    if (server->listener < 0) {
        free(server);
        return NULL;
    }
    server->started = pthread_create(&server->thread, NULL, listen_for_readers, server) == 0;
    return server;
}

struct query_server *query_server_stop(struct query_server *server) {
    if (!server)
        return NULL;
    atomic_store(&server->stopping, true);
    if (server->started)
        pthread_join(server->thread, NULL);
    committer_wake_waiters(server->settings.committer);
    while (atomic_load(&server->readers))
        usleep(10000);
    close(server->listener);
    unlink(server->settings.socket_path);
    free(server);
    return NULL;
}

void query_server_reload(struct query_server *server, const struct knowledge *knowledge) {
    atomic_store(&server->knowledge, knowledge);
}

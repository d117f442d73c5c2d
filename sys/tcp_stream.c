#include "tcp_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buffer.h"
#include "clock.h"
#include "loop_private.h"
#include "memory.h"
#include "socket_private.h"

struct tcp_stream {
    struct loop *loop;
    struct tcp_stream_handlers handlers;
    void *context;
    int socket;
    struct loop_watch *watch;
    struct buffer output;
    uint64_t since_us, connect_us, first_us; /* `since`: of the step that goes on */
    bool open;
    bool busy, dead; /* destroyed while its callbacks run: its memory goes when they have returned */
};

/* A step always takes something: 0 means that it was not reached. */
static uint64_t passed_us(const struct tcp_stream *stream) {
    uint64_t us = clock_monotonic_us() - stream->since_us;
    return us ? us : 1;
}

static void end(struct tcp_stream *stream, const struct fault *fault) {
    loop_watch_set(stream->watch, 0);
    stream->handlers.closed(stream->context, fault);
}

static void end_by_system(struct tcp_stream *stream, const char *what) {
    struct fault fault;
    fault_set_system(&fault, "%s", what);
    end(stream, &fault);
}

/* False: it has ended, and may be gone. */
static bool flush(struct tcp_stream *stream) {
    while (stream->output.size) {
        ssize_t sent = send(stream->socket, stream->output.data, stream->output.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0) {
            end_by_system(stream, "the connection broke while writing");
            return false;
        }
        buffer_consume(&stream->output, (size_t)sent);
    }
    loop_watch_set(stream->watch, LOOP_READABLE | (stream->output.size ? LOOP_WRITABLE : 0));
    return true;
}

static void became_open(struct tcp_stream *stream) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(stream->socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error) {
        errno = error;
        end_by_system(stream, "cannot connect");
        return;
    }
    stream->open = true;
    stream->connect_us = passed_us(stream);
    stream->since_us = clock_monotonic_us();
    loop_watch_set(stream->watch, LOOP_READABLE);
    stream->handlers.open(stream->context);
}

static void receive(struct tcp_stream *stream) {
    struct loop *loop = stream->loop;
    ssize_t got = recv(stream->socket, loop->received, sizeof loop->received, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got < 0) {
        end_by_system(stream, "the connection broke");
        return;
    }
    if (got == 0) {
        end(stream, NULL);
        return;
    }
    if (!stream->first_us)
        stream->first_us = passed_us(stream);
    stream->handlers.bytes(stream->context, slice_make(loop->received, (size_t)got));
}

static void ready(void *context, unsigned events) {
    struct tcp_stream *stream = context;
    stream->busy = true;
    if (!stream->open)
        became_open(stream);
    else if (!(events & LOOP_WRITABLE) || flush(stream)) {
        if (events & LOOP_READABLE && !stream->dead)
            receive(stream);
    }
    stream->busy = false;
    if (stream->dead)
        free(stream);
}

struct tcp_stream *tcp_stream_connect(struct loop *loop, const char *address, uint16_t port,
                                      const struct tcp_stream_handlers *handlers, void *context,
                                      struct fault *fault) {
    int made;
    uint64_t since_us = clock_monotonic_us();
    if (!socket_connect(address, port, SOCK_STREAM, &made, fault))
        return NULL;
    struct tcp_stream *stream = memory_new(sizeof *stream);
    *stream = (struct tcp_stream){.loop = loop,
                                  .handlers = *handlers,
                                  .context = context,
                                  .socket = made,
                                  .since_us = since_us,
                                  .output = BUFFER(TCP_STREAM_OUTPUT_MOST)};
    stream->watch = loop_watch_create(loop, made, LOOP_WRITABLE, ready, stream, fault);
    return stream->watch ? stream : tcp_stream_destroy(stream);
}

bool tcp_stream_write(struct tcp_stream *stream, struct slice bytes) {
    if (!stream->open || stream->output.size + bytes.size > TCP_STREAM_OUTPUT_MOST)
        return false;
    buffer_append_slice(&stream->output, bytes);
    stream->since_us = clock_monotonic_us();
    loop_watch_set(stream->watch,
                   LOOP_READABLE | LOOP_WRITABLE); /* goes out in a turn: no callback comes from here */
    return true;
}

struct tcp_stream *tcp_stream_destroy(struct tcp_stream *stream) {
    if (!stream)
        return NULL;
    loop_watch_destroy(stream->watch);
    close(stream->socket);
    buffer_free(&stream->output);
    stream->dead = true;
    if (!stream->busy)
        free(stream);
    return NULL;
}

uint64_t tcp_stream_connect_us(const struct tcp_stream *stream) {
    return stream->connect_us;
}

uint64_t tcp_stream_first_us(const struct tcp_stream *stream) {
    return stream->first_us;
}

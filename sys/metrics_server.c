#include "metrics_server.h"

#include <stdio.h>
#include <stdlib.h>

#include "channel.h"
#include "memory.h"

struct metrics_visit {
    struct metrics_server *server;
    struct channel *channel;
    struct loop_timer *timer;
    struct buffer request;
    struct metrics_visit *next, **previous;
};

struct metrics_server {
    struct loop *loop;
    struct channel_server *listener;
    void (*page)(void *context, struct buffer *to);
    void *context;
    struct metrics_visit *visits;
};

static void metrics_visit_free(struct metrics_visit *visit) {
    *visit->previous = visit->next;
    if (visit->next)
        visit->next->previous = visit->previous;
    loop_timer_destroy(visit->timer);
    buffer_free(&visit->request);
    free(visit);
}

static void metrics_answer(struct metrics_visit *visit, const char *status, const char *more,
                           struct slice body) {
    char head[256];
    int size = snprintf(
        head, sizeof head,
        "HTTP/1.0 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n%sContent-Length: %zu\r\n"
        "Connection: close\r\n\r\n",
        status, more, body.size);
    channel_write(visit->channel, slice_make(head, (size_t)size));
    channel_write(visit->channel, body);
    channel_finish(visit->channel);
    metrics_visit_free(visit);
}

static void metrics_answer_page(struct metrics_visit *visit) {
    CLEANUP_BUFFER struct buffer page = BUFFER(METRICS_PAGE_MOST);
    visit->server->page(visit->server->context, &page);
    if (page.overflow)
        metrics_answer(visit, "500 Internal Server Error", "", SLICE("the page is too large\n"));
    else
        metrics_answer(visit, "200 OK", "", buffer_slice(&page));
}

static bool metrics_is_page(struct slice path) {
    return slice_equal(path, SLICE("/metrics")) || slice_starts(path, SLICE("/metrics?"));
}

/* Up to the next blank, which is taken away. */
static struct slice metrics_word(struct slice *rest) {
    struct slice word = slice_head(*rest, slice_find_byte(*rest, ' '));
    size_t used = word.size < rest->size ? word.size + 1 : word.size;
    *rest = slice_make(rest->data + used, rest->size - used);
    return word;
}

static void metrics_answer_request(struct metrics_visit *visit, struct slice line) {
    struct slice method = metrics_word(&line), path = metrics_word(&line), version = line;
    if (!slice_starts(version, SLICE("HTTP/1.")))
        metrics_answer(visit, "400 Bad Request", "", SLICE("this is no request\n"));
    else if (!slice_equal(method, SLICE("GET")))
        metrics_answer(visit, "405 Method Not Allowed", "Allow: GET\r\n", SLICE("only GET is known here\n"));
    else if (!metrics_is_page(path))
        metrics_answer(visit, "404 Not Found", "", SLICE("there is only /metrics\n"));
    else
        metrics_answer_page(visit);
}

static void metrics_visit_bytes(void *context, struct channel *channel, struct slice bytes) {
    (void)channel;
    struct metrics_visit *visit = context;
    if (!buffer_append_slice(&visit->request, bytes)) {
        metrics_answer(visit, "431 Request Header Fields Too Large", "", SLICE("the request is too large\n"));
        return;
    }
    struct slice request = buffer_slice(&visit->request);
    if (slice_find(request, SLICE("\r\n\r\n")) != SIZE_MAX || slice_find(request, SLICE("\n\n")) != SIZE_MAX)
        metrics_answer_request(visit, slice_head(request, slice_find_byte(request, '\n')));
}

static void metrics_visit_closed(void *context, struct channel *channel, const struct fault *fault) {
    (void)channel, (void)fault;
    metrics_visit_free(context);
}

static void metrics_visit_late(void *context) {
    struct metrics_visit *visit = context;
    channel_close(visit->channel);
    metrics_visit_free(visit);
}

static void metrics_visit_open(void *context, struct channel *channel) {
    static const struct channel_handlers handlers = {.bytes = metrics_visit_bytes,
                                                     .closed = metrics_visit_closed};
    struct metrics_server *server = context;
    struct metrics_visit *visit = memory_new(sizeof *visit);
    visit->server = server;
    visit->channel = channel;
    visit->request = BUFFER(METRICS_REQUEST_MOST);
    visit->next = server->visits;
    visit->previous = &server->visits;
    if (visit->next)
        visit->next->previous = &visit->next;
    server->visits = visit;
    visit->timer = loop_timer_create(server->loop, metrics_visit_late, visit);
    loop_timer_after(visit->timer, METRICS_TIMEOUT_US);
    channel_set_handlers(channel, &handlers, visit);
}

struct metrics_server *metrics_server_create(struct loop *loop, const char *address,
                                             void (*page)(void *context, struct buffer *to), void *context,
                                             struct fault *fault) {
    static const struct channel_server_handlers handlers = {.open = metrics_visit_open};
    struct metrics_server *server = memory_new(sizeof *server);
    server->loop = loop;
    server->page = page;
    server->context = context;
    const struct channel_server_settings settings = {
        .address = address,
        .mode = 0660, /* the daemon's group may watch it */
        .connections_most = METRICS_CONNECTIONS_MOST,
        .limits = {.output_most = METRICS_PAGE_MOST + 1024, .stall_timeout_us = METRICS_TIMEOUT_US},
    };
    server->listener = channel_listen(loop, &settings, &handlers, server, fault);
    return server->listener ? server : metrics_server_destroy(server);
}

struct metrics_server *metrics_server_destroy(struct metrics_server *server) {
    if (!server)
        return NULL;
    for (struct metrics_visit *visit = server->visits, *next; visit; visit = next) {
        next = visit->next;
        metrics_visit_late(visit);
    }
    channel_server_destroy(server->listener);
    free(server);
    return NULL;
}

const char *metrics_server_address(const struct metrics_server *server) {
    return channel_server_address(server->listener);
}

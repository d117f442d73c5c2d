#include "http_fetch.h"

#include <stdlib.h>

#include "clock.h"
#include "http_fetch_private.h"
#include "memory.h"

/* Handles that are done with wait here for the next requests: making one costs more than setting one back. */
#define HTTP_FETCH_IDLE_MOST 32u

/* Everything that enters libcurl goes through http_fetcher_enter and _leave. Within it, callbacks only mark what they want
 * (libcurl refuses to be changed from its own callbacks); leaving does it. */
struct http_fetcher {
    struct loop *loop;
    struct loop_timer *timer;
    CURLM *multi;
    struct tls_authorities *authorities;
    struct http_fetch *first;
    size_t count;
    bool busy, unsettled, gone; /* within libcurl or a `done`; something is marked; destroyed meanwhile */
    size_t idle_count;
    CURL *idle[HTTP_FETCH_IDLE_MOST];
};

/* A descriptor of libcurl's while it wants to hear of it. */
struct http_fetch_socket {
    struct http_fetcher *fetcher;
    curl_socket_t descriptor;
    struct loop_watch *watch;
};

static loop_callback http_fetch_due;

/* ---- a fetch's memory */

static struct http_fetch *http_fetch_free(struct http_fetch *fetch) {
    struct http_fetcher *fetcher = fetch->fetcher;
    if (fetch->added)
        curl_multi_remove_handle(fetcher->multi, fetch->handle);
    if (fetch->handle && fetcher->idle_count < HTTP_FETCH_IDLE_MOST) {
        curl_easy_reset(fetch->handle);
        fetcher->idle[fetcher->idle_count++] = fetch->handle;
    } else {
        curl_easy_cleanup(fetch->handle);
    }
    *fetch->previous = fetch->next;
    if (fetch->next)
        fetch->next->previous = fetch->previous;
    fetcher->count--;
    loop_timer_destroy(fetch->deadline);
    curl_slist_free_all(fetch->headers);
    curl_slist_free_all(fetch->connect_to);
    X509_STORE_free(fetch->authorities);
    buffer_free(&fetch->head);
    buffer_free(&fetch->trailers);
    free(fetch);
    return NULL;
}

static struct http_fetch *http_fetch_new(struct http_fetcher *fetcher,
                                         const struct http_fetch_handlers *handlers, void *context) {
    struct http_fetch *fetch = memory_new(sizeof *fetch);
    fetch->fetcher = fetcher;
    fetch->handlers = *handlers;
    fetch->context = context;
    fetch->deadline = loop_timer_create(fetcher->loop, http_fetch_due, fetch);
    fetch->head = BUFFER(HTTP_FETCH_HEADERS_MOST);
    fetch->trailers = BUFFER(HTTP_FETCH_HEADERS_MOST);
    fetch->next = fetcher->first;
    fetch->previous = &fetcher->first;
    if (fetch->next)
        fetch->next->previous = &fetch->next;
    fetcher->first = fetch;
    fetcher->count++;
    return fetch;
}

/* ---- into libcurl and out of it */

static void http_fetch_finish(struct http_fetch *fetch, CURLcode code) {
    if (fetch->cancelled) /* between libcurl's message and now */
        return;
    struct http_fetch_result result;
    http_fetch_conclude(fetch, code, &result);
    fetch->cancelled = true; /* goes when this is settled */
    fetch->fetcher->unsettled = true;
    fetch->handlers.done(fetch->context, &result);
}

/* What was started, cancelled or broken meanwhile. */
static void http_fetcher_settle(struct http_fetcher *fetcher) {
    fetcher->unsettled = false;
    for (struct http_fetch *fetch = fetcher->first, *next; fetch; fetch = next) {
        next = fetch->next;
        if (fetch->cancelled) {
            http_fetch_free(fetch);
        } else if (!fetch->added) {
            curl_multi_add_handle(fetcher->multi, fetch->handle);
            fetch->added = true;
            fetch->begun_us = clock_monotonic_us();
            loop_timer_after(fetch->deadline, fetch->timeout_us);
        }
    }
}

static void http_fetcher_finish(struct http_fetcher *fetcher) {
    int left;
    CURLMsg *message;
    while (!fetcher->gone && (message = curl_multi_info_read(fetcher->multi, &left))) {
        struct http_fetch *fetch = NULL;
        CURLcode code = message->data.result; /* the message dies with the next call */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        http_fetch_finish(fetch, code);
    }
}

static struct http_fetcher *http_fetcher_free(struct http_fetcher *fetcher) {
    for (struct http_fetch *fetch = fetcher->first, *next; fetch; fetch = next) {
        next = fetch->next;
        http_fetch_free(fetch);
    }
    while (fetcher->idle_count)
        curl_easy_cleanup(fetcher->idle[--fetcher->idle_count]);
    curl_multi_cleanup(fetcher->multi);
    loop_timer_destroy(fetcher->timer);
    tls_authorities_destroy(fetcher->authorities);
    free(fetcher);
    return NULL;
}

static void http_fetcher_enter(struct http_fetcher *fetcher) {
    fetcher->busy = true;
}

static void http_fetcher_leave(struct http_fetcher *fetcher) {
    http_fetcher_finish(fetcher);
    while (fetcher->unsettled && !fetcher->gone) {
        http_fetcher_settle(fetcher);
        http_fetcher_finish(fetcher);
    }
    fetcher->busy = false;
    if (fetcher->gone)
        http_fetcher_free(fetcher);
}

static void http_fetcher_act(struct http_fetcher *fetcher, curl_socket_t descriptor, int events) {
    int running;
    http_fetcher_enter(fetcher);
    curl_multi_socket_action(fetcher->multi, descriptor, events, &running);
    http_fetcher_leave(fetcher);
}

/* libcurl (7.88) drops a deadline that is less than a millisecond away when another event of that handle comes, and then
 * waits for ever: so it isn't given any. */
static void http_fetch_due(void *context) {
    struct http_fetch *fetch = context;
    struct http_fetcher *fetcher = fetch->fetcher;
    http_fetcher_enter(fetcher);
    http_fetch_finish(fetch, CURLE_OPERATION_TIMEDOUT);
    http_fetcher_leave(fetcher);
}

/* ---- what libcurl waits for */

static void http_fetch_socket_ready(void *context, unsigned events) {
    struct http_fetch_socket *socket = context;
    http_fetcher_act(socket->fetcher, socket->descriptor,
                     (events & LOOP_READABLE ? CURL_CSELECT_IN : 0) |
                         (events & LOOP_WRITABLE ? CURL_CSELECT_OUT : 0));
}

static void http_fetcher_due(void *context) {
    http_fetcher_act(context, CURL_SOCKET_TIMEOUT, 0);
}

static int http_fetcher_watch_time(CURLM *multi, long milliseconds, void *context) {
    (void)multi;
    struct http_fetcher *fetcher = context;
    if (milliseconds < 0)
        loop_timer_stop(fetcher->timer);
    else
        loop_timer_after(fetcher->timer, (uint64_t)milliseconds * 1000u);
    return 0;
}

static struct http_fetch_socket *http_fetch_socket_create(struct http_fetcher *fetcher,
                                                          curl_socket_t descriptor, struct fault *fault) {
    struct http_fetch_socket *socket = memory_new(sizeof *socket);
    *socket = (struct http_fetch_socket){.fetcher = fetcher, .descriptor = descriptor};
    socket->watch = loop_watch_create(fetcher->loop, descriptor, 0, http_fetch_socket_ready, socket, fault);
    if (!socket->watch) {
        free(socket);
        return NULL;
    }
    curl_multi_assign(fetcher->multi, descriptor, socket);
    return socket;
}

/* A failure is told to nobody here (libcurl would give up all that it has): the request ends when its time is over. */
static int http_fetcher_watch_socket(CURL *handle, curl_socket_t descriptor, int what, void *context,
                                     void *assigned) {
    (void)handle;
    struct http_fetcher *fetcher = context;
    struct http_fetch_socket *socket = assigned;
    struct fault fault;
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            loop_watch_destroy(socket->watch);
        free(socket);
        curl_multi_assign(fetcher->multi, descriptor, NULL);
        return 0;
    }
    if (!socket)
        socket = http_fetch_socket_create(fetcher, descriptor, &fault);
    if (socket)
        loop_watch_set(socket->watch, (what & CURL_POLL_IN ? LOOP_READABLE : 0) |
                                          (what & CURL_POLL_OUT ? LOOP_WRITABLE : 0));
    return 0;
}

/* ---- for callers */

struct http_fetcher *http_fetcher_create(struct loop *loop, struct fault *fault) {
    curl_begin();
    struct http_fetcher *fetcher = memory_new(sizeof *fetcher);
    fetcher->loop = loop;
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi) {
        fault_set(fault, FAULT_INTERNAL, "libcurl gives no handle for many requests");
        free(fetcher);
        return NULL;
    }
    fetcher->timer = loop_timer_create(loop, http_fetcher_due, fetcher);
    fetcher->authorities = tls_authorities_create(HTTP_FETCH_AUTHORITIES_MOST);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, http_fetcher_watch_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, http_fetcher_watch_time);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    return fetcher;
}

struct http_fetcher *http_fetcher_destroy(struct http_fetcher *fetcher) {
    if (!fetcher)
        return NULL;
    fetcher->gone = true;
    for (struct http_fetch *fetch = fetcher->first; fetch; fetch = fetch->next)
        fetch->cancelled = true;
    return fetcher->busy ? NULL : http_fetcher_free(fetcher);
}

struct http_fetch *http_fetch_start(struct http_fetcher *fetcher, const struct http_fetch_request *request,
                                    const struct http_fetch_handlers *handlers, void *context,
                                    struct fault *fault) {
    if (fetcher->count >= HTTP_FETCH_MOST) {
        fault_set(fault, FAULT_LIMIT, "%u requests are under way, and more are not begun", HTTP_FETCH_MOST);
        return NULL;
    }
    struct http_fetch *fetch = http_fetch_new(fetcher, handlers, context);
    fetch->handle =
        fetcher->idle_count ? fetcher->idle[--fetcher->idle_count] : curl_handle_create(fetch->error, fault);
    if (!fetch->handle || !http_fetch_prepare(fetch, request, fetcher->authorities, fault)) {
        fault_place(fault, "%.120s", request->url ? request->url : "no URL");
        return http_fetch_free(fetch);
    }
    fetcher->unsettled = true;
    if (!fetcher->busy) {
        http_fetcher_enter(fetcher);
        http_fetcher_leave(fetcher);
    }
    return fetch;
}

struct http_fetch *http_fetch_cancel(struct http_fetch *fetch) {
    if (!fetch)
        return NULL;
    fetch->cancelled = true;
    fetch->fetcher->unsettled = true;
    if (!fetch->fetcher->busy) {
        http_fetcher_enter(fetch->fetcher);
        http_fetcher_leave(fetch->fetcher);
    }
    return NULL;
}

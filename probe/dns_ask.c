#include "dns_ask.h"

#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "clock.h"
#include "datagram.h"
#include "memory.h"
#include "probe_kind.h"
#include "tcp_stream.h"

#define LENGTH_SIZE 2u /* before a message over TCP (RFC 7766 8) */

struct dns_ask {
    struct loop *loop;
    struct dns_ask_handlers handlers;
    void *context;
    char address[PROBE_ADDRESS_SIZE];
    uint16_t port;
    struct buffer query;
    struct datagram *datagram;
    struct tcp_stream *stream;
    struct buffer heard;     /* over TCP */
    struct loop_timer *next; /* try, or the end */
    struct loop_later *ending;
    uint64_t timeout_us, deadline_us, tried_us;
    unsigned tries;
    struct dns_ask_end end;
    char why[FAULT_LINE_SIZE];
    bool ended;
};

struct dns_ask *dns_ask_stop(struct dns_ask *ask) {
    if (!ask)
        return NULL;
    datagram_destroy(ask->datagram);
    tcp_stream_destroy(ask->stream);
    loop_timer_destroy(ask->next);
    loop_later_destroy(ask->ending);
    buffer_free(&ask->query);
    buffer_free(&ask->heard);
    free(ask);
    return NULL;
}

static void tell(void *context) {
    struct dns_ask *ask = context;
    struct dns_ask_handlers handlers = ask->handlers;
    struct dns_ask_end end = ask->end;
    char why[sizeof ask->why];
    void *whose = ask->context;
    memcpy(why, ask->why, sizeof why);
    end.why = why;
    dns_ask_stop(ask);
    handlers.over(whose, &end);
}

static void end(struct dns_ask *ask, bool answered, bool late, const char *why) {
    if (ask->ended)
        return;
    ask->ended = true;
    ask->end.answered = answered;
    ask->end.late = late;
    ask->end.tcp = ask->stream != NULL;
    if (ask->stream)
        ask->end.connect_us = tcp_stream_connect_us(ask->stream);
    snprintf(ask->why, sizeof ask->why, "%s", why);
    loop_timer_stop(ask->next);
    loop_later_schedule(ask->ending);
}

static void answered(struct dns_ask *ask) {
    ask->end.first_us = clock_monotonic_us() - ask->tried_us;
    end(ask, true, false, "");
}

/* ---- over TCP */

static void stream_open(void *context) {
    struct dns_ask *ask = context;
    uint8_t length[LENGTH_SIZE];
    bytes_put_u16(length, (uint16_t)ask->query.size);
    ask->tried_us = clock_monotonic_us();
    if (!tcp_stream_write(ask->stream, slice_make(length, sizeof length)) ||
        !tcp_stream_write(ask->stream, buffer_slice(&ask->query)))
        end(ask, false, false, "TCP: the server takes nothing");
}

static void stream_heard(void *context, struct slice bytes) {
    struct dns_ask *ask = context;
    buffer_append_slice(&ask->heard, slice_head(bytes, ask->heard.limit - ask->heard.size));
    if (ask->ended || ask->heard.size < LENGTH_SIZE)
        return;
    size_t size = bytes_get_u16(ask->heard.data);
    if (ask->heard.size < LENGTH_SIZE + size)
        return;
    (void)ask->handlers.heard(ask->context, true, slice_make(ask->heard.data + LENGTH_SIZE, size));
    answered(ask);
}

static void stream_closed(void *context, const struct fault *fault) {
    char why[FAULT_LINE_SIZE + 16];
    snprintf(why, sizeof why, "TCP: %s", fault ? fault->text : "the server closed the connection");
    end(context, false, false, why);
}

static void go_over_tcp(struct dns_ask *ask) {
    static const struct tcp_stream_handlers handlers = {stream_open, stream_heard, stream_closed};
    struct fault fault;
    uint64_t now_us = clock_monotonic_us();
    ask->stream = tcp_stream_connect(ask->loop, ask->address, ask->port, &handlers, ask, &fault);
    if (ask->stream)
        loop_timer_after(ask->next, ask->deadline_us > now_us ? ask->deadline_us - now_us : 0);
    else
        end(ask, false, false, fault.text);
}

/* ---- by datagrams */

static void heard(void *context, struct slice bytes) {
    struct dns_ask *ask = context;
    if (ask->ended || ask->stream)
        return;
    switch (ask->handlers.heard(ask->context, false, bytes)) {
    case DNS_JUDGED:
        answered(ask);
        break;
    case DNS_AGAIN:
        go_over_tcp(ask);
        break;
    case DNS_FOREIGN:
        break;
    }
}

static void failed(void *context, const struct fault *fault) {
    const struct dns_ask *ask = context;
    if (!ask->stream)
        end(context, false, false, fault->text);
}

static void try_again(void *context) {
    struct dns_ask *ask = context;
    char why[96], span[LIVENESS_SPAN_SIZE];
    struct fault fault;
    if (ask->stream || ask->tries == DNS_ASK_TRIES) {
        snprintf(why, sizeof why, "no answer %s within %s", ask->stream ? "over TCP" : "to three datagrams",
                 liveness_span(ask->timeout_us, span));
        end(ask, false, true, why);
        return;
    }
    ask->tries++;
    ask->tried_us = clock_monotonic_us();
    loop_timer_after(ask->next, ask->timeout_us / DNS_ASK_TRIES);
    if (!datagram_send(ask->datagram, buffer_slice(&ask->query), &fault) && fault.code != FAULT_BUSY)
        end(ask, false, false, fault.text);
}

struct dns_ask *dns_ask_start(struct loop *loop, const char *address, uint16_t port,
                              struct dns_question *question, uint64_t timeout_us,
                              const struct dns_ask_handlers *handlers, void *context) {
    static const struct datagram_handlers datagrams = {heard, failed};
    struct fault fault;
    struct dns_ask *ask = memory_new(sizeof *ask);
    *ask = (struct dns_ask){.loop = loop,
                            .handlers = *handlers,
                            .context = context,
                            .port = port,
                            .query = BUFFER(DNS_DATAGRAM_MOST),
                            .heard = BUFFER(LENGTH_SIZE + DNS_MESSAGE_MOST),
                            .timeout_us = timeout_us,
                            .deadline_us = clock_monotonic_us() + timeout_us};
    snprintf(ask->address, sizeof ask->address, "%s", address);
    probe_random(&question->id,
                 sizeof question->id); /* with the port, what a forger has to guess (RFC 5452) */
    dns_query_write(&ask->query, question);
    ask->next = loop_timer_create(loop, try_again, ask);
    ask->ending = loop_later_create(loop, tell, ask);
    ask->datagram = datagram_connect(loop, address, port, &datagrams, ask, &fault);
    if (ask->datagram)
        try_again(ask);
    else
        end(ask, false, false, fault.text);
    return ask;
}

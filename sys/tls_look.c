#include "tls_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "loop_private.h"
#include "memory.h"
#include "tls_look_private.h"

#define TLS_LOOK_OUTPUT_MOST (64u * 1024)
#define TLS_LOOK_FIRST 64u /* bytes kept, to tell what it is instead of TLS */

struct tls_look {
    struct loop *loop;
    tls_look_done *done; /* NULL: cancelled, or told */
    void *context;
    struct sockaddr_storage address;
    uint64_t timeout_us;
    enum tls_look_start_with start_with;

    uv_tcp_t tcp;
    uv_connect_t connect;
    struct loop_timer *timer;
    struct loop_later *later;
    bool connected, saying_goodbye;
    uint64_t step_ns; /* when it began */

    struct tls_look_smtp smtp;
    struct tls_look_session session;
    struct tls_look_shown shown;
    struct buffer output;
    size_t received; /* since the handshake began */
    uint8_t first[TLS_LOOK_FIRST];
    size_t first_size;
    struct fault fault;
    struct tls_look_result result;
};

/* ---- the end */

static void tls_look_closed(uv_handle_t *handle) {
    struct tls_look *look = handle->data;
    free(look);
}

/* The memory goes when libuv has let go of it. */
static void tls_look_release(struct tls_look *look) {
    look->done = NULL;
    loop_timer_destroy(look->timer);
    loop_later_destroy(look->later);
    tls_look_session_close(&look->session);
    tls_look_shown_free(&look->shown);
    buffer_free(&look->output);
    buffer_free(&look->smtp.reply);
    uv_close((uv_handle_t *)&look->tcp, tls_look_closed);
}

static void tls_look_tell(struct tls_look *look) {
    look->result.reason = look->fault.text;
    look->result.certificates = look->shown.certificates;
    look->result.count = look->shown.count;
    look->result.version = look->shown.version;
    look->result.cipher = look->shown.cipher;
    look->result.alpn = look->shown.alpn;
    look->result.staple = look->shown.staple;
    look->result.wanted = look->shown.wanted;
    tls_look_done *done = look->done;
    look->done = NULL; /* a cancel from within changes nothing */
    done(look->context, &look->result);
    tls_look_release(look);
}

static void tls_look_fail_later(void *context) {
    tls_look_tell(context);
}

/* The fault is filled. */
static void tls_look_failed(struct tls_look *look) {
    uv_read_stop((uv_stream_t *)&look->tcp);
    tls_look_session_show(&look->session, &look->shown);
    tls_look_tell(look);
}

void tls_look_cancel(struct tls_look *look) {
    if (look && look->done)
        tls_look_release(look);
}

/* ---- the steps */

static uint64_t tls_look_step_us(struct tls_look *look) {
    uint64_t now_ns = uv_hrtime(), took_us = (now_ns - look->step_ns) / 1000;
    look->step_ns = now_ns;
    return took_us ? took_us : 1; /* 0 says that it was not passed */
}

/* What does not begin like a record of TLS (RFC 8446 5.1) is something else: it is quoted. */
static bool tls_look_is_tls(const struct tls_look *look) {
    const uint8_t *first = look->first;
    return look->first_size == 0 ||
           ((first[0] == 22 || first[0] == 21) && (look->first_size < 2 || first[1] == 3));
}

static bool tls_look_other(struct tls_look *look) {
    char quote[TLS_LOOK_QUOTE_SIZE];
    if (tls_look_is_tls(look))
        return false;
    tls_look_quote(slice_make(look->first, look->first_size), quote);
    fault_set(&look->fault, FAULT_FORMAT, "it does not speak TLS; it says \"%s\"", quote);
    return true;
}

static void tls_look_late(void *context) {
    struct tls_look *look = context;
    if (look->saying_goodbye) {
        tls_look_tell(look);
        return;
    }
    look->result.late = true;
    if (look->result.step == TLS_LOOK_CONNECT)
        fault_set(&look->fault, FAULT_BUSY, "no answer to the connection");
    else if (look->result.step == TLS_LOOK_GREETING)
        fault_set(&look->fault, FAULT_BUSY, "accepted, and no answer of a mail server's");
    else if (look->received == 0)
        fault_set(&look->fault, FAULT_BUSY, "accepted, and silent since");
    else if (!tls_look_other(look))
        fault_set(&look->fault, FAULT_BUSY, "silent in the middle of the handshake, after %zu bytes",
                  look->received);
    tls_look_failed(look);
}

struct tls_look_write {
    uv_write_t request;
    uint8_t bytes[];
};

static void tls_look_written(uv_write_t *request, int status) {
    (void)status; /* the reader hears of it, or the timer */
    free(request);
}

/* What has gathered in the output. */
static void tls_look_send(struct tls_look *look) {
    if (look->output.size == 0)
        return;
    struct tls_look_write *write = memory_new(sizeof *write + look->output.size);
    memcpy(write->bytes, look->output.data, look->output.size);
    uv_buf_t piece = uv_buf_init((char *)write->bytes, (unsigned)look->output.size);
    buffer_clear(&look->output);
    if (uv_write(&write->request, (uv_stream_t *)&look->tcp, &piece, 1, tls_look_written) != 0)
        free(write);
}

static void tls_look_say_goodbye(struct tls_look *look) {
    look->result.step = TLS_LOOK_GOOD;
    look->saying_goodbye = true;
    tls_look_session_show(&look->session, &look->shown);
    tls_look_session_end(&look->session, &look->output);
    tls_look_send(look);
    loop_timer_after(look->timer, TLS_LOOK_GOODBYE_US);
}

static void tls_look_shake(struct tls_look *look, struct slice input) {
    size_t room = sizeof look->first - look->first_size;
    struct slice kept = slice_head(input, room);
    if (kept.size)
        memcpy(look->first + look->first_size, kept.data, kept.size);
    look->first_size += kept.size;
    look->received += input.size;
    enum tls_look_state state = TLS_LOOK_FAILED;
    if (look->received > TLS_LOOK_BYTES_MOST)
        fault_set(&look->fault, FAULT_LIMIT, "more than %u bytes, and the handshake has no end",
                  TLS_LOOK_BYTES_MOST);
    else
        state = tls_look_session_shake(&look->session, input, &look->output, &look->fault);
    tls_look_send(look);
    if (state == TLS_LOOK_WAITS)
        return;
    if (state == TLS_LOOK_DONE) {
        look->result.tls_us = tls_look_step_us(look);
        tls_look_say_goodbye(look);
        return;
    }
    tls_look_other(look);
    tls_look_failed(look);
}

static void tls_look_begin_tls(struct tls_look *look) {
    look->result.step = TLS_LOOK_HANDSHAKE;
    tls_look_shake(look, SLICE(""));
}

static void tls_look_greet(struct tls_look *look, struct slice input) {
    enum tls_look_state state = tls_look_smtp_take(&look->smtp, input, &look->output, &look->fault);
    tls_look_send(look);
    if (state == TLS_LOOK_FAILED) {
        tls_look_failed(look);
    } else if (state == TLS_LOOK_DONE) {
        look->result.greeting_us = tls_look_step_us(look);
        tls_look_begin_tls(look);
    }
}

/* ---- the socket */

static void tls_look_room(uv_handle_t *handle, size_t wanted, uv_buf_t *ret_room) {
    struct tls_look *look = handle->data;
    (void)wanted;
    *ret_room = uv_buf_init((char *)look->loop->received, sizeof look->loop->received);
}

static void tls_look_ended(struct tls_look *look, int status) {
    if (look->saying_goodbye) {
        tls_look_tell(look);
        return;
    }
    if (status != UV_EOF)
        fault_set(&look->fault, FAULT_IO, "%s",
                  status == UV_ECONNRESET ? "reset by the server" : uv_strerror(status));
    else if (look->result.step == TLS_LOOK_GREETING)
        fault_set(&look->fault, FAULT_FORMAT, "closed by the server before TLS began");
    else if (!tls_look_other(look))
        fault_set(&look->fault, FAULT_FORMAT,
                  look->received ? "closed by the server in the middle of the handshake"
                                 : "closed by the server without a word");
    tls_look_failed(look);
}

static void tls_look_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct tls_look *look = stream->data;
    if (!look->done || size == 0)
        return;
    if (size < 0) {
        uv_read_stop(stream);
        tls_look_ended(look, (int)size);
        return;
    }
    struct slice input = slice_make(buffer->base, (size_t)size);
    if (look->saying_goodbye)
        return;
    if (look->result.step == TLS_LOOK_GREETING)
        tls_look_greet(look, input);
    else
        tls_look_shake(look, input);
}

static void tls_look_connected(uv_connect_t *request, int status) {
    struct tls_look *look = request->data;
    if (!look->done)
        return;
    if (status < 0) {
        fault_set(&look->fault, FAULT_IO, "%s", status == UV_ECONNREFUSED ? "refused" : uv_strerror(status));
        tls_look_tell(look);
        return;
    }
    look->result.connect_us = tls_look_step_us(look);
    uv_read_start((uv_stream_t *)&look->tcp, tls_look_room, tls_look_read);
    if (look->start_with == TLS_LOOK_SMTP)
        look->result.step = TLS_LOOK_GREETING;
    else
        tls_look_begin_tls(look);
}

static void tls_look_connect(struct tls_look *look) {
    look->step_ns = uv_hrtime();
    look->connect.data = look;
    loop_timer_after(look->timer, look->timeout_us);
    int error = uv_tcp_connect(&look->connect, &look->tcp, (const struct sockaddr *)&look->address,
                               tls_look_connected);
    if (error) {
        fault_set(&look->fault, FAULT_IO, "%s", uv_strerror(error));
        loop_later_schedule(look->later);
    }
}

struct tls_look *tls_look_start(struct loop *loop, const struct tls_look_settings *settings,
                                tls_look_done *done, void *context, struct fault *fault) {
    struct sockaddr_storage address;
    struct tls_look_session session;
    if (uv_ip4_addr(settings->address, settings->port, (struct sockaddr_in *)&address) != 0 &&
        uv_ip6_addr(settings->address, settings->port, (struct sockaddr_in6 *)&address) != 0) {
        fault_set(fault, FAULT_USAGE, "\"%.60s\" is no numeric address", settings->address);
        return NULL;
    }
    if (!tls_look_session_open(&session, settings, fault)) {
        tls_look_session_close(&session);
        return NULL;
    }
    struct tls_look *look = memory_new(sizeof *look);
    int error = uv_tcp_init(&loop->uv, &look->tcp);
    if (error) {
        loop_fault(fault, error, "no socket can be made");
        tls_look_session_close(&session);
        free(look);
        return NULL;
    }
    look->tcp.data = look;
    look->loop = loop;
    look->done = done;
    look->context = context;
    look->address = address;
    look->timeout_us = settings->timeout_us ? settings->timeout_us : TLS_LOOK_TIMEOUT_US;
    look->start_with = settings->start_with;
    look->output = BUFFER(TLS_LOOK_OUTPUT_MOST);
    look->session = session;
    SSL_set_app_data(look->session.ssl, &look->session);
    tls_look_smtp_begin(&look->smtp);
    look->timer = loop_timer_create(loop, tls_look_late, look);
    look->later = loop_later_create(loop, tls_look_fail_later, look);
    tls_look_connect(look);
    return look;
}

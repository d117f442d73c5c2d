#include "channel.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "channel_private.h"
#include "memory.h"

/* Kept between writes: most frames of an idle channel (pings, acknowledgements) fit. */
#define CHANNEL_QUEUE_KEPT 512u

static void channel_flush(struct channel *channel);
static void channel_receive(struct channel *channel, struct slice input);

uint64_t channel_now_ms(const struct channel *channel) {
    return uv_now(&channel->loop->uv);
}

static bool channel_is_alive(const struct channel *channel) {
    return channel->state != CHANNEL_DEAD;
}

/* --- life --- */

static void channel_free(struct channel *channel) {
    channel_dial_abandoned_free(channel);
    tls_pump_destroy(channel->tls);
    buffer_free(&channel->queue);
    buffer_free(&channel->held);
    free(channel->unsent);
    free(channel->doom);
    free(channel->peer_address);
    free(channel);
}

static void channel_handle_closed(struct channel *channel) {
    if (--channel->handles == 0)
        channel_free(channel);
}

static void channel_timer_closed(uv_handle_t *handle) {
    channel_handle_closed(handle->data);
}

void channel_stream_closed(uv_handle_t *handle) {
    struct channel *channel = handle->data;
    if (channel_is_alive(channel)) {
        channel->stream_made = false;
        channel_dial_again(channel);
    } else {
        channel_handle_closed(channel);
    }
}

/* Everything goes but the memory, which waits for libuv. */
static void channel_kill(struct channel *channel) {
    channel->state = CHANNEL_DEAD;
    loop_later_cancel(&channel->later);
    if (channel->previous_finishing) {
        *channel->previous_finishing = channel->next_finishing;
        if (channel->next_finishing)
            channel->next_finishing->previous_finishing = channel->previous_finishing;
    }
    channel_dial_forget(channel);
    channel->handles = 1 + (channel->stream_made ? 1 : 0);
    if (channel->stream_made && !uv_is_closing(&channel->uv.handle))
        uv_close(&channel->uv.handle, channel_stream_closed);
    uv_close((uv_handle_t *)&channel->timer, channel_timer_closed);
}

void channel_fail(struct channel *channel, const struct fault *fault) {
    if (!channel_is_alive(channel))
        return;
    struct channel_handlers handlers = channel->handlers;
    bool told = channel->state <= CHANNEL_OPEN && handlers.closed;
    channel_server_forget(channel, fault);
    channel_kill(channel);
    if (told)
        handlers.closed(channel->context, channel, fault);
}

static void channel_fail_libuv(struct channel *channel, int error, const char *what) {
    struct fault fault;
    loop_fault(&fault, error, "%s", what);
    fault_place(&fault, "%s", channel->peer_address);
    channel_fail(channel, &fault);
}

static void channel_fail_text(struct channel *channel, enum fault_code code, const char *what) {
    struct fault fault;
    fault_set(&fault, code, "%s", what);
    fault_place(&fault, "%s", channel->peer_address);
    channel_fail(channel, &fault);
}

static void channel_later(void *context) {
    struct channel *channel = context;
    if (channel->doom) {
        struct fault fault = *channel->doom;
        channel_fail(channel, &fault);
        return;
    }
    if (channel->dial && channel->state == CHANNEL_DIALLING) {
        channel_dial_start(channel);
        return;
    }
    if (channel->state == CHANNEL_OPEN && !channel->paused && channel->unfinished) {
        channel->unfinished = false;
        struct buffer held = channel->held;
        channel->held = BUFFER(held.limit);
        channel_receive(channel, buffer_slice(&held));
        buffer_free(&held);
    }
    if (channel_is_alive(channel))
        channel_flush(channel);
}

/* --- time --- */

static uint64_t channel_earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t channel_deadline_ms(uint64_t since_ms, uint64_t span_us) {
    return span_us == UINT64_MAX ? UINT64_MAX : since_ms + span_us / 1000u + 1;
}

/* A fault of the time that has run out, or none. */
static const char *channel_late(const struct channel *channel, uint64_t *ret_deadline_ms) {
    uint64_t now = channel_now_ms(channel), deadline;
    *ret_deadline_ms = UINT64_MAX;
    if (channel->state == CHANNEL_LINGERING) {
        *ret_deadline_ms = channel_deadline_ms(channel->since_ms, CHANNEL_LINGER_US);
        return now >= *ret_deadline_ms ? "the peer did not end its side" : NULL;
    }
    if (channel->state <= CHANNEL_SHAKING) {
        deadline = channel_deadline_ms(channel->since_ms, channel->limits.handshake_timeout_us);
        if (now >= deadline)
            return channel->state == CHANNEL_DIALLING ? "the connection took too long"
                                                      : "the handshake took too long";
        *ret_deadline_ms = deadline;
    }
    if (channel->state == CHANNEL_OPEN && !channel->paused) {
        deadline = channel_deadline_ms(channel->received_ms, channel->limits.idle_timeout_us);
        if (now >= deadline)
            return "nothing came in for too long";
        *ret_deadline_ms = deadline;
    }
    if (channel->unsent) {
        deadline = channel_deadline_ms(channel->progress_ms, channel->limits.stall_timeout_us);
        if (now >= deadline)
            return "the peer takes nothing";
        *ret_deadline_ms = channel_earlier(*ret_deadline_ms, deadline);
    }
    return NULL;
}

static void channel_timer_due(uv_timer_t *timer) {
    struct channel *channel = timer->data;
    uint64_t deadline;
    const char *late = channel_late(channel, &deadline);
    if (late) {
        channel_fail_text(channel, FAULT_BUSY, late);
        return;
    }
    if (channel->state == CHANNEL_DIALLING && channel_now_ms(channel) >= channel_dial_deadline_ms(channel))
        channel_dial_late(channel);
    channel_timer_set(channel);
}

/* Set once and looked at when due: bytes that come in only note their time. */
void channel_timer_set(struct channel *channel) {
    uint64_t deadline, now = channel_now_ms(channel);
    channel_late(channel, &deadline);
    if (channel->state == CHANNEL_DIALLING)
        deadline = channel_earlier(deadline, channel_dial_deadline_ms(channel));
    if (deadline == UINT64_MAX)
        uv_timer_stop(&channel->timer);
    else
        uv_timer_start(&channel->timer, channel_timer_due, deadline > now ? deadline - now : 0, 0);
}

struct channel *channel_new(struct loop *loop, const struct channel_limits *limits) {
    struct channel *channel = memory_new(sizeof *channel);
    channel->loop = loop;
    channel->limits = *limits;
    if (!channel->limits.output_most)
        channel->limits.output_most = CHANNEL_OUTPUT_MOST;
    if (!channel->limits.handshake_timeout_us)
        channel->limits.handshake_timeout_us = CHANNEL_HANDSHAKE_TIMEOUT_US;
    if (!channel->limits.idle_timeout_us)
        channel->limits.idle_timeout_us = UINT64_MAX;
    if (!channel->limits.stall_timeout_us)
        channel->limits.stall_timeout_us = CHANNEL_STALL_TIMEOUT_US;
    channel->queue = BUFFER(SIZE_MAX / 2); /* channel_write keeps to output_most */
    channel->held = BUFFER(CHANNEL_READ_MOST);
    channel->handles = 1;
    channel->since_ms = channel->received_ms = channel->progress_ms = channel_now_ms(channel);
    uv_timer_init(&loop->uv, &channel->timer);
    channel->timer.data = channel;
    loop_later_init(&channel->later, loop, channel_later, channel);
    return channel;
}

/* --- out --- */

static size_t channel_queued(const struct channel *channel) {
    return channel->queue.size - channel->queue_start;
}

static void channel_written(uv_write_t *write, int status) {
    struct channel *channel = write->data;
    if (!channel_is_alive(channel))
        return; /* the channel's end frees the buffer */
    free(channel->unsent);
    channel->unsent = NULL;
    channel->unsent_size = 0;
    if (status < 0) {
        channel_fail_libuv(channel, status, "the connection broke while writing");
        return;
    }
    channel->progress_ms = channel_now_ms(channel);
    channel_flush(channel);
}

/* Hands bytes to the kernel; what it does not take is kept, and nothing more may be sent until that is gone. */
static bool channel_send(struct channel *channel, struct slice bytes) {
    if (!channel->unsent) {
        uv_buf_t whole = {(char *)(uintptr_t)bytes.data, bytes.size};
        int taken = uv_try_write(&channel->uv.stream, &whole, 1);
        if (taken < 0 && taken != UV_EAGAIN) {
            channel_fail_libuv(channel, taken, "the connection broke while writing");
            return false;
        }
        bytes = slice_from(bytes, taken > 0 ? (size_t)taken : 0);
    }
    if (!bytes.size)
        return true;
    if (channel
            ->unsent) { /* answers of TLS itself while output waits: an honest peer never gets here twice */
        channel_fail_text(channel, FAULT_LIMIT, "the peer asks for answers and takes none");
        return false;
    }
    channel->unsent = memory_copy(bytes.data, bytes.size);
    channel->unsent_size = bytes.size;
    channel->progress_ms = channel_now_ms(channel);
    channel->write.data = channel;
    uv_buf_t rest = {(char *)channel->unsent, bytes.size};
    int error = uv_write(&channel->write, &channel->uv.stream, &rest, 1, channel_written);
    if (error) {
        channel_fail_libuv(channel, error, "the connection broke while writing");
        return false;
    }
    channel_timer_set(channel);
    return true;
}

static struct tls_pump_io channel_io(const struct channel *channel, struct slice input) {
    return (struct tls_pump_io){
        .input = input, .output = channel->loop->cipher, .output_room = LOOP_CIPHER_SIZE};
}

static bool channel_send_io(struct channel *channel, struct tls_pump_io *io) {
    struct slice output = slice_make(io->output, io->output_size);
    io->output_size = 0;
    return !output.size || channel_send(channel, output);
}

/* One helping from the queue, as far as the scratch reaches. */
static bool channel_flush_some(struct channel *channel) {
    struct slice queued = slice_from(buffer_slice(&channel->queue), channel->queue_start);
    size_t taken;
    bool good;
    if (channel->tls) {
        struct fault fault;
        struct tls_pump_io io = channel_io(channel, (struct slice){0});
        if (tls_pump_write(channel->tls, &io, queued, &taken, &fault) != TLS_PUMP_GOOD) {
            fault_place(&fault, "%s", channel->peer_address);
            channel_fail(channel, &fault);
            return false;
        }
        channel->queue_start += taken;
        good = channel_send_io(channel, &io);
    } else {
        struct slice part = slice_head(queued, LOOP_CIPHER_SIZE);
        channel->queue_start += part.size;
        good = channel_send(channel, part);
    }
    return good;
}

static void channel_queue_emptied(struct channel *channel) {
    channel->queue_start = 0;
    buffer_clear(&channel->queue);
    if (channel->queue.capacity > CHANNEL_QUEUE_KEPT)
        buffer_free(&channel->queue);
}

/* All is out: says so to the peer, then waits for its end. */
static void channel_linger(struct channel *channel) {
    if (channel->tls) {
        struct tls_pump_io io = channel_io(channel, (struct slice){0});
        tls_pump_end(channel->tls, &io);
        if (!channel_send_io(channel, &io) || channel->unsent)
            return; /* rare; the written callback comes back here, and the pump says it but once */
    }
    int descriptor;
    if (uv_fileno(&channel->uv.handle, &descriptor) == 0)
        shutdown(descriptor, SHUT_WR);
    channel->state = CHANNEL_LINGERING;
    channel->since_ms = channel_now_ms(channel);
    channel_timer_set(channel);
    if (channel->ended)
        channel_fail(channel, NULL);
}

static void channel_flush(struct channel *channel) {
    if (channel->state != CHANNEL_OPEN && channel->state != CHANNEL_FINISHING)
        return;
    while (channel_queued(channel) && !channel->unsent)
        if (!channel_flush_some(channel))
            return;
    if (!channel_queued(channel))
        channel_queue_emptied(channel);
    if (channel->state == CHANNEL_FINISHING && !channel_pending_bytes(channel)) {
        channel_linger(channel);
        return;
    }
    if (channel->was_high && channel_pending_bytes(channel) < channel->limits.output_most / 4) {
        channel->was_high = false;
        if (channel->state == CHANNEL_OPEN && channel->handlers.drain)
            channel->handlers.drain(channel->context, channel);
    }
}

bool channel_write(struct channel *channel, struct slice bytes) {
    if (channel->state > CHANNEL_OPEN)
        return false;
    size_t pending = channel_pending_bytes(channel), most = channel->limits.output_most;
    if (bytes.size > most || pending > most - bytes.size) {
        channel->was_high = true;
        return false;
    }
    if (!bytes.size)
        return true;
    if (channel->queue_start >
        channel_queued(channel)) { /* moves less than was consumed since the last time */
        buffer_consume(&channel->queue, channel->queue_start);
        channel->queue_start = 0;
    }
    buffer_append_slice(&channel->queue, bytes);
    channel->was_high = channel->was_high || pending + bytes.size > most / 2;
    if (channel->state == CHANNEL_OPEN && !channel->unsent)
        loop_later_schedule(&channel->later);
    return true;
}

size_t channel_pending_bytes(const struct channel *channel) {
    return channel_queued(channel) + channel->unsent_size;
}

/* --- in --- */

static void channel_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer) {
    (void)suggested;
    struct channel *channel = handle->data;
    *ret_buffer = uv_buf_init((char *)channel->loop->received, sizeof channel->loop->received);
}

/* The peer's last byte. TLS has told us before if it was meant. */
static void channel_end_of_stream(struct channel *channel) {
    channel->ended = true;
    if (channel->state == CHANNEL_FINISHING) {
        uv_read_stop(&channel->uv.stream);
        channel->reading = false;
        return; /* our output may still find a reader */
    }
    if (channel->tls && channel->state < CHANNEL_FINISHING)
        channel_fail_text(channel, FAULT_IO, "the peer broke off");
    else
        channel_fail(channel, NULL);
}

static void channel_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct channel *channel = stream->data;
    if (size == 0 || !channel_is_alive(channel))
        return;
    if (size == UV_EOF) {
        channel_end_of_stream(channel);
        return;
    }
    if (size < 0) {
        channel_fail_libuv(channel, (int)size, "the connection broke while reading");
        return;
    }
    channel->received_ms = channel_now_ms(channel);
    if (channel->state < CHANNEL_FINISHING) /* afterwards it is read only to see the end */
        channel_receive(channel, slice_make(buffer->base, (size_t)size));
}

static void channel_reading(struct channel *channel, bool on) {
    if (channel->reading == on || !channel->stream_made)
        return;
    channel->reading = on;
    if (on)
        uv_read_start(&channel->uv.stream, channel_allocate, channel_read);
    else
        uv_read_stop(&channel->uv.stream);
}

static void channel_hold(struct channel *channel, struct slice rest) {
    channel->unfinished = true;
    buffer_append_slice(&channel->held, rest);
    channel_reading(channel, false);
}

static void channel_give(struct channel *channel, struct slice bytes) {
    if (bytes.size && channel->state == CHANNEL_OPEN && channel->handlers.bytes)
        channel->handlers.bytes(channel->context, channel, bytes);
}

static void channel_opened(struct channel *channel) {
    channel->state = CHANNEL_OPEN;
    channel->was_open = true;
    channel->received_ms = channel_now_ms(channel);
    channel_timer_set(channel);
    if (channel->server)
        channel_server_opened(channel);
    else if (channel->handlers.open)
        channel->handlers.open(channel->context, channel);
    if (channel_queued(channel) && channel->state == CHANNEL_OPEN)
        loop_later_schedule(&channel->later);
}

/* TLS's last words, as well as can be. */
static void channel_send_alert(struct channel *channel, const struct tls_pump_io *io) {
    uv_buf_t alert = {(char *)io->output, io->output_size};
    if (io->output_size && !channel->unsent)
        uv_try_write(&channel->uv.stream, &alert, 1);
}

/* False: the channel is not open (yet, or any more). */
static bool channel_shake(struct channel *channel, struct tls_pump_io *io) {
    struct fault fault;
    enum tls_pump_result result = tls_pump_shake(channel->tls, io, &fault);
    if (result == TLS_PUMP_ENDED) {
        fault_set(&fault, FAULT_AUTH, "the peer ended the handshake");
        result = TLS_PUMP_FAILED;
    }
    if (result == TLS_PUMP_FAILED) {
        channel_send_alert(channel, io);
        fault_place(&fault, "%s", channel->peer_address);
        channel_fail(channel, &fault);
        return false;
    }
    if (!channel_send_io(channel, io) || result == TLS_PUMP_WAITS)
        return false;
    channel_opened(channel);
    return channel->state == CHANNEL_OPEN;
}

/* The peer's end or the connection's, if `bytes` has not let go of it before. */
static void channel_stop(struct channel *channel, struct fault *fault) {
    if (fault)
        fault_place(fault, "%s", channel->peer_address);
    if (channel->state == CHANNEL_OPEN)
        channel_fail(channel, fault);
}

static void channel_receive_tls(struct channel *channel, struct slice input) {
    struct tls_pump_io io = channel_io(channel, input);
    if (channel->state == CHANNEL_SHAKING && !channel_shake(channel, &io))
        return;
    uint8_t *plain = channel->loop->plain;
    while (channel->state == CHANNEL_OPEN) {
        if (channel->paused) {
            channel_hold(channel, io.input);
            return;
        }
        struct fault fault;
        size_t size;
        enum tls_pump_result result =
            tls_pump_read(channel->tls, &io, plain, CHANNEL_READ_MOST, &size, &fault);
        /* Before `bytes`, which may close another channel, and that uses the same scratch. */
        if (result == TLS_PUMP_FAILED)
            channel_send_alert(channel, &io);
        else if (!channel_send_io(channel, &io))
            return;
        channel_give(channel, slice_make(plain, size));
        if (result != TLS_PUMP_GOOD) {
            channel_stop(channel, result == TLS_PUMP_ENDED ? NULL : &fault);
            return;
        }
        if (size < CHANNEL_READ_MOST)
            return;
    }
}

static void channel_receive(struct channel *channel, struct slice input) {
    if (channel->tls)
        channel_receive_tls(channel, input);
    else if (channel->paused)
        channel_hold(channel, input);
    else
        channel_give(channel, input);
    /* What is left after a pause inside `bytes`, or a resume in the next breath: */
    if (channel->state == CHANNEL_OPEN && !channel->paused && !channel->unfinished)
        channel_reading(channel, true);
}

void channel_begin(struct channel *channel, SSL_CTX *context, bool server, const uint8_t *server_key) {
    channel->state = CHANNEL_SHAKING;
    if (context)
        channel->tls = tls_pump_create(context, server, server_key);
    else
        channel_opened(channel);
    if (!channel_is_alive(channel))
        return;
    if (!channel->paused)
        channel_reading(channel, true);
    channel_timer_set(channel);
    if (channel->tls && !server)
        channel_receive(channel, (struct slice){0});
}

void channel_pause(struct channel *channel) {
    channel->paused = true;
    if (channel->state == CHANNEL_OPEN)
        channel_reading(channel, false);
}

void channel_resume(struct channel *channel) {
    if (!channel->paused)
        return;
    channel->paused = false;
    channel->received_ms = channel_now_ms(channel);
    if (channel->state != CHANNEL_OPEN)
        return;
    channel_timer_set(channel);
    if (channel->unfinished)
        loop_later_schedule(&channel->later);
    else
        channel_reading(channel, true);
}

/* --- ends --- */

void channel_close(struct channel *channel) {
    if (!channel || !channel_is_alive(channel))
        return;
    channel->handlers = (struct channel_handlers){0};
    if (channel->state == CHANNEL_OPEN && channel->tls && !channel->unsent) {
        struct tls_pump_io io = channel_io(channel, (struct slice){0});
        tls_pump_end(channel->tls, &io);
        channel_send_alert(channel, &io);
    }
    channel_server_forget(channel, NULL);
    channel_kill(channel);
}

void channel_finish(struct channel *channel) {
    if (!channel || !channel_is_alive(channel))
        return;
    if (channel->state != CHANNEL_OPEN) {
        channel_close(channel);
        return;
    }
    channel->handlers = (struct channel_handlers){0};
    channel->state = CHANNEL_FINISHING;
    channel->next_finishing = channel->loop->finishing;
    channel->previous_finishing = &channel->loop->finishing;
    if (channel->next_finishing)
        channel->next_finishing->previous_finishing = &channel->next_finishing;
    channel->loop->finishing = channel;
    channel->paused = false;
    buffer_free(&channel->held);
    channel_reading(channel, true);
    channel_timer_set(channel);
    loop_later_schedule(&channel->later);
}

void channel_drop_finishing(struct loop *loop) {
    while (loop->finishing)
        channel_fail(loop->finishing, NULL);
}

/* --- what is known --- */

void channel_set_handlers(struct channel *channel, const struct channel_handlers *handlers, void *context) {
    channel->handlers = *handlers;
    channel->context = context;
}

void *channel_context(const struct channel *channel) {
    return channel->context;
}

const char *channel_peer_address(const struct channel *channel) {
    return channel->peer_address;
}

const uint8_t *channel_peer_key(const struct channel *channel) {
    return channel->tls && channel->was_open ? tls_pump_peer_key(channel->tls) : NULL;
}

uint64_t channel_peer_expiry_us(const struct channel *channel) {
    return channel->tls ? tls_pump_peer_expiry_us(channel->tls) : 0;
}

bool channel_peer_user(const struct channel *channel, uint32_t *ret_user) {
    int descriptor;
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (!channel->is_unix || !channel_is_alive(channel) || uv_fileno(&channel->uv.handle, &descriptor) ||
        getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        return false;
    *ret_user = peer.uid;
    return true;
}

bool channel_export_key(const struct channel *channel, const char *label, uint8_t ret_key[32]) {
    return channel->tls && channel->state == CHANNEL_OPEN && tls_pump_export(channel->tls, label, ret_key);
}

#include "cacert_client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

enum { START = 0x02, YES = 0x10, AGAIN = 0x11 };

enum phase { QUIET, HANDSHAKE, SEND, CONFIRM, WORK, ANSWER, FINISHED };

struct cacert_client {
    uint8_t *request;
    size_t request_size, sent;
    uint8_t action;
    struct cacert_times times;
    enum phase phase;
    bool draining;                  /* the answer under way is not to what was asked here */
    bool garbage;                   /* it is no block: the rest of it is waited out */
    uint8_t out;                    /* a byte to be written first, 0: none */
    unsigned again;                 /* how often this block was sent, or asked for, again */
    uint64_t began_us, deadline_us; /* of the phase */
    uint64_t quiet_since_us, answer_since_us, heard_us, finish_us;
    struct buffer answer;
    struct cacert_result result;
};

const char *cacert_outcome_name(enum cacert_outcome outcome) {
    static const char *const names[CACERT_OUTCOMES] = {
        "running", "good", "silent", "odd", "unconfirmed", "refused", "hanging", "cut", "garbled", "stopped"};
    return names[outcome];
}

struct cacert_times cacert_times_default(void) {
    const uint64_t second = 1000000;
    return (struct cacert_times){.quiet_us = second,
                                 .handshake_us = 20 * second,
                                 .confirm_us = 5 * second,
                                 .work_us = 120 * second,
                                 .answer_us = 5 * second,
                                 .gap_us = 2 * second,
                                 .whole_us = 60 * second,
                                 .finish_us = 150 * second};
}

/* "20 s", "0.5 s" */
#define SPAN_SIZE 32
static const char *span(uint64_t us, char text[SPAN_SIZE]) {
    snprintf(text, SPAN_SIZE, us % 1000000 ? "%.1f s" : "%.0f s", (double)us / 1e6);
    return text;
}

static void enter(struct cacert_client *client, enum phase phase, uint64_t now_us, uint64_t patience_us) {
    client->phase = phase;
    client->began_us = now_us;
    client->deadline_us = now_us + patience_us;
}

struct cacert_client *cacert_client_create(struct slice request, uint8_t action,
                                           const struct cacert_times *times, uint64_t now_us) {
    struct cacert_client *client = memory_new(sizeof *client);
    client->request = memory_copy(request.data, request.size);
    client->request_size = request.size;
    client->action = action;
    client->times = *times;
    client->quiet_since_us = now_us;
    client->answer = BUFFER(CACERT_BLOCK_MOST + 1);
    enter(client, QUIET, now_us, client->times.quiet_us);
    return client;
}

struct cacert_client *cacert_client_destroy(struct cacert_client *client) {
    if (client) {
        free(client->request);
        buffer_free(&client->answer);
        free(client);
    }
    return NULL;
}

const struct cacert_result *cacert_client_result(const struct cacert_client *client) {
    return &client->result;
}

bool cacert_client_done(const struct cacert_client *client) {
    return client->phase == FINISHED && !client->out;
}

static void settle(struct cacert_client *client, uint64_t now_us, enum cacert_outcome outcome) {
    static const enum cacert_step steps[] = {
        [QUIET] = CACERT_AT_LINE,      [HANDSHAKE] = CACERT_AT_HANDSHAKE, [SEND] = CACERT_AT_CONFIRM,
        [CONFIRM] = CACERT_AT_CONFIRM, [WORK] = CACERT_AT_WORK,           [ANSWER] = CACERT_AT_ANSWER,
        [FINISHED] = CACERT_AT_ANSWER};
    client->result.outcome = outcome;
    client->result.step = client->draining ? CACERT_AT_LINE : steps[client->phase];
    client->finish_us = now_us + client->times.finish_us;
}

/* The first outcome stands. From here on the exchange is only brought to its end. */
__attribute__((format(printf, 4, 5))) static void
decide(struct cacert_client *client, uint64_t now_us, enum cacert_outcome outcome, const char *format, ...) {
    static const enum fault_code codes[CACERT_OUTCOMES] = {
        [CACERT_SILENT] = FAULT_IO,      [CACERT_ODD] = FAULT_FORMAT,  [CACERT_UNCONFIRMED] = FAULT_IO,
        [CACERT_REFUSED] = FAULT_FORMAT, [CACERT_HANGING] = FAULT_IO,  [CACERT_CUT] = FAULT_IO,
        [CACERT_GARBLED] = FAULT_FORMAT, [CACERT_STOPPED] = FAULT_BUSY};
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    if (client->result.outcome != CACERT_RUNNING)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fault_set(&client->result.fault, codes[outcome], "%s", text);
    settle(client, now_us, outcome);
}

/* Nothing more can be waited for. */
static void leave(struct cacert_client *client) {
    client->result.abandoned = true;
    client->phase = FINISHED;
    client->out = 0;
}

/* A phase's time is over and it may still come: until the exchange as a whole is given up. */
static void wait_on(struct cacert_client *client) {
    client->deadline_us = client->finish_us;
}

static uint64_t took(const struct cacert_client *client, uint64_t now_us) {
    return now_us > client->began_us ? now_us - client->began_us : 1;
}

/* ---- the answer */

static void take_answer(struct cacert_client *client, bool draining, uint64_t now_us) {
    client->draining = draining;
    client->garbage = false;
    client->again = 0;
    client->out = YES;
    client->answer_since_us = now_us;
    buffer_clear(&client->answer);
    enter(client, ANSWER, now_us, client->times.answer_us);
}

static void answered(struct cacert_client *client, uint64_t now_us) {
    client->out = YES;
    if (client->draining) {
        client->result.stale++;
        client->draining = false;
        client->quiet_since_us = now_us;
        enter(client, QUIET, now_us, client->times.quiet_us);
        return;
    }
    client->phase = FINISHED;
}

static bool time_is_over(const struct cacert_client *client, uint64_t now_us) {
    return client->result.outcome != CACERT_RUNNING && now_us >= client->finish_us;
}

/* It is asked for again as often as may be; then it is taken as it is, so that the signer lives. */
static void answer_is_bad(struct cacert_client *client, enum cacert_outcome outcome, enum cacert_flaw flaw,
                          const struct fault *why, uint64_t now_us) {
    if (client->again < CACERT_AGAIN_MOST) {
        client->again++;
        client->garbage = false;
        client->out = AGAIN;
        buffer_clear(&client->answer);
        if (!client->draining && client->result.asked++ == 0)
            client->result.asked_why = *why;
        enter(client, ANSWER, now_us, client->times.answer_us);
        return;
    }
    if (!client->draining && client->result.outcome == CACERT_RUNNING) {
        client->result.flaw = flaw;
        decide(client, now_us, outcome, "its answer: %s", why->text);
    }
    answered(client, now_us);
}

static void answer_is_here(struct cacert_client *client, uint64_t now_us) {
    struct fault fault = {0};
    struct cacert_block block;
    if (client->draining) {
        answered(client, now_us);
        return;
    }
    enum cacert_flaw flaw =
        cacert_response_read(buffer_slice(&client->answer), client->action, &block, &fault);
    if (flaw != CACERT_SOUND) {
        answer_is_bad(client, CACERT_GARBLED, flaw, &fault, now_us);
        return;
    }
    client->result.answer_us = took(client, now_us);
    if (client->result.outcome == CACERT_RUNNING) {
        settle(client, now_us, CACERT_GOOD);
        client->result.response = block;
    }
    answered(client, now_us);
}

static void gather(struct cacert_client *client, struct slice bytes, uint64_t now_us) {
    struct fault fault = {0};
    size_t size;
    char text[SPAN_SIZE];
    if (client->answer.size && now_us - client->heard_us > client->result.gap_us)
        client->result.gap_us = now_us - client->heard_us;
    client->heard_us = now_us;
    client->deadline_us = now_us + client->times.gap_us;
    if (now_us - client->answer_since_us > client->times.whole_us)
        decide(client, now_us, CACERT_CUT,
               "its answer drips: %zu bytes, and it is not whole, %s after its start",
               client->answer.size + bytes.size, span(client->times.whole_us, text));
    if (time_is_over(client, now_us)) {
        leave(client);
        return;
    }
    if (client->garbage || !buffer_append_slice(&client->answer, bytes)) {
        client->garbage = true;
        return;
    }
    enum cacert_whole whole = cacert_block_whole(buffer_slice(&client->answer), &size, &fault);
    client->garbage = whole == CACERT_BROKEN;
    if (whole == CACERT_WHOLE)
        answer_is_here(client, now_us);
}

static void answer_stops(struct cacert_client *client, uint64_t now_us) {
    struct fault fault = {0};
    char text[SPAN_SIZE];
    if (client->garbage) {
        size_t size;
        if (cacert_block_whole(buffer_slice(&client->answer), &size, &fault) != CACERT_BROKEN)
            fault_set(&fault, FAULT_LIMIT, "it is longer than %u bytes", CACERT_BLOCK_MOST);
        answer_is_bad(client, CACERT_GARBLED, CACERT_FLAW_LENGTHS, &fault, now_us);
        return;
    }
    uint64_t patience_us = client->answer.size ? client->times.gap_us : client->times.answer_us;
    if (client->answer.size && patience_us > client->result.gap_us)
        client->result.gap_us = patience_us;
    fault_set(&fault, FAULT_IO, "nothing came for %s after %zu bytes", span(patience_us, text),
              client->answer.size);
    /* A signer that is gone is not asked for ever. */
    if (client->again == CACERT_AGAIN_MOST && !client->answer.size) {
        decide(client, now_us, CACERT_CUT, "%s: %s",
               client->draining ? "an answer that was left behind" : "its answer", fault.text);
        leave(client);
        return;
    }
    answer_is_bad(client, CACERT_CUT, CACERT_SOUND, &fault, now_us);
}

/* ---- bytes that mean something by themselves */

static void begin(struct cacert_client *client, uint64_t now_us) {
    client->out = START;
    enter(client, HANDSHAKE, now_us, client->times.handshake_us);
}

static void send_request(struct cacert_client *client, uint64_t now_us) {
    client->sent = 0;
    enter(client, SEND, now_us, client->times.confirm_us);
}

static void odd(struct cacert_client *client, uint8_t byte, const char *due, uint64_t now_us) {
    decide(client, now_us, CACERT_ODD, "it sent %02x where %s was due", byte, due);
}

static void take_quiet(struct cacert_client *client, uint8_t byte, uint64_t now_us) {
    if (byte == START && client->result.stale < CACERT_AGAIN_MOST) {
        take_answer(client, true, now_us);
        return;
    }
    client->deadline_us = now_us + client->times.quiet_us;
    /* A line that never falls silent is not the signer's, or not its alone. */
    if (now_us - client->quiet_since_us > client->times.handshake_us) {
        decide(client, now_us, CACERT_ODD,
               "the line is never quiet (%02x): does another client use it, or is it at another speed?",
               byte);
        leave(client);
    }
}

static void take_handshake(struct cacert_client *client, uint8_t byte, uint64_t now_us) {
    if (byte == YES) {
        client->result.handshake_us = took(client, now_us);
        client->again = 0;
        send_request(client, now_us);
    } else if (byte == START && client->result.stale < CACERT_AGAIN_MOST)
        take_answer(client, true, now_us);
    else
        odd(client, byte, "10, the answer to the start,", now_us);
}

static void take_confirm(struct cacert_client *client, uint8_t byte, uint64_t now_us) {
    if (byte == YES) {
        client->result.confirm_us = took(client, now_us);
        enter(client, WORK, now_us, client->times.work_us);
    } else if (byte == AGAIN && client->again < CACERT_AGAIN_MOST) {
        client->again++;
        client->result.resent++;
        send_request(client, now_us);
    } else if (byte == AGAIN) {
        decide(client, now_us, CACERT_REFUSED, "it asked for the request %u times", CACERT_AGAIN_MOST + 1);
        leave(client); /* it waits for a block, and gets none: there is no way to its end */
    } else
        odd(client, byte, "10, the request's receipt,", now_us);
}

static void take_work(struct cacert_client *client, uint8_t byte, uint64_t now_us) {
    if (byte == START) {
        client->result.work_us = took(client, now_us);
        take_answer(client, false, now_us);
    } else
        odd(client, byte, "02, that the work is done,", now_us);
}

void cacert_client_take(struct cacert_client *client, struct slice bytes, uint64_t now_us) {
    for (size_t i = 0; i < bytes.size; i++) {
        switch (client->phase) {
        case QUIET:
            take_quiet(client, bytes.data[i], now_us);
            break;
        case HANDSHAKE:
            take_handshake(client, bytes.data[i], now_us);
            break;
        case SEND:
            odd(client, bytes.data[i], "nothing", now_us);
            break;
        case CONFIRM:
            take_confirm(client, bytes.data[i], now_us);
            break;
        case WORK:
            take_work(client, bytes.data[i], now_us);
            break;
        case ANSWER:
            gather(client, slice_from(bytes, i), now_us);
            return;
        case FINISHED:
            return;
        }
    }
}

/* ---- what is written, and time */

struct slice cacert_client_give(const struct cacert_client *client) {
    if (client->out)
        return slice_make(&client->out, 1);
    if (client->phase == SEND)
        return slice_make(client->request + client->sent, client->request_size - client->sent);
    return slice_make(NULL, 0);
}

void cacert_client_gave(struct cacert_client *client, size_t size, uint64_t now_us) {
    if (client->out && size) {
        client->out = 0;
        client->began_us = now_us; /* how long an answer takes counts from when it was asked for */
        return;
    }
    if (client->phase != SEND)
        return;
    client->sent += size;
    client->deadline_us = now_us + client->times.confirm_us;
    if (client->sent >= client->request_size)
        enter(client, CONFIRM, now_us, client->times.confirm_us);
}

uint64_t cacert_client_expiry(const struct cacert_client *client) {
    return client->phase == FINISHED ? UINT64_MAX : client->deadline_us;
}

void cacert_client_tick(struct cacert_client *client, uint64_t now_us) {
    if (now_us < cacert_client_expiry(client))
        return;
    bool over = time_is_over(client, now_us);
    char text[SPAN_SIZE];
    switch (client->phase) {
    case QUIET:
        if (client->result.outcome != CACERT_RUNNING) /* nobody waits for more */
            client->phase = FINISHED;
        else
            begin(client, now_us);
        return;
    case HANDSHAKE:
        decide(client, now_us, CACERT_SILENT, "no answer to the start within %s",
               span(client->times.handshake_us, text));
        break;
    case SEND:
        decide(client, now_us, CACERT_UNCONFIRMED, "the line takes no bytes: %zu of %zu were sent",
               client->sent, client->request_size);
        break;
    case CONFIRM:
        decide(client, now_us, CACERT_UNCONFIRMED, "no receipt of the request within %s",
               span(client->times.confirm_us, text));
        break;
    case WORK:
        decide(client, now_us, CACERT_HANGING, "it took the request, and no answer came within %s",
               span(client->times.work_us, text));
        break;
    case ANSWER:
        if (over)
            leave(client);
        else
            answer_stops(client, now_us);
        return;
    case FINISHED:
        return;
    }
    if (over)
        leave(client);
    else
        wait_on(client);
}

void cacert_client_stop(struct cacert_client *client, uint64_t now_us) {
    decide(client, now_us, CACERT_STOPPED, "it was stopped");
    if (client->phase == QUIET)
        client->phase = FINISHED; /* nothing is begun */
}

/* A time server: its clock against this host's. A datagram may be lost: it is asked again, each time anew. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "datagram.h"
#include "memory.h"
#include "ntp_judge.h"
#include "probe_kinds.h"

#define TRIES 3u

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct datagram *datagram;
    struct loop_timer *next; /* try, or the end */
    unsigned tries;
    struct ntp_exchange exchanges[TRIES];
    uint64_t sent_us[TRIES]; /* by the monotonic clock */
};

static void asking_free(struct asking *asking) {
    datagram_destroy(asking->datagram);
    loop_timer_destroy(asking->next);
    free(asking);
}

static void end(struct asking *asking, enum probe_phase failed, bool late, const char *why) {
    struct probe_look *look = asking->look;
    if (failed == PROBE_PHASES)
        liveness_check(&asking->part->report, CHECK_REACH_ANSWER, true, "came");
    else
        liveness_check(&asking->part->report, late ? CHECK_REACH_TIME : CHECK_REACH_ANSWER, false, "%s", why);
    probe_part_over(asking->part, look->settings);
    asking_free(asking);
    probe_look_done(look);
}

static void failed(void *context, const struct fault *fault) {
    end(context, PHASE_FIRST, false, fault->text);
}

static void heard(void *context, struct slice bytes) {
    struct asking *asking = context;
    int64_t offset_us;
    for (unsigned i = 0; i < asking->tries; i++) {
        struct ntp_exchange *exchange = &asking->exchanges[i];
        if (!ntp_is_answer(bytes, exchange->cookie))
            continue;
        uint64_t took_us = clock_monotonic_us() - asking->sent_us[i];
        exchange->received_us = exchange->sent_us + took_us;
        ntp_judge(exchange, bytes, &asking->part->report, &offset_us);
        asking->part->phases_us[PHASE_FIRST] = took_us;
        end(asking, PROBE_PHASES, false, NULL);
        return;
    }
}

static void try_again(void *context) {
    struct asking *asking = context;
    uint64_t timeout_us = asking->look->settings->timeout_us;
    char why[64], span[LIVENESS_SPAN_SIZE];
    uint8_t packet[NTP_SIZE];
    struct fault fault;
    if (asking->tries == TRIES) {
        snprintf(why, sizeof why, "no answer to %u packets within %s", TRIES,
                 liveness_span(timeout_us, span));
        end(asking, PHASE_FIRST, true, why);
        return;
    }
    struct ntp_exchange *exchange = &asking->exchanges[asking->tries];
    probe_random(&exchange->cookie, sizeof exchange->cookie);
    exchange->sent_us = clock_wall_us();
    asking->sent_us[asking->tries++] = clock_monotonic_us();
    ntp_request_write(exchange->cookie, packet);
    loop_timer_after(asking->next, timeout_us / TRIES);
    if (!datagram_send(asking->datagram, slice_make(packet, sizeof packet), &fault) &&
        fault.code != FAULT_BUSY)
        end(asking, PHASE_FIRST, false, fault.text);
}

static void begin(struct probe_look *look) {
    static const struct datagram_handlers handlers = {heard, failed};
    struct fault fault;
    struct asking *asking = memory_new(sizeof *asking);
    look->own = asking;
    asking->look = look;
    asking->part = probe_look_part(look, "%s", "");
    asking->next = loop_timer_create(look->loop, try_again, asking);
    asking->datagram =
        datagram_connect(look->loop, look->address, look->target->port, &handlers, asking, &fault);
    if (asking->datagram)
        try_again(asking);
    else
        end(asking, PHASE_FIRST, false, fault.text);
}

static void cancel(struct probe_look *look) {
    asking_free(look->own);
}

const struct probe_kind probe_kind_ntp = {
    .kind = LIVENESS_NTP,
    .about = "a time server's clock against this host's",
    .target = "ntp.example.org",
    .addressed = true,
    .port = NTP_PORT,
    .begin = begin,
    .cancel = cancel,
};

#include "stream_talk.h"

#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "memory.h"
#include "tcp_stream.h"

struct stream_talk {
    struct probe_look *look;
    struct probe_part *part;
    struct stream_talk_rules rules;
    void *context;
    struct tcp_stream *stream;
    struct loop_timer *deadline;
    struct loop_later *ending;
    struct buffer heard;
    bool open, any, ended;
    /* how it ended */
    bool reached, answered, late;
    char why[FAULT_LINE_SIZE];
};

struct stream_talk *stream_talk_destroy(struct stream_talk *talk) {
    if (!talk)
        return NULL;
    tcp_stream_destroy(talk->stream);
    loop_timer_destroy(talk->deadline);
    loop_later_destroy(talk->ending);
    buffer_free(&talk->heard);
    free(talk);
    return NULL;
}

static void judge_reach(struct stream_talk *talk) {
    struct probe_part *part = talk->part;
    enum probe_phase failed = talk->reached ? PROBE_PHASES
                              : !talk->open ? PHASE_CONNECT
                              : talk->any   ? PHASE_BODY
                                            : PHASE_FIRST;
    if (talk->reached && !talk->answered)
        liveness_check(&part->report, CHECK_REACH_CONNECT, true, "accepted");
    else
        probe_part_reached(part, false, failed, talk->late, talk->why);
}

static void time_phases(struct stream_talk *talk) {
    struct probe_part *part = talk->part;
    if (!talk->stream)
        return;
    uint64_t took_us = clock_monotonic_us() - part->begun_us,
             connect_us = tcp_stream_connect_us(talk->stream), first_us = tcp_stream_first_us(talk->stream);
    part->phases_us[PHASE_CONNECT] = connect_us;
    part->phases_us[PHASE_FIRST] = first_us;
    if (first_us && took_us > connect_us + first_us)
        part->phases_us[PHASE_BODY] = took_us - connect_us - first_us;
}

static void end(void *context) {
    struct stream_talk *talk = context;
    void (*over)(void *) = talk->rules.over;
    void *whose = talk->context;
    time_phases(talk);
    judge_reach(talk);
    stream_talk_destroy(talk);
    over(whose);
}

static void end_later(struct stream_talk *talk) {
    if (talk->ended)
        return;
    talk->ended = true;
    loop_timer_stop(talk->deadline);
    loop_later_schedule(talk->ending);
}

void stream_talk_end(struct stream_talk *talk, bool answered) {
    if (talk->ended)
        return;
    talk->reached = true;
    talk->answered = answered;
    end_later(talk);
}

/* Whatever it was, no more comes. */
static void cut_off(struct stream_talk *talk, bool late, const char *why) {
    if (talk->ended)
        return;
    talk->late = late;
    snprintf(talk->why, sizeof talk->why, "%s", why);
    if (talk->open && talk->rules.ended &&
        talk->rules.ended(talk->context, buffer_slice(&talk->heard), talk->why))
        stream_talk_end(talk, true);
    end_later(talk);
}

static void opened(void *context) {
    struct stream_talk *talk = context;
    talk->open = true;
    if (talk->rules.open)
        talk->rules.open(talk->context, talk);
}

static void heard(void *context, struct slice bytes) {
    struct stream_talk *talk = context;
    talk->any = true;
    if (talk->ended)
        return;
    buffer_append_slice(&talk->heard, slice_head(bytes, talk->heard.limit - talk->heard.size));
    buffer_consume(&talk->heard, talk->rules.heard(talk->context, talk, buffer_slice(&talk->heard)));
    if (talk->heard.size == talk->heard.limit)
        cut_off(talk, false, "more came than is looked at");
}

static void closed(void *context, const struct fault *fault) {
    cut_off(context, false, fault ? fault->text : "the server closed the connection");
}

static void too_late(void *context) {
    struct stream_talk *talk = context;
    char span[LIVENESS_SPAN_SIZE], why[sizeof talk->why];
    liveness_span(talk->look->settings->timeout_us, span);
    snprintf(why, sizeof why, "%s within %s",
             !talk->open ? "no connection"
             : talk->any ? "not all of the answer"
                         : "no answer",
             span);
    cut_off(talk, true, why);
}

struct stream_talk *stream_talk_start(struct probe_look *look, struct probe_part *part,
                                      const struct stream_talk_rules *rules, void *context) {
    static const struct tcp_stream_handlers handlers = {opened, heard, closed};
    struct fault fault;
    struct stream_talk *talk = memory_new(sizeof *talk);
    *talk = (struct stream_talk){
        .look = look, .part = part, .rules = *rules, .context = context, .heard = BUFFER(STREAM_TALK_MOST)};
    talk->deadline = loop_timer_create(look->loop, too_late, talk);
    talk->ending = loop_later_create(look->loop, end, talk);
    loop_timer_after(talk->deadline, look->settings->timeout_us);
    talk->stream = tcp_stream_connect(look->loop, look->address, look->target->port, &handlers, talk, &fault);
    if (!talk->stream)
        cut_off(talk, false, fault.text);
    return talk;
}

void stream_talk_say(struct stream_talk *talk, struct slice bytes) {
    if (!tcp_stream_write(talk->stream, bytes))
        cut_off(talk, false, "the server takes nothing");
}

/* A port: whether it accepts a connection, and answers what is expected. */
#include <stdlib.h>

#include "memory.h"
#include "probe_kinds.h"
#include "stream_talk.h"
#include "tcp_judge.h"

struct prepared {
    struct buffer send, expect;
};

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct stream_talk *talk;
};

static void release(void *context) {
    struct prepared *prepared = context;
    buffer_free(&prepared->send);
    buffer_free(&prepared->expect);
    free(prepared);
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    struct prepared *prepared = memory_new(sizeof *prepared);
    *prepared = (struct prepared){BUFFER(TCP_TEXT_MOST), BUFFER(TCP_TEXT_MOST)};
    if (tcp_text_parse(slice_string(settings->send), &prepared->send, fault) &&
        tcp_text_parse(slice_string(settings->expect), &prepared->expect, fault)) {
        *ret_prepared = prepared;
        return true;
    }
    release(prepared);
    return false;
}

static const struct prepared *of(const struct asking *asking) {
    return asking->look->prepared;
}

static void opened(void *context, struct stream_talk *talk) {
    const struct asking *asking = context;
    if (of(asking)->send.size)
        stream_talk_say(talk, buffer_slice(&of(asking)->send));
    if (!of(asking)->expect.size)
        stream_talk_end(talk, false);
}

static size_t heard(void *context, struct stream_talk *talk, struct slice bytes) {
    const struct asking *asking = context;
    struct slice expected = buffer_slice(&of(asking)->expect);
    if (!expected.size || !tcp_answer_known(expected, bytes))
        return 0;
    tcp_judge(expected, bytes, "more than is looked at", &asking->part->report);
    stream_talk_end(talk, true);
    return bytes.size;
}

/* What came is an answer, and not the one that is due. */
static bool ended(void *context, struct slice bytes, const char *why) {
    const struct asking *asking = context;
    if (bytes.size)
        tcp_judge(buffer_slice(&of(asking)->expect), bytes, why, &asking->part->report);
    return bytes.size != 0;
}

static void over(void *context) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    probe_part_over(asking->part, look->settings);
    free(asking);
    probe_look_done(look);
}

static void begin(struct probe_look *look) {
    static const struct stream_talk_rules rules = {opened, heard, ended, over};
    struct asking *asking = memory_new(sizeof *asking);
    look->own = asking;
    asking->look = look;
    asking->part = probe_look_part(look, "%s", "");
    asking->talk = stream_talk_start(look, asking->part, &rules, asking);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    stream_talk_destroy(asking->talk);
    free(asking);
}

const struct probe_kind probe_kind_tcp = {
    .kind = LIVENESS_TCP,
    .about = "a port, and what it is expected to say",
    .target = "redis.example.org:6379",
    .addressed = true,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

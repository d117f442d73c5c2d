/* A mail server: its greeting, what it answers to EHLO, its farewell. No mail is sent. */
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "probe_kinds.h"
#include "process.h"
#include "smtp_judge.h"
#include "stream_talk.h"

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct stream_talk *talk;
    enum smtp_step step; /* whose reply is awaited */
};

static void say(const struct asking *asking, struct stream_talk *talk) {
    char host[PROCESS_HOST_SIZE], line[PROCESS_HOST_SIZE + 8];
    process_host_name(host);
    snprintf(line, sizeof line, "EHLO %s\r\n", host);
    stream_talk_say(talk, asking->step == SMTP_EHLO ? slice_string(line) : SLICE("QUIT\r\n"));
}

/* Behind a bad step comes QUIT, so that the server need not wait for us. */
static void take_reply(struct asking *asking, struct stream_talk *talk, const struct smtp_reply *reply) {
    bool good = smtp_judge(asking->step, reply, asking->look->settings->starttls, &asking->part->report);
    if (asking->step == SMTP_QUIT) {
        stream_talk_end(talk, true);
        return;
    }
    asking->step = good && asking->step == SMTP_BANNER ? SMTP_EHLO : SMTP_QUIT;
    say(asking, talk);
}

static size_t heard(void *context, struct stream_talk *talk, struct slice bytes) {
    struct asking *asking = context;
    struct smtp_reply reply;
    struct fault fault;
    switch (smtp_reply_read(bytes, &reply, &fault)) {
    case SMTP_REPLY:
        take_reply(asking, talk, &reply);
        return reply.lines.size; /* one at a time: nothing comes unasked */
    case SMTP_BROKEN:
        smtp_judge_broken(&fault, &asking->part->report);
        stream_talk_end(talk, true);
        return bytes.size;
    case SMTP_MORE:
        break;
    }
    return 0;
}

/* A server that ends the connection instead of saying good-bye has answered all that matters. */
static bool ended(void *context, struct slice bytes, const char *why) {
    const struct asking *asking = context;
    (void)bytes;
    if (asking->step != SMTP_QUIT)
        return false;
    liveness_check(&asking->part->report, CHECK_SMTP_QUIT, false, "%s", why);
    return true;
}

static void over(void *context) {
    struct asking *asking = context;
    struct probe_look *look = asking->look;
    probe_part_over(asking->part, look->settings);
    free(asking);
    probe_look_done(look);
}

static void begin(struct probe_look *look) {
    static const struct stream_talk_rules rules = {NULL, heard, ended, over};
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

const struct probe_kind probe_kind_smtp = {
    .kind = LIVENESS_SMTP,
    .about = "a mail server's greeting and extensions",
    .target = "mail.example.org:25",
    .addressed = true,
    .port = SMTP_PORT,
    .begin = begin,
    .cancel = cancel,
};

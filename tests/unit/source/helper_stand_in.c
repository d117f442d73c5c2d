/* A program for tests of helper_source: its first setting says how it behaves.
 *
 * "count N" gives the events 0 to N-1, in groups of one to seven, and after each group the position of what comes next. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helper.h"
#include "helper_message.h"
#include "helper_source.h"
#include "memory.h"

#define KEY SLICE("test:next")

struct stand_in {
    struct source source;
    struct helper *helper;
    void (*behave)(struct stand_in *stand_in);
    uint64_t next, most;
    unsigned turns, rests;
    bool done;
};

static bool give(const struct stand_in *stand_in, const char *source, struct slice raw, uint64_t number) {
    const struct event_body body = {
        .kind = EVENT_LINE, .source = slice_string(source), .raw = raw, .offset = number};
    return stand_in->source.output->event(stand_in->source.output->context, CLASS_SYSTEM, &body);
}

static bool say(const struct stand_in *stand_in, const char *text) {
    return give(stand_in, "test:one", slice_string(text), 0);
}

static void set_next(const struct stand_in *stand_in) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, stand_in->next);
    stand_in->source.output->position(stand_in->source.output->context, KEY, slice_string(text));
}

static uint64_t get_next(const struct stand_in *stand_in) {
    struct slice text;
    uint64_t next = 0;
    if (stand_in->source.output->restore(stand_in->source.output->context, KEY, &text))
        (void)slice_decimal(text, &next);
    return next;
}

/* --- how it behaves, in a turn --- */

static void count(struct stand_in *stand_in) {
    const struct source_output *output = stand_in->source.output;
    if (stand_in->turns == 1)
        stand_in->next = get_next(stand_in);
    for (uint64_t i = 0, group = 1 + stand_in->next % 7; i < group && stand_in->next < stand_in->most; i++) {
        char text[48];
        struct event_body body = {.source = SLICE("test:count"), .offset = stand_in->next};
        body.raw = slice_make(
            text, (size_t)snprintf(text, sizeof text, "%" PRIu64 " by %d", stand_in->next, getpid()));
        if (!output->event(output->context, CLASS_SYSTEM, &body))
            break;
        stand_in->next++;
    }
    set_next(stand_in);
    stand_in->done = stand_in->next >= stand_in->most;
}

/* Twenty groups, then half of one: an event whole, the group not. */
static void die_in_the_middle(struct stand_in *stand_in) {
    static const uint8_t position[] = {16,  0,   2,   0,   0,   0, 9, 't', 'e', 's', 't',
                                       ':', 'n', 'e', 'x', 't', 0, 0, 0,   1,   '9'};
    count(stand_in);
    if (stand_in->turns % 20 != 0)
        return;
    (void)send(HELPER_DESCRIPTOR, position, sizeof position, 0);
    kill(getpid(), SIGKILL);
}

static void hang(struct stand_in *stand_in) {
    if (stand_in->turns == 1)
        say(stand_in, "soon it hangs");
    else
        for (;;)
            pause();
}

static void flood(struct stand_in *stand_in) {
    static char text[3000];
    memset(text, 'x', sizeof text);
    while (give(stand_in, "test:flood", slice_make(text, sizeof text), stand_in->next))
        stand_in->next++;
}

static void send_bytes(const void *bytes, size_t size) {
    while (send(HELPER_DESCRIPTOR, bytes, size, 0) < 0 && (errno == EAGAIN || errno == EINTR))
        usleep(1000);
}

static void write_nonsense(struct stand_in *stand_in) {
    (void)stand_in;
    send_bytes("\xffnonsense", 9);
    pause();
}

static void write_too_much(struct stand_in *stand_in) {
    static uint8_t part[HELPER_MESSAGE_MOST] = {HELPER_GROUP, 0};
    (void)stand_in;
    for (;;)
        send_bytes(part, sizeof part);
}

static void answer_without_a_ping(struct stand_in *stand_in) {
    (void)stand_in;
    send_bytes((const uint8_t[]){HELPER_PONG, 0, 0, 0, 0, 0, 0, 0, 99}, 9);
    pause();
}

static void speak_for_another(struct stand_in *stand_in) {
    give(stand_in, "journal", SLICE("root logged in"), 0);
}

static void move_another(struct stand_in *stand_in) {
    stand_in->source.output->position(stand_in->source.output->context, SLICE("tester:next"), SLICE("0"));
}

static void alarm_by_itself(struct stand_in *stand_in) {
    const struct event_body body = {.kind = EVENT_ALERT, .source = SLICE("test"), .raw = SLICE("fire")};
    stand_in->source.output->event(stand_in->source.output->context, CLASS_JOURNAL, &body);
}

static void end(struct stand_in *stand_in) {
    (void)stand_in;
    exit(7);
}

static void close_socket(struct stand_in *stand_in) {
    if (stand_in->turns == 1 && say(stand_in, "soon it closes"))
        return;
    close(HELPER_DESCRIPTOR);
    for (;;)
        pause();
}

static void tell_one_position(void *context, struct slice key, struct slice value) {
    char text[80];
    snprintf(text, sizeof text, "%.*s=%.*s", SLICE_ARG(key), SLICE_ARG(slice_head(value, 20)));
    say(context, text);
}

static void tell_positions(struct stand_in *stand_in) {
    stand_in->done = true;
    stand_in->source.output->restore_each(stand_in->source.output->context, SLICE("test:"), tell_one_position,
                                          stand_in);
    say(stand_in, "that is all");
}

static void tell_settings(struct stand_in *stand_in) {
    stand_in->done = true;
    for (size_t i = 1; i < helper_setting_count(stand_in->helper); i++)
        give(stand_in, "test:settings", helper_setting(stand_in->helper, i), i);
}

static int oom_score(void) {
    int score = -1000;
    FILE *file = fopen("/proc/self/oom_score_adj", "r");
    if (!file || fscanf(file, "%d", &score) != 1)
        score = -1000;
    if (file)
        fclose(file);
    return score;
}

static void tell_itself(struct stand_in *stand_in) {
    char text[200];
    int signal_number = 0;
    stand_in->done = true;
    prctl(PR_GET_PDEATHSIG, &signal_number);
    snprintf(text, sizeof text, "user %d, privileges %d, dumpable %d, signal %d, open %d, memory %d",
             (int)geteuid(), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), prctl(PR_GET_DUMPABLE), signal_number,
             fcntl(HELPER_DESCRIPTOR, F_GETFD), oom_score());
    say(stand_in, text);
}

static void be_large(struct stand_in *stand_in) {
    CLEANUP_FREE uint8_t *text = memory_new(300000);
    static const size_t sizes[] = {60000, 61440, 122880, 250000, 300000, 1};
    memset(text, 'l', 300000);
    while (stand_in->next < sizeof sizes / sizeof *sizes &&
           give(stand_in, "test:large", slice_make(text, sizes[stand_in->next]), stand_in->next))
        stand_in->next++;
    stand_in->done = stand_in->next == sizeof sizes / sizeof *sizes;
}

static void give_positions_without_end(struct stand_in *stand_in) {
    char key[64], value[1000] = {1};
    for (unsigned i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "test:%u", i);
        stand_in->source.output->position(stand_in->source.output->context, slice_string(key),
                                          slice_make(value, sizeof value));
    }
}

static void wait_quietly(struct stand_in *stand_in) {
    stand_in->done = true;
    say(stand_in, "here");
}

static void never_finish(struct stand_in *stand_in) {
    wait_quietly(stand_in);
}

static void rest_for_a_while(struct stand_in *stand_in) {
    wait_quietly(stand_in);
}

static void never_rest(struct stand_in *stand_in) {
    wait_quietly(stand_in);
}

static const struct {
    const char *word;
    void (*behave)(struct stand_in *stand_in);
} behaviours[] = {
    {"count", count},
    {"half", die_in_the_middle},
    {"hang", hang},
    {"flood", flood},
    {"nonsense", write_nonsense},
    {"too much", write_too_much},
    {"unasked", answer_without_a_ping},
    {"impostor", speak_for_another},
    {"mover", move_another},
    {"alarm", alarm_by_itself},
    {"end", end},
    {"close", close_socket},
    {"positions", tell_positions},
    {"settings", tell_settings},
    {"itself", tell_itself},
    {"large", be_large},
    {"endless positions", give_positions_without_end},
    {"quiet", wait_quietly},
    {"never finish", never_finish},
    {"rest", rest_for_a_while},
    {"never rest", never_rest},
};

/* --- the source --- */

static struct stand_in *of(struct source *source) {
    return (struct stand_in *)(void *)source;
}

static int descriptor(const struct source *source) {
    (void)source;
    return -1;
}

static uint64_t turn(struct source *source, uint64_t now_us) {
    struct stand_in *stand_in = of(source);
    if (stand_in->done)
        return SOURCE_NEVER;
    stand_in->turns++;
    stand_in->behave(stand_in);
    return now_us;
}

static void describe(const struct source *source, char *ret_text, size_t size, uint64_t *ret_lag_bytes) {
    (void)source;
    snprintf(ret_text, size, "stand-in");
    *ret_lag_bytes = 0;
}

static void finish(struct source *source, uint64_t now_us) {
    (void)now_us;
    if (of(source)->behave == never_finish)
        for (;;)
            pause();
    say(of(source), "finished");
}

/* Longer than one that says nothing may take. */
static const char *rest(const struct source *source) {
    struct stand_in *stand_in = (struct stand_in *)(uintptr_t)source;
    bool rests = stand_in->behave == never_rest || (stand_in->behave == rest_for_a_while &&
                                                    stand_in->rests++ * 20000u < HELPER_FINISH_US + 200000u);
    return rests ? "the line has to be brought to its end" : NULL;
}

static struct source *destroy(struct source *source) {
    free(source);
    return NULL;
}

static const struct source_operations operations = {descriptor, turn, describe, finish, destroy};

static struct source *create(struct helper *helper, struct fault *fault) {
    struct slice wanted = helper_setting(helper, 0);
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; i++) {
        struct slice word = slice_string(behaviours[i].word);
        if (!slice_starts(wanted, word) || (wanted.size > word.size && wanted.data[word.size] != ' '))
            continue;
        struct stand_in *stand_in = memory_new(sizeof *stand_in);
        stand_in->source = (struct source){&operations, helper_source_output(helper)};
        stand_in->helper = helper;
        stand_in->behave = behaviours[i].behave;
        if (!slice_decimal(slice_from(wanted, word.size + 1), &stand_in->most))
            stand_in->most = UINT64_MAX;
        return &stand_in->source;
    }
    fault_set(fault, FAULT_USAGE, "there is no behaviour \"%.*s\"", SLICE_ARG(wanted));
    return NULL;
}

int main(void) {
    static const struct helper_program program = {"helper_stand_in", create, rest};
    return helper_main(&program);
}

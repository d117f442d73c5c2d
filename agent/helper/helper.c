#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "helper_output.h"
#include "helper_source.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define OUTGOING_MOST (2 * HELPER_GROUP_MOST)
#define DESCRIPTORS_WANTED 65536u
#define REST_LOOK_US 20000u

struct helper {
    const struct helper_program *program;
    struct helper_link link;
    struct helper_output *output;
    struct slice *settings; /* copies */
    size_t setting_count, setting_room;
    char *user;
    uint64_t booted_us;
    struct loop *loop;
    struct loop_watch *link_watch, *source_watch;
    struct loop_timer *due;
    struct loop_later *turn;
    struct source *source;
    bool source_paused;
    bool finishing, gave_all, resting, finished; /* one after the other */
    struct fault fault;                          /* why it cannot go on */
};

/* ---- for the source */

size_t helper_setting_count(const struct helper *helper) {
    return helper->setting_count;
}
struct slice helper_setting(const struct helper *helper, size_t index) {
    return helper->settings[index];
}
const struct source_output *helper_source_output(struct helper *helper) {
    return helper_output_source(helper->output);
}
struct loop *helper_loop(struct helper *helper) {
    return helper->loop;
}
void helper_turn_soon(struct helper *helper) {
    loop_later_schedule(helper->turn);
}
uint64_t helper_clock_us(const struct helper *helper) {
    return helper->booted_us + clock_boot_us();
}

/* ---- the beginning: blocking, before anything else */

static bool take_positions(struct helper *helper, struct slice items, struct fault *fault) {
    struct helper_item item;
    struct fault inner = {0};
    while (helper_item_next(&items, &item, &inner))
        if (item.kind == HELPER_ITEM_POSITION)
            helper_output_restore(helper->output, item.key, item.value);
    return inner.code == FAULT_NONE || fault_set(fault, inner.code, "%s", inner.text);
}

static void take_setting(struct helper *helper, struct slice bytes) {
    if (helper->setting_count == helper->setting_room) {
        helper->setting_room = helper->setting_room ? 2 * helper->setting_room : 16;
        helper->settings = memory_resize(helper->settings, helper->setting_room, sizeof *helper->settings);
    }
    helper->settings[helper->setting_count++] = slice_make(memory_copy(bytes.data, bytes.size), bytes.size);
}

static bool take_begin(struct helper *helper, const struct helper_message *message, struct fault *fault) {
    if (message->version != HELPER_VERSION)
        return fault_set(
            fault, FAULT_CONFLICT,
            "the agent speaks version %u of their messages, this program version %u: they are not of one "
            "package; restart the agent",
            message->version, HELPER_VERSION);
    free(helper->user);
    helper->user =
        memory_copy(message->user.data ? (const void *)message->user.data : "", message->user.size);
    return true;
}

/* False: bad, or the agent is gone. */
static bool take_beginning(struct helper *helper, struct fault *fault) {
    bool begun = false;
    for (;;) {
        struct helper_message message = {0};
        struct pollfd wanted = {.fd = helper->link.file, .events = POLLIN};
        enum helper_link_got got = helper_link_take(&helper->link, &message, fault);
        if (got == HELPER_LINK_CLOSED)
            return fault_set(fault, FAULT_MISSING, "the agent is gone");
        if (got == HELPER_LINK_BAD)
            return false;
        if (got == HELPER_LINK_NOTHING) {
            (void)poll(&wanted, 1, -1);
            continue;
        }
        bool good = message.kind == HELPER_BEGIN ? take_begin(helper, &message, fault) : begun;
        begun = true;
        if (message.kind == HELPER_START && good)
            return true;
        if (message.kind == HELPER_SETTING && helper->setting_count < HELPER_SETTINGS_MOST)
            take_setting(helper, message.bytes);
        else if (message.kind == HELPER_POSITIONS)
            good = good && take_positions(helper, message.bytes, fault);
        if (!good)
            return fault->code ? false
                               : fault_set(fault, FAULT_FORMAT, "the agent's first message is not the first");
    }
}

static bool harden(const struct helper *helper, struct fault *fault) {
    process_be_expendable();
    if (geteuid() == 0 && helper->user[0] && !process_become_user(helper->user, fault))
        return false;
    /* Behind the change of user, which undoes both. */
    return process_harden(fault) && process_end_with_parent(fault);
}

/* ---- turns */

static void send_waiting(struct helper *helper) {
    bool gone = helper_link_send(&helper->link);
    loop_watch_set(helper->link_watch, gone ? LOOP_READABLE : LOOP_READABLE | LOOP_WRITABLE);
    if (gone && helper->finished)
        loop_stop(helper->loop);
}

/* What it gives in a turn is a group. False: more than one holds. */
static bool hand_over(struct helper *helper) {
    if (helper_output_flush(helper->output, &helper->fault))
        return true;
    loop_stop(helper->loop);
    return false;
}

static void turn_source(struct helper *helper) {
    uint64_t now_us = helper_clock_us(helper);
    uint64_t due_us = helper->source->operations->turn(helper->source, now_us);
    bool again = due_us <= now_us || helper_output_refused(helper->output);
    if (!hand_over(helper))
        return;
    if (again) {
        loop_later_schedule(helper->turn);
        return;
    }
    loop_timer_at(helper->due, due_us, now_us);
    if (helper->source_watch && helper->source_paused)
        loop_watch_set(helper->source_watch, LOOP_READABLE);
    helper->source_paused = false;
}

/* Gives what is gathered, then waits for what has to be brought to its end. */
static void finish(struct helper *helper) {
    if (!helper->gave_all) {
        helper->source->operations->finish(helper->source, helper_clock_us(helper));
        helper->gave_all = hand_over(helper);
    }
    const char *rest = helper->program->rest ? helper->program->rest(helper->source) : NULL;
    if (!rest) {
        helper->finished = true;
        helper_link_put(&helper->link, &(struct helper_message){.kind = HELPER_FINISHED});
        return;
    }
    if (!helper->resting)
        helper_link_put(&helper->link, &(struct helper_message){
                                           .kind = HELPER_RESTING,
                                           .bytes = slice_head(slice_string(rest), HELPER_REASON_MOST)});
    helper->resting = true;
    loop_timer_after(helper->due, REST_LOOK_US);
}

static void turn(void *context) {
    struct helper *helper = context;
    if (!helper->source || helper_output_full(helper->output) || helper->finished)
        return; /* the socket says when it goes on */
    if (helper->finishing)
        finish(helper);
    else
        turn_source(helper);
    send_waiting(helper);
}

static void on_source(void *context, unsigned events) {
    struct helper *helper = context;
    (void)events;
    helper->source_paused = true;
    loop_watch_set(helper->source_watch, 0); /* level-triggered: quiet until it has had its turn */
    loop_later_schedule(helper->turn);
}

static void on_due(void *context) {
    helper_turn_soon(context);
}

static void take_message(struct helper *helper, const struct helper_message *message) {
    if (message->kind == HELPER_PING) {
        helper_link_put(&helper->link,
                        &(struct helper_message){.kind = HELPER_PONG, .number = message->number});
    } else if (message->kind == HELPER_FINISH) {
        helper->finishing = true;
        loop_later_schedule(helper->turn);
    }
}

static void on_link(void *context, unsigned events) {
    struct helper *helper = context;
    struct helper_message message;
    struct fault fault = {0};
    (void)events;
    for (;;) {
        switch (helper_link_take(&helper->link, &message, &fault)) {
        case HELPER_LINK_MESSAGE:
            take_message(helper, &message);
            continue;
        case HELPER_LINK_NOTHING:
            send_waiting(helper);
            if (!helper_output_full(helper->output))
                loop_later_schedule(helper->turn);
            return;
        case HELPER_LINK_CLOSED:
            _exit(EXIT_SUCCESS); /* the agent is gone: nobody would take anything */
        case HELPER_LINK_BAD:
            log_fault(LOG_LEVEL_ERROR, &fault, "%s does not understand the agent", helper->program->name);
            _exit(EXIT_FAILURE);
        }
    }
}

static bool start(struct helper *helper, struct fault *fault) {
    helper->loop = loop_create(fault);
    if (!helper->loop)
        return false;
    helper->turn = loop_later_create(helper->loop, turn, helper);
    helper->due = loop_timer_create(helper->loop, on_due, helper);
    helper->link_watch =
        loop_watch_create(helper->loop, helper->link.file, LOOP_READABLE, on_link, helper, fault);
    if (!helper->link_watch)
        return false;
    helper->source = helper->program->create(helper, fault);
    if (!helper->source)
        return false;
    int descriptor = helper->source->operations->descriptor(helper->source);
    if (descriptor >= 0) {
        helper->source_watch =
            loop_watch_create(helper->loop, descriptor, LOOP_READABLE, on_source, helper, fault);
        if (!helper->source_watch)
            return false;
    }
    loop_later_schedule(helper->turn);
    return true;
}

/* ---- the whole of it */

/* Last words, for the agent's event. */
static void refuse(struct helper *helper) {
    char line[FAULT_LINE_SIZE];
    struct slice text = slice_string(fault_line(&helper->fault, line));
    helper_link_put(&helper->link, &(struct helper_message){.kind = HELPER_REFUSED,
                                                            .bytes = slice_head(text, HELPER_REASON_MOST)});
    (void)helper_link_send(&helper->link);
}

static void release(struct helper *helper) {
    loop_watch_destroy(helper->source_watch);
    if (helper->source)
        helper->source->operations->destroy(helper->source);
    loop_watch_destroy(helper->link_watch);
    loop_timer_destroy(helper->due);
    loop_later_destroy(helper->turn);
    loop_destroy(helper->loop);
    helper_output_destroy(helper->output);
    for (size_t i = 0; i < helper->setting_count; i++)
        free((void *)(uintptr_t)helper->settings[i].data);
    free(helper->settings);
    free(helper->user);
    helper_link_close(&helper->link);
}

static bool started_by_agent(void) {
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(HELPER_DESCRIPTOR, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET &&
           fcntl(HELPER_DESCRIPTOR, F_SETFD, FD_CLOEXEC) == 0;
}

int helper_main(const struct helper_program *program) {
    if (!started_by_agent()) {
        fprintf(stderr, "%s: tocsin-agent starts this program by itself; there is nothing to call by hand\n",
                program->name);
        return 2;
    }
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    umask(077);
    log_start(LOG_LEVEL_INFO);
    process_descriptors_raise(DESCRIPTORS_WANTED);
    struct helper *helper = memory_new(sizeof *helper);
    helper->program = program;
    helper->booted_us = clock_wall_us() - clock_boot_us();
    helper_link_open(&helper->link, HELPER_DESCRIPTOR, OUTGOING_MOST);
    helper->output = helper_output_create(&helper->link);
    if (take_beginning(helper, &helper->fault) && harden(helper, &helper->fault) &&
        start(helper, &helper->fault))
        loop_run(helper->loop);
    bool good = helper->fault.code == FAULT_NONE;
    if (!good)
        refuse(helper);
    release(helper);
    free(helper);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

#include "helper_source.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bytes.h"
#include "helper_link.h"
#include "memory.h"
#include "source_process.h"
#include "spool_positions.h"

#define OUTGOING_MOST (64u * 1024 * 1024) /* the settings, and all positions that a spool can hold */
#define MESSAGES_A_TURN 64u
#define LATE_US 1000000u /* a turn that comes so late was held up by ourselves */
#define RESTART_DOUBLINGS 6u
#define PREFIX "helper:"
#define SENTENCE_SIZE 1024u

struct helper_source {
    struct source source;
    char name[sizeof PREFIX + HELPER_NAME_MOST];
    char *program, *about;
    struct buffer beginning; /* BEGIN and the settings, as the link sends them */
    struct event_field *fields;
    int descriptor;
    struct spool_positions positions; /* on disk, or given to the output since */

    struct source_process process;
    int start_error; /* it could not be started */
    struct helper_link link;
    bool wants_writable;
    bool closed;             /* the socket's other end is gone */
    bool resting, finished;  /* said so, after FINISH */
    bool discarding;         /* the output was full at the end: what comes is given again by the next run */
    const char *reason;      /* why it was given up; NULL: it was not */
    char why[SENTENCE_SIZE]; /* in words */
    uint64_t start_us, next_us, due_us;
    uint64_t waiting_us; /* since when an answer, or the end behind a closed socket, is waited for */
    uint64_t ping;       /* the newest one's number */
    bool answered;
    uint64_t runs;
    unsigned failures; /* in a row */

    struct buffer group; /* items that came */
    bool whole;          /* and were checked */
    struct helper_group size;
    size_t given; /* bytes of it whose events the output has */
};

static struct helper_source *of(struct source *source) {
    return (struct helper_source *)(void *)source;
}
static const struct helper_source *of_const(const struct source *source) {
    return (const struct helper_source *)(const void *)source;
}

static int descriptor(const struct source *source) {
    return of_const(source)->descriptor;
}

static const char *own_name(const struct helper_source *source) {
    return source->name + sizeof PREFIX - 1;
}

/* --- starting and ending --- */

static void watch(struct helper_source *source, int operation, bool writable) {
    struct epoll_event wanted = {.events = writable ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                 .data = {.fd = source->link.file}};
    source->wants_writable = writable;
    (void)epoll_ctl(source->descriptor, operation, source->link.file, &wanted);
}

/* What is left in the socket, or its end, would wake us again and again. */
static void stop_listening(const struct helper_source *source) {
    (void)epoll_ctl(source->descriptor, EPOLL_CTL_DEL, source->link.file, NULL);
}

static void send_waiting(struct helper_source *source) {
    bool waits = !helper_link_send(&source->link);
    if (waits != source->wants_writable)
        watch(source, EPOLL_CTL_MOD, waits);
}

/* Positions in as few messages as they take. */
struct packing {
    struct helper_link *link;
    struct buffer items;
};

static void pack_send(struct packing *packing) {
    if (packing->items.size)
        helper_link_put(packing->link, &(struct helper_message){.kind = HELPER_POSITIONS,
                                                                .bytes = buffer_slice(&packing->items)});
    buffer_clear(&packing->items);
}

static void pack_position(void *context, struct slice key, struct slice value) {
    struct packing *packing = context;
    const struct helper_item item = {.kind = HELPER_ITEM_POSITION, .key = key, .value = value};
    if (key.size > HELPER_KEY_MOST || value.size > HELPER_VALUE_MOST)
        return;
    if (packing->items.size + helper_item_size(&item) > packing->items.limit)
        pack_send(packing);
    helper_item_write(&packing->items, &item);
}

static void tell_beginning(struct helper_source *source) {
    struct packing packing = {&source->link, BUFFER(HELPER_MESSAGE_MOST - 1)};
    helper_link_put_all(&source->link, buffer_slice(&source->beginning));
    spool_positions_each(&source->positions, SLICE(""), pack_position, &packing);
    pack_send(&packing);
    buffer_free(&packing.items);
    helper_link_put(&source->link, &(struct helper_message){.kind = HELPER_START});
}

static void ask(struct helper_source *source, uint64_t now_us) {
    source->answered = false;
    source->waiting_us = now_us;
    helper_link_put(&source->link, &(struct helper_message){.kind = HELPER_PING, .number = ++source->ping});
}

static void begin_run(struct helper_source *source, uint64_t now_us) {
    int theirs;
    source->start_us = now_us;
    source->runs++;
    source->closed = source->resting = source->finished = source->discarding = false;
    source->why[0] = 0;
    source->reason = NULL;
    source->start_error = 0;
    if (!helper_link_pair(&source->link, &theirs, OUTGOING_MOST, NULL)) {
        source->start_error = errno;
        return;
    }
    watch(source, EPOLL_CTL_ADD, false);
    char *const argv[] = {source->program, NULL};
    const int given[] = {-1, STDERR_FILENO, STDERR_FILENO, theirs};
    source->start_error = source_process_start(&source->process, argv, given, 4, source->descriptor);
    close(theirs);
    if (source->start_error)
        return;
    tell_beginning(source);
    ask(source, now_us);
    send_waiting(source);
}

static void group_free(struct helper_source *source) {
    buffer_free(&source->group);
    source->whole = false;
    source->given = 0;
}

static void forget_run(struct helper_source *source) {
    source_process_reap(&source->process);
    helper_link_close(&source->link);
    group_free(source);
    source->start_error = 0;
}

__attribute__((format(printf, 3, 4))) static void give_up(struct helper_source *source, const char *reason,
                                                          const char *format, ...) {
    if (source->reason)
        return;
    char why[SENTENCE_SIZE]; /* what was there may be an argument */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why, sizeof why, format, arguments);
    va_end(arguments);
    memcpy(source->why, why, sizeof source->why);
    source->reason = reason;
    stop_listening(source);
    source_process_kill(&source->process);
}

static bool running(const struct helper_source *source) {
    return source->process.id != 0 || source->start_error;
}

/* --- what it gives --- */

/* Gives the group's events from where it stands, then its positions. False: the output is full. */
static bool give_group(struct helper_source *source) {
    const struct source_output *output = source->source.output;
    if (source->discarding) {
        group_free(source);
        return true;
    }
    struct slice all = buffer_slice(&source->group), rest = slice_from(all, source->given);
    struct helper_item item;
    /* Asked for once, before the first event: what was begun goes on, so that even an output that did not keep its word
     * loses nothing. */
    if (source->given == 0 && !output->room(output->context, source->size.events, source->size.text))
        return false;
    while (helper_item_next(&rest, &item, NULL)) {
        struct event_body body;
        if (item.kind == HELPER_ITEM_EVENT && event_body_read(item.body, source->fields, &body, NULL) &&
            !output->event(output->context, item.class, &body))
            return false;
        source->given = all.size - rest.size;
    }
    for (rest = all; helper_item_next(&rest, &item, NULL);) {
        if (item.kind != HELPER_ITEM_POSITION)
            continue;
        output->position(output->context, item.key, item.value);
        spool_positions_set(&source->positions, item.key, item.value);
    }
    group_free(source);
    return true;
}

static void take_group(struct helper_source *source, const struct helper_message *message) {
    struct fault fault = {0};
    if (!buffer_append_slice(&source->group, message->bytes))
        give_up(source, "nonsense", "it wrote nonsense: a group of more than %u bytes", HELPER_GROUP_MOST);
    else if (message->last && helper_group_check(buffer_slice(&source->group), slice_string(own_name(source)),
                                                 source->fields, &source->size, &fault))
        source->whole = true;
    else if (message->last)
        give_up(source, "nonsense", "it wrote nonsense: %s", fault.text);
}

static void take_answer(struct helper_source *source, uint64_t number, uint64_t now_us) {
    if (source->answered || number != source->ping)
        give_up(source, "nonsense", "it wrote nonsense: an answer to what was not asked");
    source->answered = true;
    source->waiting_us = now_us;
}

static void take_rest(struct helper_source *source, struct slice why) {
    source->resting = true;
    snprintf(source->why, sizeof source->why, "%.*s", SLICE_ARG(why));
}

static void take_message(struct helper_source *source, const struct helper_message *message,
                         uint64_t now_us) {
    if (message->kind == HELPER_GROUP)
        take_group(source, message);
    else if (message->kind == HELPER_PONG)
        take_answer(source, message->number, now_us);
    else if (message->kind == HELPER_RESTING)
        take_rest(source, message->bytes);
    else if (message->kind == HELPER_FINISHED)
        source->finished = true;
    else
        give_up(source, "refused", "%.*s", SLICE_ARG(message->bytes));
}

/* False: the output is full, and the rest stays in the socket. */
static bool take_messages(struct helper_source *source, uint64_t now_us, bool *ret_more) {
    for (unsigned i = 0; i < MESSAGES_A_TURN && !source->reason; i++) {
        struct helper_message message;
        struct fault fault = {0};
        if (source->whole && !give_group(source))
            return false;
        if (source->closed)
            return true;
        switch (helper_link_take(&source->link, &message, &fault)) {
        case HELPER_LINK_MESSAGE:
            take_message(source, &message, now_us);
            break;
        case HELPER_LINK_NOTHING:
            return true;
        case HELPER_LINK_CLOSED:
            source->closed = true;
            source->waiting_us = now_us;
            stop_listening(source);
            return true;
        case HELPER_LINK_BAD:
            give_up(source, "nonsense", "it wrote nonsense: %s", fault.text);
            break;
        }
    }
    *ret_more = !source->reason;
    return true;
}

/* --- its end --- */

static uint64_t restart_us(const struct helper_source *source) {
    unsigned again = source->failures ? source->failures - 1 : 0;
    return (uint64_t)HELPER_RESTART_US << (again < RESTART_DOUBLINGS ? again : RESTART_DOUBLINGS);
}

/* How it ended, in a word and in words. */
static const char *how_it_ended(const struct helper_source *source, char why[SENTENCE_SIZE]) {
    if (source->start_error) {
        snprintf(why, SENTENCE_SIZE, "it cannot be started: %s; is the package whole?",
                 strerrordesc_np(source->start_error));
        return "start";
    }
    if (source->reason) {
        snprintf(why, SENTENCE_SIZE, "%s", source->why);
        return source->reason;
    }
    if (source->process.exit_signal) {
        snprintf(why, SENTENCE_SIZE, "it was ended by signal %d", source->process.exit_signal);
        return "signal";
    }
    snprintf(why, SENTENCE_SIZE, "it ended with status %d", source->process.exit_status);
    return "exit";
}

static bool give_failure(struct helper_source *source, bool again) {
    const struct source_output *output = source->source.output;
    char why[SENTENCE_SIZE], sentence[2 * SENTENCE_SIZE], number[16];
    const char *reason = how_it_ended(source, why);
    bool by_signal = strcmp(reason, "signal") == 0, by_exit = strcmp(reason, "exit") == 0;
    snprintf(number, sizeof number, "%d",
             by_signal ? source->process.exit_signal : source->process.exit_status);
    int size =
        snprintf(sentence, sizeof sentence, "%s (%s) has failed: %s", own_name(source), source->program, why);
    if (again)
        snprintf(sentence + size, sizeof sentence - (size_t)size, "; it is started again in %" PRIu64 " s",
                 restart_us(source) / 1000000u);
    const struct event_field fields[] = {
        {SLICE("tocsin.event"), SLICE("helper_failed")},
        {SLICE("helper.name"), slice_string(own_name(source))},
        {SLICE("helper.reason"), slice_string(reason)},
        {by_signal ? SLICE("helper.signal") : SLICE("helper.exit"), slice_string(number)},
    };
    const struct event_body body = {.kind = EVENT_STATE,
                                    .source = slice_string(source->name),
                                    .raw = slice_string(sentence),
                                    .generation = source->runs,
                                    .fields = fields,
                                    .field_count = by_signal || by_exit ? 4 : 3};
    return output->event(output->context, CLASS_JOURNAL, &body);
}

/* False: the output is full. */
static bool end_run(struct helper_source *source, uint64_t now_us) {
    unsigned before = source->failures;
    source->failures = now_us - source->start_us >= HELPER_SETTLED_US ? 1 : before + 1;
    if (!give_failure(source, true)) {
        source->failures = before;
        return false;
    }
    source->next_us = now_us + restart_us(source);
    forget_run(source);
    return true;
}

/* --- the turn --- */

/* Asks, and gives up one that does not answer. Returns when it has to be looked at again. */
static uint64_t judge(struct helper_source *source, uint64_t now_us) {
    uint64_t waited_us = now_us - source->waiting_us;
    bool asking = source->closed || !source->answered;
    if (asking && waited_us >= HELPER_ANSWER_US) {
        give_up(source, source->closed ? "closed" : "silent",
                source->closed ? "it closed its socket, and went on" : "it did not answer for %u s",
                HELPER_ANSWER_US / 1000000u);
    } else if (!asking && waited_us >= HELPER_PING_US) {
        ask(source, now_us);
        asking = true;
    }
    uint64_t due_us = source->waiting_us + (asking ? HELPER_ANSWER_US : HELPER_PING_US);
    if (source->reason)
        due_us = SOURCE_NEVER; /* killed: its end is seen by its pidfd */
    return source->process.handle < 0 && due_us > now_us + SOURCE_PROCESS_LOOK_US
               ? now_us + SOURCE_PROCESS_LOOK_US
               : due_us;
}

static uint64_t turn_running(struct helper_source *source, uint64_t now_us) {
    bool more = false;
    if (!source->start_error) {
        if (now_us > source->due_us + LATE_US)
            source->waiting_us = now_us;
        source_process_look(
            &source->process); /* before reading: then all that it ever wrote is in the socket */
        send_waiting(source);
        if (!take_messages(source, now_us, &more)) {
            source->waiting_us = now_us; /* it is we who do not read */
            return now_us;
        }
        if (more)
            return now_us;
    }
    if (source->start_error || source->process.ended)
        return end_run(source, now_us) ? source->next_us : now_us;
    uint64_t due_us = judge(source, now_us);
    send_waiting(source);
    return due_us;
}

static uint64_t turn(struct source *base, uint64_t now_us) {
    struct helper_source *source = of(base);
    if (!running(source) && now_us < source->next_us)
        return source->next_us;
    if (!running(source)) {
        begin_run(source, now_us);
        source->due_us = now_us;
    }
    source->due_us = turn_running(source, now_us);
    return source->due_us;
}

static void describe(const struct source *base, char *ret_text, size_t size, uint64_t *ret_lag_bytes) {
    const struct helper_source *source = of_const(base);
    const char *about = source->about ? source->about : "";
    const char *comma = source->about ? ", " : "";
    *ret_lag_bytes = 0;
    if (source->process.id)
        snprintf(ret_text, size, "%s: %s%srunning as process %d, started %" PRIu64 " times", own_name(source),
                 about, comma, (int)source->process.id, source->runs);
    else if (access(source->program, X_OK) == 0)
        snprintf(ret_text, size, "%s: %s%srun by %s", own_name(source), about, comma, source->program);
    else
        snprintf(ret_text, size, "%s: %s%sNOT run: there is no program %s; install the package again",
                 own_name(source), about, comma, source->program);
}

/* --- before a stop --- */

static uint64_t steady_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* Waits until it has said that it is finished, and then for its end, or for the time that is left. */
static void wait_for_finish(struct helper_source *source, uint64_t now_us) {
    uint64_t begun_us = steady_us(), patience_us = HELPER_FINISH_US, waited_us;
    bool more = false;
    while (!source->process.ended && !source->reason && (waited_us = steady_us() - begun_us) < patience_us) {
        struct pollfd wanted = {.fd = source->descriptor, .events = POLLIN};
        send_waiting(source);
        if (poll(&wanted, 1, (int)((patience_us - waited_us + 999) / 1000)) < 0 && errno != EINTR)
            break;
        source_process_look(&source->process);
        source->discarding |= !take_messages(source, now_us, &more);
        if (source->resting)
            patience_us = HELPER_FINISH_US + HELPER_REST_US;
    }
    if (!source->process.ended)
        give_up(source, "silent", "it did not finish within %u s%s%s", (unsigned)(patience_us / 1000000u),
                source->resting ? ": " : "", source->why);
}

static void finish(struct source *base, uint64_t now_us) {
    struct helper_source *source = of(base);
    if (source->process.id && !source->process.ended && !source->reason) {
        helper_link_put(&source->link, &(struct helper_message){.kind = HELPER_FINISH});
        wait_for_finish(source, now_us);
        if (!source->finished)
            (void)give_failure(source, false);
    }
    forget_run(source);
    source->next_us = now_us;
}

static struct source *destroy(struct source *base) {
    struct helper_source *source = of(base);
    if (!source)
        return NULL;
    forget_run(source);
    spool_positions_free(&source->positions);
    buffer_free(&source->beginning);
    if (source->descriptor >= 0)
        close(source->descriptor);
    free(source->fields);
    free(source->program);
    free(source->about);
    free(source);
    return NULL;
}

static const struct source_operations operations = {descriptor, turn, describe, finish, destroy};

/* --- settings --- */

static bool take_settings(struct helper_source *source, const struct helper_source_settings *settings,
                          struct fault *fault) {
    struct helper_link to = {.file = -1,
                             .outgoing = BUFFER(OUTGOING_MOST / 2)}; /* only to put them together */
    const struct helper_message begin = {.kind = HELPER_BEGIN,
                                         .version = HELPER_VERSION,
                                         .name = slice_string(settings->name),
                                         .user = slice_string(settings->user)};
    if (settings->setting_count > HELPER_SETTINGS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%s has %zu settings; at most %u are handed over",
                         settings->name, settings->setting_count, HELPER_SETTINGS_MOST);
    helper_link_put(&to, &begin);
    for (size_t i = 0; i < settings->setting_count; i++)
        helper_link_put(&to,
                        &(struct helper_message){.kind = HELPER_SETTING, .bytes = settings->settings[i]});
    source->beginning = to.outgoing;
    return !to.failed ||
           fault_set(fault, FAULT_LIMIT, "a name or a setting of %s is too long", settings->name);
}

static void keep_position(void *context, struct slice key, struct slice value) {
    spool_positions_set(context, key, value);
}

struct source *helper_source_create(const struct helper_source_settings *settings,
                                    const struct source_output *output, struct fault *fault) {
    struct helper_source *source = memory_new(sizeof *source);
    char prefix[HELPER_NAME_MOST + 2];
    source->source = (struct source){&operations, output};
    source->process = SOURCE_PROCESS_NONE;
    source->link.file = -1;
    source->group = BUFFER(HELPER_GROUP_MOST);
    source->fields = memory_new_array(EVENT_FIELDS_MOST, sizeof *source->fields);
    source->program = memory_copy_string(settings->program);
    source->about = memory_copy_string(settings->about);
    snprintf(source->name, sizeof source->name, PREFIX "%s", settings->name);
    snprintf(prefix, sizeof prefix, "%s:", settings->name);
    output->restore_each(output->context, slice_string(prefix), keep_position, &source->positions);
    source->descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (source->descriptor < 0)
        fault_set_system(fault, "no descriptor for %s", settings->name);
    else if (take_settings(source, settings, fault))
        return &source->source;
    return destroy(&source->source);
}

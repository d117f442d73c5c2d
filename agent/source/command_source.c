#include "command_source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "encoding.h"
#include "line_cut.h"
#include "memory.h"
#include "sha256.h"
#include "source_process.h"

#define STREAMS 2u
#define READ_SIZE (64u * 1024)
#define GATHER_MOST (LINE_CUT_WINDOW + READ_SIZE)
#define NUMBER_SIZE 24
#define RESTART_DOUBLINGS 6u

enum { STREAM_OUTPUT, STREAM_ERROR };

/* What comes through one pipe. */
struct stream {
    int file; /* -1: closed */
    struct buffer gathered;
    size_t taken; /* bytes of `gathered` already given */
    struct line_state line;
    struct sha256 long_line;
    uint64_t offset; /* in the run's output */
};

struct command_source {
    struct source source;
    char name[sizeof "command:" + COMMAND_NAME_MOST];
    char *argv[COMMAND_ARGUMENTS_MOST + 1];
    enum event_class class;
    uint64_t every_us, timeout_us, output_most;
    int descriptor;
    struct source_process process;
    struct stream streams[STREAMS];
    uint64_t start_us, next_us; /* of this run, of the next */
    uint64_t output;            /* bytes of this run */
    uint64_t dropped;           /* of them past the limit */
    uint64_t dropped_from;
    const char *reason; /* why it was killed; NULL: it was not */
    int start_error;    /* it could not be started */
    uint64_t runs;
    unsigned failures; /* in a row */
};

static struct command_source *of(struct source *source) {
    return (struct command_source *)(void *)source;
}
static const struct command_source *of_const(const struct source *source) {
    return (const struct command_source *)(const void *)source;
}

static int descriptor(const struct source *source) {
    return of_const(source)->descriptor;
}

/* --- starting and ending --- */

static void watch(struct command_source *source, int file) {
    struct epoll_event wanted = {.events = EPOLLIN, .data = {.fd = file}};
    (void)epoll_ctl(source->descriptor, EPOLL_CTL_ADD, file, &wanted);
}

static void stream_close(struct stream *stream) {
    if (stream->file >= 0)
        close(stream->file); /* and leaves the epoll set by that */
    stream->file = -1;
}

static void stream_begin(struct stream *stream, int file) {
    buffer_clear(&stream->gathered);
    stream->file = file;
    stream->taken = 0;
    stream->line = (struct line_state){0};
    stream->offset = 0;
}

static void begin_run(struct command_source *source, uint64_t now_us) {
    int pipes[STREAMS][2] = {{-1, -1}, {-1, -1}};
    source->start_us = now_us;
    source->next_us = now_us + (source->every_us ? source->every_us : COMMAND_RESTART_US);
    source->output = source->dropped = 0;
    source->reason = NULL;
    source->start_error = 0;
    source->runs++;
    for (unsigned i = 0; i < STREAMS && !source->start_error; i++)
        source->start_error = pipe2(pipes[i], O_CLOEXEC) == 0 ? 0 : errno;
    if (!source->start_error) {
        const int given[] = {-1, pipes[STREAM_OUTPUT][1], pipes[STREAM_ERROR][1]};
        source->start_error =
            source_process_start(&source->process, source->argv, given, 3, source->descriptor);
    }
    if (source->start_error)
        source->process.ended = true;
    for (unsigned i = 0; i < STREAMS; i++) {
        stream_begin(&source->streams[i], pipes[i][0]);
        if (pipes[i][1] >= 0)
            close(pipes[i][1]);
        if (source->start_error)
            stream_close(&source->streams[i]);
        else {
            (void)fcntl(pipes[i][0], F_SETFL, O_NONBLOCK);
            watch(source, pipes[i][0]);
        }
    }
}

static void stop_run(struct command_source *source, const char *reason) {
    if (source->reason)
        return;
    source_process_kill(&source->process);
    source->reason = reason;
}

/* --- events --- */

static bool give(struct command_source *source, enum event_kind kind, enum event_class class,
                 struct slice raw, uint64_t offset, const struct event_field *fields, size_t count) {
    const struct source_output *output = source->source.output;
    struct event_body body = {.kind = kind,
                              .source = slice_string(source->name),
                              .raw = raw,
                              .offset = offset,
                              .generation = source->runs,
                              .fields = fields,
                              .field_count = count};
    return output->event(output->context, class, &body);
}

static struct slice number(char text[NUMBER_SIZE], uint64_t value) {
    return slice_make(text, (size_t)snprintf(text, NUMBER_SIZE, "%" PRIu64, value));
}

static bool give_piece(struct command_source *source, unsigned which, const struct line_piece *piece) {
    struct stream *stream = &source->streams[which];
    struct event_field fields[8];
    size_t count = 0;
    char index[NUMBER_SIZE], total[NUMBER_SIZE], hex[2 * HASH_SIZE + 1];
    if (piece->kind == LINE_PIECE_HOLE) {
        fields[count++] = (struct event_field){SLICE("gap.unit"), SLICE("bytes")};
        fields[count++] = (struct event_field){SLICE("gap.first"),
                                               number(index, stream->offset + piece->consumed - piece->hole)};
        fields[count++] = (struct event_field){SLICE("gap.count"), number(total, piece->hole)};
        fields[count++] = (struct event_field){SLICE("gap.reason"), SLICE("zeros")};
        return give(source, EVENT_GAP, source->class, SLICE("the command wrote nothing but NUL bytes here"),
                    stream->offset, fields, count);
    }
    if (which == STREAM_ERROR)
        fields[count++] = (struct event_field){SLICE("stream"), SLICE("stderr")};
    if (piece->unfinished)
        fields[count++] = (struct event_field){SLICE("line.unfinished"), SLICE("true")};
    if (piece->kind == LINE_PIECE_FRAGMENT) {
        if (piece->index == 0)
            sha256_begin(&stream->long_line);
        struct sha256 running = stream->long_line;
        sha256_add(&running, piece->text.data, piece->text.size);
        fields[count++] = (struct event_field){SLICE("fragment.index"), number(index, piece->index)};
        fields[count++] =
            (struct event_field){SLICE("fragment.last"), piece->last ? SLICE("true") : SLICE("false")};
        struct sha256 end = running;
        struct hash hash = sha256_end(&end);
        encoding_hex(hash.bytes, HASH_SIZE, hex);
        if (piece->last) {
            fields[count++] = (struct event_field){SLICE("fragment.total"), number(total, piece->total)};
            fields[count++] = (struct event_field){SLICE("fragment.sha256"), slice_make(hex, 2 * HASH_SIZE)};
        }
        if (!give(source, EVENT_LINE, source->class, piece->text, stream->offset, fields, count))
            return false;
        stream->long_line = running;
        return true;
    }
    return give(source, EVENT_LINE, source->class, piece->text, stream->offset, fields, count);
}

/* Gives what is whole. False: the output is full. */
static bool give_gathered(struct command_source *source, unsigned which) {
    struct stream *stream = &source->streams[which];
    for (;;) {
        struct slice rest = slice_from(buffer_slice(&stream->gathered), stream->taken);
        struct line_piece piece;
        line_cut_next(&stream->line, rest, stream->file < 0, &piece);
        if (piece.kind == LINE_PIECE_MORE)
            break;
        if (piece.kind != LINE_PIECE_PASSED && !give_piece(source, which, &piece))
            return false;
        line_cut_take(&stream->line, &piece);
        stream->taken += piece.consumed;
        stream->offset += piece.consumed;
    }
    buffer_consume(&stream->gathered, stream->taken);
    stream->taken = 0;
    return true;
}

/* Past its limit a command is stopped; what it still has in its pipes is counted. */
static void take_bytes(struct command_source *source, struct stream *stream, const uint8_t *bytes,
                       size_t size) {
    size_t room =
        source->output_most && source->output + size > source->output_most
            ? (size_t)(source->output_most -
                       (source->output < source->output_most ? source->output : source->output_most))
            : size;
    source->output += size;
    buffer_append(&stream->gathered, bytes, room);
    if (room == size)
        return;
    if (!source->dropped)
        source->dropped_from = source->output - size + room;
    source->dropped += size - room;
    stop_run(source, "output_limit");
}

/* Reads until the pipe is empty or `most` bytes came. False: the output is full, and the rest stays in the pipe. */
static bool read_stream(struct command_source *source, unsigned which, bool *ret_more) {
    struct stream *stream = &source->streams[which];
    static const unsigned rounds_most = 16;
    for (unsigned round = 0; round < rounds_most; round++) {
        if (!give_gathered(source, which))
            return false;
        if (stream->file < 0)
            return true;
        uint8_t bytes[READ_SIZE];
        ssize_t got = read(stream->file, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return true;
        if (got <= 0)
            stream_close(stream);
        else
            take_bytes(source, stream, bytes, (size_t)got);
    }
    *ret_more = true;
    return true;
}

static bool give_dropped(struct command_source *source) {
    char first[NUMBER_SIZE], count[NUMBER_SIZE];
    if (!source->dropped)
        return true;
    struct event_field fields[] = {{SLICE("gap.unit"), SLICE("bytes")},
                                   {SLICE("gap.first"), number(first, source->dropped_from)},
                                   {SLICE("gap.count"), number(count, source->dropped)},
                                   {SLICE("gap.reason"), SLICE("output_limit")}};
    if (!give(source, EVENT_GAP, source->class,
              SLICE("the command wrote more than its limit; it was stopped, and what it had written past it "
                    "was dropped"),
              source->dropped_from, fields, 4))
        return false;
    source->dropped = 0;
    return true;
}

/* How it ended, unless that was well. */
static bool give_end(struct command_source *source) {
    char sentence[256], value[NUMBER_SIZE];
    struct event_field fields[2] = {{SLICE("tocsin.event"), SLICE("command_failed")}};
    const char *name = source->name + sizeof "command:" - 1;
    if (source->start_error) {
        fields[1] = (struct event_field){SLICE("command.reason"), SLICE("start")};
        snprintf(sentence, sizeof sentence, "%s could not be started: %s", name,
                 strerrordesc_np(source->start_error));
    } else if (source->reason) {
        fields[1] = (struct event_field){SLICE("command.reason"), slice_string(source->reason)};
        snprintf(sentence, sizeof sentence, "%s was stopped: it passed its %s", name,
                 strcmp(source->reason, "timeout") == 0 ? "time limit" : "output limit");
    } else if (source->process.exit_signal) {
        fields[1] = (struct event_field){SLICE("command.signal"),
                                         number(value, (uint64_t)source->process.exit_signal)};
        snprintf(sentence, sizeof sentence, "%s was ended by signal %d", name, source->process.exit_signal);
    } else if (source->process.exit_status) {
        fields[1] =
            (struct event_field){SLICE("command.exit"), number(value, (uint64_t)source->process.exit_status)};
        snprintf(sentence, sizeof sentence, "%s ended with status %d", name, source->process.exit_status);
    } else {
        return true;
    }
    return give(source, EVENT_STATE, CLASS_JOURNAL, slice_string(sentence), 0, fields, 2);
}

/* --- the turn --- */

static bool running(const struct command_source *source) {
    return source->process.id != 0 || source->start_error;
}

/* One that fails again and again is tried less and less often. */
static uint64_t restart_us(const struct command_source *source) {
    unsigned again = source->failures ? source->failures - 1 : 0;
    return (uint64_t)COMMAND_RESTART_US << (again < RESTART_DOUBLINGS ? again : RESTART_DOUBLINGS);
}

/* A run is over when its process is gone and its pipes are empty. Whoever it left behind with a pipe in hand is killed
 * with its group. False: the output is full. */
static bool end_run(struct command_source *source, uint64_t now_us) {
    if (!give_dropped(source) || !give_end(source))
        return false;
    bool failed =
        source->start_error || source->reason || source->process.exit_signal || source->process.exit_status;
    source_process_reap(&source->process);
    source->start_error = 0;
    source->failures = failed ? source->failures + 1 : 0;
    if (source->every_us == 0)
        source->next_us = now_us + restart_us(source);
    else if (source->next_us < now_us)
        source->next_us = now_us; /* late: at once, and never two at a time */
    return true;
}

static uint64_t turn(struct source *base, uint64_t now_us) {
    struct command_source *source = of(base);
    if (!running(source) && now_us >= source->next_us)
        begin_run(source, now_us);
    if (!running(source))
        return source->next_us;
    if (!source->process.ended && source->timeout_us && now_us - source->start_us >= source->timeout_us)
        stop_run(source, "timeout");
    source_process_look(&source->process);
    bool more = false;
    for (unsigned i = 0; i < STREAMS; i++)
        if (!read_stream(source, i, &more))
            return now_us;
    bool open = source->streams[STREAM_OUTPUT].file >= 0 || source->streams[STREAM_ERROR].file >= 0;
    if (more)
        return now_us;
    if (source->process.ended && open) { /* a child of its own holds the pipes */
        for (unsigned i = 0; i < STREAMS; i++)
            stream_close(&source->streams[i]);
        return now_us;
    }
    if (source->process.ended)
        return end_run(source, now_us) ? source->next_us : now_us;
    uint64_t limit_us =
        source->timeout_us && !source->reason ? source->start_us + source->timeout_us : SOURCE_NEVER;
    return source->process.handle < 0 && limit_us > now_us + SOURCE_PROCESS_LOOK_US
               ? now_us + SOURCE_PROCESS_LOOK_US
               : limit_us;
}

static void describe(const struct source *base, char *ret_text, size_t size, uint64_t *ret_lag_bytes) {
    const struct command_source *source = of_const(base);
    snprintf(ret_text, size, "%s: %s, %" PRIu64 " runs", source->name,
             source->process.id ? "running" : "waiting", source->runs);
    *ret_lag_bytes = source->streams[0].gathered.size + source->streams[1].gathered.size;
}

/* The rest of a line that has no newline yet is all there is to give. */
static void finish(struct source *base, uint64_t now_us) {
    struct command_source *source = of(base);
    (void)now_us;
    for (unsigned i = 0; i < STREAMS; i++) {
        stream_close(&source->streams[i]);
        (void)give_gathered(source, i);
    }
}

static struct source *destroy(struct source *base) {
    struct command_source *source = of(base);
    if (!source)
        return NULL;
    source_process_reap(&source->process);
    for (unsigned i = 0; i < STREAMS; i++) {
        stream_close(&source->streams[i]);
        buffer_free(&source->streams[i].gathered);
    }
    if (source->descriptor >= 0)
        close(source->descriptor);
    for (char **argument = source->argv; *argument; argument++)
        free(*argument);
    free(source);
    return NULL;
}

static const struct source_operations operations = {descriptor, turn, describe, finish, destroy};

static bool take_settings(struct command_source *source, const struct command_source_settings *settings,
                          struct fault *fault) {
    if (settings->argument_count == 0 || !settings->argv[0][0])
        return fault_set(fault, FAULT_USAGE, "a command needs a program");
    if (settings->argument_count > COMMAND_ARGUMENTS_MOST)
        return fault_set(fault, FAULT_LIMIT, "a command has at most %u words, not %zu",
                         COMMAND_ARGUMENTS_MOST, settings->argument_count);
    for (size_t i = 0; i < settings->argument_count; i++)
        source->argv[i] = memory_copy_string(settings->argv[i]);
    const char *slash = strrchr(settings->argv[0], '/');
    const char *name = settings->name ? settings->name : slash ? slash + 1 : settings->argv[0];
    if (strlen(name) > COMMAND_NAME_MOST)
        return fault_set(fault, FAULT_LIMIT, "a command's name has at most %u bytes", COMMAND_NAME_MOST);
    snprintf(source->name, sizeof source->name, "command:%s", name);
    bool kept = settings->every_us == 0;
    source->every_us = settings->every_us;
    source->timeout_us = settings->timeout_us ? settings->timeout_us : kept ? 0 : COMMAND_TIMEOUT_US;
    source->output_most = settings->output_most ? settings->output_most : kept ? 0 : COMMAND_OUTPUT_MOST;
    source->class = settings->class;
    return true;
}

struct source *command_source_create(const struct command_source_settings *settings,
                                     const struct source_output *output, struct fault *fault) {
    struct command_source *source = memory_new(sizeof *source);
    source->source = (struct source){&operations, output};
    source->process = SOURCE_PROCESS_NONE;
    for (unsigned i = 0; i < STREAMS; i++)
        source->streams[i] = (struct stream){.file = -1, .gathered = BUFFER(GATHER_MOST)};
    source->descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (source->descriptor < 0)
        fault_set_system(fault, "no descriptor for a command");
    else if (take_settings(source, settings, fault))
        return &source->source;
    return destroy(&source->source);
}

#include "ingest_stream.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "events.h"
#include "memory.h"
#include "recent_texts.h"
#include "row.h"
#include "stream_row.h"

/* ---- decompression contexts: as many as workers have been busy at once */

#define OPENERS_MOST 64u

struct openers {
    struct recent_texts *recent;
    pthread_mutex_t mutex;
    struct events_opener *free[OPENERS_MOST];
    size_t count;
};

struct openers *openers_create(struct recent_texts *recent) {
    struct openers *openers = memory_new(sizeof *openers);
    openers->recent = recent;
    pthread_mutex_init(&openers->mutex, NULL);
    return openers;
}

struct openers *openers_destroy(struct openers *openers) {
    if (openers) {
        while (openers->count)
            events_opener_destroy(openers->free[--openers->count]);
        pthread_mutex_destroy(&openers->mutex);
        free(openers);
    }
    return NULL;
}

static struct events_opener *opener_take(struct openers *openers) {
    pthread_mutex_lock(&openers->mutex);
    struct events_opener *opener = openers->count ? openers->free[--openers->count] : NULL;
    pthread_mutex_unlock(&openers->mutex);
    return opener ? opener : events_opener_create();
}

static void opener_give(struct openers *openers, struct events_opener *opener) {
    pthread_mutex_lock(&openers->mutex);
    if (openers->count < OPENERS_MOST) {
        openers->free[openers->count++] = opener;
        opener = NULL;
    }
    pthread_mutex_unlock(&openers->mutex);
    events_opener_destroy(opener);
}

/* ---- the stream */

struct job {
    struct job *next;
    enum frame_type type;
    size_t size, class_list_size;
    uint8_t bytes[];
};

struct ingest_stream {
    enum lane lane;
    struct hash id;
    char host[STREAM_NAME_SIZE];
    struct verify_key first_key;
    struct stream_checker *checker;
    struct openers *openers;
    const struct log_seen *seen;
    struct ingest_stream_handlers handlers;
    struct loop *loop;
    struct committer *committer;
    struct ingest_marks marks;

    struct job *first, **end; /* waiting */
    size_t queued_bytes; /* given and not committed yet */
    bool working;
    unsigned commits; /* rounds of work whose change is not committed yet */

    /* The worker's, while `working`. */
    struct job *taken;
    struct ingest_next_key next; /* epoch 0: none */
    struct change *change;
    bool submitted;
    bool repeated;
    enum check check;
    struct fault fault;
    struct buffer conflict[2]; /* both signed messages of a fork */
};

struct ingest_stream *ingest_stream_create(enum lane lane, const struct hash *id, const char *host) {
    struct ingest_stream *stream = memory_new(sizeof *stream);
    stream->lane = lane;
    stream->id = *id;
    stream->end = &stream->first;
    stream->conflict[0] = stream->conflict[1] = BUFFER(BATCH_ENTRY_SIZE);
    snprintf(stream->host, sizeof stream->host, "%s", host);
    return stream;
}

static size_t jobs_bytes(const struct job *job) {
    size_t bytes = 0;
    for (; job; job = job->next)
        bytes += job->size + job->class_list_size;
    return bytes;
}

static void drop_jobs(struct job *job) {
    while (job) {
        struct job *next = job->next;
        free(job);
        job = next;
    }
}

struct ingest_stream *ingest_stream_destroy(struct ingest_stream *stream) {
    if (stream) {
        drop_jobs(stream->first);
        stream_checker_destroy(stream->checker);
        for (unsigned i = 0; i < 2; i++)
            buffer_free(&stream->conflict[i]);
        free(stream);
    }
    return NULL;
}

bool ingest_stream_conflict(const struct ingest_stream *stream, struct slice ret_messages[2]) {
    for (unsigned i = 0; i < 2; i++)
        ret_messages[i] = buffer_slice(&stream->conflict[i]);
    return ret_messages[0].size > 0 && ret_messages[1].size > 0;
}

const struct stream_checker *ingest_stream_checker(const struct ingest_stream *stream) { return stream->checker; }
const struct hash *ingest_stream_id(const struct ingest_stream *stream) { return &stream->id; }
struct ingest_marks ingest_stream_marks(const struct ingest_stream *stream) { return stream->marks; }
size_t ingest_stream_queued_bytes(const struct ingest_stream *stream) { return stream->queued_bytes; }

bool ingest_stream_is_quiet(const struct ingest_stream *stream) {
    return !stream->working && !stream->first && stream->commits == 0;
}

void ingest_stream_set_seen(struct ingest_stream *stream, const struct log_seen *seen) {
    stream->seen = seen;
}

void ingest_stream_set_handlers(struct ingest_stream *stream, const struct ingest_stream_handlers *handlers) {
    stream->handlers = *handlers;
}

static struct ingest_marks marks_of(const struct stream_checker *checker) {
    return (struct ingest_marks){stream_checker_next_seq(checker), stream_checker_attested(checker),
                                 stream_checker_batch_seq(checker), stream_checker_epoch_number(checker)};
}

static enum check check_events(struct ingest_stream *stream, struct events_opener *opener, struct slice bytes,
                               size_t *ret_text_size, struct fault *fault) {
    struct events_message message;
    struct slice text;
    if (!events_read(bytes, &message, fault) || !events_open(opener, &message, &text, fault) ||
        !events_check_times(&message, text, fault))
        return CHECK_MALFORMED;
    if (message.lane != stream->lane) {
        fault_set(fault, FAULT_FORMAT, "events of another lane");
        return CHECK_STREAM;
    }
    *ret_text_size = text.size;
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
    }
    struct batch_events events = {message.batch_seq, message.first_event_seq, message.count, keys,
                                  message.key_count, text};
    return stream_checker_events(stream->checker, &events, fault);
}

/* ---- loading what is committed */

static bool load_open_batch(struct ingest_stream *stream, struct store *store, struct fault *fault) {
    uint8_t key[40];
    memcpy(key, stream->id.bytes, 32);
    bytes_put_u64(key + 32, stream_checker_first_seq(stream->checker));
    struct store_cursor *cursor = store_cursor_create(store, STORE_INDEX, NULL, hash_slice(&stream->id));
    struct events_opener *opener = opener_take(stream->openers);
    bool good = true;
    for (bool on = store_cursor_at_or_after(cursor, slice_make(key, sizeof key)); good && on;
         on = store_cursor_next(cursor)) {
        CLEANUP_STORE_VALUE struct store_value value = {0};
        struct row row;
        size_t text_size;
        good = store_get(store, STORE_HOT, store_cursor_value(cursor), &value, fault) &&
               row_read(value.slice, &row, fault) &&
               check_good(check_events(stream, opener, row.payload, &text_size, fault));
    }
    good = good && store_cursor_good(cursor, fault);
    opener_give(stream->openers, opener);
    store_cursor_destroy(cursor);
    return good;
}

bool ingest_stream_open(struct ingest_stream *stream, struct store *store, struct openers *openers,
                        const struct verify_key *first_key, struct fault *fault) {
    if (stream->checker)
        return true;
    stream->openers = openers;
    stream->first_key = *first_key;
    CLEANUP_STORE_VALUE struct store_value value = {0};
    struct fault missing = {0};
    if (!store_get(store, STORE_STREAM, hash_slice(&stream->id), &value, &missing)) {
        if (missing.code != FAULT_MISSING)
            return fault_set(fault, missing.code, "%s", missing.text);
        stream->checker = stream_checker_create(stream->lane, &stream->id, 0, first_key);
    } else {
        struct stream_row row;
        if (!stream_row_read(value.slice, &row, fault))
            return false;
        stream->checker = stream_checker_load(row.state, fault);
        if (!stream->checker)
            return false;
        if (!load_open_batch(stream, store, fault)) {
            stream->checker = stream_checker_destroy(stream->checker);
            return fault_place(fault, "the stored stream of %s", stream->host);
        }
    }
    stream->marks = marks_of(stream->checker);
    return true;
}

/* ---- the worker's side */

struct commit_note {
    struct ingest_stream *stream;
    struct ingest_marks reached;
    size_t bytes;
};

static void committed(void *context, struct change *change) {
    (void)change;
    struct commit_note *note = context;
    struct ingest_stream *stream = note->stream;
    stream->marks = note->reached;
    stream->queued_bytes -= note->bytes;
    stream->commits--;
    free(note);
    if (stream->handlers.committed)
        stream->handlers.committed(stream->handlers.context, stream->lane);
    if (ingest_stream_is_quiet(stream) && stream->handlers.quiet)
        stream->handlers.quiet(stream->handlers.context, stream->lane);
}

/* Goes on to the next epoch once the present one has had its last batch and the next key is known. */
static bool begin_epoch(struct ingest_stream *stream) {
    bool due = stream->next.epoch == stream_checker_epoch_number(stream->checker) + 1 &&
               stream_checker_rotated(stream->checker);
    return due && stream_checker_epoch(stream->checker, &stream->next.key, NULL);
}

static void take_next_key(struct ingest_stream *stream, struct slice bytes) {
    struct bytes_reader reader = bytes_read(bytes);
    stream->next.epoch = bytes_read_u32(&reader);
    bytes_read_into(&reader, stream->next.key.bytes, sizeof stream->next.key.bytes);
}

/* Detection reads it as soon as it is committed. */
static void keep_text(struct ingest_stream *stream, struct events_opener *opener, uint64_t first_event_seq, size_t size) {
    uint8_t *text = stream->openers->recent ? events_opener_take(opener) : NULL;
    if (text)
        recent_texts_put(stream->openers->recent, stream->id.bytes, first_event_seq, text, size);
}

/* What cannot be looked up is no agent's fault. */
static enum check check_close(struct ingest_stream *stream, struct slice entry, struct slice class_list) {
    struct fault fault = {0};
    if (stream->seen && !log_seen_check(stream->seen, entry, &fault) && fault.code == FAULT_CONFLICT) {
        stream->fault = fault;
        return CHECK_SEEN;
    }
    return stream_checker_close(stream->checker, entry, class_list, &stream->fault);
}

static enum check check_job(struct ingest_stream *stream, struct events_opener *opener, const struct job *job,
                            bool *ret_changed) {
    struct slice bytes = slice_make(job->bytes, job->size);
    struct slice class_list = slice_make(job->bytes + job->size, job->class_list_size);
    enum check check;
    if (job->type == FRAME_ROTATE) {
        take_next_key(stream, bytes);
        return CHECK_ACCEPTED;
    }
    if (job->type == FRAME_EVENTS) {
        uint64_t first = stream_checker_next_seq(stream->checker);
        size_t text_size;
        check = check_events(stream, opener, bytes, &text_size, &stream->fault);
        if (check == CHECK_ACCEPTED) {
            change_events(stream->change, stream->id.bytes, first, bytes);
            keep_text(stream, opener, first, text_size);
        }
    } else if (job->type == FRAME_PART) {
        check = stream_checker_part(stream->checker, bytes, &stream->fault);
    } else {
        check = check_close(stream, bytes, class_list);
        if (check == CHECK_ACCEPTED || check == CHECK_OWED)
            change_close(stream->change, stream->id.bytes, bytes, class_list);
    }
    if (check == CHECK_ACCEPTED || check == CHECK_OWED)
        *ret_changed = true;
    else
        stream->repeated = true;
    return check;
}

/* What a refused part or entry contradicts: both were signed, the checker asks for that first. */
static struct slice contradicted(const struct ingest_stream *stream, const struct job *job) {
    struct slice last = stream_checker_last_entry(stream->checker), part = stream_checker_newest_part(stream->checker);
    struct batch_entry refused, entry;
    bool same_batch = job->type != FRAME_PART && batch_entry_read(slice_make(job->bytes, job->size), &refused, NULL) &&
                      batch_entry_read(last, &entry, NULL) && refused.batch_seq == entry.batch_seq;
    return same_batch || part.size == 0 ? last : part;
}

static void keep_conflict(struct ingest_stream *stream, const struct job *job) {
    for (unsigned i = 0; i < 2; i++)
        buffer_clear(&stream->conflict[i]);
    if (stream->check != CHECK_FORK || job->type == FRAME_EVENTS)
        return;
    buffer_append_slice(&stream->conflict[0], contradicted(stream, job));
    buffer_append_slice(&stream->conflict[1], slice_make(job->bytes, job->size));
}

static void put_state(struct ingest_stream *stream) {
    CLEANUP_BUFFER struct buffer state = BUFFER(STREAM_CHECKER_STATE_MOST);
    CLEANUP_BUFFER struct buffer row = BUFFER(STREAM_ROW_MOST);
    stream_checker_save(stream->checker, &state);
    struct stream_row content = {stream->lane, slice_string(stream->host), stream->first_key.bytes, buffer_slice(&state)};
    stream_row_write(&row, &content);
    change_put(stream->change, STORE_STREAM, hash_slice(&stream->id), buffer_slice(&row));
}

static void work(void *context) {
    struct ingest_stream *stream = context;
    struct events_opener *opener = opener_take(stream->openers);
    stream->change = change_create();
    stream->check = CHECK_ACCEPTED;
    stream->repeated = false;
    bool changed = begin_epoch(stream);
    for (struct job *job = stream->taken; job && check_good(stream->check); job = job->next) {
        stream->check = check_job(stream, opener, job, &changed);
        keep_conflict(stream, job);
        changed |= begin_epoch(stream);
    }
    opener_give(stream->openers, opener);
    stream->submitted = changed;
    if (!changed) {
        stream->change = change_destroy(stream->change);
        return;
    }
    put_state(stream);
    struct commit_note *note = memory_new(sizeof *note);
    *note = (struct commit_note){stream, marks_of(stream->checker), jobs_bytes(stream->taken)};
    change_on_committed(stream->change, committed, note);
    committer_submit(stream->committer, stream->change);
    stream->change = NULL;
}

/* ---- the loop's side */

static void start(struct ingest_stream *stream);

static void worked(void *context) {
    struct ingest_stream *stream = context;
    if (!stream->submitted) { /* otherwise `committed` counts them down, which may have happened already */
        stream->queued_bytes -= jobs_bytes(stream->taken);
        stream->commits--;
    }
    drop_jobs(stream->taken);
    stream->taken = NULL;
    stream->working = false;
    if (!check_good(stream->check)) {
        stream->queued_bytes -= jobs_bytes(stream->first);
        drop_jobs(stream->first);
        stream->first = NULL;
        stream->end = &stream->first;
        if (stream->handlers.refused)
            stream->handlers.refused(stream->handlers.context, stream->lane, stream->check, &stream->fault);
    } else if (stream->repeated && stream->handlers.committed)
        stream->handlers.committed(stream->handlers.context, stream->lane);
    if (stream->first)
        start(stream);
    else if (ingest_stream_is_quiet(stream) && stream->handlers.quiet)
        stream->handlers.quiet(stream->handlers.context, stream->lane);
}

static void start(struct ingest_stream *stream) {
    stream->taken = stream->first;
    stream->first = NULL;
    stream->end = &stream->first;
    stream->working = true;
    stream->commits++; /* counted here: the worker's thread must not touch what `committed` counts down */
    loop_work(stream->loop, work, worked, stream);
}

bool ingest_stream_announce(struct ingest_stream *stream, struct loop *loop, struct committer *committer,
                            const struct ingest_next_key *next) {
    uint8_t bytes[4 + ED25519_PUBLIC_SIZE];
    bytes_put_u32(bytes, next->epoch);
    memcpy(bytes + 4, next->key.bytes, sizeof next->key.bytes);
    return ingest_stream_put(stream, loop, committer, FRAME_ROTATE, slice_make(bytes, sizeof bytes),
                             (struct slice){NULL, 0});
}

void ingest_stream_set_next_key(struct ingest_stream *stream, const struct ingest_next_key *next) {
    stream->next = *next;
}

bool ingest_stream_put(struct ingest_stream *stream, struct loop *loop, struct committer *committer,
                       enum frame_type type, struct slice message, struct slice class_list) {
    size_t size = message.size + class_list.size;
    if (stream->queued_bytes + size > INGEST_STREAM_QUEUE_MOST)
        return false;
    struct job *job = memory_new(sizeof *job + size);
    job->type = type;
    job->size = message.size;
    job->class_list_size = class_list.size;
    if (message.size)
        memcpy(job->bytes, message.data, message.size);
    if (class_list.size)
        memcpy(job->bytes + message.size, class_list.data, class_list.size);
    *stream->end = job;
    stream->end = &job->next;
    stream->queued_bytes += size;
    if (!stream->working) {
        stream->loop = loop;
        stream->committer = committer;
        start(stream);
    }
    return true;
}

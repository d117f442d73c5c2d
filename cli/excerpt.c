/* tocsin excerpt: the events that an expression finds, each with its proof, in one file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch_entry.h"
#include "batch_proofs.h"
#include "events.h"
#include "log_access.h"
#include "memory.h"
#include "proof_print.h"
#include "query_options.h"
#include "reader.h"
#include "row.h"
#include "statement_type.h"

#define EVENTS_MOST 100000u
#define FILE_MOST (1024u * 1024u * 1024u)
#define WAIT_US 30000000u /* for the checkpoint */

/* ---- which events */

struct wanted_event {
    struct hash stream;
    uint64_t seq;
    uint8_t class;
};

struct wanted {
    size_t count, room;
    struct wanted_event *events;
};

static int by_place(const void *a, const void *b) {
    const struct wanted_event *x = a, *y = b;
    int order = memcmp(x->stream.bytes, y->stream.bytes, HASH_SIZE);
    return order ? order : x->seq < y->seq ? -1 : x->seq > y->seq;
}

static void want(struct wanted *wanted, struct slice message) {
    Tocsin__EventRow *row = tocsin__event_row__unpack(NULL, message.size, message.data);
    if (row && row->stream_id.len == HASH_SIZE) {
        if (wanted->count == wanted->room) {
            wanted->room = wanted->room ? 2 * wanted->room : 256;
            wanted->events = memory_resize(wanted->events, wanted->room, sizeof *wanted->events);
        }
        wanted->events[wanted->count++] =
            (struct wanted_event){hash_from(row->stream_id.data), row->seq, (uint8_t)row->class_};
    }
    if (row)
        tocsin__event_row__free_unpacked(row, NULL);
}

static bool find(const struct command_context *context, Tocsin__EventQuery *query, struct wanted *wanted,
                 struct fault *fault) {
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    struct frame frame;
    uint64_t count;
    request.of_case = TOCSIN__REQUEST__OF_EVENTS;
    request.events = query;
    struct reader *reader = reader_open(context, &request, fault);
    if (!reader)
        return false;
    while (wanted->count <= EVENTS_MOST && reader_next(reader, &frame, &count, fault))
        if (frame.type == FRAME_EVENT_ROW)
            want(wanted, frame.message);
    reader_close(reader);
    if (fault->code)
        return false;
    if (wanted->count > EVENTS_MOST)
        return fault_set(fault, FAULT_LIMIT, "an excerpt has %u events at most: ask for less", EVENTS_MOST);
    if (wanted->count == 0)
        return fault_set(fault, FAULT_MISSING, "no event matches");
    qsort(wanted->events, wanted->count, sizeof *wanted->events, by_place);
    return true;
}

/* ---- what a hold keeps: each event comes with its proof */

struct held {
    uint64_t log_index;
    struct slice extra; /* owned */
};

struct held_list {
    size_t count, room;
    uint64_t highest;
    struct held *events;
};

static void keep_held(struct held_list *list, struct slice message) {
    Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, message.size, message.data);
    if (row && row->key.len == 8) {
        if (list->count == list->room) {
            list->room = list->room ? 2 * list->room : 256;
            list->events = memory_resize(list->events, list->room, sizeof *list->events);
        }
        struct held *held = &list->events[list->count++];
        *held = (struct held){bytes_get_u64(row->key.data),
                              slice_make(memory_copy(row->value.data, row->value.len), row->value.len)};
        if (held->log_index > list->highest)
            list->highest = held->log_index;
    }
    if (row)
        tocsin__store_row__free_unpacked(row, NULL);
}

static bool find_held(const struct command_context *context, uint64_t hold, struct held_list *list,
                      struct fault *fault) {
    Tocsin__HeldQuery query = TOCSIN__HELD_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    struct frame frame;
    uint64_t count;
    query.hold = hold;
    request.of_case = TOCSIN__REQUEST__OF_HELD;
    request.held = &query;
    struct reader *reader = reader_open(context, &request, fault);
    while (reader && list->count <= EVENTS_MOST && reader_next(reader, &frame, &count, fault))
        if (frame.type == FRAME_STORE_ROW)
            keep_held(list, frame.message);
    reader_close(reader);
    if (fault->code)
        return false;
    if (list->count > EVENTS_MOST)
        return fault_set(fault, FAULT_LIMIT, "an excerpt has %u events at most", EVENTS_MOST);
    return list->count > 0 ||
           fault_set(fault, FAULT_MISSING, "hold %" PRIu64 " keeps nothing of what was erased", hold);
}

/* ---- their batches */

struct making {
    struct log_access *access;
    const struct proof_source *source;
    struct buffer note;
    uint64_t size;
    /* the batch that is open here */
    struct hash stream;
    uint64_t index;
    struct buffer entry_bytes, list;
    struct slice orphan; /* its control entry, where it was never closed */
    struct batch_entry entry;
    struct batch_proofs *proofs;
    size_t text_count;
    uint8_t **texts; /* the runs' */
    struct events_opener *opener;
    size_t left_out;
    struct fault first_left_out;
    uint8_t class;      /* that is read out of a segment */
    struct fault fault; /* of a row */
};

static void close_batch(struct making *making) {
    making->proofs = batch_proofs_destroy(making->proofs);
    for (size_t i = 0; i < making->text_count; i++)
        free(making->texts[i]);
    making->text_count = 0;
}

static bool holds(const struct batch_entry *entry, uint64_t seq) {
    return seq >= entry->first_event_seq && seq - entry->first_event_seq < entry->event_count;
}

/* Sets index, entry_bytes and entry to the batch with that event. */
static bool find_batch(struct making *making, const struct wanted_event *event, struct fault *fault) {
    const struct proof_source *source = making->source;
    uint64_t low, high;
    if (!log_access_batches(making->access, &event->stream, &low, &high, fault))
        return false;
    making->orphan = SLICE("");
    for (high++; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        buffer_clear(&making->entry_bytes);
        if (!source->batch_index(source->context, &event->stream, middle, &making->index, fault) ||
            !source->entry(source->context, making->index, &making->entry_bytes, fault) ||
            !batch_entry_read(buffer_slice(&making->entry_bytes), &making->entry, fault))
            return false;
        if (holds(&making->entry, event->seq))
            return true;
        if (event->seq < making->entry.first_event_seq)
            high = middle;
        else
            low = middle + 1;
    }
    struct event_proof proof = {.orphaned = false};
    if (!log_access_orphan(making->access, &event->stream, event->seq, &making->index, &making->orphan,
                           fault) ||
        !event_proof_orphan(making->orphan, &proof, fault))
        return false;
    making->entry = proof.entry;
    return true;
}

static bool take_run(void *context, struct slice key, struct slice value) {
    struct making *making = context;
    struct row row;
    struct events_message message;
    struct slice text;
    (void)key;
    if (!row_read(value, &row, &making->fault) || row.kind != ROW_EVENTS ||
        !events_read(row.payload, &message, &making->fault) ||
        !events_open(making->opener, &message, &text, &making->fault))
        return false;
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
    }
    making->texts = memory_resize(making->texts, making->text_count + 1, sizeof *making->texts);
    making->texts[making->text_count] = memory_copy(text.data, text.size);
    struct batch_events run = {message.batch_seq, message.first_event_seq,
                               message.count,     keys,
                               message.key_count, slice_make(making->texts[making->text_count], text.size)};
    making->text_count++;
    bool good = batch_proofs_add(making->proofs, &run, &making->fault);
    memory_wipe(keys, sizeof keys);
    return good;
}

struct arrivals {
    size_t count;
    uint64_t list[BATCH_EVENTS_MOST];
};

static bool take_arrival(void *context, struct slice key, struct slice value) {
    struct arrivals *arrivals = context;
    (void)key;
    if (value.size == 8 && arrivals->count < BATCH_EVENTS_MOST)
        arrivals->list[arrivals->count++] = bytes_get_u64(value.data);
    return true;
}

static bool read_runs(struct making *making, struct fault *fault) {
    uint8_t from[HASH_SIZE + 8], to[HASH_SIZE + 8];
    struct arrivals arrivals = {.count = 0};
    const struct batch_entry *entry = &making->entry;
    memcpy(from, entry->stream_id.bytes, HASH_SIZE);
    memcpy(to, entry->stream_id.bytes, HASH_SIZE);
    bytes_put_u64(from + HASH_SIZE, entry->first_event_seq);
    bytes_put_u64(to + HASH_SIZE, entry->first_event_seq + entry->event_count);
    if (!log_access_rows(making->access, STORE_INDEX, slice_make(from, sizeof from),
                         slice_make(to, sizeof to), 0, take_arrival, &arrivals, fault))
        return false;
    making->fault = (struct fault){0};
    for (size_t i = 0; i < arrivals.count && !making->fault.code; i++) {
        uint8_t key[8];
        bytes_put_u64(key, arrivals.list[i]);
        if (!log_access_rows(making->access, STORE_HOT, slice_make(key, sizeof key), (struct slice){NULL, 0},
                             1, take_run, making, fault))
            return false;
    }
    if (making->fault.code)
        *fault = making->fault;
    return !making->fault.code;
}

static bool take_sealed(void *context, struct slice key, struct slice value) {
    struct making *making = context;
    if (slice_equal(key, SLICE("key")) && value.size == CLASS_KEY_SIZE)
        return batch_proofs_set_key(making->proofs, making->class, value.data, &making->fault);
    if (key.size != 8 || value.size < 8)
        return fault_set(&making->fault, FAULT_FORMAT, "the collector sent an event that cannot be read");
    struct slice body = slice_from(value, 8);
    uint8_t *copy = memory_copy(body.data, body.size);
    struct event event = {bytes_get_u64(key.data), bytes_get_u64(value.data), making->class,
                          slice_make(copy, body.size)};
    making->texts = memory_resize(making->texts, making->text_count + 1, sizeof *making->texts);
    making->texts[making->text_count++] = copy;
    return batch_proofs_add_event(making->proofs, &event, &making->fault);
}

/* Of the class that is wanted, when the batch's rows are not hot any more. */
static bool read_sealed(struct making *making, uint8_t class, struct fault *fault) {
    if (batch_proofs_count(making->proofs, class) > 0)
        return true;
    making->class = class;
    making->fault = (struct fault){0};
    if (!log_access_bodies(making->access, making->index, class, take_sealed, making, fault))
        return false;
    if (making->fault.code)
        *fault = making->fault;
    return !making->fault.code;
}

static bool open_batch_of(struct making *making, const struct wanted_event *event, struct fault *fault) {
    if (making->proofs && hash_equal(&making->stream, &event->stream) && holds(&making->entry, event->seq))
        return read_sealed(making, event->class, fault);
    close_batch(making);
    making->stream = event->stream;
    if (!find_batch(making, event, fault))
        return false;
    if (making->index >= making->size)
        return fault_set(fault, FAULT_MISSING, "event %" PRIu64 " is not under a checkpoint yet", event->seq);
    buffer_clear(&making->list);
    if (making->orphan.size == 0 &&
        !making->source->class_list(making->source->context, making->index, &making->list, fault))
        return false;
    making->proofs = making->orphan.size > 0 ? batch_proofs_create_orphan(making->orphan, fault)
                                             : batch_proofs_create(buffer_slice(&making->entry_bytes),
                                                                   buffer_slice(&making->list), fault);
    return making->proofs && read_runs(making, fault) && read_sealed(making, event->class, fault);
}

/* ---- the file */

/* What nobody signed cannot be proved, and is left out: the last moment of an agent that is gone. */
static bool add_all(struct making *making, const struct wanted *wanted, struct buffer *file,
                    size_t *ret_count, struct fault *fault) {
    size_t count = 0;
    for (size_t i = 0; i < wanted->count; i++) {
        struct event_proof proof;
        struct fault inner = {0};
        bool good = open_batch_of(making, &wanted->events[i], &inner) &&
                    batch_proofs_make(making->proofs, wanted->events[i].seq, &proof, &inner);
        if (!good && inner.code == FAULT_MISSING) {
            making->left_out++;
            making->first_left_out = making->left_out == 1 ? inner : making->first_left_out;
            close_batch(making);
            continue;
        }
        if (!good) {
            *fault = inner;
            return false;
        }
        if (!excerpt_add(making->source, buffer_slice(&making->note), making->size, making->index, &proof,
                         file, fault))
            return false;
        count++;
    }
    *ret_count = count;
    return count > 0 || (fault && (*fault = making->first_left_out, false));
}

/* Each stream once; its open batch is closed first. */
static bool finish(struct making *making, const struct wanted *wanted, struct fault *fault) {
    struct hash *streams = memory_new_array(wanted->count, sizeof *streams);
    size_t count = 0;
    for (size_t i = 0; i < wanted->count; i++)
        if (count == 0 || !hash_equal(&streams[count - 1], &wanted->events[i].stream))
            streams[count++] = wanted->events[i].stream;
    bool good =
        log_access_finish(making->access, streams, count, WAIT_US, &making->size, &making->note, fault);
    free(streams);
    return good;
}

/* The last mark below the checkpoint: nothing behind it can be proved. */
static uint64_t highest_index(struct making *making) {
    uint64_t highest = 0;
    for (uint64_t ctl_seq = 0;; ctl_seq++) {
        CLEANUP_BUFFER struct buffer bytes = BUFFER(CONTROL_ENTRY_MOST);
        struct control_entry entry;
        uint64_t index;
        if (!making->source->control(making->source->context, ctl_seq, &index, &bytes, NULL) ||
            index >= making->size)
            return highest;
        if (control_entry_read(buffer_slice(&bytes), &entry, NULL) &&
            (entry.statement.statement.type == STATEMENT_MARK ||
             entry.statement.statement.type == STATEMENT_DAY_MARK))
            highest = index;
    }
}

static bool make(struct making *making, const struct wanted *wanted, struct buffer *file,
                 struct fault *fault) {
    CLEANUP_BUFFER struct buffer events = BUFFER(FILE_MOST);
    size_t count;
    return finish(making, wanted, fault) && add_all(making, wanted, &events, &count, fault) &&
           excerpt_begin(making->source, highest_index(making), buffer_slice(&making->note), making->size,
                         count, file, fault) &&
           (buffer_append_slice(file, buffer_slice(&events)) ||
            fault_set(fault, FAULT_LIMIT, "the excerpt would have over %u bytes: ask for less", FILE_MOST));
}

static bool make_held(struct making *making, const struct held_list *list, struct buffer *file,
                      struct fault *fault) {
    struct slice note = {NULL, 0};
    bool good = log_access_finish(making->access, NULL, 0, WAIT_US, &making->size, &making->note, fault);
    note = buffer_slice(&making->note);
    good = good &&
           excerpt_begin(making->source, list->highest + 1, note, making->size, list->count, file, fault);
    for (size_t i = 0; good && i < list->count; i++) {
        struct event_proof proof;
        good =
            event_proof_read(list->events[i].extra, &proof, fault) &&
            excerpt_add(making->source, note, making->size, list->events[i].log_index, &proof, file, fault);
    }
    return good;
}

struct checked {
    size_t altered;
    struct fault first;
};

static void check(void *context, const struct excerpt_event *event) {
    struct checked *checked = context;
    if (event->verdict != VERDICT_OPENED && checked->altered++ == 0)
        checked->first = event->fault;
}

static bool write_checked(const struct command_context *context, struct log_access *access,
                          const struct buffer *file, const char *path, struct excerpt_summary *ret_summary,
                          struct fault *fault) {
    struct trust trust;
    struct checked checked = {.altered = 0};
    if (!log_access_trust(access, &trust, fault) ||
        !excerpt_verify(buffer_slice(file), &trust, command_now_us(context), check, &checked, ret_summary, fault))
        return false;
    if (checked.altered) {
        *fault = checked.first;
        return fault_place(fault, "an event that does not hold");
    }
    return files_write(path, buffer_slice(file), 0600, fault);
}

/* `hold` NULL: what the query finds. */
static bool run(const struct command_context *context, Tocsin__EventQuery *query, const uint64_t *hold,
                const char *path, struct excerpt_summary *ret_summary, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(FILE_MOST);
    struct wanted wanted = {0};
    struct held_list held = {0};
    struct making making = {.note = BUFFER(NOTE_MOST),
                            .entry_bytes = BUFFER(BATCH_ENTRY_SIZE),
                            .list = BUFFER(CLASS_LIST_MOST),
                            .opener = events_opener_create()};
    bool good = hold ? find_held(context, *hold, &held, fault) : find(context, query, &wanted, fault);
    making.access = good ? log_access_open(context, fault) : NULL;
    if (making.access) {
        making.source = log_access_source(making.access);
        good = (hold ? make_held(&making, &held, &file, fault) : make(&making, &wanted, &file, fault)) &&
               write_checked(context, making.access, &file, path, ret_summary, fault);
    }
    good = good && making.access;
    if (good && making.left_out)
        fprintf(stderr, "tocsin excerpt: %zu events cannot be proved and are left out: %s\n", making.left_out,
                making.first_left_out.text);
    close_batch(&making);
    free(making.texts);
    buffer_free(&making.note);
    buffer_free(&making.entry_bytes);
    buffer_free(&making.list);
    events_opener_destroy(making.opener);
    log_access_close(making.access);
    free(wanted.events);
    for (size_t i = 0; i < held.count; i++)
        free((void *)(uintptr_t)held.events[i].extra.data);
    free(held.events);
    return good;
}

int command_excerpt(const struct command_context *context, int argc, char **argv) {
    const char *path = NULL;
    uint64_t hold = 0;
    bool held = false;
    int kept = 0;
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "-o") == 0 && i + 1 < argc)
            path = argv[++i];
        else if (strcmp(argv[i], "--hold") == 0 && i + 1 < argc) {
            if (!slice_decimal(slice_string(argv[++i]), &hold))
                return command_usage("excerpt", "--hold takes the number of a hold");
            held = true;
        } else
            argv[kept++] = argv[i];
    if (!path)
        return command_usage("excerpt", "-o FILE is missing");
    if (held && kept > 1)
        return command_usage("excerpt", "a hold's events, or what an expression finds, not both");
    Tocsin__EventQuery query;
    tocsin__event_query__init(&query);
    CLEANUP_BUFFER struct buffer expression = BUFFER(64 * 1024);
    struct excerpt_summary summary = {0};
    struct fault fault = {0};
    if (!query_options_parse(context, kept, argv, &query, &expression, &fault))
        return command_fail("excerpt", &fault);
    query.follow = query.count = false;
    if (!run(context, &query, held ? &hold : NULL, path, &summary, &fault))
        return command_fail("excerpt", &fault);
    proof_print_excerpt(context, path, &summary);
    return EXIT_GOOD;
}

#include "store_verifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "encoding.h"
#include "events.h"
#include "known_rotations.h"
#include "log_reader.h"
#include "memory.h"
#include "rotation_row.h"
#include "row.h"
#include "row_verifier.h"
#include "sealed_verifier.h"
#include "stream_checker.h"
#include "stream_id.h"
#include "stream_row.h"

struct stream {
    struct hash id;
    char name[STREAM_NAME_SIZE];
    char host[STREAM_NAME_SIZE];
    enum lane lane;
    struct verify_key first_key, key; /* of epoch 0; of the present one */
    struct stream_checker *checker;
    uint8_t
        part[PART_SIZE]; /* the newest one that the collector holds: it attests what no entry covers yet */
    bool has_part;
    bool has_state;        /* the store keeps its checker's state… */
    uint64_t kept_batches; /* …which counts so many closed batches */
    bool begun;            /* a row of it has come */
    bool bad, key_bad;     /* reported already */
    uint64_t closed;       /* events under entries */
    uint64_t unattested_batches, unattested; /* batches and events behind the end of their key */
    uint64_t ended_at;                       /* where in the log their key ended */
};

struct store_verifier {
    store_finding *finding;
    void *context;
    struct stream *streams;
    size_t stream_count;
    struct known_rotations *rotations;
    struct hash log;
    bool log_known;
    struct events_opener *opener;
    struct log_verifier *log_rows;
    struct sealed_verifier *sealed_rows;
    struct retention_verifier *retention;
    struct row_verifier *derived; /* rows that are made from others */
    store_finding *notice;
    struct sealed *sealed; /* where segments are read */
    segment_verify_step *step;
    void *stepper;
    store_later *later;
    void *later_context;
    struct buffer entry, class_list;  /* of the close that comes next, maybe */
    uint64_t entry_index, entry_most; /* the last one's index, and the highest */
    bool any_entry;
    bool entry_open;      /* it is a batch's, and no close has referred to it yet */
    bool closes_bad;      /* told */
    uint64_t closed_next; /* index behind that of the last close */
    uint64_t next_arrival;
    bool any_arrival, arrival_seen;
    struct store_verified summary;
};

static void find(struct store_verifier *verifier, const char *place, const char *text) {
    verifier->summary.findings++;
    verifier->finding(verifier->context, place, text);
}

static void find_in_log(void *context, const char *place, const char *text) {
    find(context, place, text);
}

static void take_control(void *context, uint64_t index, const struct control_entry *entry,
                         const struct control_verdict *verdict) {
    struct store_verifier *verifier = context;
    retention_verifier_control(verifier->retention, index, entry, verdict);
}

static struct stream *stream_of(const struct store_verifier *verifier, const uint8_t id[32]);

/* The collector's own stream says every alert. */
static void take_journal(void *context, const uint8_t stream_id[32], struct slice body) {
    struct store_verifier *verifier = context;
    const struct stream *stream = stream_of(verifier, stream_id);
    if (stream && host_is_collector(slice_string(stream->host)))
        row_verifier_own(verifier->derived, body);
}

struct store_verifier *store_verifier_create(store_finding *finding, void *context) {
    struct store_verifier *verifier = memory_new(sizeof *verifier);
    verifier->finding = finding;
    verifier->context = context;
    verifier->rotations = known_rotations_create();
    verifier->opener = events_opener_create();
    verifier->entry = BUFFER(64 * 1024);
    verifier->class_list = BUFFER(64 * 1024);
    verifier->log_rows = log_verifier_create(find_in_log, verifier);
    verifier->sealed_rows = sealed_verifier_create(find_in_log, verifier);
    verifier->retention = retention_verifier_create(find_in_log, verifier);
    verifier->derived = row_verifier_create(find_in_log, verifier);
    sealed_verifier_set_journal(verifier->sealed_rows, take_journal, verifier);
    log_verifier_set_control(verifier->log_rows, take_control, verifier);
    return verifier;
}

struct store_verifier *store_verifier_destroy(struct store_verifier *verifier) {
    if (verifier) {
        for (size_t i = 0; i < verifier->stream_count; i++)
            stream_checker_destroy(verifier->streams[i].checker);
        free(verifier->streams);
        known_rotations_destroy(verifier->rotations);
        sealed_verifier_destroy(verifier->sealed_rows);
        retention_verifier_destroy(verifier->retention);
        row_verifier_destroy(verifier->derived);
        events_opener_destroy(verifier->opener);
        log_verifier_destroy(verifier->log_rows);
        buffer_free(&verifier->entry);
        buffer_free(&verifier->class_list);
        free(verifier);
    }
    return NULL;
}

void store_verifier_set_log(struct store_verifier *verifier, const struct hash *log) {
    verifier->log = *log;
    verifier->log_known = true;
}

void store_verifier_set_key(struct store_verifier *verifier, const struct note_key *key) {
    log_verifier_set_key(verifier->log_rows, key);
    retention_verifier_set_key(verifier->retention, key);
}

/* ---- streams, by id in order, as the store gives them */

static struct stream *stream_of(const struct store_verifier *verifier, const uint8_t id[32]) {
    size_t low = 0, high = verifier->stream_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = memcmp(verifier->streams[middle].id.bytes, id, 32);
        if (order == 0)
            return &verifier->streams[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static void keep_part(struct stream *stream, struct slice part) {
    stream->has_part = part.size == PART_SIZE;
    if (stream->has_part)
        memcpy(stream->part, part.data, PART_SIZE);
}

static void take_stream(struct store_verifier *verifier, struct slice key, struct slice value) {
    struct stream_row row;
    struct fault fault = {0};
    struct verify_key public_key;
    struct stream stream = {0};
    if (key.size != 32 || !stream_row_read(value, &row, &fault)) {
        find(verifier, "streams", fault.code ? fault.text : "a stream under a key that is no id");
        return;
    }
    memcpy(public_key.bytes, row.public_key, 32);
    stream.first_key = stream.key = public_key;
    stream.lane = row.lane;
    snprintf(stream.host, sizeof stream.host, "%.*s", SLICE_ARG(row.host));
    memcpy(stream.id.bytes, key.data, 32);
    if (!stream_name_make(row.host, row.lane, stream.name)) {
        char digits[9];
        encoding_hex(key.data, 4, digits);
        snprintf(stream.name, sizeof stream.name, "stream %s", digits);
    }
    struct hash expected = stream_id_make(slice_string(stream.name), &public_key);
    if (!hash_equal(&expected, &stream.id)) {
        find(verifier, stream.name, "the stream's id is not that of its name and key");
        return;
    }
    stream.checker = stream_checker_create(row.lane, &stream.id, 0, &public_key);
    struct stream_checker *stored = row.state.size ? stream_checker_load(row.state, &fault) : NULL;
    if (row.state.size && !stored)
        find(verifier, stream.name, fault.text);
    if (stored) {
        keep_part(&stream, stream_checker_newest_part(stored));
        stream.has_state = true;
        stream.kept_batches = stream_checker_batch_seq(stored);
    }
    stream_checker_destroy(stored);
    verifier->streams = memory_resize(verifier->streams, verifier->stream_count + 1, sizeof stream);
    verifier->streams[verifier->stream_count++] = stream;
}

/* ---- rows */

/* What other rows are made from. */
static void tell_derived(struct store_verifier *verifier, const struct stream *stream,
                         const struct events_message *message, struct slice text) {
    struct event event;
    row_verifier_run(verifier->derived, verifier->next_arrival - 1, stream->id.bytes, message->first_event_seq);
    if (!host_is_collector(slice_string(stream->host)))
        return;
    while (text.size && event_block_next(&text, &event, NULL))
        if (event.class == CLASS_JOURNAL)
            row_verifier_own(verifier->derived, event.body);
}

static enum check check_events(struct store_verifier *verifier, struct stream *stream, struct slice payload,
                               struct fault *fault) {
    struct events_message message;
    struct slice text;
    if (!events_read(payload, &message, fault) || !events_open(verifier->opener, &message, &text, fault) ||
        !events_check_times(&message, text, fault))
        return CHECK_MALFORMED;
    tell_derived(verifier, stream, &message, text);
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, CLASS_KEY_SIZE);
    }
    struct batch_events events = {
        message.batch_seq, message.first_event_seq, message.count, keys, message.key_count, text};
    enum check check = stream_checker_events(stream->checker, &events, fault);
    if (check == CHECK_REPEATED || check == CHECK_BELOW)
        fault_set(fault, FAULT_CONFLICT, "events %" PRIu64 " and on are stored twice",
                  message.first_event_seq);
    if (check == CHECK_ACCEPTED)
        verifier->summary.events += message.count;
    return check == CHECK_ACCEPTED ? check : check_good(check) ? CHECK_SEQUENCE : check;
}

/* Whose key signs must have been said in the log before. One that had ended by then signs, and attests nothing. */
static void check_key(struct store_verifier *verifier, struct stream *stream, uint64_t log_index,
                      uint64_t *ret_ended_at) {
    enum lane lane;
    char text[128];
    if (!log_verifier_begun(verifier->log_rows) || stream->key_bad)
        return;
    const struct agent_line *line =
        agent_registry_by_stream(log_verifier_agents(verifier->log_rows), &stream->id, &lane);
    const struct agent_epoch *epoch =
        line ? agent_line_epoch(line, stream_checker_epoch_number(stream->checker)) : NULL;
    if (epoch && log_index > epoch->from && memcmp(epoch->key.bytes, stream->key.bytes, sizeof stream->key.bytes) == 0) {
        *ret_ended_at = log_index > epoch->until ? epoch->until : AGENT_INDEX_NEVER;
        return;
    }
    stream->key_bad = true;
    snprintf(text, sizeof text, "log entry %" PRIu64 " is signed by a key that the log %s", log_index,
             epoch && log_index > epoch->from ? "does not have for it" : "had not enrolled then");
    find(verifier, stream->name, text);
}

static void count_attested(struct store_verifier *verifier, struct stream *stream, uint64_t ended_at) {
    struct batch_entry entry;
    if (!batch_entry_read(buffer_slice(&verifier->entry), &entry, NULL))
        return;
    stream->closed += entry.event_count;
    if (ended_at == AGENT_INDEX_NEVER)
        return;
    stream->ended_at = ended_at;
    stream->unattested_batches++;
    stream->unattested += entry.event_count;
}

static enum check check_close(struct store_verifier *verifier, struct stream *stream, struct slice payload,
                              struct fault *fault) {
    uint64_t log_index = bytes_get_u64(payload.data);
    if (log_index < verifier->closed_next && !verifier->closes_bad) {
        char text[96];
        snprintf(text, sizeof text, "log entry %" PRIu64 " stands where %" PRIu64 " or a later one was due",
                 log_index, verifier->closed_next);
        find(verifier, "the log", text);
        verifier->closes_bad = true;
    }
    if (log_index >= verifier->closed_next && log_index < UINT64_MAX)
        verifier->closed_next = log_index + 1;
    verifier->entry_open = false;
    if (verifier->entry.size == 0 || verifier->entry_index != log_index) {
        fault_set(fault, FAULT_MISSING, "log entry %" PRIu64 " is missing", log_index);
        return CHECK_SEQUENCE;
    }
    uint64_t ended_at = AGENT_INDEX_NEVER;
    check_key(verifier, stream, log_index, &ended_at);
    enum check check = stream_checker_close(stream->checker, buffer_slice(&verifier->entry),
                                            buffer_slice(&verifier->class_list), fault);
    if (check == CHECK_REPEATED || check == CHECK_BELOW)
        fault_set(fault, FAULT_CONFLICT, "the same batch stands in the log twice");
    verifier->summary.batches++;
    if (check == CHECK_ACCEPTED || check == CHECK_OWED)
        count_attested(verifier, stream, ended_at);
    if (check == CHECK_ACCEPTED || check == CHECK_OWED)
        retention_verifier_batch(verifier->retention, log_index, buffer_slice(&verifier->entry),
                                 buffer_slice(&verifier->class_list));
    if (check == CHECK_OWED)
        sealed_verifier_owed(verifier->sealed_rows, log_index, buffer_slice(&verifier->entry),
                             buffer_slice(&verifier->class_list));
    return check == CHECK_ACCEPTED || check == CHECK_OWED ? check
           : check_good(check)                            ? CHECK_SEQUENCE
                                                          : check;
}

static void take_rotation(struct store_verifier *verifier, struct slice key, struct slice value) {
    struct fault fault = {0};
    char place[STREAM_NAME_SIZE + 32];
    if (!slice_starts(key, SLICE(ROTATION_ROW_PREFIX))) {
        row_verifier_take(verifier->derived, STORE_REGISTRY, key, value);
        return;
    }
    struct slice host = slice_from(key, 1);
    host = slice_head(host, slice_find_byte(host, 0));
    if (known_rotations_take(verifier->rotations, key, value, &fault))
        return;
    if (!host_name_good(host))
        host = SLICE("?");
    uint32_t epoch = key.size >= 4 ? bytes_get_u32(key.data + key.size - 4) : 0;
    snprintf(place, sizeof place, "%.*s, rotation to epoch %" PRIu32, SLICE_ARG(host), epoch);
    find(verifier, place, fault.text);
}

/* A stream that began in another log begins here where its enrolment says. The entry that stands there is in the log behind
 * the enrolment, and it is the stream's first row: a break without events. */
static void begin_stream(struct store_verifier *verifier, struct stream *stream) {
    enum lane lane;
    const struct agent_line *line =
        agent_registry_by_stream(log_verifier_agents(verifier->log_rows), &stream->id, &lane);
    if (stream->begun || !line || (line->epochs->epoch == 0 && line->epochs->first_batch_seq[lane] == 0))
        return;
    struct batch_entry first;
    bool here = batch_entry_read(buffer_slice(&verifier->entry), &first, NULL);
    stream_checker_destroy(stream->checker);
    stream->key = line->epochs->key;
    stream->checker = stream_checker_create(stream->lane, &stream->id, line->epochs->epoch, &stream->key);
    stream_checker_begin_at(stream->checker, line->epochs->first_batch_seq[lane], here ? first.first_event_seq : 0);
}

/* After an epoch's last batch: goes on under the key that a statement names. */
static bool begin_epoch(struct store_verifier *verifier, struct stream *stream, struct fault *fault) {
    const struct rotation_place place = {verifier->log_known ? &verifier->log : NULL,
                                         slice_string(stream->host), &stream->first_key, &stream->key,
                                         stream_checker_epoch_number(stream->checker)};
    return known_rotations_follow(verifier->rotations, &place, stream->lane, &stream->id, &stream->key,
                                  fault) &&
           stream_checker_epoch(stream->checker, &stream->key, fault);
}

static void take_row(struct store_verifier *verifier, struct slice key, struct slice value) {
    struct row row;
    struct fault fault = {0};
    char place[STREAM_NAME_SIZE + 96];
    uint64_t arrival = key.size == 8 ? bytes_get_u64(key.data) : 0;
    snprintf(place, sizeof place, "row %" PRIu64, arrival);
    verifier->summary.rows++;
    if (arrival < verifier->next_arrival)
        find(verifier, place, "rows before this one are missing");
    else if (arrival > verifier->next_arrival &&
             (verifier->any_arrival || sealed_verifier_end(verifier->sealed_rows)))
        sealed_verifier_gap(verifier->sealed_rows, verifier->next_arrival, arrival);
    verifier->any_arrival = true;
    verifier->next_arrival = arrival + 1;
    if (!row_read(value, &row, &fault)) {
        find(verifier, place, fault.text);
        return;
    }
    struct stream *stream = stream_of(verifier, row.stream_id);
    if (!stream) {
        find(verifier, place, "its stream is not known");
        return;
    }
    begin_stream(verifier, stream);
    stream->begun = true;
    enum check check = row.kind == ROW_EVENTS ? check_events(verifier, stream, row.payload, &fault)
                                              : check_close(verifier, stream, row.payload, &fault);
    buffer_clear(&verifier->entry);
    buffer_clear(&verifier->class_list);
    if (check_good(check) && stream_checker_rotated(stream->checker) &&
        !begin_epoch(verifier, stream, &fault))
        check = CHECK_EPOCH;
    if (check_good(check) || stream->bad)
        return;
    stream->bad = true;
    snprintf(place, sizeof place, "%s, row %" PRIu64 ", batch %" PRIu64 ", event %" PRIu64, stream->name,
             arrival, stream_checker_batch_seq(stream->checker), stream_checker_next_seq(stream->checker));
    find(verifier, place, fault.text[0] ? fault.text : check_word(check));
}

/* Rows that are cut off at the end leave no gap: the mark says how many there were. */
static void take_arrival(struct store_verifier *verifier, struct slice value) {
    char text[96];
    uint64_t stored = value.size == 8 ? bytes_get_u64(value.data) : 0;
    verifier->arrival_seen = true;
    if (verifier->next_arrival < sealed_verifier_end(verifier->sealed_rows))
        verifier->next_arrival = sealed_verifier_end(verifier->sealed_rows);
    if (value.size == 8 && stored == verifier->next_arrival)
        return;
    snprintf(text, sizeof text, "%" PRIu64 " rows were committed and the last one here is number %" PRIu64,
             stored, verifier->next_arrival - 1);
    find(verifier, "the rows' end", value.size == 8 ? text : "its mark cannot be read");
}

static void take_damage(struct store_verifier *verifier, struct slice why) {
    char text[FAULT_LINE_SIZE];
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(why));
    find(verifier, "the log's entries in columns", text);
}

static void take_mark(struct store_verifier *verifier, struct slice key, struct slice value) {
    if (slice_equal(key, SLICE("log.tree")))
        log_verifier_old_tree(verifier->log_rows, value);
    else if (slice_equal(key, SLICE(LOG_SIZE_MARK))) {
        log_verifier_size(verifier->log_rows, value);
        row_verifier_sized(verifier->derived);
    } else if (slice_equal(key, SLICE("arrival")))
        take_arrival(verifier, value);
    else if (slice_equal(key, SLICE("seal.next")))
        sealed_verifier_mark(verifier->sealed_rows, value);
}

static void take_part(struct store_verifier *verifier, struct slice key, struct slice value) {
    struct stream *stream = key.size == 32 ? stream_of(verifier, key.data) : NULL;
    if (!stream)
        find(verifier, "parts", "one of a stream that is not known");
    else if (value.size != PART_SIZE)
        find(verifier, stream->name, "its newest part cannot be read");
    else
        keep_part(stream, value);
}

/* An entry that no close has referred to when the next one comes belongs to rows that are gone. */
static void close_entry(struct store_verifier *verifier) {
    char text[96];
    if (!verifier->entry_open)
        return;
    snprintf(text, sizeof text, "log entry %" PRIu64 " is of a batch whose rows are not here",
             verifier->entry_index);
    find(verifier, "the log", text);
    verifier->entry_open = false;
}

static void take_entry(struct store_verifier *verifier, struct slice key, struct slice value) {
    uint64_t index = key.size == 8 ? bytes_get_u64(key.data) : UINT64_MAX;
    bool again = verifier->any_entry && index <= verifier->entry_most;
    close_entry(verifier);
    log_verifier_entry(verifier->log_rows, key, value);
    buffer_clear(&verifier->entry);
    buffer_append_slice(&verifier->entry, value);
    verifier->entry_index = index;
    verifier->entry_open =
        !again && value.size == BATCH_ENTRY_SIZE && slice_starts(value, SLICE("tocsin/batch/v1"));
    if (verifier->entry_open)
        row_verifier_entry(verifier->derived, index, value);
    if (!again)
        verifier->entry_most = index;
    verifier->any_entry = true;
}

void store_verifier_set_trust(struct store_verifier *verifier, const struct note_key *log,
                              const struct control_trust *trust, const struct witness_policy *witnesses,
                              uint64_t now_us) {
    struct hash id = statement_log(note_key_name(log), &log->key);
    store_verifier_set_log(verifier, &id);
    store_verifier_set_key(verifier, log);
    log_verifier_set_trust(verifier->log_rows, trust, witnesses, now_us);
}

void store_verifier_set_note(struct store_verifier *verifier, store_finding *note, void *context) {
    retention_verifier_set_note(verifier->retention, note, context);
}

void store_verifier_set_now(struct store_verifier *verifier, uint64_t now_us) {
    retention_verifier_set_now(verifier->retention, now_us);
}

static void take_segment(struct store_verifier *verifier, struct slice key, struct slice value) {
    struct segment_row row;
    sealed_verifier_segment(verifier->sealed_rows, key, value);
    if (segment_row_read(key, value, &row, NULL))
        retention_verifier_segment(verifier->retention, &row);
}

void store_verifier_set_sealed(struct store_verifier *verifier, struct sealed *sealed) { verifier->sealed = sealed; }

void store_verifier_set_step(struct store_verifier *verifier, segment_verify_step *step, void *context) {
    verifier->step = step;
    verifier->stepper = context;
}

void store_verifier_row(struct store_verifier *verifier, enum store_family family, struct slice key,
                        struct slice value) {
    switch ((unsigned)family) {
    case STORE_REGISTRY:
        take_rotation(verifier, key, value);
        break;
    case STORE_STREAM:
        take_stream(verifier, key, value);
        break;
    case STORE_PART:
        take_part(verifier, key, value);
        break;
    case STORE_ENTRY:
        take_entry(verifier, key, value);
        break;
    case STORE_ENTRY_BLOCK:
        take_damage(verifier, value);
        break;
    case STORE_SEGMENT:
        take_segment(verifier, key, value);
        break;
    case STORE_TILE:
        log_verifier_tile(verifier->log_rows, key, value);
        break;
    case STORE_CHECKPOINT:
        log_verifier_checkpoint(verifier->log_rows, key, value);
        if (key.size == 8)
            retention_verifier_checkpoint(verifier->retention, bytes_get_u64(key.data), value);
        break;
    case STORE_CONTROL:
        log_verifier_control(verifier->log_rows, key, value);
        break;
    case STORE_CLASS_LIST:
        buffer_clear(&verifier->class_list);
        buffer_append_slice(&verifier->class_list, value);
        break;
    case STORE_HOT:
        take_row(verifier, key, value);
        break;
    case STORE_MARK:
        take_mark(verifier, key, value);
        break;
    default:
        row_verifier_take(verifier->derived, family, key, value);
        break;
    }
}

struct store_verified store_verifier_summary(const struct store_verifier *verifier) {
    return verifier->summary;
}

/* What is still open is held against its newest part, what is closed against what the store counted. */
static void check_end(struct store_verifier *verifier, struct stream *stream) {
    struct fault fault = {0};
    if (stream->bad)
        return;
    begin_stream(verifier, stream);
    uint64_t batches = stream_checker_batch_seq(stream->checker);
    if (stream->has_state && stream->kept_batches != batches) {
        char text[96];
        snprintf(text, sizeof text, "%" PRIu64 " batches were closed and %" PRIu64 " are here",
                 stream->kept_batches, batches);
        find(verifier, stream->name, text);
        return;
    }
    if (!stream->has_part)
        return;
    enum check check = stream_checker_part(stream->checker, slice_make(stream->part, PART_SIZE), &fault);
    if (!check_good(check))
        find(verifier, stream->name, fault.text[0] ? fault.text : check_word(check));
}

/* A key that nobody enrolled proves nothing. */
static void check_enrolled(struct store_verifier *verifier, const struct stream *stream) {
    enum lane lane;
    const struct agent_line *line =
        agent_registry_by_stream(log_verifier_agents(verifier->log_rows), &stream->id, &lane);
    if (!line && !stream->key_bad && stream_checker_batch_seq(stream->checker) > 0)
        find(verifier, stream->name, "its key was never enrolled in the log");
}

void store_verifier_set_later(struct store_verifier *verifier, store_later *later, void *context) {
    verifier->later = later;
    verifier->later_context = context;
}

void store_verifier_later(struct store_verifier *verifier, uint64_t log_index, struct slice entry) {
    if (log_index >= verifier->summary.log.size)
        log_verifier_later(verifier->log_rows, log_index, entry);
}

static void take_gone(void *context, const struct erase_range *range) {
    sealed_verifier_erased(context, range);
}

/* What is not there although the rows name it may have begun to be erased since they were read. */
static void finish_sealed(struct store_verifier *verifier) {
    retention_verifier_gone(verifier->retention, 0, take_gone, verifier->sealed_rows);
    if (!sealed_verifier_read(verifier->sealed_rows, verifier->sealed, verifier->step, verifier->stepper,
                              verifier->summary.events) && verifier->later) {
        verifier->later(verifier->later_context);
        retention_verifier_gone(verifier->retention, verifier->summary.log.size, take_gone,
                                verifier->sealed_rows);
    }
    struct sealed_verified sealed = sealed_verifier_finish(verifier->sealed_rows);
    verifier->summary.events += sealed.events;
    verifier->summary.segments = sealed.segments;
    verifier->summary.erased = sealed.erased;
    verifier->summary.unread = sealed.unread;
    verifier->summary.erasing = sealed.erasing;
}

/* What is open under a part of a key that has ended is not attested either. */
static void sum_attested(struct store_verifier *verifier, const struct stream *stream) {
    enum lane lane;
    char text[160];
    const struct agent_line *line =
        agent_registry_by_stream(log_verifier_agents(verifier->log_rows), &stream->id, &lane);
    const struct agent_epoch *epoch =
        line ? agent_line_epoch(line, stream_checker_epoch_number(stream->checker)) : NULL;
    uint64_t attested = stream_checker_attested(stream->checker);
    if (epoch && epoch->until != AGENT_INDEX_NEVER && attested > stream->closed)
        attested = stream->closed;
    verifier->summary.attested += attested > stream->unattested ? attested - stream->unattested : 0;
    verifier->summary.unattested += stream->unattested;
    if (stream->unattested_batches == 0 || !verifier->notice)
        return;
    snprintf(text, sizeof text,
             "UNATTESTED: %" PRIu64 " batch%s with %" PRIu64 " event%s behind log entry %" PRIu64 ", where their key ended",
             stream->unattested_batches, stream->unattested_batches == 1 ? "" : "es", stream->unattested,
             stream->unattested == 1 ? "" : "s", stream->ended_at);
    verifier->notice(verifier->context, stream->name, text);
}

void store_verifier_set_notice(struct store_verifier *verifier, store_finding *notice) { verifier->notice = notice; }

struct store_verified store_verifier_finish(struct store_verifier *verifier) {
    for (size_t i = 0; i < verifier->stream_count; i++)
        check_end(verifier, &verifier->streams[i]);
    if (!verifier->arrival_seen && verifier->any_arrival)
        find(verifier, "the rows' end", "its mark is missing");
    close_entry(verifier);
    verifier->summary.log = log_verifier_finish(verifier->log_rows);
    verifier->summary.retention = retention_verifier_finish(
        verifier->retention, log_verifier_agents(verifier->log_rows), verifier->summary.log.size);
    finish_sealed(verifier);
    if (log_verifier_begun(verifier->log_rows))
        for (size_t i = 0; i < verifier->stream_count; i++)
            check_enrolled(verifier, &verifier->streams[i]);
    verifier->summary.streams = verifier->stream_count;
    for (size_t i = 0; i < verifier->stream_count; i++)
        sum_attested(verifier, &verifier->streams[i]);
    bool whole = verifier->summary.erased + verifier->summary.unread + verifier->summary.erasing + verifier->summary.findings == 0;
    row_verifier_finish(verifier->derived, log_verifier_agents(verifier->log_rows), whole);
    return verifier->summary;
}

#include "sim_collector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "checkpoint_message.h"
#include "events.h"
#include "memory.h"
#include "merkle_proof.h"

#define CREDIT 3000u
#define NOTE_ROOM 4096u

struct note_key sim_log_key(struct signing_key **ret_key) {
    static const uint8_t seed[ED25519_SEED_SIZE] = {9};
    struct note_key key;
    *ret_key = signing_key_create(seed);
    assert_true(note_key_make(NOTE_KEY_LOG, SLICE(SIM_ORIGIN), signing_key_public(*ret_key), &key, NULL));
    return key;
}

static void make_checkers(struct sim_collector *collector) {
    for (unsigned lane = 0; lane < LANES; lane++)
        collector->lanes[lane].checker =
            stream_checker_create((enum lane)lane, &collector->streams[lane], 0, &collector->key);
}

struct sim_collector *sim_collector_create(struct chance *chance, const struct hash streams[LANES],
                                           const struct verify_key *key) {
    struct sim_collector *collector = memory_new(sizeof *collector);
    collector->chance = chance;
    collector->key = *key;
    collector->out = BUFFER(16u << 20);
    memcpy(collector->streams, streams, sizeof collector->streams);
    make_checkers(collector);
    collector->log_key = sim_log_key(&collector->log_signer);
    frame_reader_open(&collector->reader, FRAME_HELLO, FRAME_ROTATED);
    return collector;
}

static void drop(struct sim_store_lane *lane, size_t from) {
    for (size_t i = from; i < lane->count; i++) {
        buffer_free(&lane->accepted[i].bytes);
        buffer_free(&lane->accepted[i].class_list);
    }
    lane->count = from;
}

struct sim_collector *sim_collector_destroy(struct sim_collector *collector) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        drop(&collector->lanes[lane], 0);
        free(collector->lanes[lane].accepted);
        free(collector->lanes[lane].log_index);
        stream_checker_destroy(collector->lanes[lane].checker);
    }
    signing_key_destroy(collector->log_signer);
    free(collector->log);
    frame_reader_close(&collector->reader);
    buffer_free(&collector->out);
    free(collector);
    return NULL;
}

static void write_message(struct sim_collector *collector, enum frame_type type,
                          const ProtobufCMessage *message) {
    uint8_t memory[8192];
    size_t size = protobuf_c_message_pack(message, memory);
    assert_true(frame_write(&collector->out, type, slice_make(memory, size)));
}

/* ---- taking frames */

static enum check check_one(struct stream_checker *checker, const struct sim_accepted *frame,
                            struct fault *fault) {
    if (frame->type == FRAME_PART)
        return stream_checker_part(checker, buffer_slice(&frame->bytes), fault);
    if (frame->type == FRAME_CLOSE)
        return stream_checker_close(checker, buffer_slice(&frame->bytes), buffer_slice(&frame->class_list),
                                    fault);
    struct events_message message;
    assert_true(events_read(buffer_slice(&frame->bytes), &message, fault));
    struct class_key keys[CLASS_NUMBERS];
    for (size_t i = 0; i < message.key_count; i++) {
        keys[i].class = message.keys[i].class;
        memcpy(keys[i].key, message.keys[i].key.data, 32);
    }
    struct batch_events events = {
        message.batch_seq, message.first_event_seq, message.count, keys, message.key_count, message.data};
    return stream_checker_events(checker, &events, fault);
}

/* What an entry says that its agent has seen was shown to it, and by this log. */
static void check_seen(const struct sim_collector *collector, const struct batch_entry *entry) {
    if (entry->seen.size == 0)
        return;
    assert_memory_equal(entry->seen.key_id, collector->log_key.id, NOTE_KEY_ID_SIZE);
    assert_true(entry->seen.size <= collector->log_committed);
    struct hash root = merkle_root(collector->log, (size_t)entry->seen.size);
    assert_true(hash_equal(&entry->seen.root, &root));
}

static void log_entry(struct sim_collector *collector, struct sim_store_lane *lane, struct slice bytes) {
    struct batch_entry entry;
    assert_true(batch_entry_read(bytes, &entry, NULL));
    check_seen(collector, &entry);
    lane->log_index = memory_resize(lane->log_index, entry.batch_seq + 1, sizeof *lane->log_index);
    lane->log_index[entry.batch_seq] = collector->log_size;
    collector->log = memory_resize(collector->log, collector->log_size + 1, sizeof *collector->log);
    collector->log[collector->log_size++] = merkle_leaf(bytes);
}

static void take(struct sim_collector *collector, unsigned which, enum frame_type type, struct slice bytes,
                 struct slice class_list) {
    assert_true(collector->greeted && which < LANES);
    struct sim_store_lane *lane = &collector->lanes[which];
    struct sim_accepted frame = {type, BUFFER(FRAME_EVENTS_MOST), BUFFER(4096)};
    struct fault fault = {0};
    buffer_append_slice(&frame.bytes, bytes);
    buffer_append_slice(&frame.class_list, class_list);
    enum check check = check_one(lane->checker, &frame, &fault);
    if (!check_good(check))
        fail_msg("lane %u: %s: %s", which, check_word(check), fault.text);
    assert_int_not_equal(check, CHECK_OWED);
    if (check != CHECK_ACCEPTED) {
        buffer_free(&frame.bytes);
        buffer_free(&frame.class_list);
        return;
    }
    lane->accepted = memory_resize(lane->accepted, lane->count + 1, sizeof *lane->accepted);
    lane->accepted[lane->count++] = frame;
    if (type == FRAME_CLOSE)
        log_entry(collector, lane, bytes);
}

/* What an agent remembers is of this log, and never ahead of it. */
static void greet_note(struct sim_collector *collector, struct slice note) {
    struct signed_checkpoint read;
    collector->told_size = 0;
    if (!note.size)
        return;
    assert_true(checkpoint_read(note, &collector->log_key, NULL, &read, NULL));
    assert_true(read.checkpoint.size <= collector->log_committed);
    struct hash root = merkle_root(collector->log, (size_t)read.checkpoint.size);
    assert_true(hash_equal(&read.checkpoint.root, &root));
    collector->told_size = read.checkpoint.size;
}

static void greet(struct sim_collector *collector, struct slice message) {
    Tocsin__Hello *hello = tocsin__hello__unpack(NULL, message.size, message.data);
    assert_non_null(hello);
    Tocsin__StreamWelcome streams[LANES];
    Tocsin__StreamWelcome *pointers[LANES];
    uint8_t entries[LANES][BATCH_ENTRY_SIZE], parts[LANES][PART_SIZE];
    sim_collector_commit(collector, true); /* only once nothing is under way: the marks are final then */
    for (unsigned i = 0; i < LANES; i++) {
        struct sim_store_lane *lane = &collector->lanes[i];
        assert_true(hello->streams[i]->next_event_seq >= lane->stored &&
                    hello->streams[i]->batch_seq >= lane->closed);
        struct slice last = stream_checker_last_entry(lane->checker),
                     part = stream_checker_newest_part(lane->checker);
        if (last.size)
            memcpy(entries[i], last.data, last.size);
        if (part.size)
            memcpy(parts[i], part.data, part.size);
        tocsin__stream_welcome__init(&streams[i]);
        streams[i].lane = i;
        streams[i].batch_seq = lane->closed;
        streams[i].stored = lane->stored;
        streams[i].last_entry = (ProtobufCBinaryData){last.size, entries[i]};
        streams[i].newest_part = (ProtobufCBinaryData){part.size, parts[i]};
        pointers[i] = &streams[i];
        lane->proved = hello->streams[i]->proved;
        assert_true(lane->proved <= lane->closed);
    }
    greet_note(collector, slice_make(hello->newest_note.data, hello->newest_note.len));
    tocsin__hello__free_unpacked(hello, NULL);
    char host[] = "signer1";
    Tocsin__Welcome welcome;
    tocsin__welcome__init(&welcome);
    welcome.version = 1;
    welcome.host = host;
    welcome.n_streams = LANES;
    welcome.streams = pointers;
    welcome.credit = CREDIT;
    write_message(collector, FRAME_WELCOME, &welcome.base);
    collector->greeted = true;
}

static void take_frame(struct sim_collector *collector, const struct frame *frame) {
    if (frame->type == FRAME_HELLO) {
        greet(collector, frame->message);
    } else if (frame->type == FRAME_EVENTS) {
        struct events_message message;
        assert_true(events_read(frame->message, &message, NULL));
        take(collector, message.lane, FRAME_EVENTS, frame->message, (struct slice){NULL, 0});
    } else if (frame->type == FRAME_PART) {
        Tocsin__Part *part = tocsin__part__unpack(NULL, frame->message.size, frame->message.data);
        assert_non_null(part);
        take(collector, part->lane, FRAME_PART, slice_make(part->part.data, part->part.len),
             (struct slice){NULL, 0});
        tocsin__part__free_unpacked(part, NULL);
    } else if (frame->type == FRAME_CLOSE) {
        Tocsin__Close *close = tocsin__close__unpack(NULL, frame->message.size, frame->message.data);
        assert_non_null(close);
        take(collector, close->lane, FRAME_CLOSE, slice_make(close->entry.data, close->entry.len),
             slice_make(close->class_list.data, close->class_list.len));
        tocsin__close__free_unpacked(close, NULL);
    } else if (frame->type == FRAME_PING) {
        collector->pings++;
        assert_true(frame_write(&collector->out, FRAME_PING, frame->message));
    } else
        fail_msg("an agent sent a %s", frame_name(frame->type));
}

void sim_collector_receive(struct sim_collector *collector, struct slice bytes) {
    struct frame frame;
    struct fault fault = {0};
    frame_reader_feed(&collector->reader, bytes);
    while (frame_reader_next(&collector->reader, &frame, &fault))
        take_frame(collector, &frame);
    if (fault.code)
        fail_msg("%s", fault.text);
}

void sim_collector_connected(struct sim_collector *collector) {
    frame_reader_close(&collector->reader);
    frame_reader_open(&collector->reader, FRAME_HELLO, FRAME_ROTATED);
    buffer_clear(&collector->out);
    collector->greeted = false;
    collector->sessions++;
}

/* ---- committing, and forgetting */

static void acknowledge(struct sim_collector *collector) {
    Tocsin__StreamAck streams[LANES];
    Tocsin__StreamAck *pointers[LANES];
    for (unsigned i = 0; i < LANES; i++) {
        tocsin__stream_ack__init(&streams[i]);
        streams[i].lane = i;
        streams[i].stored = collector->lanes[i].stored;
        streams[i].attested = collector->lanes[i].attested;
        streams[i].closed = collector->lanes[i].closed;
        pointers[i] = &streams[i];
        collector->lanes[i].high_stored = collector->lanes[i].stored;
    }
    Tocsin__Ack ack;
    tocsin__ack__init(&ack);
    ack.n_streams = LANES;
    ack.streams = pointers;
    write_message(collector, FRAME_ACK, &ack.base);
}

static struct slice path_slice(const struct merkle_path *path) {
    return slice_make(path->hashes, path->count * HASH_SIZE);
}

static void add_inclusions(struct sim_collector *collector, unsigned which, struct buffer *message) {
    struct sim_store_lane *lane = &collector->lanes[which];
    size_t size = collector->log_committed;
    for (uint64_t most = chance_below(collector->chance, 6); most && lane->proved < lane->closed; most--) {
        struct merkle_path path;
        uint64_t index = lane->log_index[lane->proved];
        merkle_proof_inclusion(collector->log, size, (size_t)index, &path);
        const struct checkpoint_inclusion inclusion = {(enum lane)which, lane->proved++, index, path_slice(&path)};
        assert_true(checkpoint_message_add(message, &inclusion));
    }
}

void sim_collector_publish(struct sim_collector *collector) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_ROOM);
    CLEANUP_BUFFER struct buffer message = BUFFER(FRAME_CHECKPOINT_MOST);
    size_t size = collector->log_committed;
    struct merkle_path path = {.count = 0};
    if (!collector->greeted || size == 0)
        return;
    struct checkpoint checkpoint = {SLICE(SIM_ORIGIN), size, merkle_root(collector->log, size)};
    assert_true(checkpoint_sign(&note, &checkpoint, &collector->log_key, collector->log_signer));
    if (collector->told_size && collector->told_size < size)
        merkle_proof_consistency(collector->log, size, (size_t)collector->told_size, &path);
    assert_true(checkpoint_message_write(&message, buffer_slice(&note), collector->told_size, path_slice(&path)));
    for (unsigned which = 0; which < LANES; which++)
        add_inclusions(collector, which, &message);
    collector->told_size = size;
    collector->checkpoints++;
    assert_true(frame_write(&collector->out, FRAME_CHECKPOINT, buffer_slice(&message)));
}

void sim_collector_commit(struct sim_collector *collector, bool silently) {
    collector->log_committed = collector->log_size;
    for (unsigned i = 0; i < LANES; i++) {
        struct sim_store_lane *lane = &collector->lanes[i];
        lane->committed = lane->count;
        lane->stored = stream_checker_next_seq(lane->checker);
        lane->attested = stream_checker_attested(lane->checker);
        lane->closed = stream_checker_batch_seq(lane->checker);
    }
    if (collector->greeted && !silently)
        acknowledge(collector);
}

void sim_collector_crash(struct sim_collector *collector) {
    collector->log_size = collector->log_committed;
    for (unsigned i = 0; i < LANES; i++) {
        struct sim_store_lane *lane = &collector->lanes[i];
        drop(lane, lane->committed);
        stream_checker_destroy(lane->checker);
        lane->checker = NULL;
    }
    make_checkers(collector);
    for (unsigned i = 0; i < LANES; i++) {
        struct sim_store_lane *lane = &collector->lanes[i];
        for (size_t at = 0; at < lane->count; at++)
            assert_int_equal(check_one(lane->checker, &lane->accepted[at], NULL), CHECK_ACCEPTED);
        assert_int_equal(stream_checker_next_seq(lane->checker), lane->stored);
        assert_true(lane->stored >= lane->high_stored); /* what was acknowledged is there */
    }
    sim_collector_connected(collector);
}

void sim_collector_credit(struct sim_collector *collector, uint64_t amount) {
    Tocsin__Credit credit;
    tocsin__credit__init(&credit);
    credit.credit = amount;
    if (collector->greeted)
        write_message(collector, FRAME_CREDIT, &credit.base);
}

void sim_collector_close_now(struct sim_collector *collector, enum lane lane) {
    Tocsin__CloseNow wanted;
    tocsin__close_now__init(&wanted);
    wanted.lane = lane;
    if (collector->greeted)
        write_message(collector, FRAME_CLOSE_NOW, &wanted.base);
}

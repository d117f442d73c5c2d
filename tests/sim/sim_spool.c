#include "sim_spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "events.h"
#include "sim_collector.h"
#include "memory.h"
#include "stream_id.h"

#define BATCH_US 3000000u
#define HEARTBEAT_US 20000000u

static const enum event_class classes[LANES][3] = {{CLASS_ACCESS, CLASS_SIGNING, CLASS_JOURNAL},
                                                   {CLASS_SYSTEM, CLASS_APPLICATION, CLASS_SYSTEM}};

struct sim_spool *sim_spool_create(struct chance *chance) {
    struct sim_spool *spool = memory_new(sizeof *spool);
    static const uint8_t seed[ED25519_SEED_SIZE] = {7};
    spool->chance = chance;
    spool->key = signing_key_create(seed);
    spool->clock = (struct stream_clock){.now_us = 1735689600000000u, .boottime_us = 1000000, .boot_id = {1}};
    struct signing_key *log_signer;
    const struct note_key log_key = sim_log_key(&log_signer);
    log_watch_begin(&spool->watch, &log_key, NULL);
    signing_key_destroy(log_signer);
    for (unsigned lane = 0; lane < LANES; lane++) {
        char name[STREAM_NAME_SIZE];
        assert_true(stream_name_make(SLICE(SIM_HOST), (enum lane)lane, name));
        struct stream_writer_settings settings = {.lane = (enum lane)lane,
                                                  .key = spool->key,
                                                  .random = chance_source(chance),
                                                  .batch_us = BATCH_US,
                                                  .heartbeat_us = HEARTBEAT_US};
        settings.stream_id = stream_id_make(slice_string(name), signing_key_public(spool->key));
        spool->lanes[lane].writer = stream_writer_create(&settings);
    }
    return spool;
}

struct sim_spool *sim_spool_destroy(struct sim_spool *spool) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct sim_lane *of = &spool->lanes[lane];
        stream_writer_destroy(of->writer);
        for (size_t i = 0; i < of->count; i++) {
            buffer_free(&of->items[i].bytes);
            buffer_free(&of->items[i].class_list);
        }
        free(of->items);
    }
    signing_key_destroy(spool->key);
    free(spool);
    return NULL;
}

const struct hash *sim_spool_stream(const struct sim_spool *spool, enum lane lane) {
    return stream_writer_id(spool->lanes[lane].writer);
}

static struct sim_item *add(struct sim_lane *lane, enum uplink_item_kind kind, uint64_t batch_seq,
                            uint64_t first_seq, uint64_t end_seq) {
    lane->items = memory_resize(lane->items, lane->count + 1, sizeof *lane->items);
    struct sim_item *item = &lane->items[lane->count++];
    *item = (struct sim_item){kind, batch_seq, first_seq, end_seq, BUFFER(FRAME_EVENTS_MOST), BUFFER(4096)};
    return item;
}

static void close_batch(struct sim_spool *spool, struct sim_lane *lane) {
    struct stream_close close;
    uint64_t batch_seq = stream_writer_batch_seq(lane->writer), first = stream_writer_first_seq(lane->writer);
    const struct seen_checkpoint seen = log_watch_seen(&spool->watch);
    assert_true(stream_writer_close(lane->writer, &spool->clock, &seen, &close, NULL));
    struct sim_item *item = add(lane, UPLINK_CLOSE, batch_seq, first, stream_writer_next_seq(lane->writer));
    buffer_append(&item->bytes, close.entry, sizeof close.entry);
    buffer_append(&item->class_list, close.class_list, close.class_list_size);
}

static void do_due(struct sim_spool *spool, struct sim_lane *lane) {
    uint64_t next_us;
    for (enum stream_due due;
         (due = stream_writer_due(lane->writer, &spool->clock, &next_us)) != DUE_NOTHING;)
        if (due == DUE_CLOSE)
            close_batch(spool, lane);
        else
            assert_true(stream_writer_break(lane->writer, &spool->clock, NULL));
}

static void write_events(struct sim_spool *spool, enum lane which, uint64_t count) {
    struct sim_lane *lane = &spool->lanes[which];
    CLEANUP_BUFFER struct buffer block = BUFFER(EVENT_BLOCK_MOST);
    uint8_t keys[CLASS_NUMBERS][32];
    struct events_message message = {.lane = which, .codec = EVENTS_PLAIN};
    for (uint64_t i = 0; i < count; i++) {
        struct stream_writer_event event;
        enum event_class class = classes[which][chance_below(spool->chance, 3)];
        char body[200];
        int size =
            snprintf(body, sizeof body, "%llu %.*s", (unsigned long long)stream_writer_next_seq(lane->writer),
                     (int)chance_below(spool->chance, 90),
                     "..........................................................."
                     "...............................");
        if (!stream_writer_event(lane->writer, class, spool->clock.now_us, slice_make(body, (size_t)size),
                                 &event, NULL))
            break; /* full: what is due comes in the next turn */
        if (message.count++ == 0) {
            message.batch_seq = event.batch_seq;
            message.first_event_seq = event.seq;
        }
        if (event.new_key) {
            memcpy(keys[message.key_count], event.new_key, 32);
            message.keys[message.key_count] =
                (struct events_key){(uint8_t) class, slice_make(keys[message.key_count], 32)};
            message.key_count++;
        }
        event_block_append(&block, event.time_us, (uint8_t) class, slice_make(body, (size_t)size));
    }
    if (message.count == 0)
        return;
    message.data = buffer_slice(&block);
    message.text_size = (uint32_t)block.size;
    struct sim_item *item = add(lane, UPLINK_EVENTS, message.batch_seq, message.first_event_seq,
                                message.first_event_seq + message.count);
    assert_true(events_write(&item->bytes, &message));
}

static void sign_part(struct sim_spool *spool, struct sim_lane *lane) {
    uint8_t part[PART_SIZE];
    if (!stream_writer_part(lane->writer, spool->clock.now_us, part))
        return;
    struct sim_item *item = add(lane, UPLINK_PART, stream_writer_batch_seq(lane->writer),
                                stream_writer_first_seq(lane->writer), stream_writer_next_seq(lane->writer));
    buffer_append(&item->bytes, part, sizeof part);
}

void sim_spool_turn(struct sim_spool *spool, uint64_t elapsed_us, unsigned events_most) {
    spool->clock.now_us += elapsed_us;
    spool->clock.boottime_us += elapsed_us;
    for (unsigned i = 0; i < LANES; i++) {
        struct sim_lane *lane = &spool->lanes[i];
        do_due(spool, lane);
        if (events_most)
            write_events(spool, (enum lane)i, chance_below(spool->chance, events_most + 1));
        if (chance_one_in(spool->chance, 3))
            sign_part(spool, lane);
        if (lane->close_wanted || chance_one_in(spool->chance, 40))
            close_batch(spool, lane);
        lane->close_wanted = false;
    }
}

void sim_spool_hello(struct sim_spool *spool, struct uplink_stream ret_streams[LANES]) {
    for (unsigned i = 0; i < LANES; i++) {
        const struct stream_writer *writer = spool->lanes[i].writer;
        struct hash last = stream_writer_last_hash(writer);
        struct slice part = stream_writer_newest_part(writer);
        ret_streams[i] = (struct uplink_stream){.epoch = stream_writer_epoch_number(writer),
                                                .batch_seq = stream_writer_batch_seq(writer),
                                                .next_event_seq = stream_writer_next_seq(writer),
                                                .has_part = part.size != 0,
                                                .proved = spool->lanes[i].proved};
        spool->lanes[i].included = spool->lanes[i].proved;
        memcpy(ret_streams[i].stream_id, stream_writer_id(writer)->bytes, 32);
        memcpy(ret_streams[i].last_entry_hash, last.bytes, 32);
        if (part.size)
            memcpy(ret_streams[i].newest_part, part.data, part.size);
    }
}

/* ---- as the uplink's supply */

static bool seek(void *context, enum lane which, uint64_t batch_seq, uint64_t event_seq,
                 struct fault *fault) {
    struct sim_lane *lane = &((struct sim_spool *)context)->lanes[which];
    (void)fault;
    lane->place = 0;
    lane->want_batch = batch_seq;
    lane->want_seq = event_seq;
    return true;
}

/* As agent/spool's cursor: whole messages, and of parts only the open batch's newest. */
static bool wanted(const struct sim_lane *lane, const struct sim_item *item) {
    if (item->batch_seq < lane->want_batch)
        return false;
    if (item->kind == UPLINK_EVENTS)
        return item->end_seq > lane->want_seq;
    return item->kind == UPLINK_CLOSE ||
           slice_equal(buffer_slice(&item->bytes), stream_writer_newest_part(lane->writer));
}

static bool next(void *context, enum lane which, struct uplink_item *ret_item) {
    struct sim_lane *lane = &((struct sim_spool *)context)->lanes[which];
    while (lane->place < lane->count) {
        const struct sim_item *item = &lane->items[lane->place++];
        if (!wanted(lane, item))
            continue;
        if (item->kind == UPLINK_CLOSE)
            lane->want_batch = item->batch_seq + 1;
        *ret_item = (struct uplink_item){item->kind, item->batch_seq, item->end_seq,
                                         buffer_slice(&item->bytes), buffer_slice(&item->class_list)};
        return true;
    }
    return false;
}

static void acknowledge(void *context, enum lane which, uint64_t stored, uint64_t attested, uint64_t closed) {
    struct sim_lane *lane = &((struct sim_spool *)context)->lanes[which];
    /* Marks never name what was not written, and what was acknowledged stays so. */
    assert_true(stored <= stream_writer_next_seq(lane->writer) &&
                closed <= stream_writer_batch_seq(lane->writer));
    assert_true(attested <= stored);
    assert_true(stored >= lane->stored && attested >= lane->attested && closed >= lane->closed);
    lane->stored = stored;
    lane->attested = attested;
    lane->closed = closed;
}

static void close_now(void *context, enum lane which) {
    ((struct sim_spool *)context)->lanes[which].close_wanted = true;
}

static const struct sim_item *entry_of(const struct sim_lane *lane, uint64_t batch_seq) {
    for (size_t i = 0; i < lane->count; i++)
        if (lane->items[i].kind == UPLINK_CLOSE && lane->items[i].batch_seq == batch_seq)
            return &lane->items[i];
    fail_msg("batch %llu was never closed", (unsigned long long)batch_seq);
    return NULL;
}

/* A good collector's checkpoints always follow, and hold what it says. */
static bool checkpoint(void *context, const struct checkpoint_message *message, struct fault *fault) {
    struct sim_spool *spool = context;
    struct checkpoint_inclusion inclusion;
    struct slice rest = message->inclusions;
    enum log_news news =
        log_watch_take(&spool->watch, message->note, message->from_size, message->path, spool->clock.now_us, fault);
    if (news != LOG_NEWS_VERIFIED)
        fail_msg("a checkpoint is %s: %s", log_news_word(news), fault->text);
    while (checkpoint_message_next(&rest, &inclusion)) {
        struct sim_lane *lane = &spool->lanes[inclusion.lane];
        assert_int_equal(inclusion.batch_seq, lane->included);
        struct hash leaf = merkle_leaf(buffer_slice(&entry_of(lane, inclusion.batch_seq)->bytes));
        assert_true(log_watch_includes(&spool->watch, &leaf, inclusion.log_index, inclusion.path));
        assert_false(log_watch_includes(&spool->watch, &leaf, inclusion.log_index + 1, inclusion.path));
        lane->proved = ++lane->included;
    }
    spool->checkpoints++;
    return true;
}

static void witnesses(void *context, struct slice policy) {
    (void)context, (void)policy;
}

struct uplink_supply sim_spool_supply(struct sim_spool *spool) {
    return (struct uplink_supply){spool, seek, next, acknowledge, close_now, checkpoint, witnesses};
}

#include "segment_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_leaf.h"
#include "memory.h"
#include "merkle_frontier.h"
#include "stream_id.h"

#define LEVELS 13u /* a batch has at most 4,096 events */

struct tree {
    struct keystream *salts;
    struct hash hashes[LEVELS];
    struct merkle_frontier frontier;
    uint64_t next_seq, last_time_us;
};

struct run {
    const struct segment_reader *reader;
    const struct segment_verify *verify;
    const struct segment_index *index;
    struct segment_verified summary;
    struct tree **trees; /* of batches that have begun and are not whole yet */
    bool *bad, *done;    /* batches: told already; good */
};

static void find(struct run *run, const char *place, const char *text) {
    run->summary.findings++;
    run->verify->finding(run->verify->context, place, text);
}

static void find_in_batch(struct run *run, uint32_t number, const char *text) {
    const struct segment_batch *batch = &run->index->batches[number];
    const struct segment_stream *stream = &run->index->streams[batch->stream];
    char place[STREAM_NAME_SIZE + 64];
    if (run->bad[number])
        return;
    run->bad[number] = true;
    snprintf(place, sizeof place, "%.*s, batch %" PRIu64 ", log entry %" PRIu64, SLICE_ARG(stream->name),
             batch->batch_seq, batch->log_index);
    find(run, place, text);
}

/* ---- what needs no events */

static const char *check_entry(struct run *run, uint32_t number) {
    const struct segment_batch *batch = &run->index->batches[number];
    const struct segment_stream *stream = &run->index->streams[batch->stream];
    const struct segment_head *head = segment_reader_head(run->reader);
    struct batch_entry entry;
    struct class_list list;
    if (batch->log_index < head->first_index || batch->log_index > head->last_index)
        return "it does not stand in the segment's range of the log";
    if (!batch_entry_read(batch->entry, &entry, NULL) || !class_list_read(batch->class_list, &list, NULL))
        return "its entry or class list is malformed";
    struct hash root = class_list_event_root(batch->class_list),
                id = stream_id_make(stream->name, &stream->first_key);
    if (!hash_equal(&root, &entry.event_root))
        return "its class list is not the one that its entry signs";
    if (!hash_equal(&entry.stream_id, &stream->id) || !hash_equal(&id, &stream->id))
        return "its stream's id is not that of its name and key";
    if (entry.epoch)
        run->summary.later_epochs++;
    else if (!batch_entry_signed_by(batch->entry, &stream->first_key))
        return "its signature does not verify";
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].class == head->class)
            return list.items[i].count == batch->events ? NULL
                                                        : "it has another number of events of the class";
    return "it has no events of the class";
}

/* ---- events */

static struct tree *tree_create(const struct segment_batch *batch) {
    struct tree *tree = memory_new(sizeof *tree);
    tree->salts = keystream_create(batch->class_key);
    tree->frontier = merkle_frontier_make(tree->hashes, LEVELS);
    tree->next_seq = batch->first_event_seq;
    return tree;
}

static struct tree *tree_destroy(struct tree *tree) {
    if (tree) {
        keystream_destroy(tree->salts);
        free(tree);
    }
    return NULL;
}

static void end_batch(struct run *run, uint32_t number) {
    const struct segment_batch *batch = &run->index->batches[number];
    struct hash root = merkle_frontier_root(&run->trees[number]->frontier);
    struct class_list list;
    run->trees[number] = tree_destroy(run->trees[number]);
    run->done[number] = true;
    class_list_read(batch->class_list, &list, NULL); /* checked before */
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].class == segment_reader_head(run->reader)->class &&
            !hash_equal(&list.items[i].root, &root))
            find_in_batch(run, number, "its events are not those under its class root");
}

static void add_event(struct run *run, const struct segment_event *at, struct slice body) {
    const struct segment_batch *batch = &run->index->batches[at->batch];
    if (run->bad[at->batch])
        return;
    struct tree *tree = run->trees[at->batch];
    if (!tree && !run->done[at->batch])
        tree = run->trees[at->batch] = tree_create(batch);
    if (!tree || at->position != tree->frontier.count || at->seq < tree->next_seq ||
        at->seq - batch->first_event_seq >= batch->event_count) {
        run->trees[at->batch] = tree_destroy(tree);
        find_in_batch(run, at->batch, "its events do not follow each other");
        return;
    }
    struct event event = {at->seq, at->time_us, segment_reader_head(run->reader)->class, body};
    struct hash leaf = event_leaf(keystream_next(tree->salts), &event);
    merkle_frontier_add(&tree->frontier, &leaf);
    tree->next_seq = at->seq + 1;
    run->summary.events++;
    if (tree->frontier.count == batch->events)
        end_batch(run, at->batch);
}

static void check_block(struct run *run, struct segment_block *block, uint32_t number) {
    struct fault fault = {0};
    char place[64];
    bool good = segment_block_open(block, run->reader, number, &fault) && segment_block_values(block, &fault);
    for (uint32_t i = 0; good && i < segment_block_count(block); i++) {
        struct slice body;
        good = segment_block_bytes(block, i, &body, &fault);
        if (good && run->verify->event)
            run->verify->event(run->verify->context, segment_block_event(block, i)->batch, body);
        if (good)
            add_event(run, segment_block_event(block, i), body);
    }
    if (good)
        return;
    snprintf(place, sizeof place, "block %u of %u", number, run->index->block_count);
    find(run, place, fault.text);
}

struct segment_verified segment_verify(const struct segment_reader *reader,
                                       const struct segment_verify *verify) {
    struct run run = {.reader = reader, .verify = verify, .index = segment_reader_index(reader)};
    uint32_t batches = run.index->batch_count;
    struct segment_block *block = segment_block_create();
    run.trees = memory_new_array(batches, sizeof(struct tree *));
    run.bad = memory_new_array(batches, sizeof *run.bad);
    run.done = memory_new_array(batches, sizeof *run.done);
    run.summary.batches = batches;
    for (uint32_t i = 0; i < batches; i++) {
        const char *text = check_entry(&run, i);
        if (text)
            find_in_batch(&run, i, text);
    }
    bool go_on = true;
    for (uint32_t i = 0; go_on && i < run.index->block_count; i++) {
        check_block(&run, block, i);
        go_on = !verify->step || verify->step(verify->context, run.summary.events);
    }
    for (uint32_t i = 0; i < batches; i++) {
        if (go_on && !run.done[i])
            find_in_batch(&run, i, "events of it are missing");
        tree_destroy(run.trees[i]);
    }
    segment_block_destroy(block);
    free(run.trees);
    free(run.bad);
    free(run.done);
    return run.summary;
}

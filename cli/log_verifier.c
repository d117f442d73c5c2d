#include "log_verifier.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "memory.h"
#include "merkle_frontier.h"
#include "merkle_tile_builder.h"
#include "new_origin.h"

#define CONTROL_LABEL SLICE("tocsin/ctrl/v1")
#define GAP_MOST 4096u /* entries missing in a row for which the tree is gone on with */

#define RECENT 16u

struct log_verifier {
    bool trusted;
    struct buffer recent[RECENT]; /* the newest checkpoints, in turn; kept where witnesses are trusted */
    unsigned recent_next;
    struct witness_policy trusted_witnesses;
    uint64_t now_us;
    log_control *control;
    void *control_context;
    log_finding *finding;
    void *context;
    struct note_key key;
    bool has_key;

    struct merkle_tile_builder *tree;
    uint64_t next;                   /* index of the entry that is due */
    unsigned filled;                 /* tiles of levels below this number were filled by the last entry… */
    unsigned given;                  /* …and so many of them have come, in order */
    bool missing[MERKLE_TILE_WIDTH]; /* of the last tile's leaves: the entry is not there */
    bool lost;                       /* too much is missing: tree and tiles are not looked at */
    bool roots_bad;                  /* told */
    bool tiles_there, size_seen;
    uint64_t
        early; /* tiles that did not come before any did: a store from before there were tiles has none */

    struct control_chain *chain;
    struct agent_registry *agents;
    bool chain_bad; /* told */
    uint64_t *control_indexes;
    size_t control_count;
    uint64_t places;      /* STORE_CONTROL rows that came */
    struct buffer newest; /* the newest checkpoint */
    uint64_t newest_size;
    struct log_verified summary;
};

struct log_verifier *log_verifier_create(log_finding *finding, void *context) {
    struct log_verifier *verifier = memory_new(sizeof *verifier);
    verifier->finding = finding;
    verifier->context = context;
    verifier->tree = merkle_tile_builder_create();
    verifier->chain = control_chain_create(NULL);
    verifier->agents = agent_registry_create();
    verifier->newest = BUFFER(NOTE_MOST);
    for (unsigned i = 0; i < RECENT; i++)
        verifier->recent[i] = BUFFER(NOTE_MOST);
    return verifier;
}

struct log_verifier *log_verifier_destroy(struct log_verifier *verifier) {
    if (verifier) {
        merkle_tile_builder_destroy(verifier->tree);
        control_chain_destroy(verifier->chain);
        agent_registry_destroy(verifier->agents);
        buffer_free(&verifier->newest);
        for (unsigned i = 0; i < RECENT; i++)
            buffer_free(&verifier->recent[i]);
        free(verifier->control_indexes);
        free(verifier);
    }
    return NULL;
}

void log_verifier_set_key(struct log_verifier *verifier, const struct note_key *key) {
    verifier->key = *key;
    verifier->has_key = true;
}

__attribute__((format(printf, 3, 4))) static void find(struct log_verifier *verifier, const char *place,
                                                       const char *format, ...) {
    char text[FAULT_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verifier->finding(verifier->context, place, text);
}

/* ---- tiles */

static void name_tile(char to[64], unsigned level, uint64_t index) {
    snprintf(to, 64, "the log's tile %u/%" PRIu64, level, index);
}

/* Those that the last entry filled and that have not come. */
static void check_given(struct log_verifier *verifier) {
    for (; verifier->given < verifier->filled; verifier->given++) {
        struct merkle_tile tile;
        char place[64];
        merkle_tile_builder_tile(verifier->tree, verifier->given, &tile);
        name_tile(place, verifier->given, tile.index);
        if (verifier->lost)
            continue;
        if (verifier->tiles_there)
            find(verifier, place, "it is missing");
        else
            verifier->early++;
    }
    verifier->filled = verifier->given = 0;
}

static void compare_tile(struct log_verifier *verifier, unsigned level, const char *place,
                         const struct hash *computed, const uint8_t *stored, uint64_t first) {
    for (unsigned i = 0; i < MERKLE_TILE_WIDTH; i++) {
        if (memcmp(computed[i].bytes, stored + i * HASH_SIZE, HASH_SIZE) == 0 ||
            (level == 0 && verifier->missing[i]))
            continue;
        if (level == 0)
            find(verifier, place, "its hash %u is not the leaf of log entry %" PRIu64, i, first + i);
        else if (!verifier->roots_bad)
            find(verifier, place, "its hash %u is not the root of tile %u/%" PRIu64, i, level - 1, first + i);
        return;
    }
}

void log_verifier_tile(struct log_verifier *verifier, struct slice key, struct slice value) {
    char place[64];
    struct merkle_tile tile = {.width = 0};
    unsigned level = key.size == 9 ? key.data[0] : UINT8_MAX;
    uint64_t index = key.size == 9 ? bytes_get_u64(key.data + 1) : 0;
    name_tile(place, level, index);
    verifier->tiles_there = true;
    if (verifier->lost)
        return;
    const struct hash *hashes =
        level < verifier->filled ? merkle_tile_builder_tile(verifier->tree, level, &tile) : NULL;
    if (!hashes || tile.index != index || level < verifier->given) {
        find(verifier, place, "the log's entries do not fill it");
        return;
    }
    while (verifier->given < level)
        verifier->given++, find(verifier, place, "the one below it is missing");
    verifier->given = level + 1;
    if (value.size != MERKLE_TILE_WIDTH * HASH_SIZE)
        find(verifier, place, "it has %zu bytes", value.size);
    else
        compare_tile(verifier, level, place, hashes, value.data, index * MERKLE_TILE_WIDTH);
}

/* ---- entries */

static void add_leaf(struct log_verifier *verifier, const struct hash *leaf, bool missing) {
    check_given(verifier);
    verifier->missing[verifier->next % MERKLE_TILE_WIDTH] = missing;
    verifier->filled = merkle_tile_builder_add(verifier->tree, leaf);
    verifier->next++;
}

static void skip_to(struct log_verifier *verifier, uint64_t index) {
    static const struct hash nothing;
    if (index == verifier->next)
        return;
    if (index == verifier->next + 1)
        find(verifier, "the log", "log entry %" PRIu64 " is missing", verifier->next);
    else
        find(verifier, "the log", "log entries %" PRIu64 " to %" PRIu64 " are missing", verifier->next,
             index - 1);
    verifier->roots_bad = true;
    verifier->lost = verifier->lost || index - verifier->next > GAP_MOST;
    if (verifier->lost)
        verifier->next = index;
    while (verifier->next < index)
        add_leaf(verifier, &nothing, true);
}

static void take_control(struct log_verifier *verifier, uint64_t index, struct slice bytes) {
    struct control_entry entry;
    struct control_verdict verdict;
    struct fault fault = {0};
    char place[64];
    verifier->control_indexes = memory_resize(verifier->control_indexes, verifier->control_count + 1,
                                              sizeof *verifier->control_indexes);
    verifier->control_indexes[verifier->control_count++] = index;
    if (verifier->chain_bad)
        return;
    if (control_chain_count(verifier->chain) == 0 && index > 0)
        fault_set(&fault, FAULT_CONFLICT, "the log does not begin with a genesis or a new origin");
    if (!fault.code && control_chain_add(verifier->chain, bytes, &entry, &verdict, &fault) &&
        agent_registry_take(verifier->agents, &entry, &verdict, index, &fault)) {
        verifier->summary.single_control = verifier->summary.single_control || verdict.single_control;
        const struct new_origin *origin = control_chain_new_origin(verifier->chain);
        verifier->summary.restored = origin ? origin->size : 0;
        verifier->summary.known = origin ? origin->known_size : 0;
        verifier->summary.control_entries++;
        if (verifier->control)
            verifier->control(verifier->control_context, index, &entry, &verdict);
        return;
    }
    snprintf(place, sizeof place, "control entry %zu, log entry %" PRIu64, verifier->control_count - 1,
             index);
    find(verifier, place, "%s", fault.text);
    verifier->chain_bad = true;
}

void log_verifier_later(struct log_verifier *verifier, uint64_t index, struct slice bytes) {
    struct control_entry entry;
    struct control_verdict verdict;
    if (!verifier->chain_bad && control_chain_add(verifier->chain, bytes, &entry, &verdict, NULL) &&
        agent_registry_take(verifier->agents, &entry, &verdict, index, NULL) && verifier->control)
        verifier->control(verifier->control_context, index, &entry, &verdict);
}

void log_verifier_set_trust(struct log_verifier *verifier, const struct control_trust *trust,
                            const struct witness_policy *witnesses, uint64_t now_us) {
    control_chain_destroy(verifier->chain);
    verifier->chain = control_chain_create(trust);
    verifier->trusted = true;
    verifier->trusted_witnesses = *witnesses;
    verifier->now_us = now_us;
}

void log_verifier_set_control(struct log_verifier *verifier, log_control *control, void *context) {
    verifier->control = control;
    verifier->control_context = context;
}

void log_verifier_entry(struct log_verifier *verifier, struct slice key, struct slice entry) {
    uint64_t index = key.size == 8 ? bytes_get_u64(key.data) : UINT64_MAX;
    if (index == UINT64_MAX) {
        find(verifier, "the log", "an entry under a key that is no index");
        return;
    }
    if (index < verifier->next)
        return; /* again, for a close */
    skip_to(verifier, index);
    struct hash leaf = merkle_leaf(entry);
    if (verifier->lost)
        verifier->next++;
    else
        add_leaf(verifier, &leaf, false);
    if (slice_starts(entry, CONTROL_LABEL))
        take_control(verifier, index, entry);
}

/* ---- checkpoints */

static void compare_root(struct log_verifier *verifier, const char *place,
                         const struct checkpoint *checkpoint) {
    if (verifier->lost || verifier->roots_bad)
        return;
    struct hash root = merkle_tile_builder_root(verifier->tree);
    if (hash_equal(&root, &checkpoint->root))
        return;
    find(verifier, place, "it is of another tree than these entries make");
    verifier->roots_bad = true;
}

static bool read_checkpoint(const struct log_verifier *verifier, struct slice note,
                            struct checkpoint *ret_checkpoint, struct fault *fault) {
    struct signed_checkpoint checkpoint;
    struct note read;
    if (!verifier->has_key)
        return note_read(note, &read, fault) && checkpoint_text_read(read.text, ret_checkpoint, fault);
    if (!checkpoint_read(note, &verifier->key, NULL, &checkpoint, fault))
        return false;
    *ret_checkpoint = checkpoint.checkpoint;
    return true;
}

void log_verifier_checkpoint(struct log_verifier *verifier, struct slice key, struct slice note) {
    struct checkpoint checkpoint;
    struct fault fault = {0};
    char place[64];
    uint64_t size = key.size == 8 ? bytes_get_u64(key.data) : UINT64_MAX;
    snprintf(place, sizeof place, "the checkpoint of size %" PRIu64, size);
    verifier->summary.checkpoints++;
    if (!read_checkpoint(verifier, note, &checkpoint, &fault))
        find(verifier, place, "%s", fault.text);
    else if (checkpoint.size != size)
        find(verifier, place, "it says another size, %" PRIu64, checkpoint.size);
    else if (size > verifier->next)
        find(verifier, place, "the log has %" PRIu64 " entries: the last ones are lost", verifier->next);
    else if (size == verifier->next)
        compare_root(verifier, place, &checkpoint);
    else
        find(verifier, place, "it comes behind entries that it is not over");
    buffer_clear(&verifier->newest);
    buffer_append_slice(&verifier->newest, note);
    verifier->newest_size = size;
    if (verifier->trusted) {
        struct buffer *recent = &verifier->recent[verifier->recent_next++ % RECENT];
        buffer_clear(recent);
        buffer_append_slice(recent, note);
    }
}

/* ---- places and marks */

void log_verifier_control(struct log_verifier *verifier, struct slice key, struct slice value) {
    uint64_t ctl_seq = key.size == 8 ? bytes_get_u64(key.data) : UINT64_MAX;
    char place[64];
    snprintf(place, sizeof place, "control entry %" PRIu64, ctl_seq);
    if (ctl_seq != verifier->places || ctl_seq >= verifier->control_count)
        find(verifier, place, "no such one is in the log where it is due");
    else if (value.size != 8 || bytes_get_u64(value.data) != verifier->control_indexes[ctl_seq])
        find(verifier, place, "it stands at log entry %" PRIu64 ", and the store says another place",
             verifier->control_indexes[ctl_seq]);
    verifier->places = ctl_seq < UINT64_MAX ? ctl_seq + 1 : ctl_seq;
}

void log_verifier_size(struct log_verifier *verifier, struct slice mark) {
    uint64_t size = mark.size == 8 ? bytes_get_u64(mark.data) : UINT64_MAX;
    verifier->size_seen = true;
    check_given(verifier);
    if (verifier->early)
        find(verifier, "the log's tiles", "the first %" PRIu64 " are missing", verifier->early);
    if (mark.size != 8)
        find(verifier, "the log's size", "it cannot be read");
    else if (size != verifier->next)
        find(verifier, "the log's size", "%" PRIu64 " entries were committed and %" PRIu64 " are here", size,
             verifier->next);
}

void log_verifier_old_tree(struct log_verifier *verifier, struct slice mark) {
    struct bytes_reader reader = bytes_read(mark);
    struct hash hashes[MERKLE_LEVELS_MOST];
    struct merkle_frontier stored = merkle_frontier_make(hashes, MERKLE_LEVELS_MOST);
    stored.count = bytes_read_u64(&reader);
    for (unsigned level = 0; level < MERKLE_LEVELS_MOST; level++)
        if (stored.count >> level & 1)
            bytes_read_into(&reader, hashes[level].bytes, HASH_SIZE);
    verifier->size_seen = true;
    struct hash computed = merkle_tile_builder_root(verifier->tree);
    if (!bytes_read_done(&reader)) {
        find(verifier, "the log's tree", "it cannot be read");
        return;
    }
    struct hash root = merkle_frontier_root(&stored);
    if (stored.count != verifier->next)
        find(verifier, "the log's tree", "it has %" PRIu64 " entries and %" PRIu64 " were read", stored.count,
             verifier->next);
    else if (!verifier->roots_bad && !hash_equal(&root, &computed))
        find(verifier, "the log's tree", "its root is not the root of the entries");
}

/* ---- the end */

/* What the log's own policy asks for may be less than what the verifier does. The very newest may still be with its witnesses:
 * one of the last few must have been cosigned. */
static void judge_trusted(struct log_verifier *verifier) {
    unsigned most = 0;
    const struct witness_policy *policy = &verifier->trusted_witnesses;
    if (control_chain_count(verifier->chain) == 0 && verifier->next == 0)
        find(verifier, "the log", "it does not begin with the genesis that is trusted");
    for (unsigned i = 0; i < RECENT; i++) {
        struct signed_checkpoint checkpoint;
        if (!verifier->recent[i].size ||
            !checkpoint_read(buffer_slice(&verifier->recent[i]), &verifier->key, policy, &checkpoint, NULL))
            continue;
        struct quorum quorum = checkpoint_quorum(&checkpoint, policy, verifier->now_us);
        if (quorum.met)
            return;
        most = quorum.counted > most ? quorum.counted : most;
    }
    find(verifier, "the newest checkpoints", "%u of the trusted witnesses have cosigned one, and %u must", most,
         policy->needed);
}

static void judge_newest(struct log_verifier *verifier) {
    struct signed_checkpoint checkpoint;
    uint64_t ctl_seq;
    if (!verifier->has_key || control_chain_count(verifier->chain) == 0 || verifier->newest.size == 0)
        return;
    const struct witness_policy *policy = control_chain_witnesses(verifier->chain, &ctl_seq);
    if (policy->needed > 0 &&
        checkpoint_read(buffer_slice(&verifier->newest), &verifier->key, policy, &checkpoint, NULL))
        verifier->summary.witnessed = checkpoint_quorum(&checkpoint, policy, UINT64_MAX / 2).met;
}

struct log_verified log_verifier_finish(struct log_verifier *verifier) {
    check_given(verifier);
    if (!verifier->size_seen && verifier->next > 0)
        find(verifier, "the log's size", "its mark is missing");
    if (verifier->places < verifier->control_count)
        find(verifier, "the control chain", "%zu control entries are in the log and %" PRIu64 " have a place",
             verifier->control_count, verifier->places);
    judge_newest(verifier);
    if (verifier->trusted)
        judge_trusted(verifier);
    verifier->summary.size = verifier->next;
    verifier->summary.covered = verifier->newest_size;
    return verifier->summary;
}

bool log_verifier_begun(const struct log_verifier *verifier) {
    return control_chain_count(verifier->chain) > 0;
}
const struct agent_registry *log_verifier_agents(const struct log_verifier *verifier) {
    return verifier->agents;
}
const struct hash *log_verifier_log(const struct log_verifier *verifier) {
    return control_chain_log(verifier->chain);
}

#include "absence.h"

#include <stdlib.h>

#include "absence_inside.h"
#include "class_list.h"
#include "memory.h"
#include "stream_checker.h"

static const uint8_t label[16] = "tocsin/absence1";

#define US_A_SECOND 1000000ull

/* ---- what stands in the file */

struct proved_entry {
    uint64_t index;
    struct merkle_path path;
    struct slice bytes, list_bytes;
    struct batch_entry entry;
    struct class_list list;
};

struct walk {
    struct proof_ground ground;
    struct slice host; /* of the claim */
    enum lane lane;
    size_t mark_count;
    struct time_mark *marks;
    const struct agent_line *line;
    struct stream_checker *checker;
    struct absence *absence;
    bool has_last;
    struct proved_entry last;
    struct standing last_standing;
    absence_each *each; /* NULL: nobody asks */
    void *each_context;
    bool last_live;
};

static bool cut_short(struct fault *fault) {
    return fault_set(fault, FAULT_FORMAT, "the proof of absence is cut short, or longer than it says");
}

/* ---- the claim */

static bool stream_parts(struct slice stream, struct slice *ret_host, enum lane *ret_lane) {
    struct slice bulk = SLICE("/bulk");
    bool is_bulk = stream.size > bulk.size && slice_equal(slice_from(stream, stream.size - bulk.size), bulk);
    *ret_lane = is_bulk ? LANE_BULK : LANE_SECURITY;
    *ret_host = is_bulk ? slice_head(stream, stream.size - bulk.size) : stream;
    return host_name_good(*ret_host);
}

static bool claim_read(struct bytes_reader *from, struct walk *walk, struct fault *fault) {
    struct absence *absence = walk->absence;
    bool labelled = slice_equal(bytes_read_raw(from, sizeof label), slice_make(label, sizeof label));
    struct slice stream = bytes_read_raw(from, bytes_read_u8(from));
    absence->class = bytes_read_u8(from);
    absence->from_us = bytes_read_u64(from);
    absence->to_us = bytes_read_u64(from);
    if (!labelled || from->failed)
        return fault_set(fault, FAULT_FORMAT, "this is no proof of absence of version 1");
    if (!stream_parts(stream, &walk->host, &walk->lane) || stream.size >= sizeof absence->stream)
        return fault_set(fault, FAULT_FORMAT, "the proof of absence names no stream");
    if (absence->class >= CLASSES || class_lane(absence->class) != walk->lane)
        return fault_set(fault, FAULT_FORMAT, "class %u is none of this stream's lane", absence->class);
    if (absence->from_us >= absence->to_us)
        return fault_set(fault, FAULT_FORMAT, "the proof of absence is about no time at all");
    memcpy(absence->stream, stream.data, stream.size);
    return true;
}

/* ---- checkpoints */

/* The log's own policy at that size. While it asks for no witness, those of the trust are asked: it knows them on its own. */
static const struct witness_policy *policy_at(const struct walk *walk, uint64_t size) {
    const struct witness_policy *policy = log_history_witnesses(walk->ground.history, size);
    return policy && policy->needed > 0 ? policy : &walk->ground.trust->witnesses;
}

static bool mark_check(const struct walk *walk, struct slice note, const struct merkle_path *path,
                       uint64_t now_us, struct time_mark *ret_mark, struct fault *fault) {
    const struct checkpoint *newest = &walk->ground.checkpoint.checkpoint;
    struct checkpoint text;
    struct signed_checkpoint read;
    struct note plain;
    /* Its size says which witnesses were due, and is believed once the log's signature was checked with them. */
    if (!note_read(note, &plain, fault) || !checkpoint_text_read(plain.text, &text, fault))
        return false;
    const struct witness_policy *policy = policy_at(walk, text.size);
    if (text.size > newest->size)
        return fault_set(fault, FAULT_CONFLICT, "a checkpoint of %llu entries, above the newest",
                         (unsigned long long)text.size);
    if (!checkpoint_read(note, &walk->ground.trust->log, policy, &read, fault))
        return false;
    if (!merkle_proof_consistent(text.size, &text.root, newest->size, &newest->root, path->hashes,
                                 path->count))
        return fault_set(fault, FAULT_AUTH, "the tree of %llu entries is not what the newest one grew from",
                         (unsigned long long)text.size);
    struct quorum quorum = checkpoint_quorum(&read, policy, now_us);
    *ret_mark = (struct time_mark){.size = text.size,
                                   .root = text.root,
                                   .bounds = quorum.met && quorum.counted > 0,
                                   .earliest_us = quorum.earliest_us,
                                   .latest_us = quorum.latest_us};
    return true;
}

static bool marks_read(struct bytes_reader *from, struct walk *walk, uint64_t now_us, struct fault *fault) {
    uint32_t count = bytes_read_u32(from);
    if (from->failed || count > from->rest.size)
        return cut_short(fault);
    walk->marks = memory_new_array((size_t)count + 1, sizeof *walk->marks);
    for (uint32_t i = 0; i < count; i++) {
        struct merkle_path path;
        struct slice note = bytes_read_block(from);
        if (!proof_path_read(from, &path))
            return cut_short(fault);
        if (!mark_check(walk, note, &path, now_us, &walk->marks[i], fault))
            return fault_place(fault, "checkpoint %u", i);
        if (i > 0 && walk->marks[i].size <= walk->marks[i - 1].size) {
            fault_set(fault, FAULT_FORMAT, "checkpoints do not ascend");
            return fault_place(fault, "checkpoint %u", i);
        }
        walk->mark_count = i + 1;
    }
    return true;
}

/* ---- entries */

static bool entry_read(struct bytes_reader *from, struct proved_entry *ret_entry, struct fault *fault) {
    ret_entry->index = bytes_read_u64(from);
    bool path = proof_path_read(from, &ret_entry->path);
    ret_entry->bytes = bytes_read_raw(from, BATCH_ENTRY_SIZE);
    ret_entry->list_bytes = bytes_read_raw(from, bytes_read_u16(from));
    if (!path || from->failed)
        return cut_short(fault);
    return batch_entry_read(ret_entry->bytes, &ret_entry->entry, fault) &&
           class_list_read(ret_entry->list_bytes, &ret_entry->list, fault);
}

static uint32_t listed(const struct class_list *list, uint8_t class) {
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].class == class)
            return list->items[i].count;
    return 0;
}

/* Whose key signs it: the stream must be the host's, its epoch enrolled. */
static bool epoch_of(struct walk *walk, const struct proved_entry *at, const struct agent_epoch **ret_epoch,
                     struct fault *fault) {
    enum lane lane;
    const struct agent_line *line =
        agent_registry_by_stream(log_history_agents(walk->ground.history), &at->entry.stream_id, &lane);
    if (!line || !slice_equal(line->name, walk->host) || lane != walk->lane ||
        (walk->line && walk->line != line))
        return fault_set(fault, FAULT_CONFLICT, "an entry of another stream");
    walk->line = line;
    *ret_epoch = agent_line_epoch(line, at->entry.epoch);
    return (*ret_epoch && at->index > (*ret_epoch)->from) ||
           fault_set(fault, FAULT_AUTH, "key epoch %u was not enrolled where the entry stands",
                     at->entry.epoch);
}

static bool begin_at(struct walk *walk, const struct proved_entry *at, const struct agent_epoch *epoch,
                     struct fault *fault) {
    struct hash root = class_list_event_root(at->list_bytes);
    if (!hash_equal(&root, &at->entry.event_root) || class_list_events(&at->list) != at->entry.event_count)
        return fault_set(fault, FAULT_AUTH, "the class list is not the one that was signed");
    stream_checker_destroy(walk->checker);
    walk->checker = stream_checker_resume(walk->lane, &epoch->key, at->bytes, fault);
    return walk->checker != NULL;
}

/* A break behind an orphan: the batch that was never closed left its number to it, and took its events along. */
static bool after_orphan(struct walk *walk, const struct proved_entry *at, const struct agent_epoch *epoch,
                         struct orphan *ret_orphan) {
    const struct batch_entry *last = &walk->last.entry, *entry = &at->entry;
    struct hash prev = batch_entry_hash(walk->last.bytes);
    if (entry->kind != BATCH_BREAK || entry->batch_seq != last->batch_seq + 1 ||
        !hash_equal(&entry->prev, &prev) ||
        !log_history_orphan(walk->ground.history, &entry->stream_id, entry->batch_seq, ret_orphan))
        return false;
    const struct part *part = &ret_orphan->part;
    const struct agent_epoch *signer = agent_line_epoch(walk->line, part->epoch);
    if (!signer || !part_signed_by(ret_orphan->part_bytes, &signer->key) || !hash_equal(&part->prev, &prev) ||
        part->first_event_seq != last->first_event_seq + last->event_count ||
        entry->first_event_seq != part->first_event_seq + part->event_count)
        return false;
    for (unsigned class = 0; class < CLASSES; class ++)
        if (entry->cum[class] != last->cum[class] + listed(&at->list, (uint8_t) class))
            return false;
    return begin_at(walk, at, epoch, NULL);
}

/* An orphan whose batch was closed after all: the close must hold what its part held. */
static bool covers_orphan(const struct walk *walk, const struct proved_entry *at, struct fault *fault) {
    struct orphan orphan;
    if (!log_history_orphan(walk->ground.history, &at->entry.stream_id, at->entry.batch_seq, &orphan))
        return true;
    bool fewer = at->entry.event_count < orphan.part.event_count;
    for (unsigned class = 0; class < CLASSES; class ++)
        fewer = fewer || listed(&at->list, (uint8_t) class) < listed(&orphan.list, (uint8_t) class);
    return !(fewer || at->entry.open_us != orphan.part.open_us || at->entry.close_us < orphan.part.time_us) ||
           fault_set(fault, FAULT_CONFLICT,
                     "the entry does not cover the part that was logged as an orphan of batch %llu",
                     (unsigned long long)at->entry.batch_seq);
}

/* Whether the entry follows. *ret_new_line: an enrolment began the epoch, so nothing ties it to what came before. */
static bool follow(struct walk *walk, const struct proved_entry *at, const struct agent_epoch *epoch,
                   uint64_t *ret_orphaned, bool *ret_new_line, struct fault *fault) {
    struct orphan orphan;
    if (at->entry.epoch != walk->last.entry.epoch && !epoch->rotated) {
        *ret_new_line = true;
        if (at->entry.batch_seq != epoch->first_batch_seq[walk->lane] || at->entry.kind != BATCH_BREAK ||
            at->entry.batch_seq <= walk->last.entry.batch_seq)
            return fault_set(fault, FAULT_CONFLICT,
                             "the entry is not the first one of the epoch that was enrolled");
        return begin_at(walk, at, epoch, fault);
    }
    if (at->entry.epoch == walk->last.entry.epoch + 1 && stream_checker_rotated(walk->checker))
        stream_checker_epoch(walk->checker, &epoch->key, NULL);
    if (after_orphan(walk, at, epoch, &orphan)) {
        *ret_orphaned = listed(&orphan.list, walk->absence->class);
        return true;
    }
    enum check check = stream_checker_close(walk->checker, at->bytes, at->list_bytes, fault);
    if (check == CHECK_ACCEPTED || check == CHECK_OWED)
        return covers_orphan(walk, at, fault);
    if (check == CHECK_BELOW || check == CHECK_REPEATED)
        fault_set(fault, FAULT_CONFLICT, "batch %llu stands where %llu is due",
                  (unsigned long long)at->entry.batch_seq,
                  (unsigned long long)walk->last.entry.batch_seq + 1);
    return false;
}

/* ---- what an entry says of the time before it */

static struct absence_interval interval_of(const struct walk *walk, uint64_t from_us, uint64_t to_us,
                                           struct standing standing, const struct proved_entry *at) {
    struct absence_interval interval = {.from_us = from_us,
                                        .to_us = to_us,
                                        .attestation = standing.attestation,
                                        .why = standing.why,
                                        .first_batch = at ? at->entry.batch_seq : 1,
                                        .last_batch = at ? at->entry.batch_seq : 0,
                                        .not_before_us = standing.not_before_us,
                                        .not_after_us = standing.not_after_us};
    if (walk->ground.unwitnessed && interval.attestation > ATTESTATION_UNWITNESSED) {
        interval.attestation = ATTESTATION_UNWITNESSED;
        interval.why = "the trust file names no witness that must have cosigned";
    }
    return interval;
}

static struct standing weaken(struct standing standing, const char *why) {
    standing.attestation = ATTESTATION_UNATTESTED;
    standing.why = why;
    return standing;
}

static void gap(struct walk *walk, uint64_t from_us, uint64_t to_us, uint64_t events, const char *why) {
    struct absence_interval interval =
        interval_of(walk, from_us, to_us < from_us ? from_us : to_us,
                    (struct standing){ATTESTATION_UNATTESTED, why, 0, UINT64_MAX, NULL}, NULL);
    interval.events = events;
    absence_add(walk->absence, interval);
}

/* The batch's own time alone: where the chain behind it does not tie its beginning to anything. */
static void own_time(struct walk *walk, const struct proved_entry *at, struct standing standing) {
    struct absence_interval interval = interval_of(walk, at->entry.open_us, at->entry.close_us, standing, at);
    interval.events = listed(&at->list, walk->absence->class);
    absence_add(walk->absence, interval);
}

static void since_last(struct walk *walk, const struct proved_entry *at, struct standing standing,
                       uint64_t heartbeat_us) {
    uint64_t from_us = walk->last.entry.close_us, to_us = at->entry.close_us;
    if (walk->last_standing.attestation < standing.attestation) {
        standing.attestation = walk->last_standing.attestation;
        standing.why = walk->last_standing.why;
    }
    standing.not_before_us = walk->last_standing.not_before_us;
    if (to_us - from_us > withheld_us(heartbeat_us))
        standing = weaken(standing, "no heartbeat came for so long that the agent may have stood still");
    struct absence_interval interval = interval_of(walk, from_us, to_us, standing, at);
    interval.events = listed(&at->list, walk->absence->class);
    absence_add(walk->absence, interval);
}

static bool witnesses_due(const struct walk *walk, uint64_t index) {
    return policy_at(walk, index + 1)->needed > 0;
}

static bool take(struct walk *walk, const struct proved_entry *at, struct fault *fault) {
    const struct time_marks marks = {walk->mark_count,
                                     walk->marks,
                                     {walk->ground.trust->log.id[0], walk->ground.trust->log.id[1],
                                      walk->ground.trust->log.id[2], walk->ground.trust->log.id[3]},
                                     walk->has_last ? walk->last_standing.seen : NULL};
    const struct agent_epoch *epoch;
    struct standing standing;
    uint64_t orphaned = 0;
    bool new_line = false;
    if (!proof_ground_has(&walk->ground, at->bytes, at->index, &at->path, fault) ||
        !epoch_of(walk, at, &epoch, fault))
        return false;
    if (walk->has_last && at->index <= walk->last.index)
        return fault_set(fault, FAULT_CONFLICT, "the entry stands in the log before the one that it follows");
    if (!(walk->has_last ? follow(walk, at, epoch, &orphaned, &new_line, fault)
                         : begin_at(walk, at, epoch, fault)))
        return false;
    uint64_t heartbeat_us = epoch->heartbeat_s * US_A_SECOND;
    if (!standing_of(&marks, &at->entry, at->index, heartbeat_us, witnesses_due(walk, at->index), &standing,
                     fault))
        return false;
    walk->absence->unconfirmed |= !epoch->confirmed;
    walk->absence->single_control |= epoch->single_control;
    if (!agent_epoch_live(epoch, at->index))
        standing = weaken(standing, "signed by a key that was not live any more");
    if (!walk->has_last) {
        /* Where the log enrolled it, which is later than its own beginning where it began in another log. */
        bool first = at->entry.batch_seq == 0 || at->entry.batch_seq == epoch->first_batch_seq[walk->lane];
        gap(walk, 0, first ? at->entry.open_us : at->entry.close_us, 0,
            first ? "before the stream began" : "no earlier entry is in the proof");
        if (first)
            own_time(walk, at, standing);
    } else if (new_line || at->entry.kind == BATCH_BREAK) {
        gap(walk, walk->last.entry.close_us, at->entry.open_us, orphaned,
            new_line ? "the agent was enrolled anew" : "the agent was not running, or its clock was set");
        own_time(walk, at, standing);
    } else
        since_last(walk, at, standing, heartbeat_us);
    walk->last = *at;
    walk->last_standing = standing;
    walk->has_last = true;
    walk->absence->entries++;
    if (walk->each)
        walk->each(walk->each_context, walk->host, walk->lane, at->bytes, at->index);
    return true;
}

static void finish(struct walk *walk) {
    struct absence *absence = walk->absence;
    struct orphan orphan;
    uint64_t orphaned = 0;
    if (walk->has_last && log_history_orphan(walk->ground.history, &walk->last.entry.stream_id,
                                             walk->last.entry.batch_seq + 1, &orphan))
        orphaned = listed(&orphan.list, absence->class);
    if (!walk->has_last)
        gap(walk, 0, UINT64_MAX, 0, "no entry is in the proof");
    else if (walk->last.entry.close_us < absence->to_us)
        gap(walk, walk->last.entry.close_us, UINT64_MAX, orphaned, "no later entry is in the proof");
    absence->unwitnessed = walk->ground.unwitnessed;
    absence->throughout = absence->interval_count > 0;
    for (size_t i = 0; i < absence->interval_count; i++)
        if (absence->intervals[i].attestation != ATTESTATION_WITNESSED || absence->intervals[i].events > 0)
            absence->throughout = false;
}

static bool walk_all(struct bytes_reader *from, struct walk *walk, const struct trust *trust, uint64_t now_us,
                     struct fault *fault) {
    if (!claim_read(from, walk, fault) || !proof_ground_open(from, trust, now_us, &walk->ground, fault) ||
        !marks_read(from, walk, now_us, fault))
        return false;
    uint32_t count = bytes_read_u32(from);
    for (uint32_t i = 0; i < count; i++) {
        struct proved_entry at;
        bool read = entry_read(from, &at, fault);
        if (!read || !take(walk, &at, fault))
            return read
                       ? fault_place(fault, "entry %u, batch %llu", i, (unsigned long long)at.entry.batch_seq)
                       : fault_place(fault, "entry %u", i);
    }
    if (!bytes_read_done(from))
        return cut_short(fault);
    finish(walk);
    return true;
}

bool absence_verify(struct slice file, const struct trust *trust, uint64_t now_us,
                    struct absence *ret_absence, struct fault *fault) {
    return absence_verify_each(file, trust, now_us, NULL, NULL, ret_absence, fault);
}

bool absence_verify_each(struct slice file, const struct trust *trust, uint64_t now_us, absence_each *each,
                         void *context, struct absence *ret_absence, struct fault *fault) {
    struct absence absence = {.class = 0};
    struct walk walk = {.absence = &absence, .each = each, .each_context = context};
    struct bytes_reader reader = bytes_read(file);
    bool good = walk_all(&reader, &walk, trust, now_us, fault);
    stream_checker_destroy(walk.checker);
    proof_ground_close(&walk.ground);
    free(walk.marks);
    if (good)
        *ret_absence = absence;
    else
        absence_free(&absence);
    return good;
}

/* The rules for a closing entry, one function each, in the order in which they are asked. */
#include "stream_checker_inside.h"

/* What is asked: the entry and its list against the chain. */
struct closing {
    const struct stream_checker *checker;
    struct batch_entry last; /* checker_last */
    struct slice bytes, list_bytes;
    struct batch_entry entry;
    struct class_list list;
};

typedef enum check rule(const struct closing *closing, struct fault *fault);

static enum check rule_signed(const struct closing *c, struct fault *fault) {
    if (c->entry.epoch != c->checker->epoch)
        return checker_refuse(CHECK_EPOCH, fault, "an entry of key epoch %u; %u is open", c->entry.epoch,
                              c->checker->epoch);
    if (!batch_entry_signed_by(c->bytes, &c->checker->key))
        return checker_refuse(CHECK_SIGNATURE, fault, "the entry's signature is not this agent's");
    return CHECK_ACCEPTED;
}

static enum check rule_sequence(const struct closing *c, struct fault *fault) {
    unsigned long long seq = c->entry.batch_seq, next = c->last.batch_seq + 1;
    if (c->checker->has_last && seq == c->last.batch_seq)
        return checker_refuse(CHECK_FORK, fault, "another entry for batch %llu", seq);
    if (seq != next)
        return checker_refuse(CHECK_SEQUENCE, fault, "batch %llu is closed; %llu is the next", seq, next);
    if (c->checker->has_last && c->last.epoch == c->entry.epoch && c->last.kind == BATCH_ROTATE)
        return checker_refuse(CHECK_ENDED, fault, "batch %llu comes after its epoch's last", seq);
    if (c->checker->has_last && c->last.kind == BATCH_END)
        return checker_refuse(CHECK_ENDED, fault, "batch %llu comes after its stream's last", seq);
    return CHECK_ACCEPTED;
}

static enum check rule_chain(const struct closing *c, struct fault *fault) {
    struct hash prev = checker_last_hash(c->checker);
    if (!checker_begins_inside(c->checker) && !hash_equal(&c->entry.prev, &prev))
        return checker_refuse(CHECK_CHAIN, fault, "batch %llu follows another entry than the last",
                              (unsigned long long)c->entry.batch_seq);
    if (c->entry.first_event_seq != checker_first_seq(&c->last))
        return checker_refuse(CHECK_SEQUENCE, fault, "the batch begins at event %llu, not at %llu",
                              (unsigned long long)c->entry.first_event_seq,
                              (unsigned long long)checker_first_seq(&c->last));
    return CHECK_ACCEPTED;
}

static enum check rule_seen(const struct closing *c, struct fault *fault) {
    static const uint8_t none[sizeof c->entry.seen.key_id];
    const struct seen_checkpoint *before = &c->last.seen, *now = &c->entry.seen;
    if (c->checker->has_last && memcmp(before->key_id, none, sizeof none) != 0 &&
        memcmp(now->key_id, none, sizeof none) == 0)
        return checker_refuse(CHECK_SEEN, fault, "the agent had seen a checkpoint, and has none any more");
    if (!c->checker->has_last || memcmp(before->key_id, now->key_id, sizeof now->key_id) != 0)
        return CHECK_ACCEPTED;
    bool good =
        now->size > before->size || (now->size == before->size && hash_equal(&now->root, &before->root));
    return good ? CHECK_ACCEPTED
                : checker_refuse(CHECK_SEEN, fault, "the checkpoint that the agent has seen fell");
}

/* What the stream counted elsewhere, by its own word. */
static void take_cum(const struct closing *c, uint64_t cum[CLASS_NUMBERS]) {
    memcpy(cum, c->entry.cum, sizeof c->entry.cum);
    for (size_t i = 0; i < c->list.count; i++) {
        uint64_t *counted = &cum[c->list.items[i].class];
        *counted = *counted > c->list.items[i].count ? *counted - c->list.items[i].count : 0;
    }
}

static enum check rule_class_list(const struct closing *c, struct fault *fault) {
    struct hash root = class_list_event_root(c->list_bytes);
    if (!hash_equal(&root, &c->entry.event_root))
        return checker_refuse(CHECK_ROOT, fault, "the class list is not the one that was signed");
    for (size_t i = 0; i < c->list.count; i++)
        if (class_lane(c->list.items[i].class) != (enum lane)c->checker->lane)
            return checker_refuse(CHECK_CLASS, fault, "class %u does not belong to this lane",
                                  c->list.items[i].class);
    if (class_list_events(&c->list) != c->entry.event_count)
        return checker_refuse(CHECK_COUNT, fault, "the class list has %llu events, the entry %u",
                              (unsigned long long)class_list_events(&c->list), c->entry.event_count);
    uint64_t cum[CLASS_NUMBERS];
    memcpy(cum, c->last.cum, sizeof cum);
    if (checker_begins_inside(c->checker))
        take_cum(c, cum);
    for (size_t i = 0; i < c->list.count; i++)
        cum[c->list.items[i].class] += c->list.items[i].count;
    for (unsigned class = 0; class < CLASS_NUMBERS; class ++)
        if (cum[class] != c->entry.cum[class])
            return checker_refuse(CHECK_COUNT, fault, "class %u has %llu events so far, the entry says %llu",
                                  class, (unsigned long long)cum[class],
                                  (unsigned long long)c->entry.cum[class]);
    return CHECK_ACCEPTED;
}

static enum check rule_clocks(const struct closing *c, struct fault *fault) {
    const struct batch_entry *last = &c->last, *entry = &c->entry;
    if (entry->kind == BATCH_BREAK)
        return CHECK_ACCEPTED;
    if (!c->checker->has_last)
        return checker_refuse(CHECK_BOOT, fault, "a stream's first batch is a break");
    if (memcmp(last->boot_id, entry->boot_id, BOOT_ID_SIZE) != 0)
        return checker_refuse(CHECK_BOOT, fault, "the boot changed without a break");
    if (entry->open_us != last->close_us)
        return checker_refuse(CHECK_TIME, fault, "the batch does not open when the last one closed");
    uint64_t wall = entry->close_us - last->close_us, boot = entry->boottime_us - last->boottime_us;
    uint64_t apart = wall > boot ? wall - boot : boot - wall;
    /* A boot clock that fell has wrapped, and is apart too. */
    if (apart > BATCH_DRIFT_US)
        return checker_refuse(CHECK_TIME, fault, "the wall clock left the boot clock without a break");
    return CHECK_ACCEPTED;
}

static enum check rule_parts(const struct closing *c, struct fault *fault) {
    struct part part;
    if (!checker_part(c->checker, &part))
        return CHECK_ACCEPTED;
    if (part.event_count > c->entry.event_count || part.open_us != c->entry.open_us ||
        part.time_us > c->entry.close_us)
        return checker_refuse(CHECK_FORK, fault, "the entry does not cover part %u", part.number);
    return CHECK_ACCEPTED;
}

static enum check rule_events(const struct closing *c, struct fault *fault) {
    const struct checker_open *open = c->checker->open;
    uint32_t count = checker_count(c->checker);
    if (count > c->entry.event_count)
        return checker_refuse(CHECK_COUNT, fault, "the batch has %u events, the entry %u", count,
                              c->entry.event_count);
    if (count && (open->events[0].time_us < c->entry.open_us || open->last_us > c->entry.close_us))
        return checker_refuse(CHECK_TIME, fault, "the batch's events lie outside its times");
    if (count < c->entry.event_count)
        return CHECK_OWED;
    struct hash root = open_batch_root(open ? open->batch : NULL);
    return hash_equal(&root, &c->entry.event_root)
               ? CHECK_ACCEPTED
               : checker_refuse(CHECK_ROOT, fault, "the entry was signed over other events than these");
}

static enum check list_repeated(const struct closing *c, struct fault *fault) {
    struct hash root = class_list_event_root(c->list_bytes);
    return hash_equal(&root, &c->entry.event_root)
               ? CHECK_REPEATED
               : checker_refuse(CHECK_ROOT, fault, "the class list is not the one that was signed");
}

static enum check ask(const struct closing *closing, struct fault *fault) {
    static rule *const rules[] = {rule_signed, rule_sequence,   rule_chain, rule_seen,
                                  rule_clocks, rule_class_list, rule_parts, rule_events};
    enum check check = CHECK_ACCEPTED;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && check_good(check); i++)
        check = rules[i](closing, fault);
    return check;
}

enum check stream_checker_close(struct stream_checker *checker, struct slice entry_bytes,
                                struct slice list_bytes, struct fault *fault) {
    struct closing closing = {
        .checker = checker, .last = checker_last(checker), .bytes = entry_bytes, .list_bytes = list_bytes};
    struct fault inner;
    if (!batch_entry_read(entry_bytes, &closing.entry, &inner) ||
        !class_list_read(list_bytes, &closing.list, &inner))
        return checker_refuse(CHECK_MALFORMED, fault, "%s", inner.text);
    if (!hash_equal(&closing.entry.stream_id, &checker->stream_id))
        return checker_refuse(CHECK_STREAM, fault, "an entry of another stream");
    if (checker->has_last && closing.entry.batch_seq < closing.last.batch_seq)
        return CHECK_BELOW;
    if (slice_equal(entry_bytes, stream_checker_last_entry(checker)))
        return list_repeated(&closing, fault);
    enum check check = ask(&closing, fault);
    if (!check_good(check))
        return check;
    checker->has_last = true;
    memcpy(checker->last, entry_bytes.data, BATCH_ENTRY_SIZE);
    checker_open_drop(checker);
    return check;
}

bool stream_checker_epoch(struct stream_checker *checker, const struct verify_key *key, struct fault *fault) {
    if (!stream_checker_rotated(checker))
        return fault_set(fault, FAULT_CONFLICT, "a new epoch follows a rotation, and there was none");
    checker->key = *key;
    checker->epoch++;
    return true;
}

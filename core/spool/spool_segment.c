#include "spool_segment.h"

struct walk {
    const struct spool_segment_reader *reader;
    struct spool_segment_result *result;
    struct spool_segment_id id;
    uint64_t bad_from; /* where the damage that is being passed over begins */
    bool bad;
};

static bool names_itself(struct slice items, struct spool_segment_id id) {
    struct spool_item item;
    return spool_item_next(&items, &item, NULL) && item.kind == SPOOL_ITEM_SEGMENT &&
           item.id.number == id.number && item.id.nonce == id.nonce;
}

static void take_record(struct walk *walk, uint64_t offset, size_t size, struct slice items) {
    if (walk->bad) {
        walk->bad = false;
        walk->result->damaged++;
        if (walk->reader->damage)
            walk->reader->damage(walk->reader->context, walk->bad_from, offset - walk->bad_from);
    }
    if (offset == 0)
        walk->result->headed = names_itself(items, walk->id);
    walk->result->records++;
    walk->result->end = offset + size;
    walk->reader->record(walk->reader->context, offset, size, items);
}

void spool_segment_read(struct slice bytes, struct spool_segment_id id,
                        const struct spool_segment_reader *reader, struct spool_segment_result *ret_result) {
    *ret_result = (struct spool_segment_result){0};
    struct walk walk = {.reader = reader, .result = ret_result, .id = id};
    for (size_t at = 0; at < bytes.size;) {
        struct slice items;
        size_t size;
        if (spool_record_read(slice_from(bytes, at), id, at, &items, &size) == SPOOL_RECORD_GOOD) {
            take_record(&walk, at, size, items);
            at += size;
            continue;
        }
        if (!walk.bad) {
            walk.bad = true;
            walk.bad_from = at;
        }
        at += SPOOL_ALIGNMENT;
    }
    ret_result->torn = bytes.size - ret_result->end;
}

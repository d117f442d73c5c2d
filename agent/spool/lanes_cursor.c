#include "lanes_inside.h"

#include "memory.h"

void lanes_cursor_begin(struct lanes_cursor *cursor, struct lanes *lanes, enum lane lane) {
    *cursor = (struct lanes_cursor){.lanes = lanes, .lane = lane};
    spool_reader_open(&cursor->reader, lanes->folder);
}

void lanes_cursor_end(struct lanes_cursor *cursor) {
    spool_reader_close(&cursor->reader);
}

struct lanes_cursor *lanes_cursor_create(struct lanes *lanes, enum lane lane) {
    struct lanes_cursor *cursor = memory_new(sizeof *cursor);
    lanes_cursor_begin(cursor, lanes, lane);
    return cursor;
}

struct lanes_cursor *lanes_cursor_destroy(struct lanes_cursor *cursor) {
    if (cursor)
        lanes_cursor_end(cursor);
    memory_cleanup(&cursor);
    return NULL;
}

static void stand_at(struct lanes_cursor *cursor, uint64_t number) {
    cursor->number = number;
    cursor->offset = 0;
    cursor->given = 0;
    cursor->loaded = false;
}

uint64_t lane_oldest_batch(const struct lanes *lanes, enum lane lane) {
    const struct spool_folder *folder = lanes->folder;
    for (size_t i = 0; i < spool_folder_count(folder); i++) {
        const struct spool_span *span = &spool_folder_segment(folder, i)->lanes[lane];
        if (span->any)
            return span->first_batch;
    }
    return lanes->lanes[lane].durable.batch_seq;
}

bool lanes_cursor_seek(struct lanes_cursor *cursor, uint64_t batch_seq, uint64_t event_seq,
                       struct fault *fault) {
    const struct lanes_hello *durable = &cursor->lanes->lanes[cursor->lane].durable;
    if (batch_seq > durable->batch_seq || event_seq > durable->next_event_seq)
        return fault_set(
            fault, FAULT_CONFLICT,
            "batch %llu and event %llu are wanted next; the spool ends before batch %llu, event %llu",
            (unsigned long long)batch_seq, (unsigned long long)event_seq,
            (unsigned long long)durable->batch_seq, (unsigned long long)durable->next_event_seq);
    uint64_t oldest = lane_oldest_batch(cursor->lanes, cursor->lane);
    if (batch_seq < oldest)
        return fault_set(fault, FAULT_MISSING, "batch %llu is wanted next; the spool begins with batch %llu",
                         (unsigned long long)batch_seq, (unsigned long long)oldest);
    const struct spool_folder *folder = cursor->lanes->folder;
    size_t place = 0;
    for (; place + 1 < spool_folder_count(folder); place++) {
        const struct spool_span *span = &spool_folder_segment(folder, place)->lanes[cursor->lane];
        if (span->any && (span->next_seq > event_seq || span->last_batch >= batch_seq))
            break;
    }
    stand_at(cursor, place < spool_folder_count(folder) ? spool_folder_segment(folder, place)->id.number : 0);
    cursor->want_batch = batch_seq;
    cursor->want_seq = event_seq;
    return true;
}

static bool take_events(struct lanes_cursor *cursor, const struct spool_item *item,
                        struct lanes_item *ret_item) {
    uint64_t end = item->first_event_seq + item->count;
    uint64_t void_from;
    if (item->batch_seq < cursor->want_batch || end <= cursor->want_seq)
        return false;
    bool hole = item->first_event_seq > cursor->want_seq;
    bool given_up = spool_state_void(spool_folder_state(cursor->lanes->folder), cursor->lane, item->batch_seq,
                                     &void_from) &&
                    end > void_from;
    if ((hole && item->batch_seq == cursor->want_batch) || given_up)
        cursor->broken_batch = item->batch_seq + 1;
    if (!cursor->whole && cursor->broken_batch == item->batch_seq + 1)
        return false;
    *ret_item = (struct lanes_item){.kind = LANES_EVENTS, .after_hole = hole};
    cursor->want_seq = end;
    return true;
}
static bool take_part(const struct lanes_cursor *cursor, const struct spool_item *item,
                      struct lanes_item *ret_item) {
    const struct lanes_hello *durable = &cursor->lanes->lanes[cursor->lane].durable;
    bool newest = durable->has_part && slice_equal(item->bytes, slice_make(durable->newest_part, PART_SIZE));
    if (!newest && !cursor->whole)
        return false;
    *ret_item = (struct lanes_item){.kind = LANES_PART};
    return true;
}

static bool take_close(struct lanes_cursor *cursor, const struct spool_item *item,
                       struct lanes_item *ret_item) {
    if (item->batch_seq < cursor->want_batch)
        return false;
    uint64_t end = item->first_event_seq + item->count;
    *ret_item = (struct lanes_item){
        .kind = LANES_CLOSE, .class_list = item->more, .after_hole = end > cursor->want_seq};
    cursor->want_batch = item->batch_seq + 1;
    if (end > cursor->want_seq)
        cursor->want_seq = end;
    return true;
}

static bool take_item(struct lanes_cursor *cursor, const struct spool_item *item,
                      struct lanes_item *ret_item) {
    if (item->lane != cursor->lane)
        return false;
    bool taken = item->kind == SPOOL_ITEM_EVENTS  ? take_events(cursor, item, ret_item)
                 : item->kind == SPOOL_ITEM_PART  ? take_part(cursor, item, ret_item)
                 : item->kind == SPOOL_ITEM_CLOSE ? take_close(cursor, item, ret_item)
                                                  : false;
    if (!taken)
        return false;
    ret_item->batch_seq = item->batch_seq;
    ret_item->first_event_seq = item->first_event_seq;
    ret_item->count = item->count;
    ret_item->bytes = item->bytes;
    return true;
}

/* Has the record at the cursor in `items`, without those already given. LANES_END: there is none any more. */
static enum lanes_found load(struct lanes_cursor *cursor, struct fault *fault) {
    const struct spool_folder *folder = cursor->lanes->folder;
    if (cursor->loaded && cursor->changes == cursor->lanes->changes)
        return LANES_ITEM;
    for (;;) {
        size_t place = spool_folder_find(folder, cursor->number);
        if (place == spool_folder_count(folder))
            return LANES_END;
        const struct spool_segment *segment = spool_folder_segment(folder, place);
        if (segment->id.number != cursor->number || segment->generation != cursor->generation)
            stand_at(cursor, segment->id.number);
        cursor->generation = segment->generation;
        uint64_t offset = cursor->offset;
        if (!spool_reader_record(&cursor->reader, segment, &cursor->offset, &cursor->items, &cursor->size,
                                 fault))
            return LANES_FAILED;
        if (cursor->offset != offset)
            cursor->given = 0;
        if (cursor->size)
            break;
        if (place + 1 == spool_folder_count(folder))
            return LANES_END;
        stand_at(cursor, spool_folder_segment(folder, place + 1)->id.number);
    }
    struct spool_item item;
    for (size_t i = 0; i < cursor->given && spool_item_next(&cursor->items, &item, NULL); i++)
        ;
    cursor->loaded = true;
    cursor->changes = cursor->lanes->changes;
    return LANES_ITEM;
}

enum lanes_found lanes_cursor_next(struct lanes_cursor *cursor, struct lanes_item *ret_item,
                                   struct fault *fault) {
    for (;;) {
        enum lanes_found found = load(cursor, fault);
        if (found != LANES_ITEM) {
            spool_reader_rest(&cursor->reader);
            return found;
        }
        struct spool_item item;
        struct lanes_item wanted;
        while (spool_item_next(&cursor->items, &item, NULL)) {
            cursor->given++;
            if (take_item(cursor, &item, &wanted)) {
                *ret_item = wanted;
                return LANES_ITEM;
            }
        }
        cursor->offset += cursor->size;
        cursor->given = 0;
        cursor->loaded = false;
    }
}

/* The spool's quota: which bodies are given up first (log-format, Parts: over its quota). */
#include "lanes_inside.h"

#include "memory.h"

#define RANK_STORED 0u                 /* all collectors have them */
#define RANK_ELSEWHERE 1u              /* one of them has */
#define CANDIDATES_MOST 256u           /* batches given up at a time */
#define ROOM (2ull * LANES_GROUP_TEXT) /* so much is kept free below the quota, for the next group */
#define REACH 2u                       /* segments after one in which its batches may end */

static const uint8_t ranks[CLASSES] = {
    [CLASS_JOURNAL] = LANES_RANK_KEEP,
    [CLASS_NETWORK] = 3,
    [CLASS_SYSTEM] = 2,
    [CLASS_ACCESS] = 4,
    [CLASS_APPLICATION] = 2,
    [CLASS_SIGNING] = LANES_RANK_KEEP,
    [CLASS_CONFIGURATION] = LANES_RANK_KEEP,
    [CLASS_REPORT] = LANES_RANK_KEEP,
    [CLASS_ISSUED] = LANES_RANK_KEEP,
    [CLASS_REVOCATION] = LANES_RANK_KEEP,
};
#define RANK_MOST 4u

unsigned lanes_class_rank(enum event_class class) {
    return (unsigned)class < CLASSES ? ranks[class] : LANES_RANK_KEEP;
}

struct candidate {
    enum lane lane;
    uint64_t batch_seq, first;
    uint32_t count;
    uint8_t class_list[CLASS_LIST_MOST];
    size_t class_list_size;
};

struct candidates {
    struct lanes *lanes;
    unsigned rank;
    uint64_t begins[LANES]; /* batches with events in the segment: from … */
    uint64_t ends[LANES];   /* … to below this one */
    bool void_bytes;        /* the segment has bodies that were given up before; a crash kept their bytes */
    size_t count;
    struct candidate list[CANDIDATES_MOST];
};

/* Who has all events before `end_seq`; one that is held has nothing that counts. */
enum kept_at { KEPT_NOWHERE, KEPT_SOMEWHERE, KEPT_EVERYWHERE };
static enum kept_at kept_at(const struct lanes *lanes, enum lane lane, uint64_t end_seq) {
    bool any = false, all = true;
    for (unsigned i = 0; i < LANES_COLLECTORS_MOST; i++) {
        if (!lanes_joined(lanes, i))
            continue;
        bool has = !lanes->on_hold[i] && lanes_marks(lanes, i, lane).stored >= end_seq;
        any = any || has;
        all = all && has;
    }
    return any && all ? KEPT_EVERYWHERE : any ? KEPT_SOMEWHERE : KEPT_NOWHERE;
}

/* A batch goes with the strictest of its classes. What somebody has is not lost, whatever it is: so a collector that is
 * away for long, or contradicts itself, never stops what goes to the others. */
static unsigned batch_rank(const struct lanes *lanes, const struct spool_item *close) {
    struct class_list list;
    unsigned rank = 0;
    enum kept_at kept = kept_at(lanes, (enum lane)close->lane, close->first_event_seq + close->count);
    if (kept != KEPT_NOWHERE)
        return kept == KEPT_EVERYWHERE ? RANK_STORED : RANK_ELSEWHERE;
    if (lanes_any_held(lanes) || !class_list_read(close->more, &list, NULL))
        return LANES_RANK_KEEP;
    for (size_t i = 0; i < list.count; i++) {
        unsigned of_class = lanes_class_rank((enum event_class)list.items[i].class);
        rank = of_class > rank ? of_class : rank;
    }
    return rank;
}

static const struct candidate *find(const struct candidates *candidates, enum lane lane, uint64_t batch_seq) {
    for (size_t i = 0; i < candidates->count; i++)
        if (candidates->list[i].lane == lane && candidates->list[i].batch_seq == batch_seq)
            return &candidates->list[i];
    return NULL;
}

static void consider(struct candidates *candidates, const struct spool_item *close) {
    uint64_t first;
    bool here = close->batch_seq >= candidates->begins[close->lane] &&
                close->batch_seq < candidates->ends[close->lane];
    if (!here || close->count == 0 || candidates->count == CANDIDATES_MOST ||
        close->more.size > CLASS_LIST_MOST || batch_rank(candidates->lanes, close) > candidates->rank ||
        spool_state_void(spool_folder_state(candidates->lanes->folder), (enum lane)close->lane,
                         close->batch_seq, &first) ||
        find(candidates, (enum lane)close->lane, close->batch_seq))
        return;
    struct candidate *candidate = &candidates->list[candidates->count++];
    *candidate = (struct candidate){.lane = (enum lane)close->lane,
                                    .batch_seq = close->batch_seq,
                                    .first = close->first_event_seq,
                                    .count = close->count,
                                    .class_list_size = close->more.size};
    memcpy(candidate->class_list, close->more.data, close->more.size);
}

/* Walks the items of one segment. */
static void walk(struct lanes *lanes, size_t place,
                 void (*each)(struct candidates *to, const struct spool_item *item), struct candidates *to) {
    struct spool_reader reader;
    struct slice items;
    size_t size;
    const struct spool_segment *segment = spool_folder_segment(lanes->folder, place);
    spool_reader_open(&reader, lanes->folder);
    for (uint64_t at = 0; spool_reader_record(&reader, segment, &at, &items, &size, NULL) && size;
         at += size) {
        struct spool_item item;
        while (spool_item_next(&items, &item, NULL))
            each(to, &item);
    }
    spool_reader_close(&reader);
}

static bool is_void(const struct candidates *candidates, const struct spool_item *events) {
    uint64_t first;
    return spool_state_void(spool_folder_state(candidates->lanes->folder), (enum lane)events->lane,
                            events->batch_seq, &first) &&
           events->first_event_seq >= first;
}

static void note_events(struct candidates *candidates, const struct spool_item *item) {
    if (item->kind != SPOOL_ITEM_EVENTS)
        return;
    candidates->void_bytes = candidates->void_bytes || is_void(candidates, item);
    if (item->batch_seq < candidates->begins[item->lane])
        candidates->begins[item->lane] = item->batch_seq;
    if (item->batch_seq >= candidates->ends[item->lane])
        candidates->ends[item->lane] = item->batch_seq + 1;
}

static void note_close(struct candidates *candidates, const struct spool_item *item) {
    if (item->kind == SPOOL_ITEM_CLOSE)
        consider(candidates, item);
}

/* The batches of a segment that may go at this rank, and whose end is known. Those that reach into the
 * segment being written stay for now. */
static void choose(struct candidates *candidates, size_t place) {
    struct lanes *lanes = candidates->lanes;
    size_t count = spool_folder_count(lanes->folder);
    candidates->count = 0;
    candidates->void_bytes = false;
    for (unsigned i = 0; i < LANES; i++) {
        candidates->begins[i] = UINT64_MAX;
        candidates->ends[i] = 0;
    }
    walk(lanes, place, note_events, candidates);
    const struct spool_segment *last = spool_folder_segment(lanes->folder, count - 1);
    for (unsigned i = 0; i < LANES; i++)
        if (last->lanes[i].any && last->lanes[i].events_bytes &&
            candidates->ends[i] > last->lanes[i].first_events_batch)
            candidates->ends[i] = last->lanes[i].first_events_batch;
    for (size_t i = place; i < count && i <= place + REACH; i++)
        walk(lanes, i, note_close, candidates);
}

static bool chosen(void *context, const struct spool_item *events) {
    return find(context, (enum lane)events->lane, events->batch_seq) || is_void(context, events);
}

/* First the gap events, on disk, with what makes the bodies void; then their bytes. After a crash in
 * between the bytes are still there, void, and go when room is made again. */
static bool give_up(struct candidates *candidates, size_t place) {
    struct lanes *lanes = candidates->lanes;
    uint64_t number = spool_folder_segment(lanes->folder, place)->id.number;
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *candidate = &candidates->list[i];
        enum kept_at kept = kept_at(lanes, candidate->lane, candidate->first + candidate->count);
        bool stored = kept == KEPT_EVERYWHERE;
        const struct lanes_loss loss = {.batch_seq = candidate->batch_seq,
                                        .first = candidate->first,
                                        .count = stored ? 0 : candidate->count,
                                        .class_list =
                                            slice_make(candidate->class_list, candidate->class_list_size),
                                        .reason = kept == KEPT_SOMEWHERE
                                                      ? "spool quota; another collector has them"
                                                      : "spool quota"};
        if (!lanes_lose(lanes, candidate->lane, &loss))
            return false;
        lanes->report.dropped_batches += !stored;
        lanes->report.dropped_events += loss.count;
    }
    if (!lanes_flush(lanes, NULL))
        return false;
    bool good = true;
    place = spool_folder_find(lanes->folder, number);
    for (size_t i = place; good && i + 1 < spool_folder_count(lanes->folder) && i <= place + REACH; i++)
        good = spool_folder_rewrite(lanes->folder, i, chosen, candidates, NULL);
    lanes->changes++;
    return good;
}

static bool make_room_once(struct lanes *lanes, struct candidates *candidates) {
    for (candidates->rank = RANK_STORED; candidates->rank <= RANK_MOST; candidates->rank++) {
        for (size_t place = 0; place + 1 < spool_folder_count(lanes->folder); place++) {
            const struct spool_segment *segment = spool_folder_segment(lanes->folder, place);
            if (!segment->lanes[LANE_SECURITY].events_bytes && !segment->lanes[LANE_BULK].events_bytes)
                continue;
            choose(candidates, place);
            if (candidates->count || candidates->void_bytes)
                return give_up(candidates, place);
        }
    }
    return false;
}

void lanes_make_room(struct lanes *lanes) {
    if (lanes->making_room || lanes->room_exhausted || !lanes_room(lanes) ||
        spool_folder_bytes(lanes->folder) + ROOM <= lanes->settings.quota)
        return;
    struct candidates *candidates = memory_new(sizeof *candidates);
    candidates->lanes = lanes;
    lanes->making_room = lanes->telling = true;
    while (!lanes->room_exhausted && spool_folder_bytes(lanes->folder) + ROOM > lanes->settings.quota)
        lanes->room_exhausted = !make_room_once(lanes, candidates);
    lanes->making_room = lanes->telling = false;
    memory_cleanup(&candidates);
}

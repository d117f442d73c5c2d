/* Hot rows and sealed segments as one: merged by arrival, then by event_seq, under one snapshot, so that an event that is
 * being sealed is met once. Blocks that cannot hold anything are not read (query_segment.h); counting needs no order and,
 * for a plain word, hardly a block. */
#include <stdlib.h>
#include <string.h>

#include "body_time.h"
#include "bytes.h"
#include "memory.h"
#include "query_segment.h"
#include "search_inside.h"

#define MINUTE_US UINT64_C(60000000)
#define STOP_LOOK 16u /* blocks between two looks at whether to go on */

/* Where something stands; a bound as long as it is not known exactly. */
struct place {
    uint64_t arrival, seq;
};

struct sealed_cursor {
    struct segment_row row;
    struct sealed_handle *handle;
    const struct segment_reader *reader;
    const struct segment_index *index;
    struct query_blocks *blocks;
    const struct stream_name **names; /* of the index's streams */
    bool *wanted;                     /* streams of the host that is asked for */
    struct segment_block *memory;
    uint8_t *marks; /* of the open block's events: which may match; NULL: all */
    int64_t block;  /* that stands next, or is open */
    bool open;
    int64_t event; /* in the open block: the next one to look at, or the one found */
    struct place place;
    bool found; /* place is that of a matching event */
    bool done;
};

struct merge {
    struct search *search;
    struct store_snapshot *snapshot;
    struct sealed_cursor *cursors;
    size_t count, room;
    uint64_t from; /* rows below it were given before */
    unsigned looks;
};

static bool is_before(const struct search *search, const struct place *a, const struct place *b) {
    bool less = a->arrival != b->arrival ? a->arrival < b->arrival : a->seq < b->seq;
    bool equal = a->arrival == b->arrival && a->seq == b->seq;
    return search->backward ? !less && !equal : less;
}

/* What cannot be read is told at the end; what was erased while we looked is not damage. */
static void note_damage(struct search *search, const struct fault *fault) {
    if (fault->code != FAULT_MISSING && !search->damage.code)
        search->damage = *fault;
}

/* ---- blocks */

/* By lines' own times, where the block knows them. Lines without a zone were read with the one of that day. */
static bool times_may_match(const struct search *search, const struct segment_index *index,
                            const struct segment_block_note *note) {
    if (note->last_time_us + LINE_AFTER_READ_US < search->query->since_us)
        return false;
    if (note->flags & SEGMENT_BLOCK_TIMELESS)
        return true;
    int zone = interpreter_zone(search->ground.knowledge->interpreter) - index->zone_minutes;
    uint64_t shift = (uint64_t)(zone < 0 ? -zone : zone) * MINUTE_US;
    return note->last_line_us + shift >= search->query->since_us &&
           (note->first_line_us < shift || note->first_line_us - shift < search->until_us);
}

static bool block_may_match(const struct merge *merge, const struct sealed_cursor *cursor, uint32_t number) {
    const struct search *search = merge->search;
    const struct segment_block_note *note = &cursor->index->blocks[number];
    if (!cursor->blocks->may[number] || note->last_arrival < merge->from)
        return false;
    if (search->query->by_ingested &&
        (note->last_ingested_us < search->query->since_us || note->first_ingested_us >= search->until_us))
        return false;
    if (search->by_line && !times_may_match(search, cursor->index, note))
        return false;
    for (uint32_t stream = 0; stream < cursor->index->stream_count; stream++)
        if (cursor->wanted[stream] && note->streams[stream / 8] >> stream % 8 & 1)
            return true;
    return false;
}

/* Goes to the next block that may hold something, `block` itself included: its bound is the place. */
static void find_block(const struct merge *merge, struct sealed_cursor *cursor) {
    int64_t step = merge->search->backward ? -1 : 1;
    cursor->open = cursor->found = false;
    for (; cursor->block >= 0 && cursor->block < (int64_t)cursor->index->block_count; cursor->block += step)
        if (block_may_match(merge, cursor, (uint32_t)cursor->block)) {
            const struct segment_block_note *note = &cursor->index->blocks[cursor->block];
            cursor->place = merge->search->backward ? (struct place){note->last_arrival, UINT64_MAX}
                                                    : (struct place){note->first_arrival, 0};
            return;
        }
    cursor->done = true;
    cursor->memory = segment_block_destroy(cursor->memory);
    free(cursor->marks);
    cursor->marks = NULL;
}

/* Texts are opened only for a block that has an event of the host and the time. */
static bool open_block(const struct merge *merge, struct sealed_cursor *cursor) {
    struct fault fault = {0};
    if (!cursor->memory)
        cursor->memory = segment_block_create();
    if (!segment_block_open(cursor->memory, cursor->reader, (uint32_t)cursor->block, &fault) ||
        !segment_block_values(cursor->memory, &fault)) {
        note_damage(merge->search, &fault);
        return false;
    }
    struct slice token = query_segment_token(merge->search->expression);
    cursor->marks = memory_resize(cursor->marks, segment_block_count(cursor->memory), 1);
    if (!segment_block_mark(cursor->memory, token, cursor->marks)) {
        free(cursor->marks);
        cursor->marks = NULL;
    }
    cursor->open = true;
    cursor->event = merge->search->backward ? (int64_t)segment_block_count(cursor->memory) - 1 : 0;
    return true;
}

/* Whether the line's first bytes put it outside the times that are asked for. */
static bool is_outside(const struct search *search, struct sealed_cursor *cursor,
                       const struct segment_event *at) {
    const struct segment_shape *shape = &cursor->index->shapes[at->shape];
    uint64_t line_us;
    if (!search->by_line || !at->shape || shape->kind != EVENT_LINE || shape->name_count)
        return false;
    struct slice head = segment_block_raw_head(cursor->memory, (uint32_t)cursor->event, BODY_TIME_HEAD);
    int zone = interpreter_zone(search->ground.knowledge->interpreter);
    return body_time_head(head, at->time_us, zone, &line_us) && !search_within(search, line_us);
}

static bool event_matches(const struct merge *merge, struct sealed_cursor *cursor) {
    struct search *search = merge->search;
    const struct segment_event *at = segment_block_event(cursor->memory, (uint32_t)cursor->event);
    uint32_t stream = cursor->index->batches[at->batch].stream;
    struct event_body body;
    if ((cursor->marks && !cursor->marks[cursor->event]) || !cursor->wanted[stream] ||
        at->arrival < merge->from ||
        (search->query->by_ingested && !search_within(search, at->ingested_us)) ||
        is_outside(search, cursor, at))
        return false;
    if (at->shape) {
        if (!query_raw_may_match(search->expression,
                                 segment_block_raw(cursor->memory, (uint32_t)cursor->event)))
            return false;
        if (!search->by_line && !query_needs_fields(search->expression))
            return true;
    }
    struct event event = {at->seq, at->time_us, cursor->row.class, {NULL, 0}};
    return segment_block_body(cursor->memory, (uint32_t)cursor->event, search->fields, &body, NULL) &&
           search_matches(search, &event, &body, cursor->names[stream]);
}

/* On to the next event that matches, in this block or a later one: at most one block is read. */
static void advance(struct merge *merge, struct sealed_cursor *cursor) {
    int64_t step = merge->search->backward ? -1 : 1;
    if (!cursor->open) {
        if (++merge->looks % STOP_LOOK == 0 && search_stopping(merge->search))
            merge->search->ended = true;
        if (!open_block(merge, cursor)) {
            cursor->block += step;
            find_block(merge, cursor);
            return;
        }
    } else
        cursor->event += step;
    for (; cursor->event >= 0 && cursor->event < (int64_t)segment_block_count(cursor->memory);
         cursor->event += step)
        if (event_matches(merge, cursor)) {
            const struct segment_event *at = segment_block_event(cursor->memory, (uint32_t)cursor->event);
            cursor->place = (struct place){at->arrival, at->seq};
            cursor->found = true;
            return;
        }
    cursor->block += step;
    find_block(merge, cursor);
}

static void give(struct merge *merge, struct sealed_cursor *cursor) {
    const struct segment_event *at = segment_block_event(cursor->memory, (uint32_t)cursor->event);
    uint32_t stream = cursor->index->batches[at->batch].stream;
    struct event event = {at->seq, at->time_us, cursor->row.class, {NULL, 0}};
    struct row row = {ROW_EVENTS, at->ingested_us, cursor->index->streams[stream].id.bytes, {NULL, 0}};
    struct fault fault = {0};
    if (merge->search->query->count ||
        segment_block_bytes(cursor->memory, (uint32_t)cursor->event, &event.body, &fault))
        search_give(merge->search, &event, &row, cursor->names[stream]);
    else
        note_damage(merge->search, &fault);
    cursor->found = false;
}

/* ---- segments */

static void close_cursor(const struct merge *merge, struct sealed_cursor *cursor) {
    segment_block_destroy(cursor->memory);
    sealed_give(merge->search->ground.sealed, cursor->handle);
    free(cursor->marks);
    free(cursor->blocks);
    free(cursor->names);
    free(cursor->wanted);
    const struct segment_row row = cursor->row;
    memset(cursor, 0, sizeof *cursor);
    cursor->row = row;
    cursor->done = true;
}

static bool want_streams(const struct merge *merge, struct sealed_cursor *cursor) {
    struct search *search = merge->search;
    uint32_t count = cursor->index->stream_count;
    bool any = false;
    cursor->names = memory_new_array(count, sizeof *cursor->names);
    cursor->wanted = memory_new_array(count, sizeof *cursor->wanted);
    for (uint32_t i = 0; i < count; i++) {
        cursor->names[i] = stream_names_get(search->names, cursor->index->streams[i].id.bytes);
        cursor->wanted[i] = !*search->query->host || strcmp(search->query->host, cursor->names[i]->host) == 0;
        any |= cursor->wanted[i];
    }
    return any;
}

/* Opened only when the merge comes to it: a search that is limited does not open them all. */
static void open_cursor(const struct merge *merge, struct sealed_cursor *cursor) {
    struct search *search = merge->search;
    struct fault fault = {0};
    cursor->handle = sealed_take(search->ground.sealed, &cursor->row, &fault);
    if (!cursor->handle) {
        note_damage(search, &fault);
        cursor->done = true;
        return;
    }
    cursor->reader = sealed_reader(cursor->handle);
    cursor->index = segment_reader_index(cursor->reader);
    cursor->blocks = memory_new(sizeof *cursor->blocks);
    if (!want_streams(merge, cursor)) {
        close_cursor(merge, cursor);
        return;
    }
    const struct query_lexicon *lexicon = sealed_lexicon(search->ground.sealed, cursor->handle);
    if (!query_segment_blocks(search->expression, cursor->reader, lexicon, cursor->blocks, &fault)) {
        /* The filter is only a help: without it every block is read. */
        memset(cursor->blocks->may, 1, sizeof cursor->blocks->may);
        for (uint32_t i = 0; i < cursor->index->block_count; i++)
            cursor->blocks->counts[i] = QUERY_COUNT_UNKNOWN;
        note_damage(search, &fault);
    }
    cursor->block = search->backward ? (int64_t)cursor->index->block_count - 1 : 0;
    find_block(merge, cursor);
}

static bool take_row(void *context, const struct segment_row *row) {
    struct merge *merge = context;
    const struct search *search = merge->search;
    if (row->last_arrival < merge->from || (search->class >= 0 && row->class != search->class) ||
        (search->by_line && row->last_time_us + LINE_AFTER_READ_US < search->query->since_us))
        return true;
    if (merge->count == merge->room) {
        merge->room = merge->room ? merge->room * 2 : 64;
        merge->cursors = memory_resize(merge->cursors, merge->room, sizeof *merge->cursors);
    }
    merge->cursors[merge->count++] =
        (struct sealed_cursor){.row = *row,
                               .place = search->backward ? (struct place){row->last_arrival, UINT64_MAX}
                                                         : (struct place){row->first_arrival, 0}};
    return true;
}

static int by_first(const void *left, const void *right) {
    const struct sealed_cursor *a = left, *b = right;
    return a->row.first_arrival < b->row.first_arrival ? -1 : a->row.first_arrival > b->row.first_arrival;
}
static int by_last(const void *left, const void *right) {
    const struct sealed_cursor *a = left, *b = right;
    return a->row.last_arrival > b->row.last_arrival ? -1 : a->row.last_arrival < b->row.last_arrival;
}

/* ---- together */

/* The sealed one that stands first among those that are begun and the next that is not; NULL at the end. They are sorted by
 * where they begin, so only a few are under way at a time. */
static struct sealed_cursor *first_cursor(const struct merge *merge, size_t *live) {
    struct sealed_cursor *first = NULL;
    while (*live < merge->count && merge->cursors[*live].done)
        ++*live;
    for (size_t i = *live; i < merge->count; i++) {
        struct sealed_cursor *cursor = &merge->cursors[i];
        if (cursor->done)
            continue;
        if (!first || is_before(merge->search, &cursor->place, &first->place))
            first = cursor;
        if (!cursor->handle) /* the others begin no earlier */
            break;
    }
    return first;
}

/* Sealed events that stand before `limit` (NULL: all of them). */
static void give_sealed(struct merge *merge, const struct place *limit, size_t *live) {
    struct sealed_cursor *cursor;
    while (!merge->search->ended && (cursor = first_cursor(merge, live)) &&
           (!limit || is_before(merge->search, &cursor->place, limit))) {
        if (!cursor->handle)
            open_cursor(merge, cursor);
        else if (cursor->found)
            give(merge, cursor);
        else
            advance(merge, cursor);
        if (cursor->done && cursor->handle)
            close_cursor(merge, cursor);
    }
}

/* Counting needs no order, and what is known needs no reading. */
static void count_sealed(struct merge *merge) {
    struct search *search = merge->search;
    bool plain = !search->by_line && !search->query->by_ingested && !*search->query->host &&
                 !search->query->limit && merge->from == 0;
    for (size_t i = 0; i < merge->count && !search->ended; i++) {
        struct sealed_cursor *cursor = &merge->cursors[i];
        open_cursor(merge, cursor);
        for (uint32_t b = 0; plain && cursor->handle && b < cursor->index->block_count; b++)
            if (cursor->blocks->counts[b] != QUERY_COUNT_UNKNOWN) {
                search->found += cursor->blocks->counts[b];
                cursor->blocks->may[b] = 0;
            }
        if (cursor->handle && !cursor->done)
            find_block(merge, cursor);
        while (!cursor->done && !search->ended) {
            advance(merge, cursor);
            if (cursor->found)
                give(merge, cursor);
        }
        if (cursor->handle)
            close_cursor(merge, cursor);
    }
}

static bool merge_rows(struct merge *merge, uint64_t *next, struct fault *fault) {
    struct search *search = merge->search;
    uint8_t key[8];
    size_t live = 0;
    bytes_put_u64(key, merge->from);
    struct store_cursor *hot =
        store_cursor_create(search->ground.store, STORE_HOT, merge->snapshot, (struct slice){NULL, 0});
    bool on = search->backward ? store_cursor_last(hot) : store_cursor_at_or_after(hot, slice_make(key, 8));
    if (search->query->count)
        count_sealed(merge);
    for (unsigned rows = 1; on && !search->ended; rows++) {
        struct slice at = store_cursor_key(hot);
        uint64_t arrival = at.size == 8 ? bytes_get_u64(at.data) : 0;
        struct place place = {arrival, search->backward ? UINT64_MAX : 0};
        if (!search->query->count)
            give_sealed(merge, &place, &live);
        if (arrival >= *next)
            *next = arrival + 1;
        if (!search->ended)
            search_row(search, store_cursor_value(hot));
        if (rows % 256 == 0 && search_stopping(search))
            search->ended = true;
        on = search->backward ? store_cursor_previous(hot) : store_cursor_next(hot);
    }
    if (!search->query->count)
        give_sealed(merge, NULL, &live);
    bool good = store_cursor_good(hot, fault);
    store_cursor_destroy(hot);
    return good;
}

bool search_stored(struct search *search, uint64_t arrival, uint64_t *next, struct fault *fault) {
    const struct search_ground *ground = &search->ground;
    struct merge merge = {.search = search, .from = *next};
    merge.snapshot = store_snapshot_create(ground->store);
    bool good = !ground->sealed || segment_rows_each(ground->store, merge.snapshot, search->class, UINT64_MAX,
                                                     take_row, &merge, fault);
    if (merge.count)
        qsort(merge.cursors, merge.count, sizeof *merge.cursors, search->backward ? by_last : by_first);
    good = good && merge_rows(&merge, next, fault);
    if (arrival > *next)
        *next = arrival;
    for (size_t i = 0; i < merge.count; i++) /* rows before one that is stored are stored */
        if (merge.cursors[i].row.last_arrival >= *next)
            *next = merge.cursors[i].row.last_arrival + 1;
    for (size_t i = 0; i < merge.count; i++)
        if (merge.cursors[i].handle)
            close_cursor(&merge, &merge.cursors[i]);
    free(merge.cursors);
    store_snapshot_destroy(merge.snapshot);
    return good;
}

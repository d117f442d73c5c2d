/* Taking over the spool of streams that are over. */
#include "lanes_inside.h"

#include "encoding.h"

#include <inttypes.h>
#include <stdio.h>

#define STREAM_ID_AT 16u /* in a writer's state: behind its label (FORMATS.md, States on disk) */
#define KEY_MOST (STREAM_NAME_SIZE + 32)

struct adoption {
    struct lanes *lanes;
    struct spool_folder *old;
    struct lanes_replay replay;
    uint64_t from[LANES];      /* the first event that is still to be given */
    char key[LANES][KEY_MOST]; /* under which this spool notes how far it got */
    char stream[LANES][STREAM_NAME_SIZE + 16];
    bool good;
    struct fault *fault;
};

/* How far an adoption got stands among the positions: it becomes true with the events that it is about. */
static void name_lane(struct adoption *adoption, enum lane lane) {
    const struct spool_lane_state *state = &spool_folder_state(adoption->old)->lanes[lane];
    const struct spool_marks least = spool_state_least(spool_folder_state(adoption->old), lane);
    char name[STREAM_NAME_SIZE], digits[9] = "";
    stream_name_make(slice_string(adoption->lanes->host), lane, name);
    if (state->writer.size >= STREAM_ID_AT + HASH_SIZE)
        encoding_hex(state->writer.data + STREAM_ID_AT, 4, digits);
    snprintf(adoption->stream[lane], sizeof adoption->stream[lane], "%s~%s", name, digits);
    snprintf(adoption->key[lane], sizeof adoption->key[lane], "adopted %s", adoption->stream[lane]);
    adoption->from[lane] = least.stored;
    struct slice value;
    uint64_t done;
    if (spool_positions_get(&spool_folder_state(adoption->lanes->folder)->positions,
                            slice_string(adoption->key[lane]), &value) &&
        slice_decimal(value, &done) && done > adoption->from[lane])
        adoption->from[lane] = done;
}

static void note_done(struct adoption *adoption, enum lane lane) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, adoption->from[lane]);
    lanes_position(adoption->lanes, slice_string(adoption->key[lane]), slice_string(text));
}

static void take_position(void *context, struct slice key, struct slice value) {
    struct adoption *adoption = context;
    struct slice own;
    /* What this spool knows of a source is newer. */
    if (!spool_positions_get(&spool_folder_state(adoption->lanes->folder)->positions, key, &own))
        lanes_position(adoption->lanes, key, value);
}

static void take_events(struct adoption *adoption, const struct spool_item *item) {
    enum lane lane = (enum lane)item->lane;
    uint64_t end = item->first_event_seq + item->count;
    uint64_t void_from;
    /* What was given up behind damage came anew in events of its own. */
    bool given_up = spool_state_void(spool_folder_state(adoption->old), lane, item->batch_seq, &void_from) &&
                    end > void_from;
    if (end <= adoption->from[lane] || given_up)
        return;
    adoption->replay.lane = lane;
    memcpy(adoption->replay.stream, adoption->stream[lane], sizeof adoption->replay.stream);
    lanes_replay_message(&adoption->replay, item->bytes, adoption->from[lane]);
    adoption->from[lane] = end;
    note_done(adoption, lane);
    if (adoption->lanes->group_text >= LANES_GROUP_TEXT)
        adoption->good = lanes_flush(adoption->lanes, adoption->fault);
}

static void take_segment(struct adoption *adoption, struct spool_reader *reader,
                         const struct spool_segment *segment) {
    uint64_t offset = 0;
    struct slice items;
    size_t size;
    while (adoption->good) {
        adoption->good = spool_reader_record(reader, segment, &offset, &items, &size, adoption->fault);
        if (!adoption->good || size == 0)
            return;
        struct spool_item item;
        while (adoption->good && spool_item_next(&items, &item, NULL))
            if (item.kind == SPOOL_ITEM_EVENTS && item.lane < LANES)
                take_events(adoption, &item);
        offset += size;
    }
}

bool lanes_adopt(struct lanes *lanes, const char *folder, const struct spool_files *files,
                 struct fault *fault) {
    const struct spool_folder_settings settings = {
        .path = folder, .segment_bytes = SPOOL_SEGMENT_BYTES, .random = lanes->settings.random};
    struct adoption adoption = {.lanes = lanes, .good = true, .fault = fault};
    adoption.old =
        spool_folder_open(&settings, files, lanes->settings.finding, lanes->settings.finding_context, fault);
    if (!adoption.old)
        return false;
    for (unsigned lane = 0; lane < LANES; lane++)
        name_lane(&adoption, (enum lane)lane);
    struct spool_reader reader;
    spool_reader_open(&reader, adoption.old);
    lanes_replay_open(&adoption.replay, lanes);
    lanes->telling = true;
    for (size_t i = 0; adoption.good && i < spool_folder_count(adoption.old); i++)
        take_segment(&adoption, &reader, spool_folder_segment(adoption.old, i));
    /* Positions last: from then on nothing of this spool is read again. */
    if (adoption.good)
        spool_positions_each(&spool_folder_state(adoption.old)->positions, (struct slice){NULL, 0},
                             take_position, &adoption);
    adoption.good = adoption.good && lanes_flush(lanes, fault);
    lanes->telling = false;
    lanes_replay_close(&adoption.replay);
    spool_reader_close(&reader);
    spool_folder_destroy(adoption.old);
    return adoption.good || fault_place(fault, "%s", folder);
}

#include "probe_board.h"

#include <stdlib.h>

#include "bytes.h"
#include "calendar.h"
#include "memory.h"
#include "record_json.h"

#define STATE_MAGIC 0x54435042u /* "TCPB" */
#define STATE_VERSION 1u

struct probe_board {
    size_t count, room;
    struct probe_standing **list; /* by host and name */
    uint64_t evictions;
};

static const char *const states[PROBE_BOARD_STATES] = {"unknown", "ok", "warn", "critical"};

const char *probe_board_state_name(enum probe_board_state state) {
    return (unsigned)state < PROBE_BOARD_STATES ? states[state] : "";
}

static enum probe_board_state state_by_name(struct slice name) {
    for (unsigned i = 1; i < PROBE_BOARD_STATES; i++)
        if (slice_equal(name, slice_string(states[i])))
            return (enum probe_board_state)i;
    return PROBE_BOARD_UNKNOWN;
}

struct probe_board *probe_board_create(void) {
    return memory_new(sizeof(struct probe_board));
}

static void clear(struct probe_board *board) {
    for (size_t i = 0; i < board->count; i++)
        free(board->list[i]);
    board->count = 0;
}

struct probe_board *probe_board_destroy(struct probe_board *board) {
    if (board) {
        clear(board);
        free(board->list);
        free(board);
    }
    return NULL;
}

/* ---- the list */

static void keep(char *to, size_t room, struct slice text) {
    text = slice_head(text, room - 1);
    if (text.size)
        memcpy(to, text.data, text.size);
    to[text.size] = '\0';
}

static int compare(const struct probe_standing *a, const struct probe_standing *b) {
    int order = strcmp(a->host, b->host);
    return order ? order : strcmp(a->name, b->name);
}

static void evict(struct probe_board *board) {
    size_t oldest = 0;
    for (size_t i = 1; i < board->count; i++)
        if (board->list[i]->heard_us < board->list[oldest]->heard_us)
            oldest = i;
    free(board->list[oldest]);
    memmove(&board->list[oldest], &board->list[oldest + 1], (--board->count - oldest) * sizeof *board->list);
    board->evictions++;
}

/* Where it is or would be. */
static size_t place_of(const struct probe_board *board, const struct probe_standing *wanted,
                       bool *ret_found) {
    size_t low = 0, high = board->count;
    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(board->list[middle], wanted);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct probe_standing *standing_of(struct probe_board *board, const struct probe_standing *wanted) {
    bool found;
    size_t at = place_of(board, wanted, &found);
    if (found)
        return board->list[at];
    if (board->count == PROBE_BOARD_MOST) {
        evict(board);
        at = place_of(board, wanted, &found);
    }
    if (board->count == board->room) {
        board->room = board->room ? 2 * board->room : 64;
        board->list = memory_resize(board->list, board->room, sizeof *board->list);
    }
    memmove(&board->list[at + 1], &board->list[at], (board->count++ - at) * sizeof *board->list);
    return board->list[at] = memory_copy(wanted, sizeof *wanted);
}

/* ---- events */

static uint64_t number_of(const struct record *record, struct slice name) {
    uint64_t number;
    return slice_decimal(record_value(record, name), &number) ? number : 0;
}

/* Milliseconds with a fraction or without one, as microseconds. */
static uint64_t span_of(struct slice text) {
    size_t point = slice_find_byte(text, '.');
    uint64_t whole, part = 0, unit = 100;
    if (!slice_decimal(slice_head(text, point), &whole) || whole > UINT32_MAX)
        return 0;
    for (size_t i = point; point != SIZE_MAX && ++i < text.size && unit; unit /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        part += unit * (uint64_t)(text.data[i] - '0');
    }
    return 1000 * whole + part;
}

static uint64_t time_of(const struct record *record, struct slice name) {
    uint64_t time_us;
    return calendar_parse(record_value(record, name), &time_us) ? time_us : 0;
}

static void keep_checks(struct probe_standing *standing, const struct record *record) {
    CLEANUP_BUFFER struct buffer checks = BUFFER(sizeof standing->checks - 1);
    for (size_t i = 0; i < record->count && !checks.overflow; i++)
        if (slice_equal(record->fields[i].name, SLICE("probe.check")))
            buffer_printf(&checks, "%s%.*s", checks.size ? " " : "", SLICE_ARG(record->fields[i].value));
    keep(standing->checks, sizeof standing->checks, buffer_slice(&checks));
}

static void take_change(struct probe_standing *standing, const struct record *record, uint64_t time_us) {
    enum probe_board_state state = standing->last;
    uint64_t since_us = time_of(record, SLICE("probe.since"));
    if (since_us || state != standing->state)
        standing->since_us = since_us ? since_us : time_us;
    standing->state = state;
    standing->outage_us = state == PROBE_BOARD_CRITICAL ? time_of(record, SLICE("probe.outage.start")) : 0;
    standing->used_percent = standing->outage_us ? number_of(record, SLICE("probe.outage.used_percent")) : 0;
    keep_checks(standing, record);
}

static void forget(struct probe_board *board, const struct probe_standing *wanted) {
    bool found;
    size_t at = place_of(board, wanted, &found);
    if (!found)
        return;
    free(board->list[at]);
    memmove(&board->list[at], &board->list[at + 1], (--board->count - at) * sizeof *board->list);
}

void probe_board_take(struct probe_board *board, const struct record *record, struct slice host,
                      uint64_t time_us, uint64_t stored_us) {
    struct slice event = record_value(record, SLICE("tocsin.event")),
                 name = record_value(record, SLICE("probe.name"));
    bool changed = slice_equal(event, SLICE("probe_changed"));
    bool removed = slice_equal(event, SLICE("probe_removed"));
    if (name.size == 0 || (!changed && !removed && !slice_equal(event, SLICE("probe_result"))))
        return;
    struct probe_standing wanted = {.heard_us = stored_us};
    keep(wanted.host, sizeof wanted.host, host);
    keep(wanted.name, sizeof wanted.name, name);
    if (removed) {
        forget(board, &wanted);
        return;
    }
    struct probe_standing *standing = standing_of(board, &wanted);
    keep(standing->kind, sizeof standing->kind, record_value(record, SLICE("probe.kind")));
    keep(standing->target, sizeof standing->target, record_value(record, SLICE("probe.target")));
    standing->last = state_by_name(record_value(record, SLICE("probe.state")));
    standing->run_us = time_us;
    standing->heard_us = stored_us;
    if (changed)
        take_change(standing, record, time_us);
    else {
        standing->took_us = span_of(record_value(record, SLICE("probe.took_ms")));
        if (standing->state == PROBE_BOARD_UNKNOWN)
            standing->state = standing->last;
    }
}

size_t probe_board_count(const struct probe_board *board) {
    return board->count;
}

const struct probe_standing *probe_board_at(const struct probe_board *board, size_t index) {
    return board->list[index];
}

uint64_t probe_board_evictions(const struct probe_board *board) {
    return board->evictions;
}

bool probe_board_failed_since(const struct probe_board *board, uint64_t time_us) {
    for (size_t i = 0; i < board->count; i++)
        if (board->list[i]->state >= PROBE_BOARD_WARN && board->list[i]->since_us >= time_us)
            return true;
    return false;
}

/* ---- JSON */

static void write_text(struct buffer *to, const char *name, const char *text) {
    buffer_printf(to, "\"%s\":", name);
    record_json_string(to, slice_string(text));
    buffer_append_string(to, ",");
}

static void write_time(struct buffer *to, const char *name, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    calendar_text(time_us, text);
    buffer_printf(to, "\"%s\":\"%s\",", name, text);
}

static uint64_t seconds_since(uint64_t time_us, uint64_t now_us) {
    return now_us > time_us ? (now_us - time_us) / 1000000 : 0;
}

static void describe_one(const struct probe_standing *standing, uint64_t now_us, struct buffer *to) {
    buffer_append_string(to, "{");
    write_text(to, "host", standing->host);
    write_text(to, "name", standing->name);
    write_text(to, "kind", standing->kind);
    write_text(to, "target", standing->target);
    write_text(to, "state", probe_board_state_name(standing->state));
    write_text(to, "last", probe_board_state_name(standing->last));
    if (standing->since_us)
        write_time(to, "since", standing->since_us);
    if (*standing->checks)
        write_text(to, "checks", standing->checks);
    if (standing->outage_us) {
        buffer_append_string(to, "\"outage\":{");
        write_time(to, "start", standing->outage_us);
        buffer_printf(to, "\"duration_s\":%llu,\"used_percent\":%llu},",
                      (unsigned long long)seconds_since(standing->outage_us, now_us),
                      (unsigned long long)standing->used_percent);
    }
    buffer_printf(to, "\"took_ms\":%.1f,\"heard_seconds\":%llu}", (double)standing->took_us / 1000,
                  (unsigned long long)seconds_since(standing->heard_us, now_us));
}

void probe_board_describe(const struct probe_board *board, uint64_t now_us, struct buffer *to) {
    bool some = false;
    buffer_append_string(to, "[");
    for (unsigned state = PROBE_BOARD_STATES; state-- > 0;)
        for (size_t i = 0; i < board->count; i++) {
            if (board->list[i]->state != state)
                continue;
            buffer_append_string(to, some ? "," : "");
            describe_one(board->list[i], now_us, to);
            some = true;
        }
    buffer_append_string(to, "]");
}

/* ---- kept: u32 magic ‖ u16 version ‖ u32 count ‖ each: the texts as blocks, u8 state ‖ u8 last, the numbers as u64 */

struct text_place {
    char *text;
    size_t room;
};

#define TEXTS 5u
#define NUMBERS 6u

static void texts_of(struct probe_standing *standing, struct text_place places[TEXTS]) {
    places[0] = (struct text_place){standing->host, sizeof standing->host};
    places[1] = (struct text_place){standing->name, sizeof standing->name};
    places[2] = (struct text_place){standing->kind, sizeof standing->kind};
    places[3] = (struct text_place){standing->target, sizeof standing->target};
    places[4] = (struct text_place){standing->checks, sizeof standing->checks};
}

static void numbers_of(struct probe_standing *standing, uint64_t *places[NUMBERS]) {
    uint64_t *all[NUMBERS] = {&standing->since_us, &standing->run_us,    &standing->heard_us,
                              &standing->took_us,  &standing->outage_us, &standing->used_percent};
    memcpy(places, all, sizeof all);
}

static bool is_forgotten(const struct probe_standing *standing, uint64_t now_us) {
    return now_us > standing->heard_us && now_us - standing->heard_us > PROBE_BOARD_FORGET_US;
}

bool probe_board_save(const struct probe_board *board, uint64_t now_us, struct buffer *to) {
    struct text_place texts[TEXTS];
    uint64_t *numbers[NUMBERS];
    uint32_t count = 0;
    for (size_t i = 0; i < board->count; i++)
        count += !is_forgotten(board->list[i], now_us);
    bytes_write_u32(to, STATE_MAGIC);
    bytes_write_u16(to, STATE_VERSION);
    bytes_write_u32(to, count);
    for (size_t i = 0; i < board->count; i++) {
        if (is_forgotten(board->list[i], now_us))
            continue;
        texts_of(board->list[i], texts);
        numbers_of(board->list[i], numbers);
        for (size_t t = 0; t < TEXTS; t++)
            bytes_write_block(to, slice_string(texts[t].text));
        bytes_write_u8(to, (uint8_t)board->list[i]->state);
        bytes_write_u8(to, (uint8_t)board->list[i]->last);
        for (size_t n = 0; n < NUMBERS; n++)
            bytes_write_u64(to, *numbers[n]);
    }
    return !to->overflow;
}

static bool load_one(struct probe_board *board, struct bytes_reader *reader) {
    struct probe_standing standing = {.since_us = 0};
    struct text_place texts[TEXTS];
    uint64_t *numbers[NUMBERS];
    bool good = true, known;
    texts_of(&standing, texts);
    numbers_of(&standing, numbers);
    for (size_t t = 0; t < TEXTS; t++) {
        struct slice text = bytes_read_block(reader);
        good = good && text.size < texts[t].room && slice_find_byte(text, 0) == SIZE_MAX;
        if (good)
            keep(texts[t].text, texts[t].room, text);
    }
    unsigned state = bytes_read_u8(reader), last = bytes_read_u8(reader);
    for (size_t n = 0; n < NUMBERS; n++)
        *numbers[n] = bytes_read_u64(reader);
    if (reader->failed || !good || state >= PROBE_BOARD_STATES || last >= PROBE_BOARD_STATES ||
        board->count == PROBE_BOARD_MOST)
        return false;
    standing.state = (enum probe_board_state)state;
    standing.last = (enum probe_board_state)last;
    place_of(board, &standing, &known);
    if (!known)
        standing_of(board, &standing);
    return !known;
}

bool probe_board_load(struct probe_board *board, struct slice from, struct fault *fault) {
    struct bytes_reader reader = bytes_read(from);
    clear(board);
    uint32_t magic = bytes_read_u32(&reader), version = bytes_read_u16(&reader),
             count = bytes_read_u32(&reader);
    bool good = magic == STATE_MAGIC && version == STATE_VERSION && !reader.failed;
    for (uint32_t i = 0; good && i < count; i++)
        good = load_one(board, &reader);
    if (good && bytes_read_done(&reader))
        return true;
    clear(board);
    return fault_set(fault, FAULT_FORMAT, "the saved board of probes is damaged or of another version");
}

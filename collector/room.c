/* Free space: told long before the floor. Nothing is ever erased for it. */
#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "collector.h"
#include "lasting.h"
#include "report.h"

#define ROOM_US 10000000u /* how often free space is looked at */
#define ROOM_MARK "room.history" /* STORE_MARK: room_forecast.h */
#define DISK "disk" /* lasting.h: enum room_state */
#define WARN_PART 10u /* of the disk, where no setting says it */

void collector_open_room(struct collector *collector) {
    CLEANUP_STORE_VALUE struct store_value value = {0};
    if (store_get(collector->store, STORE_MARK, SLICE(ROOM_MARK), &value, NULL))
        collector->room_history = room_history_read(value.slice);
    collector->room_days = ROOM_DAYS_UNKNOWN;
    collector->room_told_us = clock_wall_us();
    uint64_t state = lasting_get(collector->store, DISK, "store");
    collector->room_state = state <= ROOM_LOW ? (enum room_state)state : ROOM_GOOD;
}

static enum room_state judge(const struct collector *collector, const struct store_room *room, uint64_t days) {
    const struct collector_settings *settings = collector->settings;
    uint64_t warn_days = settings->store.warn_before_us / (86400u * UINT64_C(1000000));
    uint64_t warn_bytes = settings->store.warn ? settings->store.warn : room->total_bytes / WARN_PART;
    if (room->free_bytes < 2 * room->floor_bytes)
        return ROOM_LOW;
    return room->free_bytes < warn_bytes || days < warn_days ? ROOM_FILLING : ROOM_GOOD;
}

static void days_text(uint64_t days, char text[64]) {
    if (days == ROOM_DAYS_UNKNOWN)
        snprintf(text, 64, "it does not fill at present");
    else
        snprintf(text, 64, "about %" PRIu64 " days at the present pace", days);
}

static void tell(struct collector *collector, const struct store_room *room, enum room_state state,
                 uint64_t days) {
    static const char *const events[] = {
        [ROOM_GOOD] = "disk_good", [ROOM_FILLING] = "disk_filling", [ROOM_LOW] = "disk_low"};
    char left[64], text[256];
    days_text(days, left);
    snprintf(text, sizeof text,
             "%" PRIu64 " MiB of %" PRIu64 " are free on the store's disk, %s; at %" PRIu64
             " MiB nothing more is taken, and nothing is erased for it",
             room->free_bytes >> 20, room->total_bytes >> 20, left, room->floor_bytes >> 20);
    struct change *change = change_create();
    report_state(change, events[state], NULL, "%s", text);
    collector->room_told_us = clock_wall_us();
    lasting_put(change, DISK, "store", state);
    committer_submit(collector->committer, change);
}

static void keep_history(struct collector *collector) {
    CLEANUP_BUFFER struct buffer value = BUFFER(ROOM_HISTORY_SIZE);
    struct change *change = change_create();
    room_history_write(&value, &collector->room_history);
    change_put(change, STORE_MARK, SLICE(ROOM_MARK), buffer_slice(&value));
    committer_submit(collector->committer, change);
}

void collector_look_at_room(void *context) {
    struct collector *collector = context;
    uint64_t now_us = clock_wall_us();
    struct store_room room;
    if (store_room(collector->store, &room, NULL)) {
        if (room_history_add(&collector->room_history, now_us, room.free_bytes))
            keep_history(collector);
        uint64_t days =
            room_days_left(&collector->room_history, now_us, room.free_bytes, room.floor_bytes);
        enum room_state state = judge(collector, &room, days);
        bool lasts = state != ROOM_GOOD && now_us > collector->room_told_us + LASTING_REMIND_US;
        if (state != collector->room_state || lasts)
            tell(collector, &room, state, days);
        collector->room_state = state;
        collector->room_days = days;
    }
    loop_timer_after(collector->room, ROOM_US);
}

void collector_describe_room(void *context, struct buffer *to) {
    static const char *const words[] = {
        [ROOM_GOOD] = "good", [ROOM_FILLING] = "filling", [ROOM_LOW] = "low"};
    struct collector *collector = context;
    struct store_room room = {0};
    store_room(collector->store, &room, NULL);
    uint64_t days = collector->room_days;
    buffer_printf(to,
                  "\"free_bytes\":%" PRIu64 ",\"total_bytes\":%" PRIu64 ",\"floor_bytes\":%" PRIu64
                  ",\"room\":\"%s\"",
                  room.free_bytes, room.total_bytes, room.floor_bytes, words[collector->room_state]);
    if (days != ROOM_DAYS_UNKNOWN)
        buffer_printf(to, ",\"days_left\":%" PRIu64, days);
}

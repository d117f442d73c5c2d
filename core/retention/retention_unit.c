#include "retention_unit.h"

#include <stdlib.h>

#include "memory.h"
#include "retention_unit_inside.h"

struct retention_unit *retention_unit_create(const struct retention_ledger *ledger,
                                             const struct agent_registry *registry, uint8_t class,
                                             uint64_t first, uint64_t last) {
    const struct retention_hold *holds;
    struct retention_unit *unit = memory_new(sizeof *unit);
    unit->ledger = ledger;
    unit->registry = registry;
    unit->class = class;
    unit->first = first;
    unit->last = last;
    unit->hold_count = retention_ledger_holds(ledger, &holds);
    unit->could_hold = memory_new_array(unit->hold_count + 1, sizeof *unit->could_hold);
    return unit;
}

struct retention_unit *retention_unit_destroy(struct retention_unit *unit) {
    if (unit) {
        free(unit->streams);
        free(unit->could_hold);
    }
    free(unit);
    return NULL;
}

static struct unit_stream *stream_of(struct retention_unit *unit, const struct hash *id) {
    for (size_t i = 0; i < unit->stream_count; i++)
        if (hash_equal(&unit->streams[i].id, id))
            return &unit->streams[i];
    if (unit->stream_count == unit->stream_room) {
        unit->stream_room = unit->stream_room ? 2 * unit->stream_room : 8;
        unit->streams = memory_resize(unit->streams, unit->stream_room, sizeof *unit->streams);
    }
    const struct agent_line *line = agent_registry_by_stream(unit->registry, id, NULL);
    struct unit_stream *stream = &unit->streams[unit->stream_count++];
    *stream = (struct unit_stream){.id = *id, .host = line ? line->name : slice_make(NULL, 0)};
    return stream;
}

void retention_unit_add(struct retention_unit *unit, const struct retention_batch *batch) {
    if (batch->count == 0 || batch->index < unit->first || batch->index > unit->last)
        return;
    const struct retention_hold *holds;
    struct unit_stream *stream = stream_of(unit, &batch->stream);
    if (batch->close_us > stream->close_us)
        stream->close_us = batch->close_us;
    if (batch->index > stream->last)
        stream->last = batch->index;
    unit->events += batch->count;
    unit->batches++;
    retention_ledger_holds(unit->ledger, &holds);
    for (size_t i = 0; i < unit->hold_count; i++)
        if (!unit->could_hold[i])
            unit->could_hold[i] =
                hold_could_match(&holds[i].hold, stream->host, unit->class, batch->open_us, batch->close_us);
}

uint64_t retention_unit_events(const struct retention_unit *unit) {
    return unit->events;
}

uint64_t retention_unit_batches(const struct retention_unit *unit) {
    return unit->batches;
}

/* ---- time */

static int compare_times(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

uint64_t unit_median(uint64_t *times, size_t count, bool upper) {
    if (count == 0)
        return 0;
    qsort(times, count, sizeof *times, compare_times);
    return times[upper ? count / 2 : (count - 1) / 2];
}

bool unit_witnessed(const struct retention_unit *unit, uint64_t below) {
    return below > 0 && retention_ledger_witnesses(unit->ledger, below - 1) > 0;
}

/* The upper median of what the unit's streams have closed last: a bound for "since" that one clock alone does not move. */
static uint64_t streams_median(const struct retention_unit *unit) {
    CLEANUP_FREE uint64_t *times = memory_new_array(unit->stream_count + 1, sizeof *times);
    for (size_t i = 0; i < unit->stream_count; i++)
        times[i] = unit->streams[i].close_us;
    return unit_median(times, unit->stream_count, true);
}

/* "Since" an entry: by witnesses the latest cosignature, otherwise the collector's clock, or `or_later` where that is later. */
static uint64_t since(const struct retention_clock *clock, const struct retention_place *place,
                      bool witnessed, uint64_t or_later) {
    uint64_t earliest, latest;
    if (!witnessed)
        return place->time_us > or_later ? place->time_us : or_later;
    return clock->witnessed(clock->context, place->index, &earliest, &latest) ? latest : RETENTION_NEVER;
}

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* When the life of the last of the unit's hosts ended. */
static uint64_t life_end(const struct retention_unit *unit, const struct retention_clock *clock,
                         bool witnessed, uint64_t below) {
    uint64_t end_us = 0;
    for (size_t i = 0; i < unit->stream_count; i++) {
        const struct unit_stream *stream = &unit->streams[i];
        const struct retention_farewell *farewell =
            stream->host.data ? retention_ledger_farewell(unit->ledger, stream->host, stream->last, below)
                              : NULL;
        if (!farewell)
            return RETENTION_NEVER;
        end_us = later(end_us, since(clock, &farewell->place, witnessed, farewell->made_us));
    }
    return end_us;
}

static uint64_t minimum_end(const struct retention_policy *policy, uint8_t class, uint64_t since_us,
                            uint64_t life_us) {
    return policy->classes[class].there
               ? retention_term_end(policy->classes[class].minimum, since_us, life_us)
               : RETENTION_NEVER;
}

/* The end of the minimum by every policy that was in force in the day. */
static uint64_t ingest_end(const struct retention_unit *unit, const struct retention_day *day,
                           uint64_t since_us, uint64_t life_us) {
    const struct retention_change *changes, *at = retention_ledger_policy(unit->ledger, day->opened.index);
    size_t count = retention_ledger_changes(unit->ledger, &changes);
    uint64_t end_us = 0;
    for (; at && at < changes + count && at->place.index <= day->closed.index; at++)
        end_us = later(end_us, minimum_end(&at->policy, unit->class, since_us, life_us));
    return end_us;
}

struct retention_span retention_unit_span(const struct retention_unit *unit,
                                          const struct retention_clock *clock, uint64_t below) {
    struct retention_span span = {.witnessed = unit_witnessed(unit, below),
                                  .closed_us = RETENTION_NEVER,
                                  .opened_us = RETENTION_NEVER,
                                  .present_us = RETENTION_NEVER,
                                  .earliest_us = RETENTION_NEVER,
                                  .latest_us = RETENTION_NEVER};
    const struct retention_day *day = retention_ledger_day(unit->ledger, unit->first);
    const struct retention_change *now = below ? retention_ledger_policy(unit->ledger, below - 1) : NULL;
    if (!day || !now || day->closed.index >= below || unit->last >= day->closed.index)
        return span;
    uint64_t median = span.witnessed ? 0 : streams_median(unit);
    span.closed_us = since(clock, &day->closed, span.witnessed, median);
    span.opened_us = since(clock, &day->opened, span.witnessed, 0);
    span.closed = span.closed_us != RETENTION_NEVER && span.opened_us != RETENTION_NEVER;
    if (!span.closed)
        return span;
    uint64_t life_us = life_end(unit, clock, span.witnessed, below);
    span.present_us = minimum_end(&now->policy, unit->class, span.closed_us, life_us);
    span.earliest_us = later(span.present_us, ingest_end(unit, day, span.closed_us, life_us));
    span.shortened = span.present_us < span.earliest_us;
    if (now->policy.classes[unit->class].there)
        span.latest_us = later(span.earliest_us, retention_term_end(now->policy.classes[unit->class].maximum,
                                                                    span.opened_us, life_us));
    return span;
}

uint64_t retention_agents_median(const struct retention_ledger *ledger, const struct agent_registry *registry,
                                 const struct retention_clock *clock, uint64_t below) {
    size_t count = agent_registry_count(registry), found = 0;
    CLEANUP_FREE uint64_t *times = memory_new_array(count + 1, sizeof *times);
    for (size_t i = 0; i < count; i++) {
        const struct agent_line *line = agent_registry_at(registry, i);
        uint64_t newest = 0;
        if (host_is_collector(line->name) || line != agent_registry_by_name(registry, line->name, below) ||
            retention_ledger_farewell(ledger, line->name, line->epochs[0].from, below))
            continue;
        for (size_t lane = 0; lane < LANES; lane++) {
            uint64_t close_us;
            if (clock->newest_close(clock->context, &line->streams[lane], below, &close_us))
                newest = later(newest, close_us);
        }
        if (newest)
            times[found++] = newest;
    }
    return unit_median(times, found, false);
}

/* ---- holds */

bool retention_unit_could_hold(const struct retention_unit *unit, const struct retention_hold *hold) {
    const struct retention_hold *holds;
    retention_ledger_holds(unit->ledger, &holds);
    for (size_t i = 0; i < unit->hold_count; i++)
        if (holds[i].place.ctl_seq == hold->place.ctl_seq)
            return unit->could_hold[i];
    return hold->hold.classes >> unit->class & 1; /* younger than the unit: nothing is known of it */
}

bool unit_covered(const struct retention_unit *unit, const struct erase_range *range) {
    return range->class == unit->class && range->first <= unit->first && range->last >= unit->last;
}

/* Whether what the hold took here stands in the log before `below`; ret_seen: and was witnessed, where it must be. */
static bool was_matched(const struct retention_unit *unit, const struct retention_clock *clock, uint64_t hold,
                        uint64_t below, bool *ret_seen) {
    const struct retention_match *matches;
    size_t count = retention_ledger_matches(unit->ledger, &matches);
    bool there = false;
    uint64_t earliest, latest;
    *ret_seen = false;
    for (size_t i = 0; i < count && matches[i].place.index < below && !*ret_seen; i++) {
        const struct hold_matched *matched = &matches[i].matched;
        struct erase_range range = {.class = matched->class, .first = matched->first, .last = matched->last};
        if (matched->hold != hold || !unit_covered(unit, &range))
            continue;
        there = true;
        *ret_seen = !unit_witnessed(unit, below) ||
                    clock->witnessed(clock->context, matches[i].place.index, &earliest, &latest);
    }
    return there;
}

const struct retention_hold *unit_blocked(const struct retention_unit *unit,
                                          const struct retention_clock *clock, uint64_t below,
                                          bool *ret_asked) {
    const struct retention_hold *holds;
    size_t count = retention_ledger_holds(unit->ledger, &holds);
    *ret_asked = false;
    for (size_t i = 0; i < count && holds[i].place.index < below; i++) {
        bool seen;
        if (holds[i].released < below || !retention_unit_could_hold(unit, &holds[i]))
            continue;
        bool asked = was_matched(unit, clock, holds[i].place.ctl_seq, below, &seen);
        if (seen)
            continue;
        *ret_asked = asked;
        return &holds[i];
    }
    return NULL;
}

size_t retention_unit_late(const struct retention_unit *unit, uint64_t begun_index, uint64_t *ret_holds,
                           size_t room) {
    const struct retention_hold *holds;
    size_t count = retention_ledger_holds(unit->ledger, &holds), found = 0;
    for (size_t i = 0; i < count; i++)
        if (holds[i].place.index > begun_index && holds[i].released == RETENTION_INDEX_NEVER &&
            retention_unit_could_hold(unit, &holds[i]) && found++ < room)
            ret_holds[found - 1] = holds[i].place.ctl_seq;
    return found;
}

#include "retention_days.h"

#include <inttypes.h>
#include <stdio.h>

#include "calendar.h"

#define HOUR_US UINT64_C(3600000000)

void retention_day_subject(uint64_t day, char ret_subject[DAY_SUBJECT_SIZE]) {
    snprintf(ret_subject, DAY_SUBJECT_SIZE, "day-%" PRIu64, day);
}

static void say(struct day_length *length, uint64_t opened_us, uint64_t closed_us) {
    static const char *const words[] = {
        [DAY_PAUSED] = "nothing was taken in for the rest of it: the collector was down",
        [DAY_UNMARKED] = "agents' entries within it are of later than that, and no mark was written",
        [DAY_SETTLED] = "agents' entries within it are of later than that; a person has said that it is known",
    };
    char from[CALENDAR_TEXT_SIZE], to[CALENDAR_TEXT_SIZE];
    calendar_text(opened_us, from);
    calendar_text(closed_us, to);
    snprintf(length->text, sizeof length->text, "its marks are %" PRIu64 " hours apart, %.16s to %.16s%s; %s",
             length->us / HOUR_US, from, to, length->witnessed ? "" : " by the collector's clock",
             words[length->verdict]);
}

struct day_length retention_day_length(const struct retention_ledger *ledger, const struct agent_registry *registry,
                                       const struct retention_day *day, const struct retention_clock *clock) {
    struct day_length length = {.verdict = DAY_GOOD};
    uint64_t opened_us = day->opened.time_us, closed_us = day->closed.time_us, earliest, opened, closed;
    length.witnessed = retention_ledger_witnesses(ledger, day->closed.index) > 0 &&
                       clock->witnessed(clock->context, day->opened.index, &earliest, &opened) &&
                       clock->witnessed(clock->context, day->closed.index, &earliest, &closed);
    if (length.witnessed)
        opened_us = opened, closed_us = closed;
    if (closed_us <= opened_us || closed_us - opened_us <= RETENTION_DAY_LONG_US)
        return length;
    length.us = closed_us - opened_us;
    length.verdict = DAY_PAUSED;
    if (retention_agents_median(ledger, registry, clock, day->closed.index) > opened_us + RETENTION_DAY_LONG_US)
        length.verdict = day->settled ? DAY_SETTLED : DAY_UNMARKED;
    say(&length, opened_us, closed_us);
    return length;
}

#include "measure.h"

#include <math.h>
#include <stdlib.h>

#define COARSE_BITS 42u /* of 52: what is left is good to 0.1 % */

static double number_of(const struct group_entry *entry) {
    double number;
    memcpy(&number, &entry->value, sizeof number);
    return number;
}

static void set_number(struct group_entry *entry, double number) {
    memcpy(&entry->value, &number, sizeof number);
}

static uint32_t add_weights(uint64_t a, uint64_t b) {
    return a + b < UINT32_MAX ? (uint32_t)(a + b) : UINT32_MAX;
}

struct group_entry measure_entry(uint64_t time_us, double number, uint64_t times) {
    struct group_entry entry = {.time_us = time_us, .weight = add_weights(times, 0)};
    set_number(&entry, number);
    return entry;
}

/* An infinite sum says as much as a huge one, and stays a number. */
static double bounded(double number) {
    return number > 1e300 ? 1e300 : number < -1e300 ? -1e300 : number;
}

/* Joins entries that are nearer to each other than `step_us`: the newer one's time stands for both. */
static void thin(struct group *group, uint64_t step_us) {
    uint32_t kept = 0;
    for (uint32_t i = 1; i < group->entry_count; i++) {
        struct group_entry *last = &group->entries[kept], *next = &group->entries[i];
        if (next->time_us - last->time_us >= step_us || next->reported != last->reported) {
            group->entries[++kept] = *next;
            continue;
        }
        set_number(last, bounded(number_of(last) + number_of(next)));
        last->weight = add_weights(last->weight, next->weight);
        last->time_us = next->time_us;
    }
    group->entry_count = group->entry_count ? kept + 1 : 0;
}

/* No window that is still of interest reaches so far back. */
static void forget(struct group *group, uint64_t timespan_us) {
    uint64_t newest = group->entries[group->entry_count - 1].time_us;
    uint32_t gone = newest > 2 * timespan_us ? group_lower(group, newest - 2 * timespan_us) : 0;
    memmove(group->entries, group->entries + gone, (group->entry_count - gone) * sizeof *group->entries);
    group->entry_count -= gone;
}

uint32_t measure_insert(struct group *group, const struct group_entry *entry, uint64_t timespan_us) {
    if (group->entry_count >= MEASURE_ENTRIES_MOST) {
        forget(group, timespan_us);
        thin(group, timespan_us / 512 + 1);
    }
    return group_insert(group, entry, 2 * MEASURE_ENTRIES_MOST);
}

static int compare_numbers(const void *a, const void *b) {
    double x = number_of(a), y = number_of(b);
    return (x > y) - (x < y);
}

static void sort_numbers(struct group *group) {
    if (group->entry_count)
        qsort(group->entries, group->entry_count, sizeof *group->entries, compare_numbers);
}

/* Rounds every number, and joins what has become the same. */
static void coarsen(struct group *group) {
    uint32_t kept = 0;
    sort_numbers(group);
    for (uint32_t i = 0; i < group->entry_count; i++) {
        struct group_entry next = group->entries[i];
        next.value &= ~((1ull << COARSE_BITS) - 1);
        struct group_entry *last = &group->entries[kept - (kept > 0)];
        if (kept && last->value == next.value) {
            last->weight = add_weights(last->weight, next.weight);
            last->time_us = next.time_us > last->time_us ? next.time_us : last->time_us;
        } else {
            group->entries[kept++] = next;
        }
    }
    group->entry_count = kept;
}

/* The nearest number's place: where numbers differ by more than rounding can join, it takes the new one, too. */
static uint32_t nearest(const struct group *group, double number) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < group->entry_count; i++)
        if (fabs(number_of(&group->entries[i]) - number) < fabs(number_of(&group->entries[best]) - number))
            best = i;
    return best;
}

void measure_gather(struct group *group, const struct group_entry *entry, bool number) {
    uint32_t at = 0;
    while (at < group->entry_count && group->entries[at].value != entry->value)
        at++;
    if (at == group->entry_count && group->entry_count >= MEASURE_ENTRIES_MOST) {
        if (!number)
            return;
        coarsen(group);
        at = group->entry_count < MEASURE_ENTRIES_MOST ? group->entry_count : nearest(group, number_of(entry));
    }
    if (at == group->entry_count) {
        group_append(group, entry);
        return;
    }
    struct group_entry *like = &group->entries[at];
    like->weight = add_weights(like->weight, entry->weight);
    like->time_us = entry->time_us > like->time_us ? entry->time_us : like->time_us;
}

double measure_sum(const struct group *group, uint32_t first, uint32_t last) {
    double sum = 0;
    for (uint32_t i = first; i <= last && i < group->entry_count; i++)
        sum = bounded(sum + number_of(&group->entries[i]));
    return sum;
}

uint64_t measure_events(const struct group *group, uint32_t first, uint32_t last) {
    uint64_t events = 0;
    for (uint32_t i = first; i <= last && i < group->entry_count; i++)
        events += group->entries[i].weight;
    return events;
}

double measure_percentile(struct group *group, double percent) {
    uint64_t all = measure_events(group, 0, UINT32_MAX), below = 0;
    double rank = ceil(percent / 100 * (double)all);
    uint32_t at = 0;
    sort_numbers(group);
    for (; at + 1 < group->entry_count; at++) {
        below += group->entries[at].weight;
        if ((double)below >= rank)
            break;
    }
    return group->entry_count ? number_of(&group->entries[at]) : 0;
}

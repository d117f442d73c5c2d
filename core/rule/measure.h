/* What value_sum, value_avg and value_percentile make of a group's entries: an entry is a number (or, for shares, a
 * value's hash) and how many events it stands for.
 *
 * Bounded: past MEASURE_ENTRIES_MOST, numbers that are summed are joined with their neighbours in time (exact but for
 * where in 1/512 of the timespan they lie), numbers that are ranked are rounded to three digits and then joined. Nothing
 * is left out of a sum or a rank. Of shares the first MEASURE_ENTRIES_MOST different values are watched; all count. */
#ifndef TOCSIN_MEASURE_H
#define TOCSIN_MEASURE_H

#include "group.h"

#define MEASURE_ENTRIES_MOST 2048u

struct group_entry measure_entry(uint64_t time_us, double number, uint64_t times);

/* By time; returns its place. For sums and averages. */
uint32_t measure_insert(struct group *group, const struct group_entry *entry, uint64_t timespan_us);
/* By value, like ones joined. For percentiles (`number`) and shares. */
void measure_gather(struct group *group, const struct group_entry *entry, bool number);

/* Over the entries [first, last]. */
double measure_sum(const struct group *group, uint32_t first, uint32_t last);
uint64_t measure_events(const struct group *group, uint32_t first, uint32_t last);
/* The smallest number that at least `percent` of all numbers do not exceed (nearest rank). */
double measure_percentile(struct group *group, double percent);

#endif

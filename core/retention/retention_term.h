/* Terms over the calendar: months in UTC, clamped to the month's last day (log-format: Retention).
 *
 * 31 August + 6 months is 28 February, or the 29th of a leap year, at the same time of the day. What would lie past the year
 * 9999 never comes: the error is on the side of keeping. */
#ifndef TOCSIN_RETENTION_TERM_H
#define TOCSIN_RETENTION_TERM_H

#include "retention_policy.h"

#define RETENTION_NEVER UINT64_MAX
#define RETENTION_DAY_US 86400000000ull

uint64_t retention_months_after(uint64_t since_us, unsigned months);

/* When a term that counts from `since_us` is over; system life counts from `life_end_us` where that is later, and is never
 * over while that is RETENTION_NEVER. */
uint64_t retention_term_end(struct term term, uint64_t since_us, uint64_t life_end_us);

/* "24 months", "system life", "system life + 12 months", "for ever". */
#define TERM_TEXT_SIZE 40u
void retention_term_text(struct term term, char ret_text[TERM_TEXT_SIZE]);
/* The same from a person: "24m", "24 months", "2y", "life", "life+12m", "forever". */
bool retention_term_parse(struct slice text, struct term *ret_term, struct fault *fault);

#endif

/* A ruleset, a detector and what they said: the same few lines that every test of rules needs. */
#ifndef TOCSIN_TEST_WORKBENCH_H
#define TOCSIN_TEST_WORKBENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "detector.h"

#define SECOND 1000000ull

struct workbench {
    struct symbols *symbols;
    struct ruleset *ruleset;
    struct detector *detector;
    struct record *record;
    struct buffer said; /* a line a match: "TITLE count=N fresh=N name=value… [ids]" */
    uint64_t sequence;
};

struct workbench *workbench_open(const char *rules);
struct workbench *workbench_open_with(const char *rules, bool without_prefilter, uint32_t groups_most);
void workbench_close(struct workbench *bench);

/* One event; names and values in turn, ended by NULL. Returns what was said about it. */
const char *workbench_event(struct workbench *bench, uint64_t time_us, ...);
const char *workbench_advance(struct workbench *bench, uint64_t time_us);

/* Whether a rule with this detection (lines indented by two) matches an event. */
bool workbench_matches(const char *detection, ...);

/* Loads one file and gives the outcome of its first refused document as "line:column: reason", or "loaded". */
const char *workbench_refusal(const char *rules);

#endif

/* A file of sample events: what rules must say of them, and that they say nothing else. YAML, a list:
 *
 *   - matches: [root logged in by ssh]     # titles, each at least once, and no others; [] for none
 *     lines: ['Nov 21 18:44:00 alpha sshd[4711]: Accepted publickey for root …']
 *     format: jsonl                        # how the lines are to be read; auto where it is left out
 *     file: /var/log/auth.log              # where they were found
 *   - matches: [A host is silent]
 *     kind: state                          # an event of Tocsin's own, or gap
 *     fields: {tocsin.event: agent_silent} # `each`: a list of them, one event each
 *     lines: ['signer1 is silent']
 *
 * No time goes by behind the last event: a window that is to close needs a later one.
 *
 * Borrows nothing; a fault has file:line:column. */
#ifndef TOCSIN_RULE_SAMPLES_H
#define TOCSIN_RULE_SAMPLES_H

#include "fault.h"
#include "slice.h"

#define RULE_SAMPLES_FIELDS_MOST 64u /* of one event */

struct rule_sample_event {
    struct slice line;
    size_t field_count;
    struct slice *names, *values;
};

struct rule_sample {
    uint32_t line; /* in the file, from 1 */
    struct slice kind, format, file; /* empty: line, auto, /var/log/syslog */
    size_t match_count;
    struct slice *matches;
    size_t event_count;
    struct rule_sample_event *events;
};

struct rule_samples;

struct rule_samples *rule_samples_read(const char *file, struct slice text, struct fault *fault);
struct rule_samples *rule_samples_destroy(struct rule_samples *samples); /* returns NULL */
size_t rule_samples_count(const struct rule_samples *samples);
const struct rule_sample *rule_samples_at(const struct rule_samples *samples, size_t index);

#endif

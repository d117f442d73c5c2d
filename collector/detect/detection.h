/* Detection: reads committed rows in the order of their arrival, decodes, matches rules, raises alerts.
 *
 * It stands behind the commit, never before it: what it reads is stored. Its place in the rows and its state (windows,
 * open alerts) are saved together with what they led to, so that after any restart it goes on exactly there: an alert's
 * id follows from its rule, its entity and its event, and one that is stored already is not raised again.
 *
 * An alert of a trouble (rule.h) is over when a rule ends it, or when another rule of that trouble speaks: an event of kind
 * DECISION in the collector's own stream and the row "r" ‖ id, both alert_end_write's bytes, and a notice to the channels that
 * were told of it. One that a person has resolved opens anew with the next match; one that was acknowledged is told again. */
#ifndef TOCSIN_DETECTION_H
#define TOCSIN_DETECTION_H

#include "knowledge.h"
#include "outbox.h"
#include "probe_board.h"

struct detection;
struct log_state;
struct recent_texts;

struct detection_settings {
    struct store *store;
    struct committer *committer;
    struct outbox *outbox;
    struct log_state *log;       /* what people decide about alerts; NULL: nobody does */
    struct recent_texts *recent; /* what need not be opened again; may be NULL */
    const struct knowledge *knowledge;
    const char *site;  /* its name, in mails */
    char *const *core; /* names or globs of core hosts: what is critical there is a page */
    size_t core_count;
    uint64_t window_us; /* alerts of one rule and entity within it are one */
    uint64_t repeat_us; /* told again no sooner */
    uint64_t acknowledged_us; /* the same, of what somebody has acknowledged */
};

/* Starts the thread. Settings are borrowed for its life. */
struct detection *detection_start(const struct detection_settings *settings, struct fault *fault);
/* Saves its state and ends the thread. */
struct detection *detection_stop(struct detection *detection);
/* Other rules and other core hosts from the next event on; the old ones may go once this returns. */
void detection_reload(struct detection *detection, const struct knowledge *knowledge, char *const *core,
                      size_t core_count);

struct detection_counts {
    uint64_t events, alerts, notices, behind; /* behind: rows committed and not read yet */
    uint64_t matches, evictions;
    size_t rules;
};
struct detection_counts detection_counts(struct detection *detection);

/* The probes that agents tell of (probe_board.h). Any thread. */
void detection_describe_probes(struct detection *detection, uint64_t now_us, struct buffer *to);
typedef void detection_probe(void *context, const struct probe_standing *probe);
void detection_each_probe(struct detection *detection, detection_probe *take, void *context);

#endif

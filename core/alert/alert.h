/* An alert: a match with its class, as JSON for machines and as text for people.
 *
 * struct alert is a view that borrows everything (from a match, a rule and a classification, or from the
 * document that alert_read made). Writing allocates nothing but the buffer's room. Times are microseconds
 * since 1970.
 *
 * JSON: {"id", "@timestamp", "rule": {"id","title","level"}, "severity", "severity_name", "priority", "why",
 * "entity": {nested ECS names}, "host": {"name"}, "events": [ids], "count", "outage": {"start", "end", "duration_s",
 * "used_percent"} where it is about one, "status"}, once it is over by itself "resolution" (alert_end_write), and, once
 * somebody has decided about it, "decisions": [{"ctl_seq", "@timestamp", "status", "severity", "user": {"id"}, "reason":
 * {"hash"}}]. */
#ifndef TOCSIN_ALERT_H
#define TOCSIN_ALERT_H

#include "buffer.h"
#include "classify.h"
#include "detector.h"
#include "fault.h"

#define ALERT_ID_SIZE 33 /* 32 hex digits and a NUL */
#define ALERT_TEXT_MOST (256u * 1024)

enum alert_status { ALERT_OPEN = 0, ALERT_ACKNOWLEDGED, ALERT_RECLASSIFIED, ALERT_RESOLVED };
#define ALERT_STATUSES 4

/* What a person has decided about it. */
struct alert_decision {
    uint64_t ctl_seq, time_us; /* of its entry in the log */
    enum alert_status status;
    struct slice severity; /* of a reclassification; else empty */
    struct slice person;   /* the id in hexadecimal digits */
    struct slice reason;   /* the salted text's hash, likewise */
};

/* Of a service that people wait for. */
struct alert_outage {
    uint64_t start_us, end_us; /* start 0: it is about none; end 0: it goes on */
    uint64_t duration_s;
    uint64_t used_percent; /* of the time in which the service must be back; may be over 100 */
};

/* How an alert came to its end without a person. */
struct alert_end {
    struct slice alert_id;
    uint64_t time_us; /* event time of what ended it */
    struct slice rule_id, rule_title, event_id; /* what told it */
    struct slice replaced_by; /* the alert that tells of it from now on; empty: it is over */
    struct alert_outage outage;
};

struct alert {
    struct slice id;
    uint64_t time_us; /* event time of what set it off */
    struct slice rule_id, rule_title;
    enum rule_level level;
    enum severity severity;
    enum priority priority;
    struct slice why;
    const struct detector_pair *entity;
    size_t entity_count;
    struct slice host;
    const struct slice *event_ids;
    size_t event_id_count;
    uint64_t count;
    uint64_t first_us, last_us; /* not in the JSON */
    struct alert_outage outage;
    enum alert_status status;
    struct slice resolution; /* what alert_end_write wrote, where it is over; written, not read */
    const struct alert_decision *decisions; /* in the order of the log; written, not read */
    size_t decision_count;
    struct slice what_to_do; /* not in the JSON: it stands in the rule */
};

/* The same rule, entity and event give the same id, on every collector and after every restart. */
void alert_id_make(struct slice rule_id, const struct detector_pair *entity, size_t entity_count,
                   struct slice event_id, char ret_id[ALERT_ID_SIZE]);

/* A view of a new alert; `id` is kept by the caller. */
struct alert alert_of_match(const struct detector_match *match, const struct classification *class,
                            const char id[ALERT_ID_SIZE]);

/* One line of JSON without a newline. `bare` leaves out who and why (entity, why): the alert event of class
 * 0, which outlives them. False when the buffer's limit is passed. */
bool alert_write(struct buffer *to, const struct alert *alert, bool bare);

/* "4 d 3 h", "2 h 5 min", "45 s": the two largest parts. */
void alert_write_duration(struct buffer *to, uint64_t seconds);

/* {"id", "@timestamp", "status": "resolved", "by": "recovery" or "replaced", "rule": {"id", "title"}, "events": [id],
 * "replaced_by": id, "outage"}: says neither who nor why, as a bare alert. One line. */
bool alert_end_write(struct buffer *to, const struct alert_end *end);

/* Reads what alert_write wrote. The document owns what the alert borrows. */
struct alert_document;
struct alert_document *alert_read(struct slice json, struct fault *fault); /* NULL on failure */
const struct alert *alert_document_alert(const struct alert_document *document);
struct alert_document *alert_document_destroy(struct alert_document *document); /* returns NULL */

const char *alert_status_name(enum alert_status status);
bool alert_status_by_name(struct slice name, enum alert_status *ret_status);

#endif

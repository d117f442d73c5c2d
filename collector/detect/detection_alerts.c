/* Matches become alerts: raised once, counted, told again, over. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>

#include "alert.h"
#include "alert_mail.h"
#include "bytes.h"
#include "calendar.h"
#include "clock.h"
#include "detection_inside.h"
#include "log.h"
#include "log_state.h"
#include "report.h"

#define LOOK_US 1000000u /* what people decided about an alert is looked up so often while it is counted into */
#define ATTACK_WINDOW_US (600u * UINT64_C(1000000)) /* a probe that failed so lately failed with what is raised */

/* ---- what goes into the change */

/* "c" ‖ id → u64 count ‖ u64 last_us: the alert itself stays as it was raised. */
static void put_updates(struct detection *detection) {
    for (size_t i = 0; i < detection->update_count; i++) {
        char key[ALERT_ID_SIZE + 1];
        uint8_t value[16];
        snprintf(key, sizeof key, "c%s", detection->updates[i].id);
        bytes_put_u64(value, detection->updates[i].count);
        bytes_put_u64(value + 8, detection->updates[i].last_us);
        change_put(detection->change, STORE_ALERT, slice_string(key), slice_make(value, sizeof value));
    }
    detection->update_count = 0;
}

static void notices_committed(void *context, struct change *change) {
    (void)change;
    outbox_wake(context);
}

void detection_submit(struct detection *detection) {
    put_updates(detection);
    if (change_is_empty(detection->change))
        return;
    if (detection->wake_outbox)
        change_on_committed(detection->change, notices_committed, detection->settings.outbox);
    detection->wake_outbox = false;
    committer_submit(detection->settings.committer, detection->change);
    detection->change = change_create();
}

static void put_update(struct detection *detection, const struct dedup_entry *entry) {
    struct detection_update *update = NULL;
    for (size_t i = 0; i < detection->update_count && !update; i++)
        if (strcmp(detection->updates[i].id, entry->alert_id) == 0)
            update = &detection->updates[i];
    if (!update) {
        if (detection->update_count == DETECTION_UPDATES_MOST)
            put_updates(detection);
        update = &detection->updates[detection->update_count++];
    }
    memcpy(update->id, entry->alert_id, ALERT_ID_SIZE);
    update->count = entry->count;
    update->last_us = entry->last_us;
}

static void put_notice(struct detection *detection, const struct alert *alert, struct slice json,
                       enum alert_mail_kind kind, uint64_t over_us) {
    CLEANUP_BUFFER struct buffer subject = BUFFER(1024);
    CLEANUP_BUFFER struct buffer text = BUFFER(ALERT_TEXT_MOST);
    struct alert_mail mail = {.alert = alert,
                              .lines = &detection->raw,
                              .line_count = detection->raw.size ? 1 : 0,
                              .kind = kind,
                              .over_us = over_us,
                              .site = detection->settings.site};
    alert_mail_subject(&subject, &mail);
    alert_mail_body(&text, &mail);
    bool urgent = alert->priority == PRIORITY_PAGE && kind != ALERT_MAIL_OVER;
    struct notice notice = {alert->id, buffer_slice(&subject), buffer_slice(&text),
                            json,      clock_wall_us(),        urgent};
    outbox_put(detection->settings.outbox, detection->change, &notice);
    detection->wake_outbox = true;
    detection->notices++;
}

/* The rows of STORE_ALERT that stand beside an alert: "i", where it is; "c", its count; "r", how it ended. */
static struct slice row_key(char key[ALERT_ID_SIZE + 1], char letter, struct slice id) {
    snprintf(key, ALERT_ID_SIZE + 1, "%c%.*s", letter, SLICE_ARG(id));
    return slice_string(key);
}

static bool row_known(const struct detection *detection, char letter, const char *id) {
    char key[ALERT_ID_SIZE + 1];
    CLEANUP_STORE_VALUE struct store_value value = {0};
    return store_get(detection->settings.store, STORE_ALERT, row_key(key, letter, slice_string(id)), &value,
                     NULL);
}

static void put_alert(struct detection *detection, const struct alert *alert, struct slice json) {
    /* Ordered by when it was raised, so that whoever follows misses none, also when the clock was set back; its own time
     * stands in it. */
    uint8_t key[12];
    char by_id[ALERT_ID_SIZE + 1];
    uint64_t now_us = clock_wall_us();
    detection->raised_us = now_us > detection->raised_us ? now_us : detection->raised_us + 1;
    bytes_put_u64(key, detection->raised_us);
    bytes_put_u32(key + 8, (uint32_t)detection->alerts);
    change_put(detection->change, STORE_ALERT, slice_make(key, sizeof key), json);
    change_put(detection->change, STORE_ALERT, row_key(by_id, 'i', alert->id), slice_make(key, sizeof key));
    CLEANUP_BUFFER struct buffer bare = BUFFER(ALERT_TEXT_MOST);
    if (alert_write(&bare, alert, true)) {
        struct event_body body = {
            .kind = EVENT_ALERT, .source = SLICE("collector"), .raw = buffer_slice(&bare)};
        change_report(detection->change, CLASS_JOURNAL, &body);
    }
    detection->alerts++;
}

static void put_end(struct detection *detection, const struct alert_end *end, struct buffer *json) {
    char key[ALERT_ID_SIZE + 1];
    if (!alert_end_write(json, end))
        return; /* titles have a limit: not to be */
    struct event_body body = {
        .kind = EVENT_DECISION, .source = SLICE("collector"), .raw = buffer_slice(json)};
    change_put(detection->change, STORE_ALERT, row_key(key, 'r', end->alert_id), buffer_slice(json));
    change_report(detection->change, CLASS_JOURNAL, &body);
}

/* ---- what is known about the match */

/* The collector itself, and whoever the settings call core. */
static bool is_core(const struct detection *detection, struct slice host) {
    char name[STREAM_NAME_SIZE];
    if (host_is_collector(host))
        return true;
    if (host.size >= sizeof name)
        return false;
    memcpy(name, host.data, host.size);
    name[host.size] = '\0';
    for (size_t i = 0; i < detection->settings.core_count; i++)
        if (fnmatch(detection->settings.core[i], name, 0) == 0)
            return true;
    return false;
}

/* What the event says of an outage, where it is about one. */
static struct alert_outage outage_of(const struct detection *detection, uint64_t over_us) {
    struct alert_outage outage = {.end_us = over_us};
    uint64_t *numbers[] = {&outage.duration_s, &outage.used_percent};
    static const char *const names[] = {"probe.outage.duration_s", "probe.outage.used_percent"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!slice_decimal(record_value(detection->record, slice_string(names[i])), numbers[i]))
            *numbers[i] = 0;
    if (!calendar_parse(record_value(detection->record, SLICE("probe.outage.start")), &outage.start_us))
        outage.start_us = 0;
    return outage;
}

/* How people had left an alert when the event at hand was stored: the last decision says it. */
struct standing {
    bool resolved;
    uint64_t acknowledged_us;
    enum severity severity; /* of a reclassification */
};

static struct standing standing_of(const struct detection *detection, const char *id) {
    struct standing standing = {.resolved = false};
    struct fault fault = {0};
    struct log_state *log = detection->settings.log;
    const struct control_fold *control = log ? log_state_control(log, &fault) : NULL;
    size_t count;
    if (!control)
        return standing;
    const struct past_decision *past = decision_ledger_of(control->decisions, slice_string(id), &count);
    for (size_t i = 0; i < count && past[i].time_us <= detection->stored_us; i++) {
        standing.resolved = past[i].kind == DECISION_RESOLVE;
        if (past[i].kind == DECISION_ACKNOWLEDGE)
            standing.acknowledged_us = past[i].time_us;
        if (past[i].kind == DECISION_RECLASSIFY)
            (void)severity_by_text(slice_string(past[i].value), &standing.severity);
    }
    log_state_control_release(log);
    return standing;
}

static struct classification class_of(const struct detection *detection, const struct rule *rule,
                                      struct slice host) {
    struct classification class;
    struct slice outcome = record_value(detection->record, SLICE("event.outcome"));
    uint64_t window_us = detection->stored_us > ATTACK_WINDOW_US ? detection->stored_us - ATTACK_WINDOW_US : 0;
    struct classify_context context = {.core_service = is_core(detection, host),
                                       .succeeded = slice_equal(outcome, SLICE("success")),
                                       .service_failed = probe_board_failed_since(detection->probes, window_us)};
    classify_rule(rule, &context, &class);
    return class;
}

/* What is told of an alert later says of its class what was said first, whatever probes and settings say by now. */
static void recall_class(const struct detection *detection, struct slice id, struct classification *class) {
    char key[ALERT_ID_SIZE + 1];
    CLEANUP_STORE_VALUE struct store_value place = {0}, json = {0};
    if (!store_get(detection->settings.store, STORE_ALERT, row_key(key, 'i', id), &place, NULL) ||
        !store_get(detection->settings.store, STORE_ALERT, place.slice, &json, NULL))
        return; /* raised in this very round */
    struct alert_document *document = alert_read(json.slice, NULL);
    if (document) {
        const struct alert *alert = alert_document_alert(document);
        class->severity = alert->severity;
        class->priority = alert->priority;
        if (alert->why.size)
            snprintf(class->why, sizeof class->why, "%.*s", SLICE_ARG(alert->why));
    }
    alert_document_destroy(document);
}

static struct alert make_alert(const struct detection *detection, const struct detector_match *match,
                               const struct dedup_entry *entry, const struct classification *class) {
    struct alert alert = alert_of_match(match, class, entry->alert_id);
    alert.count = entry->count;
    alert.first_us = entry->first_us;
    alert.last_us = entry->last_us;
    alert.outage = outage_of(detection, 0);
    return alert;
}

/* ---- over */

/* The rule that raised it; NULL where it was taken out since. */
static const struct rule *rule_numbered(const struct detection *detection, uint64_t number) {
    const struct ruleset *ruleset = detection->knowledge->ruleset;
    for (size_t i = 0; i < ruleset_rule_count(ruleset); i++)
        if (dedup_rule_number(ruleset_rule(ruleset, i)) == number)
            return ruleset_rule(ruleset, i);
    return NULL;
}

static void tell_end(struct detection *detection, const struct detector_match *match,
                     const struct dedup_entry *entry, struct slice resolution, enum severity reclassified) {
    const struct rule *rule = rule_numbered(detection, entry->rule);
    struct detector_match raised = *match;
    raised.rule = rule ? rule : match->rule;
    struct classification class = class_of(detection, raised.rule, match->host);
    recall_class(detection, slice_string(entry->alert_id), &class);
    struct alert alert = make_alert(detection, &raised, entry, &class);
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST);
    if (reclassified != SEVERITY_UNSET)
        alert.severity = reclassified;
    alert.outage.end_us = match->time_us;
    alert.status = ALERT_RESOLVED;
    alert.resolution = resolution;
    if (alert.priority != PRIORITY_REVIEW && alert_write(&json, &alert, false))
        put_notice(detection, &alert, buffer_slice(&json), ALERT_MAIL_OVER, match->time_us);
}

/* `next`: the alert that takes its place; NULL: what it told of is over. */
static void end_alert(struct detection *detection, const struct detector_match *match,
                      const struct dedup_entry *entry, struct slice id, const char *next) {
    char kept[ALERT_ID_SIZE];
    snprintf(kept, sizeof kept, "%.*s", SLICE_ARG(id));
    struct standing standing = standing_of(detection, kept);
    if (standing.resolved || row_known(detection, 'r', kept))
        return; /* by a person; or before a restart that lost the state behind it */
    struct alert_end end = {.alert_id = id,
                            .time_us = match->time_us,
                            .rule_id = slice_string(match->rule->id),
                            .rule_title = slice_string(match->rule->title),
                            .event_id = match->event_id,
                            .replaced_by = slice_string(next ? next : "")};
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST);
    if (!next)
        end.outage = outage_of(detection, match->time_us);
    put_end(detection, &end, &json);
    if (!next)
        tell_end(detection, match, entry, buffer_slice(&json), standing.severity);
}

/* ---- raised, counted, told again */

static void raise(struct detection *detection, const struct detector_match *match,
                  const struct dedup_entry *entry, enum dedup_verdict verdict,
                  const struct standing *standing) {
    struct classification class = class_of(detection, match->rule, match->host);
    if (verdict != DEDUP_NEW)
        recall_class(detection, slice_string(entry->alert_id), &class);
    struct alert alert = make_alert(detection, match, entry, &class);
    CLEANUP_BUFFER struct buffer json = BUFFER(ALERT_TEXT_MOST);
    enum alert_mail_kind kind = verdict == DEDUP_NEW        ? ALERT_MAIL_NEW
                                : standing->acknowledged_us ? ALERT_MAIL_AGAIN_ACKNOWLEDGED
                                                            : ALERT_MAIL_AGAIN;
    if (standing->severity != SEVERITY_UNSET)
        alert.severity = standing->severity;
    if (kind == ALERT_MAIL_AGAIN_ACKNOWLEDGED)
        alert.status = ALERT_ACKNOWLEDGED;
    if (!alert_write(&json, &alert, false)) {
        log_error("an alert of rule %s is too large to be written", match->rule->id);
        return;
    }
    if (verdict == DEDUP_NEW)
        put_alert(detection, &alert, buffer_slice(&json));
    else
        put_update(detection, entry);
    if (alert.priority != PRIORITY_REVIEW)
        put_notice(detection, &alert, buffer_slice(&json), kind, 0);
}

/* What people decided about the alert that is open. One that they resolved is open no more. */
static struct standing look_up(struct detection *detection, const struct detector_match *match) {
    struct dedup_entry *open = dedup_find(detection->dedup, match), closed;
    struct standing standing = {.resolved = false};
    if (!open)
        return standing;
    if (!match->rule->trouble && detection->stored_us < open->looked_us + LOOK_US)
        return (struct standing){.acknowledged_us = open->acknowledged_us, .severity = open->severity};
    standing = standing_of(detection, open->alert_id);
    open->looked_us = detection->stored_us;
    open->acknowledged_us = standing.acknowledged_us;
    open->severity = standing.severity;
    if (!standing.resolved)
        return standing;
    dedup_close(detection->dedup, match, &closed);
    detection->save = true; /* read again, an event before the decision must not open one, too */
    return (struct standing){.resolved = true};
}

void detection_match(void *context, const struct detector_match *match) {
    struct detection *detection = context;
    struct dedup_entry entry;
    if (match->rule->ends) {
        if (dedup_close(detection->dedup, match, &entry))
            end_alert(detection, match, &entry, slice_string(entry.alert_id), NULL);
        return;
    }
    struct standing standing = look_up(detection, match);
    enum dedup_verdict verdict = dedup_offer(detection->dedup, match, standing.acknowledged_us, &entry);
    if (verdict == DEDUP_COUNTED) {
        put_update(detection, &entry);
        return;
    }
    if (verdict == DEDUP_NEW && row_known(detection, 'i', entry.alert_id))
        return; /* raised before a restart that lost the state behind it */
    if (*entry.replaced) {
        end_alert(detection, match, &entry, slice_string(entry.replaced), entry.alert_id);
        standing = (struct standing){.resolved = false};
    }
    raise(detection, match, &entry, verdict, &standing);
    detection->save |= verdict == DEDUP_REPEAT;
    if (change_size(detection->change) > DETECTION_CHANGE_BYTES)
        detection_submit(detection);
}

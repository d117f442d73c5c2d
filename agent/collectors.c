#include "collectors.h"

#include <stdio.h>
#include <stdlib.h>

#include "files.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "notify.h"
#include "site.h"

#define STATUS_MOST 4096u

/* ---- coming and going */

static bool start_watching(struct collector *collector, const struct collectors_settings *settings,
                           struct fault *fault) {
    char witnesses[FILES_PATH_MOST], refused[FILES_PATH_MOST];
    unsigned number = collector->known.number;
    if (!site_path_numbered(witnesses, settings->data, SITE_AGENT_WITNESSES, number) ||
        !site_path_numbered(refused, settings->data, SITE_AGENT_LOG_REFUSED, number))
        return fault_set(fault, FAULT_LIMIT, "a path that is too long: %s", settings->data);
    const struct watching_settings watching = {.origin = collector->known.origin,
                                               .log_key = collector->known.log_key,
                                               .witnesses = witnesses,
                                               .refused = refused,
                                               .context = settings->context,
                                               .tell = settings->tell,
                                               .changed = settings->changed,
                                               .collector = number};
    collector->watching = watching_create(&watching, settings->lanes, fault);
    return collector->watching ? true : fault_place(fault, "%s", collector->address);
}

static void start_connection(struct collector *collector, const struct collectors_settings *settings) {
    struct connection_settings connection = {.loop = settings->loop,
                                             .lanes = settings->lanes,
                                             .collector = collector->known.number,
                                             .watching = collector->watching,
                                             .address = collector->address,
                                             .identity = settings->identity,
                                             .pin = collector->known.pin,
                                             .context = settings->context,
                                             .lag = settings->lag,
                                             .answered = settings->changed};
    memcpy(connection.boot_id, settings->boot_id, sizeof connection.boot_id);
    collector->connection = connection_start(&connection);
}

bool collectors_start(struct collectors *collectors, const struct collectors_settings *settings,
                      struct fault *fault) {
    const struct membership *membership = settings->membership;
    collectors->lanes = settings->lanes;
    collectors->context = settings->context;
    collectors->tell = settings->tell;
    for (size_t i = 0; i < membership->count; i++) {
        struct collector *collector = memory_new(sizeof *collector);
        collectors->list[collectors->count++] = collector;
        collector->known = membership->collectors[i];
        snprintf(collector->address, sizeof collector->address, "%s", settings->addresses[i]);
        if (!start_watching(collector, settings, fault))
            return false;
        start_connection(collector, settings);
    }
    return true;
}

static void stop(struct collector *collector) {
    connection_stop(collector->connection);
    watching_destroy(collector->watching);
    free(collector);
}

void collectors_stop(struct collectors *collectors) {
    for (size_t i = 0; i < collectors->count; i++)
        stop(collectors->list[i]);
    collectors->count = 0;
}

bool collectors_forget(const char *data, unsigned number, struct fault *fault) {
    static const enum site_file files[] = {SITE_AGENT_WITNESSES, SITE_AGENT_LOG_REFUSED};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[FILES_PATH_MOST];
        if (!site_path_numbered(path, data, files[i], number) || !files_remove(path, fault))
            return false;
    }
    return true;
}

void collectors_leave(struct collectors *collectors, unsigned number) {
    for (size_t i = 0; i < collectors->count; i++) {
        if (collectors->list[i]->known.number != number)
            continue;
        stop(collectors->list[i]);
        lanes_leave(collectors->lanes, number);
        collectors->count--;
        memmove(collectors->list + i, collectors->list + i + 1,
                (collectors->count - i) * sizeof(struct collector *));
    }
}

/* ---- all of them */

void collectors_flushed(struct collectors *collectors) {
    for (size_t i = 0; i < collectors->count; i++)
        connection_flushed(collectors->list[i]->connection);
}

void collectors_set_identity(struct collectors *collectors, const struct tls_identity *identity) {
    for (size_t i = 0; i < collectors->count; i++)
        connection_set_identity(collectors->list[i]->connection, identity);
}

uint64_t collectors_pace_us(const struct collectors *collectors) {
    uint64_t quickest = UINT64_MAX;
    for (size_t i = 0; i < collectors->count; i++) {
        uint64_t pace_us = connection_pace_us(collectors->list[i]->connection);
        quickest = pace_us < quickest ? pace_us : quickest;
    }
    return quickest;
}

bool collectors_want_close(struct collectors *collectors, enum lane *ret_lane) {
    for (size_t i = 0; i < collectors->count; i++)
        if (connection_wants_close(collectors->list[i]->connection, ret_lane))
            return true;
    return false;
}

bool collectors_lack_parts(const struct collectors *collectors) {
    struct lanes_report report;
    lanes_report(collectors->lanes, &report);
    for (size_t i = 0; i < collectors->count; i++)
        for (unsigned lane = 0; connection_is_ready(collectors->list[i]->connection) && lane < LANES; lane++)
            if (lanes_marks(collectors->lanes, collectors->list[i]->known.number, (enum lane)lane).attested <
                report.next_event_seq[lane])
                return true;
    return false;
}

/* ---- how they do */

static void tell_wait(const struct collectors *collectors, const struct collector *collector,
                      enum proof_wait_news news) {
    char text[512];
    bool away = !connection_is_ready(collector->connection), over = news == PROOF_WAIT_OVER;
    const char *event = over ? "collector_proves" : away ? "collector_away" : "checkpoint_missing";
    snprintf(text, sizeof text,
             over   ? "the collector %s proves again that it has what this host closed"
             : away ? "the collector %s was not reached for ten minutes; what it lacks is kept as far as the "
                      "spool has room"
                    : "the collector %s is connected, and for ten minutes it has shown no checkpoint with "
                      "what this host "
                      "closed; that is kept",
             collector->address);
    log_write(over ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, "%s", text);
    collectors->tell(collectors->context, event, text, (struct slice){NULL, 0});
}

static void look_at(const struct collectors *collectors, struct collector *collector, uint64_t steady_us) {
    struct lanes_report report;
    uint64_t proved = 0, closed = 0;
    lanes_report(collectors->lanes, &report);
    for (unsigned lane = 0; lane < LANES; lane++) {
        proved += lanes_marks(collectors->lanes, collector->known.number, (enum lane)lane).proved;
        closed += report.batch_seq[lane];
    }
    /* One that contradicts itself was told already, and nothing of it is looked at. */
    if (watching_is_stopped(collector->watching))
        return;
    enum proof_wait_news news = proof_wait_look(&collector->wait, proved, closed, steady_us);
    if (news != PROOF_WAIT_NOTHING)
        tell_wait(collectors, collector, news);
}

void collectors_look(struct collectors *collectors, uint64_t steady_us) {
    CLEANUP_BUFFER struct buffer text = BUFFER(STATUS_MOST);
    for (size_t i = 0; i < collectors->count; i++) {
        look_at(collectors, collectors->list[i], steady_us);
        buffer_printf(&text, "%s%s%s", i ? "; " : "", connection_describe(collectors->list[i]->connection),
                      watching_is_stopped(collectors->list[i]->watching) ? " (its log contradicts itself)"
                                                                         : "");
    }
    notify_status("%s", buffer_string(&text));
}

/* ---- metrics */

static void
of_lanes(const struct collectors *collectors, struct buffer *to, const char *name, const char *about,
         double (*value)(const struct lanes_report *report, unsigned lane, struct spool_marks marks)) {
    static const char *const words[LANES] = {"security", "bulk"};
    struct lanes_report report;
    lanes_report(collectors->lanes, &report);
    metrics_begin(to, name, METRICS_GAUGE, about);
    for (size_t i = 0; i < collectors->count; i++)
        for (unsigned lane = 0; lane < LANES; lane++) {
            const struct collector *collector = collectors->list[i];
            const struct metrics_label labels[] = {{"collector", collector->address}, {"lane", words[lane]}};
            metrics_value(to, name, labels, 2,
                          value(&report, lane,
                                lanes_marks(collectors->lanes, collector->known.number, (enum lane)lane)));
        }
}

static double unsent(const struct lanes_report *report, unsigned lane, struct spool_marks marks) {
    return (double)(report->next_event_seq[lane] - marks.stored);
}

static double unproved(const struct lanes_report *report, unsigned lane, struct spool_marks marks) {
    return (double)(report->batch_seq[lane] - marks.proved);
}

static void of_each(const struct collectors *collectors, struct buffer *to, const char *name,
                    const char *about, bool (*value)(const struct collector *collector)) {
    metrics_begin(to, name, METRICS_GAUGE, about);
    for (size_t i = 0; i < collectors->count; i++)
        metrics_value(to, name, (struct metrics_label[]){{"collector", collectors->list[i]->address}}, 1,
                      value(collectors->list[i]));
}

static bool is_refused(const struct collector *collector) {
    return watching_is_stopped(collector->watching);
}

static bool is_connected(const struct collector *collector) {
    return connection_is_ready(collector->connection);
}

void collectors_metrics(const struct collectors *collectors, struct buffer *to) {
    of_lanes(collectors, to, "tocsin_agent_unsent_events", "Events that the collector does not have yet.",
             unsent);
    of_lanes(collectors, to, "tocsin_agent_unproved_batches",
             "Closed batches that no verified checkpoint of its log holds yet.", unproved);
    of_each(collectors, to, "tocsin_agent_log_refused", "1 while a refused checkpoint waits for a person.",
            is_refused);
    of_each(collectors, to, "tocsin_agent_connected", "1 while connected.", is_connected);
}

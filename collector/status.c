/* The status page and the metrics. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "collector.h"
#include "metrics.h"
#include "record_json.h"

#define STATUS_WAIT_S 5

static const char *next_step(const struct collector *collector) {
    if (ingest_halted(collector->ingest))
        return ingest_halted(collector->ingest);
    if (collector->settings->mail.server.host == NULL && collector->settings->webhooks.count == 0)
        return "nobody is told of alerts yet: set mail or webhooks in collector.yaml, then `tocsin "
               "test-alert`";
    if (ingest_counts(collector->ingest).agents == 0)
        return "no agent yet: `tocsin deploy HOST --print`";
    if (!collector_has_backup(collector))
        return "no backup yet: set backup.folder and backup.keys in collector.yaml, or `tocsin backup DIR`";
    if (witnessing_apart(collector->witnesses))
        return witnessing_apart(collector->witnesses);
    if (collector->room_state != ROOM_GOOD)
        return "the disk fills up: make room, or give the store a larger disk; nothing is erased before its time";
    struct retention_sums retention = retention_job_sums(collector->retention);
    if (retention.overdue)
        return "events outlived their maximum: `tocsin retention run` says why they stay";
    if (retention.reminded)
        return "events are past their maximum, and without witnesses two people erase them: `tocsin retention status`";
    return "";
}

/* What a witness's settings and a verifier need. */
static void write_log_key(const struct collector *collector, struct buffer *to) {
    CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_VKEY_MOST);
    note_key_write(&text, log_state_key(collector->log_state));
    record_json_string(to, buffer_slice(&text));
}

/* How many people stand behind decisions: one alone makes all of them SINGLE-CONTROL. */
static const char *control_word(const struct collector *collector) {
    struct fault fault = {0};
    const struct control_fold *control = log_state_control(collector->log_state, &fault);
    if (!control)
        return "UNREADABLE";
    unsigned roles = control_chain_count(control->chain) > 0
                         ? control_people_roles(control_chain_people(control->chain))
                         : 0;
    log_state_control_release(collector->log_state);
    return roles == 0 ? "NO-GENESIS" : (roles & (roles - 1)) == 0 ? "SINGLE-CONTROL" : "TWO-PERSON";
}

static uint64_t checkpoint_age_s(const struct log_head *head) {
    uint64_t now_us = clock_wall_us();
    return head->time_us && head->time_us < now_us ? (now_us - head->time_us) / 1000000 : 0;
}

static void write_log(const struct collector *collector, struct buffer *to) {
    struct committer_counts log = committer_counts(collector->committer);
    struct log_head head = {0};
    bool published = log_state_newest(collector->log_state, &head, NULL);
    buffer_printf(to,
                  "\"log\":{\"size\":%" PRIu64 ",\"rows\":%" PRIu64 ",\"statements\":%" PRIu64
                  ",\"stalled\":%s,\"control\":\"%s\"",
                  log.log_size, committer_arrival(collector->committer), log.statements, log.stalled ? "true" : "false",
                  control_word(collector));
    if (published)
        buffer_printf(to, ",\"checkpoint\":{\"size\":%" PRIu64 ",\"age_seconds\":%" PRIu64 "}", head.size,
                      checkpoint_age_s(&head));
    buffer_append_string(to, "},");
}

static void write_status(struct collector *collector, struct buffer *to) {
    struct detection_counts detection = detection_counts(collector->detection);
    struct store_statistics store;
    store_statistics(collector->store, &store);
    buffer_append_string(to, "{\"version\":\"" TOCSIN_VERSION "\",\"origin\":");
    record_json_string(to, slice_string(collector->origin));
    buffer_append_string(to, ",\"listen\":");
    record_json_string(to, slice_string(ingest_address(collector->ingest)));
    buffer_printf(to,
                  ",\"uptime_seconds\":%" PRIu64 ",\"store\":{\"file_bytes\":%" PRIu64 ",\"commits\":%" PRIu64 ",",
                  (clock_monotonic_us() - collector->started_us) / 1000000, store.file_bytes, store.commits);
    collector_describe_room(collector, to);
    buffer_append_string(to, "},");
    write_log(collector, to);
    buffer_printf(to,
                  "\"detection\":{\"rules\":%zu,\"events\":%" PRIu64 ",\"alerts\":%" PRIu64
                  ",\"behind\":%" PRIu64 "},\"channels\":",
                  detection.rules, detection.events, detection.alerts, detection.behind);
    outbox_describe(collector->outbox, to);
    struct seal_counts sealed = seal_counts(collector->seal);
    buffer_printf(to,
                  ",\"sealed\":{\"log_upto\":%" PRIu64 ",\"segments\":%" PRIu64 ",\"events\":%" PRIu64
                  ",\"text\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"failing\":%s}",
                  sealed.next_index, sealed.segments, sealed.events, sealed.text, sealed.bytes,
                  sealed.failing ? "true" : "false");
    buffer_append_string(to, ",\"log_key\":");
    write_log_key(collector, to);
    buffer_append_string(to, ",\"witnesses\":");
    witnessing_describe(collector->witnesses, to);
    if (collector->backup) {
        buffer_append_string(to, ",\"backup\":");
        backup_service_describe(collector->backup, to);
    }
    struct retention_sums retention = retention_job_sums(collector->retention);
    buffer_printf(to,
                  ",\"retention\":{\"overdue\":%" PRIu64 ",\"reminded\":%" PRIu64 ",\"intended\":%" PRIu64 "}",
                  retention.overdue, retention.reminded, retention.intended);
    buffer_append_string(to, ",\"agents\":");
    ingest_describe(collector->ingest, to);
    buffer_append_string(to, ",\"probes\":");
    detection_describe_probes(collector->detection, clock_wall_us(), to);
    buffer_append_string(to, ",\"next\":");
    record_json_string(to, slice_string(next_step(collector)));
    buffer_append_string(to, "}");
}

void collector_refresh_status(void *context) {
    struct collector *collector = context;
    struct buffer fresh = BUFFER(STATUS_MOST);
    write_status(collector, &fresh);
    pthread_mutex_lock(&collector->mutex);
    buffer_free(&collector->status);
    collector->status = fresh;
    collector->statuses++;
    pthread_cond_broadcast(&collector->status_written);
    pthread_mutex_unlock(&collector->mutex);
}

void collector_give_status(void *context, struct buffer *to) {
    struct collector *collector = context;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STATUS_WAIT_S;
    pthread_mutex_lock(&collector->mutex);
    uint64_t seen = collector->statuses; /* before the wake-up, or its answer could be missed */
    loop_wake_send(collector->status_wanted);
    int result = 0;
    while (collector->statuses == seen && result == 0)
        result = pthread_cond_timedwait(&collector->status_written, &collector->mutex, &until);
    buffer_append_slice(to, buffer_slice(&collector->status));
    pthread_mutex_unlock(&collector->mutex);
}

static void write_witness_metrics(struct collector *collector, struct buffer *to) {
    struct witnessing_counts counts = witnessing_counts(collector->witnesses);
    metrics_gauge(to, "tocsin_witnesses", "Witnesses in the settings.", counts.witnesses);
    metrics_gauge(to, "tocsin_witnesses_needed", "Cosignatures that a checkpoint needs.", counts.needed);
    metrics_gauge(to, "tocsin_witnesses_failing", "Witnesses that do not cosign now.", counts.failing);
    metrics_counter(to, "tocsin_cosignatures_total", "Cosignatures taken.", counts.cosignatures);
    metrics_gauge(to, "tocsin_log_forked", "1 when a witness has proof that this log is forked.", counts.forked);
    metrics_gauge(to, "tocsin_log_witnessed", "1 when the newest published checkpoint has its quorum.", counts.met);
}

struct probe_metrics {
    struct buffer *to;
    const char *name;
    double (*value)(const struct probe_standing *probe);
};

static double state_number(const struct probe_standing *probe) {
    return (double)probe->state;
}
static double took_seconds(const struct probe_standing *probe) {
    return (double)probe->took_us / 1e6;
}
static double run_seconds(const struct probe_standing *probe) {
    return (double)probe->run_us / 1e6;
}
static double outage_start(const struct probe_standing *probe) {
    return (double)probe->outage_us / 1e6;
}

static void write_probe_metric(void *context, const struct probe_standing *probe) {
    const struct probe_metrics *metrics = context;
    const struct metrics_label labels[] = {
        {"host", probe->host}, {"probe", probe->name}, {"kind", probe->kind}, {"target", probe->target}};
    metrics_value(metrics->to, metrics->name, labels, sizeof labels / sizeof *labels, metrics->value(probe));
}

static void write_probe_metrics(struct collector *collector, struct buffer *to) {
    static const struct {
        const char *name, *help;
        double (*value)(const struct probe_standing *probe);
    } rows[] = {
        {"tocsin_probe_state", "What is thought of it: 1 ok, 2 warn, 3 critical, 0 not known yet.", state_number},
        {"tocsin_probe_took_seconds", "Length of its last run.", took_seconds},
        {"tocsin_probe_run_timestamp_seconds", "When it was heard of last, by its host's clock.", run_seconds},
        {"tocsin_probe_outage_timestamp_seconds", "When the outage began that goes on; 0 for none.", outage_start},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct probe_metrics metrics = {to, rows[i].name, rows[i].value};
        metrics_begin(to, rows[i].name, METRICS_GAUGE, rows[i].help);
        detection_each_probe(collector->detection, write_probe_metric, &metrics);
    }
}

void collector_write_metrics(void *context, struct buffer *to) {
    struct collector *collector = context;
    struct ingest_counts ingest = ingest_counts(collector->ingest);
    struct committer_counts log = committer_counts(collector->committer);
    struct detection_counts detection = detection_counts(collector->detection);
    struct outbox_counts outbox = outbox_counts(collector->outbox);
    struct store_room room = {0};
    struct log_head head = {0};
    log_state_newest(collector->log_state, &head, NULL);
    store_room(collector->store, &room, NULL);
    metrics_gauge(to, "tocsin_agents", "Enrolled agents.", (double)ingest.agents);
    metrics_gauge(to, "tocsin_agents_connected", "Agents with a connection.", (double)ingest.connected);
    metrics_gauge(to, "tocsin_agents_silent", "Agents that have fallen silent.", (double)ingest.silent);
    metrics_counter(to, "tocsin_refusals_total", "Connections refused.", ingest.refused);
    metrics_counter(to, "tocsin_received_bytes_total", "Bytes from agents.", ingest.bytes);
    metrics_counter(to, "tocsin_commits_total", "Group commits.", log.groups);
    metrics_gauge(to, "tocsin_log_entries", "Entries in the log.", (double)log.log_size);
    metrics_gauge(to, "tocsin_log_checkpoint_entries", "Entries under the newest published checkpoint.",
                  (double)head.size);
    metrics_gauge(to, "tocsin_log_checkpoint_age_seconds", "Since the newest published checkpoint was signed.",
                  (double)checkpoint_age_s(&head));
    metrics_counter(to, "tocsin_log_statements_total", "Statements taken into the log.", log.statements);
    metrics_counter(to, "tocsin_log_statements_refused_total", "Statements that the log refused.", log.refused);
    metrics_gauge(to, "tocsin_commit_stalled", "1 while the disk is full.", log.stalled);
    metrics_gauge(to, "tocsin_commit_queue_bytes", "Bytes that wait for their commit.",
                  (double)committer_queued_bytes(collector->committer));
    write_witness_metrics(collector, to);
    write_probe_metrics(collector, to);
    metrics_counter(to, "tocsin_detected_events_total", "Events that rules have seen.", detection.events);
    metrics_counter(to, "tocsin_alerts_total", "Alerts raised.", detection.alerts);
    struct seal_counts sealed = seal_counts(collector->seal);
    metrics_counter(to, "tocsin_sealed_events_total", "Events sealed into segments.", sealed.events);
    metrics_counter(to, "tocsin_sealed_bytes_total", "Bytes of the segments written.", sealed.bytes);
    metrics_gauge(to, "tocsin_sealed_log_index", "The log is sealed up to here.", (double)sealed.next_index);
    metrics_gauge(to, "tocsin_sealing_failing", "1 while nothing can be sealed.", sealed.failing);
    struct packer_counts packed = packer_counts(collector->packer);
    metrics_counter(to, "tocsin_packed_entries_total", "Log entries of closed days put into columns.", packed.entries);
    metrics_counter(to, "tocsin_packed_bytes_total", "Bytes of these columns.", packed.bytes);
    metrics_counter(to, "tocsin_packing_failures_total", "Times when entries could not be put into columns.", packed.failures);
    metrics_gauge(to, "tocsin_detection_behind_rows", "Rows committed that rules have not seen.",
                  (double)detection.behind);
    metrics_counter(to, "tocsin_notices_sent_total", "Notices handed over.", outbox.sent);
    metrics_counter(to, "tocsin_notices_failed_total", "Tries that failed.", outbox.failed);
    metrics_gauge(to, "tocsin_channels_failing", "Channels that fail now.", (double)outbox.failing);
    metrics_gauge(to, "tocsin_store_free_bytes", "Free bytes on the store's disk.", (double)room.free_bytes);
    if (collector->room_days != ROOM_DAYS_UNKNOWN)
        metrics_gauge(to, "tocsin_store_days_left", "Until the store's disk is full, at the pace of two weeks.",
                      (double)collector->room_days);
    if (collector->backup) {
        struct backup_service_counts backup = backup_service_counts(collector->backup);
        metrics_gauge(to, "tocsin_backup_verified_timestamp_seconds", "When the newest backup was verified.",
                      (double)backup.verified_us / 1e6);
        metrics_gauge(to, "tocsin_backup_following", "1 while every commit is copied to the backup.", backup.following);
        metrics_gauge(to, "tocsin_backup_queue_bytes", "Bytes that wait for the backup's disk.",
                      (double)backup.queued_bytes);
        metrics_counter(to, "tocsin_backups_total", "Backups made and read back.", backup.made);
        metrics_counter(to, "tocsin_backups_failed_total", "Backups that failed.", backup.failed);
    }
    metrics_process(to);
}

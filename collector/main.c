/* tocsin-collector: takes what agents send, keeps it, watches it. This file only wires. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "collector_settings.h"
#include "committer.h"
#include "detection.h"
#include "ed25519.h"
#include "files.h"
#include "ingest.h"
#include "key_file.h"
#include "knowledge.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "metrics_server.h"
#include "notify.h"
#include "outbox.h"
#include "own_stream.h"
#include "process.h"
#include "query_server.h"
#include "record_json.h"
#include "report.h"
#include "settings_file.h"
#include "site.h"

#define HEARTBEAT_S 600u
#define ROOM_US 10000000u          /* how often free space is looked at */
#define STATUS_MOST (8u * 1024 * 1024)
#define STATUS_WAIT_S 5
#define QUIET_US 5000000u          /* at a stop, what came in has so long to be committed */
#define RELOADS_MOST 1024u         /* in one process: what was in force before is kept, readers may still use it */

struct collector {
    const char *site;
    struct collector_settings *settings;
    char data[FILES_PATH_MOST];
    char socket[FILES_PATH_MOST];
    char listen[300];
    char origin[256];
    int lock;
    uint64_t started_us;
    struct loop *loop;
    struct store *store;
    struct signing_key *log_key, *stream_key;
    struct own_stream *own;
    struct committer *committer;
    struct outbox *outbox;
    struct knowledge *knowledge;
    struct knowledge *retired[RELOADS_MOST];
    struct collector_settings *retired_settings[RELOADS_MOST];
    size_t retired_count;
    struct detection *detection;
    struct tls_identity *identity;
    struct ingest *ingest;
    struct query_server *queries;
    struct metrics_server *metrics;
    struct loop_timer *room, *watchdog;
    struct loop_signal *signals[3];
    struct loop_wake *status_wanted;
    bool low;

    /* The status is written in the loop's thread and read in others. */
    pthread_mutex_t mutex;
    pthread_cond_t status_written;
    struct buffer status;
    uint64_t statuses;
};

/* ---- status and metrics */

static const char *next_step(const struct collector *collector) {
    if (collector->settings->mail.server.host == NULL && collector->settings->webhooks.count == 0)
        return "nobody is told of alerts yet: set mail or webhooks in collector.yaml, then `tocsin test-alert`";
    if (ingest_counts(collector->ingest).agents == 0)
        return "no agent yet: `tocsin deploy HOST --print`";
    return "";
}

static void write_status(struct collector *collector, struct buffer *to) {
    struct committer_counts log = committer_counts(collector->committer);
    struct detection_counts detection = detection_counts(collector->detection);
    struct store_statistics store;
    store_statistics(collector->store, &store);
    buffer_append_string(to, "{\"version\":\"" TOCSIN_VERSION "\",\"origin\":");
    record_json_string(to, slice_string(collector->origin));
    buffer_append_string(to, ",\"listen\":");
    record_json_string(to, slice_string(ingest_address(collector->ingest)));
    buffer_printf(to,
                  ",\"uptime_seconds\":%" PRIu64 ",\"log\":{\"size\":%" PRIu64 ",\"rows\":%" PRIu64
                  ",\"stalled\":%s},\"store\":{\"free_bytes\":%" PRIu64 ",\"floor_bytes\":%" PRIu64
                  ",\"file_bytes\":%" PRIu64 ",\"commits\":%" PRIu64 "},",
                  (clock_monotonic_us() - collector->started_us) / 1000000, log.log_size,
                  committer_arrival(collector->committer), log.stalled ? "true" : "false", store.room.free_bytes,
                  store.room.floor_bytes, store.file_bytes, store.commits);
    buffer_printf(to,
                  "\"detection\":{\"rules\":%zu,\"events\":%" PRIu64 ",\"alerts\":%" PRIu64 ",\"behind\":%" PRIu64
                  "},\"channels\":",
                  detection.rules, detection.events, detection.alerts, detection.behind);
    outbox_describe(collector->outbox, to);
    buffer_append_string(to, ",\"agents\":");
    ingest_describe(collector->ingest, to);
    buffer_append_string(to, ",\"next\":");
    record_json_string(to, slice_string(next_step(collector)));
    buffer_append_string(to, "}");
}

static void refresh_status(void *context) {
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

static void give_status(void *context, struct buffer *to) {
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

static void write_metrics(void *context, struct buffer *to) {
    struct collector *collector = context;
    struct ingest_counts ingest = ingest_counts(collector->ingest);
    struct committer_counts log = committer_counts(collector->committer);
    struct detection_counts detection = detection_counts(collector->detection);
    struct outbox_counts outbox = outbox_counts(collector->outbox);
    struct store_room room = {0};
    store_room(collector->store, &room, NULL);
    metrics_gauge(to, "tocsin_agents", "Enrolled agents.", (double)ingest.agents);
    metrics_gauge(to, "tocsin_agents_connected", "Agents with a connection.", (double)ingest.connected);
    metrics_gauge(to, "tocsin_agents_silent", "Agents that have fallen silent.", (double)ingest.silent);
    metrics_counter(to, "tocsin_refusals_total", "Connections refused.", ingest.refused);
    metrics_counter(to, "tocsin_received_bytes_total", "Bytes from agents.", ingest.bytes);
    metrics_counter(to, "tocsin_commits_total", "Group commits.", log.groups);
    metrics_gauge(to, "tocsin_log_size", "Entries in the log.", (double)log.log_size);
    metrics_gauge(to, "tocsin_commit_stalled", "1 while the disk is full.", log.stalled);
    metrics_gauge(to, "tocsin_commit_queue_bytes", "Bytes that wait for their commit.",
                  (double)committer_queued_bytes(collector->committer));
    metrics_counter(to, "tocsin_detected_events_total", "Events that rules have seen.", detection.events);
    metrics_counter(to, "tocsin_alerts_total", "Alerts raised.", detection.alerts);
    metrics_gauge(to, "tocsin_detection_behind_rows", "Rows committed that rules have not seen.",
                  (double)detection.behind);
    metrics_counter(to, "tocsin_notices_sent_total", "Notices handed over.", outbox.sent);
    metrics_counter(to, "tocsin_notices_failed_total", "Tries that failed.", outbox.failed);
    metrics_gauge(to, "tocsin_channels_failing", "Channels that fail now.", (double)outbox.failing);
    metrics_gauge(to, "tocsin_store_free_bytes", "Free bytes on the store's disk.", (double)room.free_bytes);
    metrics_process(to);
}

/* ---- what happens by itself */

static void report(struct collector *collector, const char *event, const char *text) {
    struct change *change = change_create();
    report_state(change, event, NULL, "%s", text);
    committer_submit(collector->committer, change);
}

static void look_at_room(void *context) {
    struct collector *collector = context;
    struct store_room room;
    if (store_room(collector->store, &room, NULL)) {
        bool low = room.free_bytes < 2 * room.floor_bytes;
        char text[160];
        snprintf(text, sizeof text, "%" PRIu64 " MiB are free on the store's disk; at %" PRIu64 " MiB nothing more is taken",
                 room.free_bytes >> 20, room.floor_bytes >> 20);
        if (low && !collector->low)
            report(collector, "disk_low", text);
        if (!low && collector->low)
            report(collector, "disk_good", text);
        collector->low = low;
    }
    loop_timer_after(collector->room, ROOM_US);
}

static void feed_watchdog(void *context) {
    struct collector *collector = context;
    notify_alive();
    loop_timer_after(collector->watchdog, notify_watchdog_us());
}

static void stop(void *context) {
    struct collector *collector = context;
    notify_stopping();
    loop_stop(collector->loop);
}

/* ---- rules and decoders */

static struct knowledge *load_knowledge(const struct collector_settings *settings, struct fault *fault) {
    char rules[FILES_PATH_MOST], decoders[FILES_PATH_MOST];
    char *rule_default[] = {rules}, *decoder_default[] = {decoders};
    bool own_rules = !settings->rules.set && knowledge_default_rules(rules);
    bool own_decoders = !settings->decoders.set && knowledge_default_decoders(decoders);
    return knowledge_load(own_rules ? rule_default : settings->rules.items, own_rules ? 1 : settings->rules.count,
                          own_decoders ? decoder_default : settings->decoders.items,
                          own_decoders ? 1 : settings->decoders.count, clock_zone_minutes(clock_wall_us()), fault);
}

static void tell_refused(const struct knowledge *knowledge) {
    for (size_t i = 0; i < ruleset_outcome_count(knowledge->ruleset); i++) {
        struct ruleset_outcome outcome = ruleset_outcome(knowledge->ruleset, i);
        if (!outcome.loaded)
            log_warning("%s:%u:%u: this rule is left out: %s", outcome.file, outcome.line, outcome.column,
                        outcome.reason);
    }
}

/* What is bound at the start stays as it is until a restart. */
static bool needs_restart(const struct collector_settings *old, const struct collector_settings *fresh) {
    return strcmp(old->listen.host, fresh->listen.host) != 0 || old->listen.port != fresh->listen.port ||
           strcmp(old->data, fresh->data) != 0 || old->silence.after_us != fresh->silence.after_us;
}

static void use_knowledge(struct collector *collector, struct knowledge *fresh) {
    const struct settings_strings *core = &collector->settings->core;
    detection_reload(collector->detection, fresh, core->items, core->count);
    query_server_reload(collector->queries, fresh);
    collector->retired[collector->retired_count++] = collector->knowledge;
    collector->knowledge = fresh;
}

/* All of it or nothing: settings that cannot be read, rules that cannot be loaded and channels that cannot be made leave
 * everything as it was. */
static bool reload_all(struct collector *collector, struct fault *fault) {
    if (collector->retired_count == RELOADS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%u reloads in one process: restart it", RELOADS_MOST);
    struct collector_settings *settings = memory_new(sizeof *settings);
    if (!settings_file_read(collector_settings_table(), collector->site, "collector", settings, fault)) {
        free(settings);
        return false;
    }
    struct knowledge *fresh = load_knowledge(settings, fault);
    if (!fresh || !outbox_reload(collector->outbox, settings, fault)) {
        knowledge_destroy(fresh);
        settings_release(collector_settings_table(), settings);
        free(settings);
        return false;
    }
    if (needs_restart(collector->settings, settings))
        log_warning("listen, data or silence have changed: that takes a restart");
    collector->retired_settings[collector->retired_count] = collector->settings;
    collector->settings = settings;
    use_knowledge(collector, fresh);
    tell_refused(fresh);
    return true;
}

static void reload(void *context) {
    struct collector *collector = context;
    struct fault fault = {0};
    char text[FAULT_LINE_SIZE];
    if (!collector->queries)
        return; /* a signal while everything is being stopped */
    notify_reloading();
    if (reload_all(collector, &fault)) {
        snprintf(text, sizeof text, "settings and rules read anew: %zu rules in force, %zu left out, %zu channels",
                 ruleset_rule_count(collector->knowledge->ruleset), knowledge_refused(collector->knowledge),
                 outbox_counts(collector->outbox).channels);
        log_notice("%s", text);
        report(collector, "reloaded", text);
    } else {
        log_fault(LOG_LEVEL_ERROR, &fault, "settings and rules stay as they were");
        report(collector, "reload_failed", fault_line(&fault, text));
    }
    notify_ready();
}

/* ---- start */

static bool read_settings(struct collector *collector, const char *data, struct fault *fault) {
    collector->settings = memory_new(sizeof *collector->settings);
    if (!settings_file_read(collector_settings_table(), collector->site, "collector", collector->settings, fault))
        return false;
    const char *folder = data ? data : collector->settings->data;
    if (folder[0] == '/')
        snprintf(collector->data, sizeof collector->data, "%s", folder);
    else
        snprintf(collector->data, sizeof collector->data, "%s/%s", collector->site, folder);
    const struct settings_address *address = &collector->settings->listen;
    bool v6 = strchr(address->host, ':') != NULL;
    snprintf(collector->listen, sizeof collector->listen, v6 ? "[%s]:%u" : "%s:%u", address->host, address->port);
    if (collector->settings->query.socket) {
        const char *path = collector->settings->query.socket;
        snprintf(collector->socket, sizeof collector->socket, "%s%s%s", path[0] == '/' ? "" : collector->site,
                 path[0] == '/' ? "" : "/", path);
    } else
        site_path(collector->socket, collector->data, SITE_COLLECTOR_SOCKET);
    return true;
}

static bool read_origin(struct collector *collector, struct fault *fault) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer text = BUFFER(sizeof collector->origin - 1);
    site_path(path, collector->data, SITE_COLLECTOR_ORIGIN);
    if (!files_read_secret(path, &text, fault))
        return false;
    snprintf(collector->origin, sizeof collector->origin, "%s", buffer_string(&text));
    return true;
}

static struct signing_key *open_key(struct collector *collector, enum site_file file, struct fault *fault) {
    char path[FILES_PATH_MOST];
    site_path(path, collector->data, file);
    return key_file_open(path, false, fault);
}

static bool open_store(struct collector *collector, struct fault *fault) {
    char path[FILES_PATH_MOST], folder[FILES_PATH_MOST], name[AGENT_NAME_SIZE], host[AGENT_NAME_SIZE + 16];
    struct store_options options = {.create = true,
                                    .floor_bytes = collector->settings->store.floor,
                                    .ballast_bytes = collector->settings->store.ballast,
                                    .cache_bytes = collector->settings->store.cache};
    site_path(folder, collector->data, SITE_COLLECTOR_FOLDER);
    site_path(path, collector->data, SITE_COLLECTOR_STORE);
    site_host_name(name);
    snprintf(host, sizeof host, "collector.%s", name);
    struct own_stream_settings own = {.host = host};
    collector->identity = tls_identity_open(folder, name, clock_wall_us(), fault);
    collector->log_key = open_key(collector, SITE_COLLECTOR_LOG_KEY, fault);
    collector->stream_key = open_key(collector, SITE_COLLECTOR_STREAM_KEY, fault);
    if (!collector->identity || !collector->log_key || !collector->stream_key)
        return false;
    collector->store = store_open(path, &options, fault);
    own.store = collector->store;
    own.key = collector->stream_key;
    collector->own = collector->store ? own_stream_open(&own, fault) : NULL;
    return collector->own != NULL;
}

static bool start_pipeline(struct collector *collector, struct fault *fault) {
    struct committer_settings committer = {collector->store, collector->loop, collector->own};
    collector->committer = committer_create(&committer, fault);
    if (!collector->committer)
        return false;
    collector->outbox = outbox_start(collector->settings, collector->store, collector->committer, fault);
    if (!collector->outbox)
        return false;
    struct detection_settings detection = {.store = collector->store,
                                           .committer = collector->committer,
                                           .outbox = collector->outbox,
                                           .knowledge = collector->knowledge,
                                           .site = collector->origin,
                                           .core = collector->settings->core.items,
                                           .core_count = collector->settings->core.count,
                                           .window_us = collector->settings->alerts.window_us,
                                           .repeat_us = collector->settings->alerts.repeat_us};
    collector->detection = detection_start(&detection, fault);
    return collector->detection != NULL;
}

static bool start_doors(struct collector *collector, struct fault *fault) {
    static char tokens[FILES_PATH_MOST];
    site_path(tokens, collector->data, SITE_COLLECTOR_TOKENS);
    struct ingest_settings ingest = {.loop = collector->loop,
                                     .store = collector->store,
                                     .committer = collector->committer,
                                     .identity = collector->identity,
                                     .address = collector->listen,
                                     .tokens = tokens,
                                     .origin = collector->origin,
                                     .log_key = signing_key_public(collector->log_key)->bytes,
                                     .silent_after_us = collector->settings->silence.after_us,
                                     .pace_minimum_us = collector->settings->pace.minimum_us,
                                     .heartbeat_s = HEARTBEAT_S};
    collector->ingest = ingest_start(&ingest, fault);
    if (!collector->ingest)
        return false;
    struct query_server_settings queries = {.socket_path = collector->socket,
                                            .store = collector->store,
                                            .committer = collector->committer,
                                            .knowledge = collector->knowledge,
                                            .status = give_status,
                                            .context = collector};
    collector->queries = query_server_start(&queries, fault);
    if (!collector->queries)
        return false;
    const struct settings_address *metrics = &collector->settings->metrics;
    if (!metrics->host)
        return true;
    char address[FILES_PATH_MOST];
    if (metrics->host[0] == '/')
        snprintf(address, sizeof address, "unix:%s", metrics->host);
    else
        snprintf(address, sizeof address, strchr(metrics->host, ':') ? "[%s]:%u" : "%s:%u", metrics->host,
                 metrics->port);
    collector->metrics = metrics_server_create(collector->loop, address, write_metrics, collector, fault);
    return collector->metrics != NULL;
}

static bool start_loop(struct collector *collector, struct fault *fault) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    static loop_callback *const callbacks[] = {stop, stop, reload};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&collector->mutex, NULL);
    pthread_cond_init(&collector->status_written, &monotonic);
    pthread_condattr_destroy(&monotonic);
    collector->loop = loop_create(fault);
    if (!collector->loop)
        return false;
    for (size_t i = 0; i < 3; i++) {
        collector->signals[i] = loop_signal_create(collector->loop, numbers[i], callbacks[i], collector, fault);
        if (!collector->signals[i])
            return false;
    }
    collector->room = loop_timer_create(collector->loop, look_at_room, collector);
    collector->watchdog = loop_timer_create(collector->loop, feed_watchdog, collector);
    collector->status_wanted = loop_wake_create(collector->loop, refresh_status, collector);
    return true;
}

static bool start(struct collector *collector, struct fault *fault) {
    char lock[FILES_PATH_MOST];
    site_path(lock, collector->data, SITE_COLLECTOR_LOCK);
    collector->started_us = clock_monotonic_us();
    if (!read_origin(collector, fault) || !files_lock(lock, &collector->lock, fault) ||
        !start_loop(collector, fault) || !open_store(collector, fault) || !start_pipeline(collector, fault) ||
        !start_doors(collector, fault))
        return false;
    loop_timer_after(collector->room, 0);
    if (notify_watchdog_us() != UINT64_MAX)
        feed_watchdog(collector);
    report(collector, "collector_started", "the collector has started");
    return true;
}

/* ---- stop: whoever feeds stops before what is fed */

static void settle(struct collector *collector) {
    uint64_t until = clock_monotonic_us() + QUIET_US;
    ingest_close(collector->ingest);
    while (!ingest_is_quiet(collector->ingest) && clock_monotonic_us() < until)
        loop_turn(collector->loop, true);
}

static void free_settings(struct collector_settings *settings) {
    if (settings)
        settings_release(collector_settings_table(), settings);
    free(settings);
}

static void finish(struct collector *collector) {
    collector->queries = query_server_stop(collector->queries);
    collector->metrics = metrics_server_destroy(collector->metrics);
    if (collector->ingest)
        settle(collector);
    collector->detection = detection_stop(collector->detection);
    if (collector->committer)
        report(collector, "collector_stopped", "the collector was stopped");
    outbox_stop(collector->outbox);
    collector->committer = committer_destroy(collector->committer);
    collector->outbox = outbox_destroy(collector->outbox);
    collector->ingest = ingest_stop(collector->ingest);
    for (size_t i = 0; i < 3; i++)
        loop_signal_destroy(collector->signals[i]);
    loop_timer_destroy(collector->room);
    loop_timer_destroy(collector->watchdog);
    loop_wake_destroy(collector->status_wanted);
    loop_destroy(collector->loop);
    own_stream_destroy(collector->own);
    store_close(collector->store);
    tls_identity_destroy(collector->identity);
    signing_key_destroy(collector->log_key);
    signing_key_destroy(collector->stream_key);
    while (collector->retired_count) {
        collector->retired_count--;
        knowledge_destroy(collector->retired[collector->retired_count]);
        free_settings(collector->retired_settings[collector->retired_count]);
    }
    knowledge_destroy(collector->knowledge);
    buffer_free(&collector->status);
    free_settings(collector->settings);
    if (collector->lock >= 0)
        files_unlock(collector->lock);
}

static int run(struct collector *collector, const char *data, bool check) {
    struct fault fault = {0};
    bool good = read_settings(collector, data, &fault);
    if (good)
        collector->knowledge = load_knowledge(collector->settings, &fault);
    good = good && collector->knowledge;
    if (good)
        tell_refused(collector->knowledge);
    if (good && check) {
        printf("%s/collector.yaml: good; %zu rules in force, %zu left out\n", collector->site,
               ruleset_rule_count(collector->knowledge->ruleset), knowledge_refused(collector->knowledge));
        return 0;
    }
    bool started = good && start(collector, &fault);
    if (started) {
        log_notice("%s is ready on %s; %zu rules", collector->origin, ingest_address(collector->ingest),
                   ruleset_rule_count(collector->knowledge->ruleset));
        notify_ready();
        loop_run(collector->loop);
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "tocsin-collector cannot start");
    return fault.code == FAULT_USAGE || fault.code == FAULT_FORMAT ? 2 : 3;
}

static const char usage[] =
    "Usage: tocsin-collector [--site DIR] [--data DIR] [--check]\n"
    "\n"
    "Takes what agents send, keeps it append-only, runs the rules over it and tells people.\n"
    "\n"
    "  --site DIR   the site's folder (TOCSIN_SITE, else " SITE_DEFAULT "); `tocsin init DIR` makes one\n"
    "  --data DIR   where keys and the store are, instead of the setting `data`\n"
    "  --check      reads settings, rules and decoders, says what is wrong with them, and ends\n"
    "  --verbose    tells more\n"
    "  --version\n"
    "\n"
    "Example: tocsin-collector --site /etc/tocsin\n";

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"site", required_argument, NULL, 's'}, {"data", required_argument, NULL, 'd'},
        {"check", no_argument, NULL, 'c'},      {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},       {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    const char *site = getenv("TOCSIN_SITE"), *data = NULL;
    bool check = false;
    log_start(LOG_LEVEL_INFO);
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before the first thread */
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 's':
            site = optarg;
            break;
        case 'd':
            data = optarg;
            break;
        case 'c':
            check = true;
            break;
        case 'v':
            log_start(LOG_LEVEL_DEBUG);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'V':
            puts("tocsin-collector " TOCSIN_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    struct collector *collector = memory_new(sizeof *collector);
    collector->site = site ? site : SITE_DEFAULT;
    collector->lock = -1;
    collector->status = BUFFER(STATUS_MOST);
    process_harden(NULL);
    process_descriptors_raise(65536);
    umask(077);
    int result = run(collector, data, check);
    finish(collector);
    free(collector);
    return result;
}

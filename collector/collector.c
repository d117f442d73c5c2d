/* Starts the collector's parts, wires them, stops them. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "collector.h"
#include "key_file.h"
#include "log.h"
#include "memory.h"
#include "notify.h"
#include "recent_texts.h"
#include "report.h"
#include "site.h"

#define RECENT_TEXTS_MOST (16u * 1024 * 1024) /* bytes that wait for detection already opened */

void collector_report(struct collector *collector, const char *event, const char *text) {
    struct change *change = change_create();
    report_state(change, event, NULL, "%s", text);
    committer_submit(collector->committer, change);
}

/* ---- what happens by itself */

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

/* ---- start */

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
    snprintf(host, sizeof host, HOST_COLLECTOR_PREFIX "%s", name);
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

/* What they have is held against the log before anything is committed over it. What proves that more is known than is here
 * stays, for whoever has to begin anew. */
static bool open_witnesses(struct collector *collector, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct fault local = {0};
    collector->witnesses = witnessing_create(collector->settings, collector->log_state, fault);
    if (!collector->witnesses)
        return false;
    site_path(path, collector->data, SITE_COLLECTOR_NEWER_NOTE);
    if (witnessing_compare(collector->witnesses, fault))
        return files_remove(path, fault);
    if (!files_write(path, witnessing_refused(collector->witnesses), 0600, &local))
        log_fault(LOG_LEVEL_WARNING, &local, "the witness's checkpoint cannot be kept");
    return false;
}

static bool start_pipeline(struct collector *collector, struct fault *fault) {
    struct committer_settings committer = {.store = collector->store,
                                           .loop = collector->loop,
                                           .own = collector->own,
                                           .log = collector->log_state,
                                           .signer = collector->signer};
    if (!collector_first_changes(collector, committer.first, fault))
        return false;
    collector->committer = committer_create(&committer, fault);
    if (!collector->committer)
        return false;
    struct checkpoint_maker_settings checkpoints = {.store = collector->store,
                                                    .committer = collector->committer,
                                                    .log = collector->log_state,
                                                    .signer = collector->signer,
                                                    .every_us = collector->settings->checkpoint.every_us};
    checkpoints.publisher = (struct checkpoint_publisher){collector->witnesses, witnessing_offer};
    collector_gate_checkpoints(collector, &checkpoints.publisher);
    collector->checkpoints = checkpoint_maker_start(&checkpoints, fault);
    if (!collector->checkpoints ||
        !witnessing_start(collector->witnesses, collector->store, collector->committer, collector->checkpoints, fault) ||
        !collector_run_backup(collector, fault))
        return false;
    collector->outbox = outbox_start(collector->settings, collector->store, collector->committer, fault);
    if (!collector->outbox)
        return false;
    collector->recent = recent_texts_create(RECENT_TEXTS_MOST);
    struct detection_settings detection = {.store = collector->store,
                                           .committer = collector->committer,
                                           .outbox = collector->outbox,
                                           .log = collector->log_state,
                                           .recent = collector->recent,
                                           .knowledge = collector->knowledge,
                                           .site = collector->origin,
                                           .core = collector->settings->core.items,
                                           .core_count = collector->settings->core.count,
                                           .window_us = collector->settings->alerts.window_us,
                                           .repeat_us = collector->settings->alerts.repeat_us,
                                           .acknowledged_us = collector->settings->alerts.acknowledged_us};
    collector->detection = detection_start(&detection, fault);
    return collector->detection != NULL;
}

static bool start_sealing(struct collector *collector, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    site_path(folder, collector->data, SITE_COLLECTOR_FOLDER);
    site_path(collector->store_path, collector->data, SITE_COLLECTOR_STORE);
    collector->day_keys = day_keys_open(folder, true, fault);
    if (!collector->day_keys || !collector_mirror_day_keys(collector, fault))
        return false;
    collector->sealed = sealed_create(collector->store_path, collector->day_keys);
    struct seal_settings seal = {.store = collector->store,
                                 .committer = collector->committer,
                                 .keys = collector->day_keys,
                                 .folder = collector->store_path,
                                 .size = collector->settings->seal.size,
                                 .after_us = collector->settings->seal.after_us};
    collector->seal = seal_start(&seal, fault);
    collector->packer = collector->seal ? packer_start(collector->store, collector->committer, fault) : NULL;
    return collector->packer != NULL;
}

static bool start_metrics(struct collector *collector, struct fault *fault) {
    const struct settings_address *metrics = &collector->settings->metrics;
    if (!metrics->host)
        return true;
    char address[FILES_PATH_MOST];
    if (metrics->host[0] == '/')
        snprintf(address, sizeof address, "unix:%s", metrics->host);
    else
        snprintf(address, sizeof address, strchr(metrics->host, ':') ? "[%s]:%u" : "%s:%u", metrics->host,
                 metrics->port);
    collector->metrics =
        metrics_server_create(collector->loop, address, collector_write_metrics, collector, fault);
    return collector->metrics != NULL;
}

/* What a port of 0 became is said: monitors must be told. */
static bool start_pages(struct collector *collector, struct fault *fault) {
    const struct collector_settings *settings = collector->settings;
    const struct http_server_settings server = {.host = settings->log_pages.listen.host,
                                                .port = settings->log_pages.listen.port,
                                                .certificate_path = settings->log_pages.tls.certificate,
                                                .key_path = settings->log_pages.tls.key,
                                                .handler = log_pages_handle,
                                                .context = collector->pages = log_pages_create(collector->log_state)};
    if (!server.host)
        return true;
    collector->page_server = http_server_start(&server, fault);
    if (!collector->page_server)
        return fault_place(fault, "log_pages.listen");
    log_notice("the log's pages are served on %s:%u", server.host, http_server_port(collector->page_server));
    return true;
}

static bool start_doors(struct collector *collector, struct fault *fault) {
    static char tokens[FILES_PATH_MOST];
    site_path(tokens, collector->data, SITE_COLLECTOR_TOKENS);
    struct ingest_settings ingest = {.loop = collector->loop,
                                     .store = collector->store,
                                     .committer = collector->committer,
                                     .recent = collector->recent,
                                     .identity = collector->identity,
                                     .address = collector->listen,
                                     .tokens = tokens,
                                     .origin = collector->origin,
                                     .log_key = signing_key_public(collector->log_key)->bytes,
                                     .silent_after_us = collector->settings->silence.after_us,
                                     .pace_minimum_us = collector->settings->pace.minimum_us,
                                     .heartbeat_s = COLLECTOR_HEARTBEAT_S,
                                     .log = collector->log_state,
                                     .signer = collector->signer};
    collector->ingest = ingest_start(&ingest, fault);
    if (!collector->ingest)
        return false;
    struct query_server_settings queries = {.socket_path = collector->socket,
                                            .store = collector->store,
                                            .sealed = collector->sealed,
                                            .committer = collector->committer,
                                            .knowledge = collector->knowledge,
                                            .log = collector->log_state,
                                            .signer = collector->signer,
                                            .close_now = collector_close_now,
                                            .backup_now = collector_backup_now,
                                            .held = collector_give_held,
                                            .retention = collector_give_retention,
                                            .status = collector_give_status,
                                            .context = collector};
    collector->queries = query_server_start(&queries, fault);
    return collector->queries && start_pages(collector, fault) && start_metrics(collector, fault);
}

static bool start_loop(struct collector *collector, struct fault *fault) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    static loop_callback *const callbacks[] = {stop, stop, collector_reload};
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
        collector->signals[i] =
            loop_signal_create(collector->loop, numbers[i], callbacks[i], collector, fault);
        if (!collector->signals[i])
            return false;
    }
    collector->room = loop_timer_create(collector->loop, collector_look_at_room, collector);
    collector->watchdog = loop_timer_create(collector->loop, feed_watchdog, collector);
    collector->status_wanted = loop_wake_create(collector->loop, collector_refresh_status, collector);
    collector->closing_wanted = loop_wake_create(collector->loop, collector_close_wanted, collector);
    return true;
}

bool collector_start(struct collector *collector, struct fault *fault) {
    char lock[FILES_PATH_MOST];
    site_path(lock, collector->data, SITE_COLLECTOR_LOCK);
    collector->started_us = clock_monotonic_us();
    if (!read_origin(collector, fault) || !files_lock(lock, &collector->lock, fault) ||
        !start_loop(collector, fault) || !open_store(collector, fault) ||
        !collector_open_log(collector, fault) || !open_witnesses(collector, fault) ||
        !collector_start_backup(collector, fault) ||
        !start_pipeline(collector, fault) || !start_sealing(collector, fault) ||
        !collector_start_retention(collector, fault) || !start_doors(collector, fault))
        return false;
    collector_open_room(collector);
    loop_timer_after(collector->room, 0);
    if (notify_watchdog_us() != UINT64_MAX)
        feed_watchdog(collector);
    collector_report(collector, "collector_started", "the collector has started");
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

void collector_finish(struct collector *collector) {
    if (collector->log_state)
        log_state_wake(collector->log_state);
    retention_job_quit(collector->retention);
    backup_service_quit(collector->backup); /* somebody may wait for one at the socket */
    collector->queries = query_server_stop(collector->queries);
    collector->metrics = metrics_server_destroy(collector->metrics);
    collector->page_server = http_server_stop(collector->page_server);
    collector->pages = log_pages_destroy(collector->pages);
    if (collector->ingest)
        settle(collector);
    seal_stop(collector->seal);
    collector->packer = packer_stop(collector->packer);
    collector->detection = detection_stop(collector->detection);
    if (collector->committer) {
        collector_report(collector, "collector_stopped", "the collector was stopped");
        if (!log_state_halted(collector->log_state))
            collector_mark_end(collector);
    }
    collector->retention = retention_job_stop(collector->retention);
    outbox_stop(collector->outbox);
    witnessing_stop(collector->witnesses);
    checkpoint_maker_quit(collector->checkpoints);
    collector->committer = committer_destroy(collector->committer);
    collector->checkpoints = checkpoint_maker_finish(collector->checkpoints);
    collector_stop_backup(collector);
    collector->outbox = outbox_destroy(collector->outbox);
    collector->seal = seal_destroy(collector->seal);
    collector->sealed = sealed_destroy(collector->sealed);
    collector->day_keys = day_keys_close(collector->day_keys);
    collector->ingest = ingest_stop(collector->ingest);
    collector->recent = recent_texts_destroy(collector->recent);
    for (size_t i = 0; i < 3; i++)
        loop_signal_destroy(collector->signals[i]);
    loop_timer_destroy(collector->room);
    loop_timer_destroy(collector->watchdog);
    loop_wake_destroy(collector->status_wanted);
    loop_wake_destroy(collector->closing_wanted);
    loop_destroy(collector->loop);
    own_stream_destroy(collector->own);
    witnessing_destroy(collector->witnesses);
    log_state_destroy(collector->log_state);
    log_signer_destroy(collector->signer);
    store_close(collector->store);
    tls_identity_destroy(collector->identity);
    signing_key_destroy(collector->log_key);
    signing_key_destroy(collector->stream_key);
    signing_key_destroy(collector->registrar_key);
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

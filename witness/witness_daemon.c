#include "witness_daemon.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "key_file.h"
#include "log.h"
#include "memory.h"
#include "metrics.h"
#include "notify.h"
#include "settings_file.h"
#include "site.h"

#define IDLE_US 3600000000u

/* ---- settings and keys */

static bool read_logs(struct witness_daemon *daemon, struct fault *fault) {
    const struct witness_log_settings *logs = daemon->settings.logs.items;
    daemon->log_count = daemon->settings.logs.count;
    daemon->logs = memory_new_array(daemon->log_count, sizeof *daemon->logs);
    for (size_t i = 0; i < daemon->log_count; i++) {
        struct note_key *key = &daemon->logs[i];
        if (!note_key_read(slice_string(logs[i].key), key, fault))
            return fault_place(fault, "%s: key", logs[i].place);
        if (key->type != NOTE_KEY_LOG) {
            fault_set(fault, FAULT_FORMAT, "this is the key of a witness, not of a log");
            return fault_place(fault, "%s: key", logs[i].place);
        }
    }
    return true;
}

bool witness_daemon_read(struct witness_daemon *daemon, const char *data, struct fault *fault) {
    if (!settings_file_read(witness_settings_table(), daemon->site, "witness", &daemon->settings, fault))
        return false;
    if (!site_below(daemon->data, daemon->site, data ? data : daemon->settings.data))
        return fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
    return read_logs(daemon, fault);
}

bool witness_daemon_open_key(struct witness_daemon *daemon, struct fault *fault) {
    char folder[FILES_PATH_MOST], path[FILES_PATH_MOST], host[256];
    site_host_name(host);
    const char *name = daemon->settings.name ? daemon->settings.name : host;
    if (!site_path(folder, daemon->data, SITE_WITNESS_FOLDER) ||
        !site_path(path, daemon->data, SITE_WITNESS_KEY))
        return fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
    if (!files_make_folder(folder, 0700, fault))
        return false;
    daemon->signing = key_file_open(path, true, fault);
    return daemon->signing && note_key_make(NOTE_KEY_WITNESS, slice_string(name),
                                            signing_key_public(daemon->signing), &daemon->key, fault);
}

/* ---- start */

static void stop(void *context) {
    struct witness_daemon *daemon = context;
    notify_stopping();
    loop_stop(daemon->loop);
}

static void say_restart(void *context) {
    (void)context;
    log_notice("settings are read at a start: restart tocsin-witness");
}

/* Also keeps the loop running, which waiting for signals alone does not. */
static void feed_watchdog(void *context) {
    struct witness_daemon *daemon = context;
    uint64_t due_us = notify_watchdog_us();
    notify_alive();
    loop_timer_after(daemon->watchdog, due_us < IDLE_US ? due_us : IDLE_US);
}

static void write_metrics(void *context, struct buffer *to) {
    struct witness_daemon *daemon = context;
    struct witness_pages_count counts[WITNESS_PAGES_STATUSES];
    uint64_t forks;
    witness_pages_counts(daemon->pages, counts, &forks);
    metrics_begin(to, "tocsin_witness_answers_total", METRICS_COUNTER, "Answers to add-checkpoint.");
    for (size_t i = 0; i < WITNESS_PAGES_STATUSES; i++) {
        char status[16];
        snprintf(status, sizeof status, "%u", counts[i].status);
        metrics_value(to, "tocsin_witness_answers_total", (struct metrics_label[]){{"status", status}}, 1,
                      (double)counts[i].answers);
    }
    metrics_counter(to, "tocsin_witness_forks_total", "Requests that prove a fork.", forks);
    metrics_begin(to, "tocsin_witness_log_size", METRICS_GAUGE, "Entries of the newest checkpoint.");
    for (size_t i = 0; i < daemon->log_count; i++) {
        struct keeper_log log = keeper_log(daemon->keeper, i);
        metrics_value(to, "tocsin_witness_log_size", (struct metrics_label[]){{"log", log.name}}, 1,
                      (double)log.newest.size);
    }
    metrics_begin(to, "tocsin_witness_cosigned_timestamp_seconds", METRICS_GAUGE, "When it was cosigned.");
    for (size_t i = 0; i < daemon->log_count; i++) {
        struct keeper_log log = keeper_log(daemon->keeper, i);
        metrics_value(to, "tocsin_witness_cosigned_timestamp_seconds",
                      (struct metrics_label[]){{"log", log.name}}, 1, (double)log.newest.time_s);
    }
    struct http_server_counts server = http_server_counts(daemon->server);
    metrics_counter(to, "tocsin_witness_requests_total", "Requests of any kind.", server.requests);
    metrics_counter(to, "tocsin_witness_refused_total",
                    "Requests and connections too large, too slow or none.", server.refused);
    metrics_gauge(to, "tocsin_witness_connections", "Connections now.", (double)server.connections);
    metrics_process(to);
}

static bool start_loop(struct witness_daemon *daemon, struct fault *fault) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    static loop_callback *const callbacks[] = {stop, stop, say_restart};
    daemon->loop = loop_create(fault);
    if (!daemon->loop)
        return false;
    for (size_t i = 0; i < 3; i++) {
        daemon->signals[i] = loop_signal_create(daemon->loop, numbers[i], callbacks[i], daemon, fault);
        if (!daemon->signals[i])
            return false;
    }
    daemon->watchdog = loop_timer_create(daemon->loop, feed_watchdog, daemon);
    feed_watchdog(daemon);
    return true;
}

static bool start_metrics(struct witness_daemon *daemon, struct fault *fault) {
    const struct settings_address *metrics = &daemon->settings.metrics;
    char address[FILES_PATH_MOST];
    if (!metrics->host)
        return true;
    if (metrics->host[0] == '/')
        snprintf(address, sizeof address, "unix:%s", metrics->host);
    else
        snprintf(address, sizeof address, strchr(metrics->host, ':') ? "[%s]:%u" : "%s:%u", metrics->host,
                 metrics->port);
    daemon->metrics = metrics_server_create(daemon->loop, address, write_metrics, daemon, fault);
    return daemon->metrics != NULL;
}

static bool start_keeper(struct witness_daemon *daemon, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    site_path(folder, daemon->data, SITE_WITNESS_LOGS);
    const struct keeper_settings settings = {.folder = folder,
                                             .witness = &daemon->key,
                                             .signing = daemon->signing,
                                             .logs = daemon->logs,
                                             .log_count = daemon->log_count};
    daemon->keeper = keeper_open(&settings, fault);
    if (!daemon->keeper)
        return false;
    daemon->pages = witness_pages_create(daemon->keeper, &daemon->key);
    return true;
}

static bool start_server(struct witness_daemon *daemon, struct fault *fault) {
    const struct witness_settings *settings = &daemon->settings;
    const struct http_server_settings server = {.host = settings->listen.host,
                                                .port = settings->listen.port,
                                                .certificate_path = settings->tls.certificate,
                                                .key_path = settings->tls.key,
                                                .body_most = WITNESS_PAGES_BODY_MOST,
                                                .handler = witness_pages_handle,
                                                .context = daemon->pages};
    daemon->server = http_server_start(&server, fault);
    return daemon->server != NULL;
}

bool witness_daemon_start(struct witness_daemon *daemon, struct fault *fault) {
    char lock[FILES_PATH_MOST];
    site_path(lock, daemon->data, SITE_WITNESS_LOCK);
    return witness_daemon_open_key(daemon, fault) && files_lock(lock, &daemon->lock, fault) &&
           start_keeper(daemon, fault) && start_loop(daemon, fault) && start_server(daemon, fault) &&
           start_metrics(daemon, fault);
}

void witness_daemon_finish(struct witness_daemon *daemon) {
    metrics_server_destroy(daemon->metrics);
    http_server_stop(daemon->server);
    witness_pages_destroy(daemon->pages);
    keeper_close(daemon->keeper);
    for (size_t i = 0; i < 3; i++)
        loop_signal_destroy(daemon->signals[i]);
    loop_timer_destroy(daemon->watchdog);
    loop_destroy(daemon->loop);
    signing_key_destroy(daemon->signing);
    free(daemon->logs);
    settings_release(witness_settings_table(), &daemon->settings);
    if (daemon->lock >= 0)
        files_unlock(daemon->lock);
}

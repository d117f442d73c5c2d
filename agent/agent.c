/* Starts the agent's parts, wires them, stops them. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent.h"
#include "anew.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "notify.h"
#include "settings_file.h"
#include "site.h"

#define IDENTITY_LOOK_US 3600000000u /* how often the certificate's age is looked at */

void agent_tell(struct agent *agent, const char *event, const char *text) {
    struct event_field field = {SLICE("tocsin.event"), slice_string(event)};
    struct event_body body = {.kind = EVENT_STATE,
                              .source = SLICE("agent"),
                              .raw = slice_string(text),
                              .fields = &field,
                              .field_count = 1};
    lanes_event(agent->lanes, CLASS_JOURNAL, &body);
}

void agent_tell_rotation(void *context, const char *event, const char *text) {
    agent_tell(context, event, text);
    agent_schedule_turn(context);
}

/* ---- what happens by itself */

static void feed_watchdog(void *context) {
    struct agent *agent = context;
    notify_alive();
    loop_timer_after(agent->watchdog, notify_watchdog_us());
}

/* A renewed certificate keeps its key, and the key is what the collector knows: nothing has to be told. */
static void look_at_identity(void *context) {
    struct agent *agent = context;
    struct fault fault = {0};
    char key[FILES_PATH_MOST], certificate[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    site_path(folder, agent->data, SITE_AGENT_FOLDER);
    if (tls_identity_is_due(agent->identity, clock_wall_us()) && files_path(key, folder, "tls.key") &&
        files_path(certificate, folder, "tls.crt")) {
        if (tls_identity_renew(key, certificate, agent->membership.host, clock_wall_us(), &fault) &&
            agent_open_identity(agent, agent->membership.host, &fault)) {
            collectors_set_identity(&agent->collectors, agent->identity);
            agent_tell(agent, "certificate_renewed", "the agent's TLS certificate was renewed");
        } else
            log_fault(LOG_LEVEL_ERROR, &fault, "the TLS certificate cannot be renewed");
    }
    loop_timer_after(agent->identity_look, IDENTITY_LOOK_US);
}

static void look_at_collectors(void *context) {
    struct agent *agent = context;
    collectors_look(&agent->collectors, clock_monotonic_us());
    loop_timer_after(agent->collectors_look, COLLECTORS_LOOK_US);
}

static void stop(void *context) {
    struct agent *agent = context;
    notify_stopping();
    loop_stop(agent->loop);
}

static void write_metrics(void *context, struct buffer *to) {
    struct agent *agent = context;
    struct lanes_report report;
    lanes_report(agent->lanes, &report);
    static const char *const lanes[LANES] = {"security", "bulk"};
    metrics_begin(to, "tocsin_agent_events_total", METRICS_COUNTER, "Events taken.");
    for (unsigned lane = 0; lane < LANES; lane++)
        metrics_value(to, "tocsin_agent_events_total", (struct metrics_label[]){{"lane", lanes[lane]}}, 1,
                      (double)report.events[lane]);
    CLEANUP_BUFFER struct buffer text = BUFFER(1024 * 1024);
    metrics_gauge(to, "tocsin_agent_lag_bytes", "Bytes of files not read yet.",
                  (double)sources_describe(agent->sources, &text));
    metrics_gauge(to, "tocsin_agent_spool_bytes", "Bytes in the spool.", (double)report.spool_bytes);
    metrics_counter(to, "tocsin_agent_syncs_total", "Syncs of the spool.", report.syncs);
    metrics_counter(to, "tocsin_agent_dropped_events_total", "Events dropped over the quota.",
                    report.dropped_events);
    collectors_metrics(&agent->collectors, to);
    metrics_process(to);
}

/* ---- settings, again on SIGHUP */

bool agent_read_settings(const char *site, struct agent_settings *settings, struct fault *fault) {
    return settings_file_read(agent_settings_table(), site, "agent", settings, fault);
}

/* False: what was in force still is. */
static bool use_settings(struct agent *agent, const struct agent_settings *settings, struct fault *fault) {
    struct kept_addresses kept;
    const char *addresses[MEMBERSHIP_COLLECTORS_MOST];
    if (!agent_match_settings(agent, settings, &kept, addresses, fault))
        return false;
    /* Positions must be on disk before a source is made anew from them. */
    sources_finish(agent->sources, agent_source_clock_us(agent));
    if (!agent_flush(agent))
        return fault_set(fault, FAULT_SPACE, "the spool cannot be written now");
    agent->sources = sources_destroy(agent->sources);
    struct sources *fresh =
        sources_create(settings, agent->site, agent->data, lanes_output(agent->lanes), agent->loop,
                       agent_schedule_turn, agent, fault);
    agent->sources = fresh ? fresh
                           : sources_create(&agent->settings, agent->site, agent->data, lanes_output(agent->lanes), agent->loop,
                                            agent_schedule_turn, agent, NULL);
    return fresh != NULL;
}

static void reload(void *context) {
    struct agent *agent = context;
    struct agent_settings settings;
    struct fault fault = {0};
    notify_reloading();
    bool good = agent_read_settings(agent->site, &settings, &fault);
    if (good) {
        good = use_settings(agent, &settings, &fault);
        settings_release(agent_settings_table(), good ? &agent->settings : &settings);
        if (good)
            agent->settings = settings;
    }
    char text[FAULT_LINE_SIZE + 64], line[FAULT_LINE_SIZE];
    if (good)
        snprintf(text, sizeof text, "settings read anew: %zu sources", sources_count(agent->sources));
    else
        snprintf(text, sizeof text, "the settings stay as they were: %s", fault_line(&fault, line));
    log_write(good ? LOG_LEVEL_NOTICE : LOG_LEVEL_ERROR, "%s", text);
    agent_tell(agent, good ? "reloaded" : "reload_failed", text);
    key_rotation_look(agent->rotation);
    notify_ready();
    agent_schedule_turn(agent);
}

/* ---- start and stop */

bool agent_set_data(struct agent *agent, const char *data, struct fault *fault) {
    return site_below(agent->data, agent->site, data) ||
           fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
}

static void tell_damage(void *context, const char *text) {
    (void)context;
    log_warning("the spool: %s", text);
}

static unsigned collectors_of(const struct membership *membership) {
    unsigned mask = 0;
    for (size_t i = 0; i < membership->count; i++)
        mask |= 1u << membership->collectors[i].number;
    return mask;
}

/* The least that one of them asks. */
static uint64_t heartbeat_us(const struct membership *membership) {
    uint64_t least_s = membership->collectors[0].heartbeat_s;
    for (size_t i = 1; i < membership->count; i++)
        if (membership->collectors[i].heartbeat_s < least_s)
            least_s = membership->collectors[i].heartbeat_s;
    return least_s * UINT64_C(1000000);
}

bool agent_open_lanes(struct agent *agent, struct fault *fault) {
    char spool[FILES_PATH_MOST];
    if (agent->settings.spool.path)
        snprintf(spool, sizeof spool, "%s", agent->settings.spool.path);
    else
        site_path(spool, agent->data, SITE_AGENT_SPOOL);
    memcpy(agent->first_key.bytes, agent->membership.first_key, sizeof agent->first_key.bytes);
    struct lanes_settings settings = {.folder = spool,
                                      .host = agent->membership.host,
                                      .key = key_rotation_key(agent->rotation),
                                      .next_key = key_rotation_next(agent->rotation),
                                      .first_key = &agent->first_key,
                                      .epoch = agent->membership.epoch,
                                      .heartbeat_us = heartbeat_us(&agent->membership),
                                      .batch_us = agent->settings.batch.close_after_us,
                                      .quota = agent->settings.spool.limit,
                                      .collectors = collectors_of(&agent->membership),
                                      .finding = tell_damage};
    if (agent->settings.heartbeat_us < settings.heartbeat_us)
        settings.heartbeat_us = agent->settings.heartbeat_us;
    if (!clock_boot_id(agent->boot_id, fault))
        return false;
    struct stream_clock clock = agent_now(agent);
    if (!anew_set_aside(agent->data, spool, fault))
        return false;
    agent->lanes = lanes_open(&settings, &spool_files_system, &clock, fault);
    return agent->lanes && anew_take_over(spool, agent->lanes, fault);
}

static bool start_loop(struct agent *agent, struct fault *fault) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    static loop_callback *const callbacks[] = {stop, stop, reload};
    agent->loop = loop_create(fault);
    if (!agent->loop)
        return false;
    for (size_t i = 0; i < 3; i++) {
        agent->signals[i] = loop_signal_create(agent->loop, numbers[i], callbacks[i], agent, fault);
        if (!agent->signals[i])
            return false;
    }
    agent->turn = loop_later_create(agent->loop, agent_turn, agent);
    agent->due = loop_timer_create(agent->loop, agent_schedule_turn, agent);
    agent->watchdog = loop_timer_create(agent->loop, feed_watchdog, agent);
    agent->identity_look = loop_timer_create(agent->loop, look_at_identity, agent);
    agent->collectors_look = loop_timer_create(agent->loop, look_at_collectors, agent);
    return true;
}

static bool start_metrics(struct agent *agent, struct fault *fault) {
    const struct settings_address *metrics = &agent->settings.metrics;
    if (!metrics->host)
        return true;
    char address[FILES_PATH_MOST];
    if (metrics->host[0] == '/')
        snprintf(address, sizeof address, "unix:%s", metrics->host);
    else
        snprintf(address, sizeof address, strchr(metrics->host, ':') ? "[%s]:%u" : "%s:%u", metrics->host,
                 metrics->port);
    agent->metrics = metrics_server_create(agent->loop, address, write_metrics, agent, fault);
    return agent->metrics != NULL;
}

static void tell(void *context, const char *event, const char *text, struct slice evidence) {
    struct agent *agent = context;
    const struct event_field fields[] = {{SLICE("tocsin.event"), slice_string(event)},
                                         {SLICE("log.evidence"), evidence}};
    const struct event_body body = {.kind = EVENT_STATE,
                                    .source = SLICE("agent"),
                                    .raw = slice_string(text),
                                    .fields = fields,
                                    .field_count = evidence.size ? 2 : 1};
    lanes_event(agent->lanes, CLASS_JOURNAL, &body);
    agent_schedule_turn(agent);
}

static bool start_collectors(struct agent *agent, const char *const *addresses, struct fault *fault) {
    const struct collectors_settings settings = {.data = agent->data,
                                                 .membership = &agent->membership,
                                                 .addresses = addresses,
                                                 .loop = agent->loop,
                                                 .lanes = agent->lanes,
                                                 .identity = agent->identity,
                                                 .boot_id = agent->boot_id,
                                                 .context = agent,
                                                 .lag = agent_lag,
                                                 .changed = agent_schedule_turn,
                                                 .tell = tell};
    return collectors_start(&agent->collectors, &settings, fault);
}

bool agent_start(struct agent *agent, struct fault *fault) {
    char lock[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    struct kept_addresses kept;
    const char *addresses[MEMBERSHIP_COLLECTORS_MOST];
    site_path(lock, agent->data, SITE_AGENT_LOCK);
    site_path(folder, agent->data, SITE_AGENT_FOLDER);
    agent->booted_us = clock_wall_us() - clock_boot_us();
    if (!files_make_folder(folder, 0700, fault) || !files_lock(lock, &agent->lock, fault) ||
        !agent_ensure_membership(agent, fault) ||
        !agent_match_settings(agent, &agent->settings, &kept, addresses, fault) ||
        !agent_open_lanes(agent, fault) || !start_loop(agent, fault))
        return false;
    agent->sources = sources_create(&agent->settings, agent->site, agent->data, lanes_output(agent->lanes), agent->loop,
                                    agent_schedule_turn, agent, fault);
    if (!agent->sources || !start_collectors(agent, addresses, fault) || !start_metrics(agent, fault))
        return false;
    key_rotation_start(agent->rotation, agent->lanes, &agent->collectors);
    agent_tell(agent, "agent_started", "the agent has started");
    agent_schedule_turn(agent);
    loop_timer_after(agent->identity_look, 0);
    loop_timer_after(agent->collectors_look, 0);
    if (notify_watchdog_us() != UINT64_MAX)
        feed_watchdog(agent);
    return true;
}

void agent_finish(struct agent *agent) {
    if (agent->sources && agent->lanes) {
        sources_finish(agent->sources, agent_source_clock_us(agent));
        agent_tell(agent, "agent_stopped", "the agent was stopped");
        agent_flush(agent);
    }
    collectors_stop(&agent->collectors);
    sources_destroy(agent->sources);
    lanes_destroy(agent->lanes);
    metrics_server_destroy(agent->metrics);
    for (size_t i = 0; i < 3; i++)
        loop_signal_destroy(agent->signals[i]);
    loop_timer_destroy(agent->due);
    loop_timer_destroy(agent->watchdog);
    loop_timer_destroy(agent->identity_look);
    loop_timer_destroy(agent->collectors_look);
    loop_later_destroy(agent->turn);
    loop_destroy(agent->loop);
    tls_identity_destroy(agent->identity);
    key_rotation_destroy(agent->rotation);
    settings_release(agent_settings_table(), &agent->settings);
    if (agent->lock >= 0)
        files_unlock(agent->lock);
}

/* tocsin-agent: reads this host's logs, signs them, spools them, sends them. This file only wires. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "agent_settings.h"
#include "clock.h"
#include "connection.h"
#include "files.h"
#include "joining.h"
#include "key_file.h"
#include "key_rotation.h"
#include "lanes.h"
#include "log.h"
#include "membership.h"
#include "memory.h"
#include "metrics.h"
#include "metrics_server.h"
#include "notify.h"
#include "process.h"
#include "settings_file.h"
#include "site.h"
#include "site_template.h"
#include "sources.h"

#define IDENTITY_LOOK_US 3600000000u /* how often the certificate's age is looked at */

struct agent {
    const char *site;
    struct agent_settings settings;
    char data[FILES_PATH_MOST];
    char address[300];
    int lock;
    uint8_t boot_id[BOOT_ID_SIZE];
    struct membership membership;
    struct verify_key first_key; /* the membership's */
    struct key_rotation *rotation;
    struct tls_identity *identity;
    struct loop *loop;
    struct lanes *lanes;
    struct sources *sources;
    struct connection *connection;
    struct metrics_server *metrics;
    struct loop_later *turn;
    struct loop_timer *due, *watchdog, *identity_look;
    struct loop_signal *signals[3];
    uint64_t parted_us;
    uint64_t booted_us; /* by the wall clock as it was at the start */
    bool full; /* the last flush was refused */
};

static struct stream_clock now(const struct agent *agent) {
    struct stream_clock clock = {.now_us = clock_wall_us(), .boottime_us = clock_boot_us()};
    memcpy(clock.boot_id, agent->boot_id, sizeof clock.boot_id);
    return clock;
}

/* What sources count their waits by: the wall clock of the start, gone on without a step. */
static uint64_t source_clock_us(const struct agent *agent) { return agent->booted_us + clock_boot_us(); }

/* An event of the agent's own. */
static void tell(struct agent *agent, const char *event, const char *text) {
    struct event_field field = {SLICE("tocsin.event"), slice_string(event)};
    struct event_body body = {.kind = EVENT_STATE,
                              .source = SLICE("agent"),
                              .raw = slice_string(text),
                              .fields = &field,
                              .field_count = 1};
    lanes_event(agent->lanes, CLASS_JOURNAL, &body);
}

/* ---- a turn: read, write and sync as one group, send */

static bool flush(struct agent *agent) {
    struct fault fault = {0};
    if (lanes_flush(agent->lanes, &fault)) {
        if (agent->full)
            log_notice("the spool can be written again: reading goes on");
        agent->full = false;
        return true;
    }
    if (!agent->full)
        log_fault(LOG_LEVEL_ERROR, &fault, "the spool cannot be written; sources wait where they are, nothing is lost");
    agent->full = true;
    return false;
}

static void sign_part_when_due(struct agent *agent, uint64_t steady_us) {
    uint64_t pace_us = connection_pace_us(agent->connection);
    if (pace_us == UINT64_MAX || steady_us < agent->parted_us + pace_us)
        return;
    if (lanes_part(agent->lanes))
        agent->parted_us = steady_us;
}

static void close_when_wanted(struct agent *agent) {
    enum lane lane;
    while (connection_wants_close(agent->connection, &lane))
        lanes_close(agent->lanes, lane, BATCH_DATA, NULL);
}

/* Whether the collector holds events that no signature covers yet. */
static bool has_unattested(const struct agent *agent) {
    struct lanes_report report;
    lanes_report(agent->lanes, &report);
    for (unsigned lane = 0; lane < LANES; lane++)
        if (report.attested[lane] < report.next_event_seq[lane])
            return true;
    return false;
}

/* How long until `due_us`, by the clock that reads `now_us`; UINT64_MAX for never. */
static uint64_t delay_until(uint64_t due_us, uint64_t now_us) {
    return due_us == UINT64_MAX ? UINT64_MAX : due_us > now_us ? due_us - now_us : 0;
}

static void set_timer(struct agent *agent) {
    uint64_t delay_us = delay_until(sources_due(agent->sources), source_clock_us(agent));
    uint64_t lanes_us = delay_until(lanes_due(agent->lanes), clock_wall_us());
    if (lanes_us < delay_us)
        delay_us = lanes_us;
    uint64_t pace_us = connection_pace_us(agent->connection);
    if (pace_us != UINT64_MAX && has_unattested(agent) && pace_us < delay_us)
        delay_us = pace_us;
    uint64_t rotation_us = key_rotation_delay_us(agent->rotation);
    if (rotation_us < delay_us)
        delay_us = rotation_us;
    if (agent->full && delay_us < LANES_RETRY_US)
        delay_us = LANES_RETRY_US;
    if (delay_us != UINT64_MAX)
        loop_timer_after(agent->due, delay_us);
}

static void turn(void *context) {
    struct agent *agent = context;
    struct stream_clock clock = now(agent);
    lanes_tick(agent->lanes, &clock);
    close_when_wanted(agent);
    key_rotation_turn(agent->rotation, clock.now_us);
    sign_part_when_due(agent, clock_monotonic_us());
    bool more = !agent->full && sources_turn(agent->sources, source_clock_us(agent));
    if (flush(agent)) {
        key_rotation_flushed(agent->rotation);
        connection_flushed(agent->connection);
        if (more)
            loop_later_schedule(agent->turn);
    }
    set_timer(agent);
}

static uint64_t lag(void *context) {
    CLEANUP_BUFFER struct buffer text = BUFFER(1024 * 1024);
    return sources_describe(((struct agent *)context)->sources, &text);
}

static void schedule_turn(void *context) { loop_later_schedule(((struct agent *)context)->turn); }

/* ---- what happens by itself */

static void feed_watchdog(void *context) {
    struct agent *agent = context;
    notify_alive();
    loop_timer_after(agent->watchdog, notify_watchdog_us());
}

static bool open_identity(struct agent *agent, const char *name, struct fault *fault) {
    char folder[FILES_PATH_MOST];
    site_path(folder, agent->data, SITE_AGENT_FOLDER);
    struct tls_identity *identity = tls_identity_open(folder, name, clock_wall_us(), fault);
    if (!identity)
        return false;
    tls_identity_destroy(agent->identity);
    agent->identity = identity;
    return true;
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
            open_identity(agent, agent->membership.host, &fault)) {
            connection_set_identity(agent->connection, agent->identity);
            tell(agent, "certificate_renewed", "the agent's TLS certificate was renewed");
        } else
            log_fault(LOG_LEVEL_ERROR, &fault, "the TLS certificate cannot be renewed");
    }
    loop_timer_after(agent->identity_look, IDENTITY_LOOK_US);
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
    metrics_begin(to, "tocsin_agent_unsent_events", METRICS_GAUGE, "Events that the collector does not have yet.");
    for (unsigned lane = 0; lane < LANES; lane++)
        metrics_value(to, "tocsin_agent_unsent_events", (struct metrics_label[]){{"lane", lanes[lane]}}, 1,
                      (double)(report.next_event_seq[lane] - report.stored[lane]));
    CLEANUP_BUFFER struct buffer text = BUFFER(1024 * 1024);
    metrics_gauge(to, "tocsin_agent_lag_bytes", "Bytes of files not read yet.",
                  (double)sources_describe(agent->sources, &text));
    metrics_gauge(to, "tocsin_agent_spool_bytes", "Bytes in the spool.", (double)report.spool_bytes);
    metrics_counter(to, "tocsin_agent_syncs_total", "Syncs of the spool.", report.syncs);
    metrics_counter(to, "tocsin_agent_dropped_events_total", "Events dropped over the quota.", report.dropped_events);
    metrics_gauge(to, "tocsin_agent_connected", "1 while connected.", connection_is_ready(agent->connection));
    metrics_process(to);
}

/* ---- settings, again on SIGHUP */

static bool read_settings(const char *site, struct agent_settings *settings, struct fault *fault) {
    return settings_file_read(agent_settings_table(), site, "agent", settings, fault);
}

/* False: what was in force still is. */
static bool use_settings(struct agent *agent, const struct agent_settings *settings, struct fault *fault) {
    /* Positions must be on disk before a source is made anew from them. */
    sources_finish(agent->sources, source_clock_us(agent));
    if (!flush(agent))
        return fault_set(fault, FAULT_SPACE, "the spool cannot be written now");
    agent->sources = sources_destroy(agent->sources);
    struct sources *fresh =
        sources_create(settings, lanes_output(agent->lanes), agent->loop, schedule_turn, agent, fault);
    agent->sources = fresh ? fresh
                           : sources_create(&agent->settings, lanes_output(agent->lanes), agent->loop, schedule_turn,
                                            agent, NULL);
    return fresh != NULL;
}

static void reload(void *context) {
    struct agent *agent = context;
    struct agent_settings settings;
    struct fault fault = {0};
    notify_reloading();
    bool good = read_settings(agent->site, &settings, &fault);
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
    tell(agent, good ? "reloaded" : "reload_failed", text);
    key_rotation_look(agent->rotation);
    notify_ready();
    schedule_turn(agent);
}

/* ---- joining */

static bool join(struct agent *agent, const char *address, const char *token_text, const char *name,
                 struct fault *fault) {
    struct token token;
    char folder[FILES_PATH_MOST], key_path[FILES_PATH_MOST], next_path[FILES_PATH_MOST], path[FILES_PATH_MOST];
    site_path(folder, agent->data, SITE_AGENT_FOLDER);
    site_path(key_path, agent->data, SITE_AGENT_KEY);
    site_path(next_path, agent->data, SITE_AGENT_NEXT_KEY);
    site_path(path, agent->data, SITE_AGENT_COLLECTOR);
    if (files_exists(next_path))
        return fault_set(fault, FAULT_USAGE,
                         "a rotation of this host's signing key is not finished: start the agent, or remove %s if the "
                         "host begins anew", next_path);
    if (!token_parse(slice_string(token_text), &token, fault) || !files_make_folder(folder, 0700, fault) ||
        !open_identity(agent, name, fault))
        return false;
    struct signing_key *key = key_file_open(key_path, true, fault);
    bool good = key && joining_run(address, &token, name, agent->identity, key, &agent->membership, fault);
    if (good) {
        membership_set_keys(&agent->membership, signing_key_public(key)->bytes);
        good = membership_write(path, &agent->membership, fault);
    }
    signing_key_destroy(key);
    return good;
}

/* A join that `tocsin init` left to be done at the first start. */
static bool join_when_pending(struct agent *agent, const char *name, struct fault *fault) {
    char path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer text = BUFFER(1024);
    site_path(path, agent->data, SITE_AGENT_JOIN);
    if (!files_exists(path))
        return fault_set(fault, FAULT_USAGE,
                         "this host has not joined a collector yet: run `tocsin join-token %s` there, then "
                         "`tocsin-agent --join ADDRESS --token TOKEN --site %s` here",
                         name, agent->site);
    char address[300], token[TOKEN_TEXT_SIZE];
    if (!files_read(path, &text, fault))
        return false;
    if (sscanf(buffer_string(&text), "%299s %64s", address, token) != 2)
        return fault_set(fault, FAULT_FORMAT, "%s cannot be read: an address and a token were expected", path);
    return join(agent, address, token, name, fault) && files_remove(path, fault);
}

static void tell_rotation(void *context, const char *event, const char *text) {
    tell(context, event, text);
    schedule_turn(context);
}

static bool ensure_membership(struct agent *agent, struct fault *fault) {
    char path[FILES_PATH_MOST], name[256];
    struct fault local = {0};
    if (agent->settings.name)
        snprintf(name, sizeof name, "%s", agent->settings.name);
    else
        site_host_name(name);
    site_path(path, agent->data, SITE_AGENT_COLLECTOR);
    if (!membership_read(path, &agent->membership, &local)) {
        if (local.code != FAULT_MISSING)
            return fault_set(fault, local.code, "%s", local.text);
        if (!join_when_pending(agent, name, fault))
            return false;
        log_notice("joined %s as %s", agent->membership.origin, agent->membership.host);
    }
    const struct key_rotation_settings rotation = {agent->data, &agent->membership, agent, tell_rotation};
    agent->rotation = key_rotation_create(&rotation, fault);
    return agent->rotation && open_identity(agent, agent->membership.host, fault);
}

/* ---- start and stop */

static void set_data(struct agent *agent, const char *data, const char *setting) {
    const char *folder = data ? data : setting;
    snprintf(agent->data, sizeof agent->data, "%s%s%s", folder[0] == '/' ? "" : agent->site,
             folder[0] == '/' ? "" : "/", folder);
}

static void tell_damage(void *context, const char *text) {
    (void)context;
    log_warning("the spool: %s", text);
}

static bool open_lanes(struct agent *agent, struct fault *fault) {
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
                                      .heartbeat_us = agent->membership.heartbeat_s * UINT64_C(1000000),
                                      .batch_us = agent->settings.batch.close_after_us,
                                      .quota = agent->settings.spool.limit,
                                      .finding = tell_damage};
    if (agent->settings.heartbeat_us < settings.heartbeat_us)
        settings.heartbeat_us = agent->settings.heartbeat_us;
    if (!clock_boot_id(agent->boot_id, fault))
        return false;
    struct stream_clock clock = now(agent);
    agent->lanes = lanes_open(&settings, &spool_files_system, &clock, fault);
    return agent->lanes != NULL;
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
    agent->turn = loop_later_create(agent->loop, turn, agent);
    agent->due = loop_timer_create(agent->loop, schedule_turn, agent);
    agent->watchdog = loop_timer_create(agent->loop, feed_watchdog, agent);
    agent->identity_look = loop_timer_create(agent->loop, look_at_identity, agent);
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

static bool start(struct agent *agent, struct fault *fault) {
    char lock[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    site_path(lock, agent->data, SITE_AGENT_LOCK);
    site_path(folder, agent->data, SITE_AGENT_FOLDER);
    agent->booted_us = clock_wall_us() - clock_boot_us();
    if (!files_make_folder(folder, 0700, fault) || !files_lock(lock, &agent->lock, fault) ||
        !ensure_membership(agent, fault) || !open_lanes(agent, fault) || !start_loop(agent, fault))
        return false;
    agent->sources =
        sources_create(&agent->settings, lanes_output(agent->lanes), agent->loop, schedule_turn, agent, fault);
    if (!agent->sources || !start_metrics(agent, fault))
        return false;
    const struct settings_address *address = &agent->settings.collector;
    snprintf(agent->address, sizeof agent->address, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host,
             address->port);
    struct connection_settings connection = {.loop = agent->loop,
                                             .lanes = agent->lanes,
                                             .address = agent->address,
                                             .identity = agent->identity,
                                             .pin = agent->membership.pin,
                                             .context = agent,
                                             .lag = lag,
                                             .answered = schedule_turn};
    memcpy(connection.boot_id, agent->boot_id, sizeof connection.boot_id);
    agent->connection = connection_start(&connection);
    key_rotation_start(agent->rotation, agent->lanes, agent->connection);
    tell(agent, "agent_started", "the agent has started");
    schedule_turn(agent);
    loop_timer_after(agent->identity_look, IDENTITY_LOOK_US);
    if (notify_watchdog_us() != UINT64_MAX)
        feed_watchdog(agent);
    return true;
}

static void finish(struct agent *agent) {
    if (agent->sources && agent->lanes) {
        sources_finish(agent->sources, source_clock_us(agent));
        tell(agent, "agent_stopped", "the agent was stopped");
        flush(agent);
    }
    connection_stop(agent->connection);
    sources_destroy(agent->sources);
    lanes_destroy(agent->lanes);
    metrics_server_destroy(agent->metrics);
    for (size_t i = 0; i < 3; i++)
        loop_signal_destroy(agent->signals[i]);
    loop_timer_destroy(agent->due);
    loop_timer_destroy(agent->watchdog);
    loop_timer_destroy(agent->identity_look);
    loop_later_destroy(agent->turn);
    loop_destroy(agent->loop);
    tls_identity_destroy(agent->identity);
    key_rotation_destroy(agent->rotation);
    settings_release(agent_settings_table(), &agent->settings);
    if (agent->lock >= 0)
        files_unlock(agent->lock);
}

static int exit_code(const struct fault *fault) {
    return fault->code == FAULT_USAGE || fault->code == FAULT_FORMAT ? 2 : 3;
}

static int run(struct agent *agent, const char *data) {
    struct fault fault = {0};
    /* Until the loop takes it: `--rotate-key` may send one as soon as the lock names this process. */
    signal(SIGHUP, SIG_IGN);
    if (read_settings(agent->site, &agent->settings, &fault)) {
        set_data(agent, data, agent->settings.data);
        if (start(agent, &fault)) {
            log_notice("%s is ready: %zu sources", agent->membership.host, sources_count(agent->sources));
            notify_ready();
            loop_run(agent->loop);
            return 0;
        }
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "tocsin-agent cannot start");
    return exit_code(&fault);
}

/* Settings and sources, without a spool: what is made is thrown away. */
static bool no_event(void *context, enum event_class class, const struct event_body *body) {
    (void)context, (void)class, (void)body;
    return false;
}
static void no_position(void *context, struct slice key, struct slice value) { (void)context, (void)key, (void)value; }
static bool no_restore(void *context, struct slice key, struct slice *ret_value) {
    (void)context, (void)key, (void)ret_value;
    return false;
}
static void no_restore_each(void *context, struct slice prefix,
                            void (*each)(void *, struct slice, struct slice), void *each_context) {
    (void)context, (void)prefix, (void)each, (void)each_context;
}

static int check(struct agent *agent) {
    static const struct source_output nothing = {NULL, no_event, no_position, no_restore, no_restore_each};
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer text = BUFFER(1024 * 1024);
    agent->loop = loop_create(&fault);
    if (!agent->loop || !read_settings(agent->site, &agent->settings, &fault) ||
        !(agent->sources = sources_create(&agent->settings, &nothing, agent->loop, schedule_turn, agent, &fault))) {
        log_fault(LOG_LEVEL_ERROR, &fault, "the settings are not good");
        return exit_code(&fault);
    }
    sources_describe(agent->sources, &text);
    printf("%s/agent.yaml: good\n%s", agent->site, buffer_string(&text));
    return 0;
}

static int join_by_hand(struct agent *agent, const char *data, const char *address, const char *token,
                        const char *name) {
    struct fault fault = {0};
    char host[256];
    site_host_name(host);
    set_data(agent, data, "data");
    if (site_template_agent(agent->site, address, &fault) &&
        join(agent, address, token, name ? name : host, &fault)) {
        printf("Joined %s as %s.\nNext: `systemctl enable --now tocsin-agent`, or `tocsin-agent --site %s`.\n",
               agent->membership.origin, agent->membership.host, agent->site);
        return 0;
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "this host has not joined");
    return exit_code(&fault);
}

static int rotate_by_hand(struct agent *agent, const char *data) {
    struct fault fault = {0};
    char sentence[256];
    if (read_settings(agent->site, &agent->settings, &fault)) {
        set_data(agent, data, agent->settings.data);
        if (key_rotation_request(agent->data, sentence, sizeof sentence, &fault)) {
            puts(sentence);
            return 0;
        }
    }
    log_fault(LOG_LEVEL_ERROR, &fault, "the signing key is not rotated");
    return exit_code(&fault);
}

static const char usage[] =
    "Usage: tocsin-agent [--site DIR] [--data DIR] [--check]\n"
    "       tocsin-agent --join ADDRESS --token TOKEN [--name NAME] [--site DIR]\n"
    "       tocsin-agent --rotate-key [--site DIR]\n"
    "\n"
    "Reads this host's logs, signs what it reads and sends it to the collector. SIGHUP reads the settings again.\n"
    "\n"
    "  --site DIR      the site's folder (TOCSIN_SITE, else " SITE_DEFAULT ")\n"
    "  --data DIR      where keys and the spool are, instead of the setting `data`\n"
    "  --check         reads the settings, says what would be read or what is wrong, and ends\n"
    "  --join ADDRESS  joins the collector at HOST:PORT and ends; writes DIR/agent.yaml if there is none\n"
    "  --token TOKEN   out of `tocsin join-token HOST` at the collector\n"
    "  --name NAME     this host's name, where the token leaves it open\n"
    "  --rotate-key    makes the next signing key and tells the agent that runs here; it signs with it as soon as\n"
    "                  the collector has taken it, without a restart\n"
    "  --verbose       tells more\n"
    "  --version\n"
    "\n"
    "Example: tocsin-agent --join logs.example.org:7514 --token 4uC… && systemctl enable --now tocsin-agent\n";

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"site", required_argument, NULL, 's'},  {"data", required_argument, NULL, 'd'},
        {"check", no_argument, NULL, 'c'},       {"join", required_argument, NULL, 'j'},
        {"token", required_argument, NULL, 't'}, {"name", required_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},     {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},     {"rotate-key", no_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    const char *site = getenv("TOCSIN_SITE"), *data = NULL, *address = NULL, *token = NULL, *name = NULL;
    bool only_check = false, rotate = false;
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
            only_check = true;
            break;
        case 'j':
            address = optarg;
            break;
        case 't':
            token = optarg;
            break;
        case 'n':
            name = optarg;
            break;
        case 'r':
            rotate = true;
            break;
        case 'v':
            log_start(LOG_LEVEL_DEBUG);
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        case 'V':
            puts("tocsin-agent " TOCSIN_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if ((address == NULL) != (token == NULL)) {
        fputs("tocsin-agent: --join and --token go together\n", stderr);
        return 2;
    }
    struct agent *agent = memory_new(sizeof *agent);
    agent->site = site ? site : SITE_DEFAULT;
    agent->lock = -1;
    process_harden(NULL);
    process_descriptors_raise(4096);
    loop_workers_set(1);
    umask(077);
    int result = address      ? join_by_hand(agent, data, address, token, name)
                 : rotate     ? rotate_by_hand(agent, data)
                 : only_check ? check(agent)
                              : run(agent, data);
    finish(agent);
    free(agent);
    return result;
}

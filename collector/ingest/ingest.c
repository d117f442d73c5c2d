#include "ingest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "frame.h"
#include "lasting.h"
#include "log.h"
#include "log_claims.h"
#include "memory.h"
#include "orphans.h"
#include "report.h"
#include "session.h"

#define SILENCE "silence" /* lasting.h: since_us */
#define MINUTE_US 60000000u
#define LOOK_US 1000000u /* how often silence is looked for */
#define IDLE_TIMEOUT_US                                                                                      \
    60000000u /* agents ping every 5 s: who says nothing for so long has gone, or never was one */

struct ingest {
    struct ingest_settings settings;
    struct ingest_common common;
    struct channel_server *server;
    struct loop_timer *look;
    uint64_t started_us;
    uint64_t minute_us; /* when strangers were last told of */
};

static void on_open(void *context, struct channel *channel) {
    struct ingest *ingest = context;
    session_start(&ingest->common, channel);
}

static void on_failed(void *context, const char *peer_address, const struct fault *fault) {
    struct ingest *ingest = context;
    ingest->common.counts.refused++;
    log_fault(LOG_LEVEL_INFO, fault, "%s: no connection", peer_address);
}

static void acknowledge(void *context) {
    session_acknowledge_all(context);
}

/* ---- silence */

/* `now_us`: 0 when it is over. */
static void report_silence(struct ingest *ingest, struct agent *agent, uint64_t silent_us, uint64_t now_us) {
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%" PRIu64, silent_us / 1000000);
    struct change *change = change_create();
    const struct report_field fields[] = {
        {"host.name", agent->record.name}, {"silent.seconds", seconds}, {NULL, NULL}};
    if (now_us) {
        ingest->common.counts.silent += !agent->silent_since_us;
        agent->silent_since_us = now_us - silent_us;
        agent->silence_told_us = clock_monotonic_us();
        report_state(change, "agent_silent", fields, "%s has been silent for %s s", agent->record.name,
                     seconds);
        log_warning("%s has been silent for %s s", agent->record.name, seconds);
    } else {
        agent->silent_since_us = 0;
        agent->orphaned = false;
        ingest->common.counts.silent--;
        report_state(change, "agent_back", fields, "%s is back after %s s of silence", agent->record.name,
                     seconds);
        log_notice("%s is back after %s s of silence", agent->record.name, seconds);
    }
    lasting_put(change, SILENCE, agent->record.name, agent->silent_since_us);
    committer_submit(ingest->settings.committer, change);
}

static void prove(void *context) {
    session_prove_some(context);
}

/* One that was silent before a restart is so until it is heard. */
static void look_at_agent(struct ingest *ingest, struct agent *agent, uint64_t steady_us, uint64_t wall_us) {
    uint64_t silent_us = steady_us - agent->heard_us;
    bool heard = agent->heard_us != ingest->started_us && silent_us <= ingest->settings.silent_after_us;
    uint64_t lasted_us =
        agent->silent_since_us && wall_us > agent->silent_since_us ? wall_us - agent->silent_since_us : 0;
    if (!agent->silent_since_us && silent_us > ingest->settings.silent_after_us)
        report_silence(ingest, agent, silent_us, wall_us);
    else if (agent->silent_since_us && heard)
        report_silence(ingest, agent, lasted_us, 0);
    else if (agent->silent_since_us && steady_us - agent->silence_told_us > LASTING_REMIND_US)
        report_silence(ingest, agent, lasted_us, wall_us);
}

static void look_for_silence(void *context) {
    struct ingest *ingest = context;
    session_look_at_checkpoints(&ingest->common);
    uint64_t steady_us = clock_monotonic_us(), wall_us = clock_wall_us();
    /* While nobody is let in, silence says nothing of a host: one page about the log is enough. */
    size_t count = ingest->common.halted ? 0 : agents_count(ingest->common.agents);
    for (size_t i = 0; i < count; i++) {
        struct agent *agent = agents_at(ingest->common.agents, i);
        uint64_t silent_us = steady_us - agent->heard_us;
        if (silent_us > ORPHAN_SILENCE_US && !agent->orphaned) {
            orphans_log_all(&ingest->common, agent);
            agent->orphaned = true;
        }
        look_at_agent(ingest, agent, steady_us, wall_us);
    }
    if (steady_us > ingest->minute_us + MINUTE_US) {
        ingest->minute_us = steady_us;
        session_tell_strangers(&ingest->common);
    }
    loop_timer_after(ingest->look, LOOK_US);
}

/* ---- start and stop */

static bool load_agents(struct ingest *ingest, struct fault *fault) {
    struct store_cursor *cursor =
        store_cursor_create(ingest->settings.store, STORE_REGISTRY, NULL, SLICE("a"));
    bool good = true;
    for (bool on = store_cursor_first(cursor); good && on; on = store_cursor_next(cursor)) {
        struct agent_record record;
        good = agent_record_read(store_cursor_value(cursor), &record, fault);
        if (!good)
            break;
        struct agent *agent = agents_put(ingest->common.agents, &record, ingest->started_us);
        agent->silent_since_us = lasting_get(ingest->settings.store, SILENCE, record.name);
        agent->silence_told_us = ingest->started_us;
        ingest->common.counts.silent += agent->silent_since_us != 0;
    }
    good = good && store_cursor_good(cursor, fault);
    store_cursor_destroy(cursor);
    return good;
}

struct ingest *ingest_start(const struct ingest_settings *settings, struct fault *fault) {
    struct ingest *ingest = memory_new(sizeof *ingest);
    ingest->settings = *settings;
    ingest->started_us = clock_monotonic_us();
    ingest->common.settings = &ingest->settings;
    ingest->common.agents = agents_create();
    ingest->common.openers = openers_create(settings->recent);
    ingest->common.acknowledge = loop_later_create(settings->loop, acknowledge, &ingest->common);
    ingest->common.prove = loop_later_create(settings->loop, prove, &ingest->common);
    ingest->common.note = BUFFER(NOTE_MOST);
    ingest->common.message = BUFFER(FRAME_CHECKPOINT_MOST);
    log_claims_open(&ingest->common);
    ingest->look = loop_timer_create(settings->loop, look_for_silence, ingest);
    struct channel_server_settings server = {.address = settings->address,
                                             .identity = settings->identity,
                                             .limits = {.idle_timeout_us = IDLE_TIMEOUT_US}};
    static const struct channel_server_handlers handlers = {on_open, on_failed};
    if (load_agents(ingest, fault))
        ingest->server = channel_listen(settings->loop, &server, &handlers, ingest, fault);
    if (!ingest->server)
        return ingest_stop(ingest);
    loop_timer_after(ingest->look, LOOK_US);
    return ingest;
}

void ingest_close(struct ingest *ingest) {
    session_close_all(&ingest->common);
    ingest->server = channel_server_destroy(ingest->server);
    ingest->look = loop_timer_destroy(ingest->look);
}

bool ingest_is_quiet(const struct ingest *ingest) {
    for (size_t i = 0; i < agents_count(ingest->common.agents); i++)
        for (unsigned lane = 0; lane < LANES; lane++)
            if (!ingest_stream_is_quiet(agents_at(ingest->common.agents, i)->streams[lane]))
                return false;
    return true;
}

struct ingest *ingest_stop(struct ingest *ingest) {
    if (!ingest)
        return NULL;
    ingest_close(ingest);
    loop_later_destroy(ingest->common.acknowledge);
    loop_later_destroy(ingest->common.prove);
    buffer_free(&ingest->common.note);
    buffer_free(&ingest->common.message);
    agents_destroy(ingest->common.agents);
    openers_destroy(ingest->common.openers);
    free(ingest);
    return NULL;
}

static struct agent *agent_of(struct ingest *ingest, const struct hash *stream_id, enum lane *ret_lane) {
    for (size_t i = 0; i < agents_count(ingest->common.agents); i++) {
        struct agent *agent = agents_at(ingest->common.agents, i);
        for (unsigned lane = 0; lane < LANES; lane++)
            if (agent->streams[lane] && hash_equal(ingest_stream_id(agent->streams[lane]), stream_id)) {
                *ret_lane = (enum lane)lane;
                return agent;
            }
    }
    return NULL;
}

bool ingest_close_now(struct ingest *ingest, const struct hash *stream_id) {
    enum lane lane;
    const struct agent *agent = agent_of(ingest, stream_id, &lane);
    return agent && agent->session && session_close_batch(agent->session, lane);
}

bool ingest_orphan(struct ingest *ingest, const struct hash *stream_id) {
    enum lane lane;
    struct fault fault = {0};
    struct agent *agent = agent_of(ingest, stream_id, &lane);
    if (!agent || agent->session || clock_monotonic_us() - agent->heard_us < ORPHAN_ANSWER_US)
        return false;
    if (orphans_log(&ingest->common, agent, lane, &fault))
        return true;
    if (fault.code)
        log_fault(LOG_LEVEL_WARNING, &fault, "the open batch of %s", agent->record.name);
    return false;
}

const char *ingest_address(const struct ingest *ingest) {
    return channel_server_address(ingest->server);
}

struct ingest_counts ingest_counts(const struct ingest *ingest) {
    struct ingest_counts counts = ingest->common.counts;
    counts.agents = agents_count(ingest->common.agents);
    return counts;
}

const char *ingest_halted(const struct ingest *ingest) {
    return ingest->common.halted ? ingest->common.halted_why : NULL;
}

bool ingest_describe(const struct ingest *ingest, struct buffer *to) {
    uint64_t steady_us = clock_monotonic_us();
    buffer_append_string(to, "[");
    for (size_t i = 0; i < agents_count(ingest->common.agents); i++) {
        const struct agent *agent = agents_at(ingest->common.agents, i);
        const char *state = agent->record.forked     ? "forked"
                            : agent->silent_since_us ? "silent"
                            : agent->session         ? "connected"
                                                     : "away";
        buffer_printf(to,
                      "%s{\"name\":\"%s\",\"state\":\"%s\",\"heard_seconds\":%" PRIu64
                      ",\"lag_bytes\":%" PRIu64 ",\"spool_bytes\":%" PRIu64 ",\"lanes\":[",
                      i ? "," : "", agent->record.name, state, (steady_us - agent->heard_us) / 1000000,
                      agent->lag_bytes, agent->spool_bytes);
        for (unsigned lane = 0; lane < LANES; lane++) {
            struct ingest_marks marks = ingest_stream_marks(agent->streams[lane]);
            buffer_printf(to, "%s{\"stored\":%" PRIu64 ",\"attested\":%" PRIu64 ",\"closed\":%" PRIu64 "}",
                          lane ? "," : "", marks.stored, marks.attested, marks.closed);
        }
        buffer_append_string(to, "]}");
    }
    return buffer_append_string(to, "]");
}

/* A crowd of agents in one process, over loopback: each joins, keeps a spool, tells that it has started, and then only shows
 * that it is alive. They are agents in every way that the collector can see: the product's own spool and uplink.
 *
 *     crowd FOLDER HOST:PORT < TOKENS       a line each, "HOST TOKEN", as `tocsin join-token --hosts` prints them
 *
 * Says "N connected" on standard output whenever N has changed, and runs until it is stopped. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "connection.h"
#include "files.h"
#include "joining.h"
#include "key_file.h"
#include "lanes.h"
#include "log.h"
#include "loop.h"
#include "memory.h"
#include "process.h"

#define AGENTS_MOST 20000u
#define ROUND_US 1000000u /* every agent has its turn once in this time … */
#define SLICES 50u        /* … in so many pieces */

struct agent {
    char name[256];
    struct joining_result joined;
    struct tls_identity *identity;
    struct signing_key *key;
    struct lanes *lanes;
    struct watching *watching;
    struct connection *connection;
};

struct crowd {
    const char *folder, *address;
    struct agent *agents;
    size_t count, next, told;
    uint8_t boot_id[16];
    struct loop *loop;
    struct loop_timer *timer;
    struct loop_signal *stopped;
};

static struct stream_clock now(const struct crowd *crowd) {
    struct stream_clock clock = {.now_us = clock_wall_us(), .boottime_us = clock_boot_us()};
    memcpy(clock.boot_id, crowd->boot_id, sizeof clock.boot_id);
    return clock;
}

static bool join(const struct crowd *crowd, struct agent *agent, const char *token_text, struct fault *fault) {
    struct token token;
    char folder[FILES_PATH_MOST], key[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer policy = BUFFER(8192);
    return files_path(folder, crowd->folder, agent->name) && files_path(key, folder, "sign.key") &&
           token_parse(slice_string(token_text), &token, fault) && files_make_folder(folder, 0700, fault) &&
           (agent->identity = tls_identity_open(folder, agent->name, clock_wall_us(), fault)) != NULL &&
           (agent->key = key_file_open(key, true, fault)) != NULL &&
           joining_run(&(struct joining_request){.address = crowd->address,
                                                 .token = &token,
                                                 .name = agent->name,
                                                 .identity = agent->identity,
                                                 .key = agent->key},
                       &agent->joined, &policy, fault);
}

static uint64_t no_lag(void *context) {
    (void)context;
    return 0;
}

static void no_answer(void *context) { (void)context; }

static void no_event(void *context, const char *event, const char *text, struct slice evidence) {
    (void)context, (void)evidence;
    log_error("%s: %s", event, text);
}

static bool start(struct crowd *crowd, struct agent *agent, struct fault *fault) {
    char folder[FILES_PATH_MOST], spool[FILES_PATH_MOST], witnesses[FILES_PATH_MOST], refused[FILES_PATH_MOST];
    files_path(folder, crowd->folder, agent->name);
    files_path(witnesses, folder, "witnesses");
    files_path(refused, folder, "log.refused");
    files_path(spool, folder, "spool");
    struct lanes_settings settings = {.folder = spool,
                                      .host = agent->joined.host,
                                      .key = agent->key,
                                      .heartbeat_us = agent->joined.collector.heartbeat_s * UINT64_C(1000000)};
    struct stream_clock clock = now(crowd);
    agent->lanes = lanes_open(&settings, &spool_files_system, &clock, fault);
    if (!agent->lanes)
        return false;
    struct event_body body = {.kind = EVENT_STATE, .source = SLICE("agent"), .raw = SLICE("the agent has started")};
    lanes_event(agent->lanes, CLASS_JOURNAL, &body);
    const struct watching_settings watching = {.origin = agent->joined.collector.origin,
                                               .log_key = agent->joined.collector.log_key,
                                               .witnesses = witnesses,
                                               .refused = refused,
                                               .tell = no_event,
                                               .changed = no_answer};
    agent->watching = watching_create(&watching, agent->lanes, fault);
    if (!agent->watching)
        return false;
    struct connection_settings connection = {.loop = crowd->loop,
                                             .lanes = agent->lanes,
                                             .watching = agent->watching,
                                             .address = crowd->address,
                                             .identity = agent->identity,
                                             .pin = agent->joined.collector.pin,
                                             .lag = no_lag,
                                             .answered = no_answer};
    memcpy(connection.boot_id, crowd->boot_id, sizeof connection.boot_id);
    agent->connection = connection_start(&connection);
    return true;
}

/* ---- turns */

static void turn(struct crowd *crowd, struct agent *agent) {
    struct stream_clock clock = now(crowd);
    enum lane lane;
    lanes_tick(agent->lanes, &clock);
    while (connection_wants_close(agent->connection, &lane))
        lanes_close(agent->lanes, lane, BATCH_DATA, NULL);
    if (connection_pace_us(agent->connection) != UINT64_MAX)
        lanes_part(agent->lanes);
    if (lanes_gathered(agent->lanes) && lanes_flush(agent->lanes, NULL))
        connection_flushed(agent->connection);
}

static void tell(struct crowd *crowd) {
    size_t connected = 0;
    for (size_t i = 0; i < crowd->count; i++)
        connected += connection_is_ready(crowd->agents[i].connection);
    if (connected != crowd->told)
        printf("%zu connected\n", connected);
    fflush(stdout);
    crowd->told = connected;
}

static void slice_of_turns(void *context) {
    struct crowd *crowd = context;
    for (size_t i = 0; i < crowd->count / SLICES + 1 && crowd->next < crowd->count; i++)
        turn(crowd, &crowd->agents[crowd->next++]);
    if (crowd->next == crowd->count) {
        crowd->next = 0;
        tell(crowd);
    }
    loop_timer_after(crowd->timer, ROUND_US / SLICES);
}

static void stop(void *context) { loop_stop(((struct crowd *)context)->loop); }

/* ---- start and stop */

static bool gather(struct crowd *crowd, struct fault *fault) {
    char token[TOKEN_TEXT_SIZE];
    while (crowd->count < AGENTS_MOST && scanf("%255s %64s", crowd->agents[crowd->count].name, token) == 2) {
        if (!join(crowd, &crowd->agents[crowd->count], token, fault))
            return false;
        crowd->count++;
    }
    for (size_t i = 0; i < crowd->count; i++)
        if (!start(crowd, &crowd->agents[i], fault))
            return false;
    return true;
}

static void finish(struct crowd *crowd) {
    for (size_t i = 0; i < AGENTS_MOST; i++) {
        struct agent *agent = &crowd->agents[i];
        connection_stop(agent->connection);
        watching_destroy(agent->watching);
        lanes_destroy(agent->lanes);
        tls_identity_destroy(agent->identity);
        signing_key_destroy(agent->key);
    }
    loop_timer_destroy(crowd->timer);
    loop_signal_destroy(crowd->stopped);
    loop_destroy(crowd->loop);
    free(crowd->agents);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fputs("Usage: crowd FOLDER HOST:PORT < TOKENS\n", stderr);
        return 2;
    }
    struct fault fault = {0};
    struct crowd crowd = {.folder = argv[1], .address = argv[2]};
    log_start(LOG_LEVEL_ERROR);
    process_descriptors_raise(3 * AGENTS_MOST);
    crowd.agents = memory_new_array(AGENTS_MOST, sizeof *crowd.agents);
    crowd.loop = loop_create(&fault);
    bool good = crowd.loop && clock_boot_id(crowd.boot_id, &fault);
    if (good) {
        crowd.timer = loop_timer_create(crowd.loop, slice_of_turns, &crowd);
        crowd.stopped = loop_signal_create(crowd.loop, SIGTERM, stop, &crowd, &fault);
    }
    good = good && crowd.stopped && gather(&crowd, &fault);
    if (good) {
        printf("%zu joined\n", crowd.count);
        loop_timer_after(crowd.timer, 0);
        loop_run(crowd.loop);
    } else {
        log_fault(LOG_LEVEL_ERROR, &fault, "crowd");
    }
    finish(&crowd);
    return good ? 0 : 3;
}

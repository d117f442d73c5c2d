/* A turn: read, write and sync as one group, send. */
#include <stdlib.h>

#include "agent.h"
#include "clock.h"
#include "log.h"

struct stream_clock agent_now(const struct agent *agent) {
    struct stream_clock clock = {.now_us = clock_wall_us(), .boottime_us = clock_boot_us()};
    memcpy(clock.boot_id, agent->boot_id, sizeof clock.boot_id);
    return clock;
}

uint64_t agent_source_clock_us(const struct agent *agent) {
    return agent->booted_us + clock_boot_us();
}

bool agent_flush(struct agent *agent) {
    struct fault fault = {0};
    if (lanes_flush(agent->lanes, &fault)) {
        if (agent->full)
            log_notice("the spool can be written again: reading goes on");
        agent->full = false;
        return true;
    }
    if (!agent->full)
        log_fault(LOG_LEVEL_ERROR, &fault,
                  "the spool cannot be written; sources wait where they are, nothing is lost");
    agent->full = true;
    return false;
}

static void sign_part_when_due(struct agent *agent, uint64_t steady_us) {
    uint64_t pace_us = collectors_pace_us(&agent->collectors);
    if (pace_us == UINT64_MAX || steady_us < agent->parted_us + pace_us)
        return;
    if (lanes_part(agent->lanes))
        agent->parted_us = steady_us;
}

static void close_when_wanted(struct agent *agent) {
    enum lane lane;
    while (collectors_want_close(&agent->collectors, &lane))
        lanes_close(agent->lanes, lane, BATCH_DATA, NULL);
}

/* How long until `due_us`, by the clock that reads `now_us`; UINT64_MAX for never. */
static uint64_t delay_until(uint64_t due_us, uint64_t now_us) {
    return due_us == UINT64_MAX ? UINT64_MAX : due_us > now_us ? due_us - now_us : 0;
}

static void set_timer(struct agent *agent) {
    uint64_t delay_us = delay_until(sources_due(agent->sources), agent_source_clock_us(agent));
    uint64_t lanes_us = delay_until(lanes_due(agent->lanes), clock_wall_us());
    if (lanes_us < delay_us)
        delay_us = lanes_us;
    uint64_t pace_us = collectors_pace_us(&agent->collectors);
    if (pace_us != UINT64_MAX && collectors_lack_parts(&agent->collectors) && pace_us < delay_us)
        delay_us = pace_us;
    uint64_t rotation_us = key_rotation_delay_us(agent->rotation);
    if (rotation_us < delay_us)
        delay_us = rotation_us;
    if (agent->full && delay_us < LANES_RETRY_US)
        delay_us = LANES_RETRY_US;
    if (delay_us != UINT64_MAX)
        loop_timer_after(agent->due, delay_us);
}

void agent_turn(void *context) {
    struct agent *agent = context;
    struct stream_clock clock = agent_now(agent);
    lanes_tick(agent->lanes, &clock);
    close_when_wanted(agent);
    key_rotation_turn(agent->rotation, clock.now_us);
    sign_part_when_due(agent, clock_monotonic_us());
    bool more = !agent->full && sources_turn(agent->sources, agent_source_clock_us(agent));
    if (agent_flush(agent)) {
        key_rotation_flushed(agent->rotation);
        collectors_flushed(&agent->collectors);
        if (more)
            loop_later_schedule(agent->turn);
    }
    set_timer(agent);
}

uint64_t agent_lag(void *context) {
    CLEANUP_BUFFER struct buffer text = BUFFER(1024 * 1024);
    return sources_describe(((struct agent *)context)->sources, &text);
}

void agent_schedule_turn(void *context) {
    loop_later_schedule(((struct agent *)context)->turn);
}

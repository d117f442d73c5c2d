#include "probe_state.h"

#include <string.h>

#include "bytes.h"

#define SECOND UINT64_C(1000000)
#define HOUR (3600 * SECOND)
#define PERMILLE 1000u
#define STREAK_MOST 1000u

struct probe_bounds probe_bounds_default(void) {
    return (struct probe_bounds){.every_us = 7 * SECOND,
                                 .retry_us = 2 * SECOND,
                                 .down_after = 2,
                                 .up_after = 2,
                                 .remind_us = HOUR,
                                 .recovery_us = 27 * HOUR};
}

static enum probe_change kind_of(enum liveness_state from, enum liveness_state to) {
    if (to == LIVENESS_OK)
        return from == LIVENESS_SKIPPED ? PROBE_FIRST : PROBE_RECOVERED;
    return to > from ? PROBE_WORSE : PROBE_BETTER;
}

static void tell(struct probe_state *state, const struct probe_bounds *bounds, uint64_t outage_us,
                 uint64_t since_us, struct probe_news *news) {
    uint64_t now_us = state->seen_us;
    news->to = state->state;
    news->outage_us = outage_us;
    news->lasted_us = outage_us ? now_us - outage_us : since_us ? now_us - since_us : 0;
    /* The bound in parts, so that no product overflows whatever the times are. */
    if (outage_us && bounds->recovery_us >= PERMILLE)
        news->used_permille = news->lasted_us / (bounds->recovery_us / PERMILLE);
    state->told_us = now_us;
}

static void change(struct probe_state *state, const struct probe_bounds *bounds, struct probe_news *news) {
    enum liveness_state from = state->state;
    uint64_t outage_us = state->outage_us, before_us = state->since_us;
    state->state = state->coming;
    state->since_us = state->coming_since_us;
    state->streak = 0;
    if (state->state != LIVENESS_CRITICAL)
        state->outage_us = 0;
    else if (!outage_us)
        state->outage_us = outage_us = state->since_us;
    news->change = kind_of(from, state->state);
    tell(state, bounds, outage_us, before_us, news);
}

/* Warn and critical runs count together: whatever is coming, it is at least as bad as the milder of them. */
static void differ(struct probe_state *state, enum liveness_state outcome, uint64_t now_us) {
    bool worse = outcome > state->state, same_way = state->streak && worse == (state->coming > state->state);
    if (!same_way) {
        state->streak = 0;
        state->coming_since_us = now_us;
        state->coming = outcome;
    }
    if (worse ? outcome < state->coming : outcome > state->coming)
        state->coming = outcome;
    if (state->streak < STREAK_MOST)
        state->streak++;
}

void probe_state_take(struct probe_state *state, const struct probe_bounds *bounds,
                      enum liveness_state outcome, uint64_t now_us, struct probe_news *ret_news) {
    *ret_news = (struct probe_news){.change = PROBE_SAME, .from = state->state, .to = state->state};
    if (outcome == LIVENESS_SKIPPED)
        return;
    if (now_us < state->seen_us)
        now_us = state->seen_us;
    state->seen_us = now_us;
    if (outcome == state->state) {
        state->streak = 0;
        if (outcome != LIVENESS_OK && now_us - state->told_us >= bounds->remind_us) {
            ret_news->change = PROBE_STILL;
            tell(state, bounds, state->outage_us, state->since_us, ret_news);
        }
        return;
    }
    differ(state, outcome, now_us);
    /* Nothing is known yet: good news needs no second run. */
    bool first_good = state->state == LIVENESS_SKIPPED && outcome == LIVENESS_OK;
    unsigned needed = outcome > state->state ? bounds->down_after : bounds->up_after;
    if (first_good || state->streak >= needed)
        change(state, bounds, ret_news);
}

uint64_t probe_state_pause(const struct probe_state *state, const struct probe_bounds *bounds) {
    return state->streak && bounds->retry_us < bounds->every_us ? bounds->retry_us : bounds->every_us;
}

/* ---- as bytes */

#define VERSION 1u

void probe_state_write(const struct probe_state *state, uint8_t to[PROBE_STATE_SIZE]) {
    memset(to, 0, PROBE_STATE_SIZE);
    to[0] = VERSION;
    to[1] = (uint8_t)state->state;
    to[2] = (uint8_t)state->coming;
    bytes_put_u32(to + 4, state->streak);
    bytes_put_u64(to + 8, state->since_us);
    bytes_put_u64(to + 16, state->coming_since_us);
    bytes_put_u64(to + 24, state->outage_us);
    bytes_put_u64(to + 32, state->told_us);
    bytes_put_u64(to + 40, state->seen_us);
}

bool probe_state_read(struct slice from, struct probe_state *ret_state, struct fault *fault) {
    if (from.size != PROBE_STATE_SIZE || from.data[0] != VERSION)
        return fault_set(fault, FAULT_FORMAT, "this is no state of a probe");
    const uint8_t *at = from.data;
    struct probe_state state = {.streak = bytes_get_u32(at + 4),
                                .since_us = bytes_get_u64(at + 8),
                                .coming_since_us = bytes_get_u64(at + 16),
                                .outage_us = bytes_get_u64(at + 24),
                                .told_us = bytes_get_u64(at + 32),
                                .seen_us = bytes_get_u64(at + 40)};
    if (at[1] > LIVENESS_CRITICAL || at[2] > LIVENESS_CRITICAL || state.streak > STREAK_MOST)
        return fault_set(fault, FAULT_FORMAT, "a state that there is not");
    state.state = (enum liveness_state)at[1];
    state.coming = (enum liveness_state)at[2];
    if (state.since_us > state.seen_us || state.coming_since_us > state.seen_us ||
        state.outage_us > state.seen_us || state.told_us > state.seen_us)
        return fault_set(fault, FAULT_FORMAT, "a time after the last run");
    if ((state.outage_us != 0) != (state.state == LIVENESS_CRITICAL))
        return fault_set(fault, FAULT_FORMAT, "an outage that does not go with the state");
    *ret_state = state;
    return true;
}

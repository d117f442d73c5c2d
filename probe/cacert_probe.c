/* CAcert's signer, over its serial line: a NUL request, from the start to its answer's receipt.
 *
 * What is begun is brought to its end: a signer dies of an exchange that is left half way, and a start that nobody follows up
 * kills the one that is just coming up. So the outcome is told when it is decided, and the line goes on as a rest of the
 * prober's; where the program ends before, a process of its own goes on. A probe that is run meanwhile says what it knows; one behind an exchange that was stopped waits for its end. */
#include <stdio.h>
#include <stdlib.h>

#include "cacert_judge.h"
#include "cacert_rest.h"
#include "clock.h"
#include "memory.h"
#include "probe_kinds.h"
#include "prober.h"
#include "serial.h"

#define ABOUT_SIZE 256u

struct line {
    struct prober_rest rest; /* its first member */
    bool resting;
    struct prober *prober;
    const struct liveness_policy *policy; /* of the look: gone with it */
    struct serial *serial;
    struct cacert_client *client;
    struct loop_timer *timer;
    char *device;
    char about[ABOUT_SIZE];
    struct probe_look *look; /* NULL: nobody waits for it any more */
    struct probe_part *part;
};

static const char *device_of(const struct probe_settings *settings) {
    return settings->device ? settings->device : settings->target;
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    const char *device = device_of(settings);
    *ret_prepared = NULL;
    if (!device)
        return fault_set(fault, FAULT_USAGE, "name the signer's line: device: /dev/ttyUSB0");
    return device[0] == '/' ||
           fault_set(fault, FAULT_USAGE, "device \"%.100s\" must begin with /, such as /dev/ttyUSB0", device);
}

/* What was stopped before is waited for, and what fails is told within it. */
static uint64_t patience(const struct probe_settings *settings, const struct liveness_policy *policy) {
    (void)settings;
    return policy->values[BOUND_CACERT_FINISH] + cacert_judge_patience(policy);
}

/* ---- the look's end */

static void time_phases(struct probe_part *part, const struct cacert_result *result) {
    part->phases_us[PHASE_CONNECT] = result->handshake_us;
    part->phases_us[PHASE_FIRST] = result->confirm_us + result->work_us;
    part->phases_us[PHASE_BODY] = result->answer_us;
}

/* A fault: the line could not be had, or was lost; then there is no result. */
static void tell(struct probe_look *look, struct probe_part *part, const char *device,
                 const struct fault *fault, const struct cacert_result *result) {
    cacert_judge_device(device, fault, &part->report);
    if (result) {
        cacert_judge(result, &part->report);
        time_phases(part, result);
    }
    part->took_us = clock_monotonic_us() - part->begun_us;
    part->over = true;
    probe_look_done(look);
}

/* With `left`, to a process that ends what this one does not. */
static void release(struct line *line, const struct fault *fault, bool left) {
    struct probe_look *look = line->look;
    if (line->resting)
        prober_rest_remove(line->prober, &line->rest);
    if (left)
        cacert_rest_leave(line->serial, line->client);
    else
        serial_close(line->serial);
    cacert_client_destroy(line->client);
    loop_timer_destroy(line->timer);
    line->look = NULL;
    if (look)
        tell(look, line->part, line->device, fault, NULL);
    free(line->device);
    free(line);
}

static void drop(struct prober_rest *rest) {
    struct line *line = (struct line *)(void *)rest;
    line->resting = false;
    release(line, NULL, true);
}

static void rest(struct line *line) {
    if (line->resting)
        return;
    uint64_t most_us = line->policy->values[BOUND_CACERT_FINISH];
    line->resting = true;
    snprintf(line->about, sizeof line->about,
             "the exchange on %.100s is brought to its end, so that the signer lives: %.0f s at the most",
             line->device, (double)most_us / 1e6);
    line->rest = (struct prober_rest){.about = line->about, .drop = drop};
    prober_rest_add(line->prober, &line->rest);
}

/* ---- the exchange */

static void start(struct line *line);

/* Writes what is to be written, and looks where the exchange stands. The line may be gone afterwards. */
static void go_on(struct line *line) {
    for (struct slice given; (given = cacert_client_give(line->client)).size;) {
        size_t taken = serial_write(line->serial, given);
        if (taken == 0)
            break;
        cacert_client_gave(line->client, taken, clock_monotonic_us());
    }
    const struct cacert_result *result = cacert_client_result(line->client);
    bool stopped = result->outcome == CACERT_STOPPED, done = cacert_client_done(line->client);
    if (line->look && result->outcome != CACERT_RUNNING && !stopped) {
        struct probe_look *look = line->look;
        line->look = NULL;
        tell(look, line->part, line->device, NULL, result);
    }
    if (!done) {
        if (!line->look)
            rest(line);
        loop_timer_at(line->timer, cacert_client_expiry(line->client), clock_monotonic_us());
    } else if (line->look)
        start(line); /* a look that waited for the end of one that was stopped */
    else
        release(line, NULL, false);
}

static void due(void *context) {
    struct line *line = context;
    cacert_client_tick(line->client, clock_monotonic_us());
    go_on(line);
}

static void received(void *context, struct slice bytes) {
    struct line *line = context;
    cacert_client_take(line->client, bytes, clock_monotonic_us());
    go_on(line);
}

static void room(void *context) {
    go_on(context);
}

static void lost(void *context, const struct fault *fault) {
    release(context, fault, false);
}

static const struct serial_handlers handlers = {received, room, lost};

static void start(struct line *line) {
    CLEANUP_BUFFER struct buffer request = BUFFER(CACERT_BLOCK_MOST);
    struct cacert_times times = cacert_judge_times(line->policy);
    cacert_nul_write(&request);
    cacert_client_destroy(line->client);
    line->client =
        cacert_client_create(buffer_slice(&request), CACERT_ACTION_NUL, &times, clock_monotonic_us());
    if (line->resting)
        prober_rest_remove(line->prober, &line->rest);
    line->resting = false;
    loop_timer_at(line->timer, cacert_client_expiry(line->client), clock_monotonic_us());
}

/* ---- the kind */

static struct line *find_resting(struct prober *prober, const char *device) {
    for (struct prober_rest *at = prober->rests; at; at = at->next) {
        struct line *line = (struct line *)(void *)at;
        if (at->drop == drop && strcmp(line->device, device) == 0)
            return line;
    }
    return NULL;
}

static void begin(struct probe_look *look) {
    const char *device = device_of(look->settings);
    struct probe_part *part = probe_look_part(look, "NUL");
    struct line *line = find_resting(look->prober, device);
    struct fault fault;
    if (line && cacert_client_result(line->client)->outcome != CACERT_STOPPED) {
        tell(look, part, device, NULL, cacert_client_result(line->client));
        return;
    }
    if (line) {
        line->policy = look->policy;
        line->look = look;
        line->part = part;
        look->own = line;
        return;
    }
    line = memory_new(sizeof *line);
    line->serial = serial_open(look->loop, device, &handlers, line, &fault);
    if (!line->serial) {
        free(line);
        tell(look, part, device, &fault, NULL);
        return;
    }
    line->prober = look->prober;
    line->policy = look->policy;
    line->device = memory_copy_string(device);
    line->timer = loop_timer_create(look->loop, due, line);
    line->look = look;
    line->part = part;
    look->own = line;
    start(line);
}

static void cancel(struct probe_look *look) {
    struct line *line = look->own;
    line->look = NULL;
    cacert_client_stop(line->client, clock_monotonic_us());
    go_on(line);
}

const struct probe_kind probe_kind_cacert = {
    .kind = LIVENESS_CACERT,
    .about = "CAcert's signer answers a NUL request over its serial line",
    .target = "/dev/ttyUSB0",
    .patience_us = patience,
    .prepare = prepare,
    .begin = begin,
    .cancel = cancel,
};

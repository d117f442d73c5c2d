#include "probe_source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent_settings.h"
#include "clock.h"
#include "memory.h"
#include "probe.h"
#include "probe_events.h"
#include "probe_kind.h"
#include "process.h"
#include "settings_file.h"
#include "site.h"

#define KEY_SIZE (sizeof "probe:" + PROBE_NAME_SIZE)
#define JITTER_PARTS 20u /* of an interval: so much sooner or later at most */
#define DESCRIPTORS 16384u

/* What waits to be given: an event, and the position that goes with it. */
struct pending {
    struct pending *next;
    enum event_class class;
    struct buffer body;
    bool has_state;
    size_t state_size; /* 0: it is forgotten */
    char key[KEY_SIZE];
    uint8_t state[PROBE_STATE_SIZE];
};

struct scheduled {
    struct probe_source *source;
    struct probe *probe;
    struct probe_bounds bounds;
    struct probe_state state;
    struct loop_timer *due;
    struct scheduled *next_waiting; /* for a run of others to end */
    bool waiting;
    struct probe_failed told, seen; /* checks that failed: as told last, and in the last run */
    bool has_told;
    unsigned seen_times;
};

struct probe_source {
    struct source source;
    struct helper *helper;
    struct agent_settings settings;
    struct prober *prober;
    struct scheduled *all;
    size_t count, running;
    struct scheduled *waiting, **waiting_end;
    struct pending *pending, **pending_end;
    size_t pending_bytes;
    uint64_t runs, dropped;
};

static struct probe_source *of(struct source *source) {
    return (struct probe_source *)(void *)source;
}
static const struct probe_source *of_const(const struct source *source) {
    return (const struct probe_source *)(const void *)source;
}

/* --- events that wait */

static struct pending *pending_new(enum event_class class) {
    struct pending *pending = memory_new(sizeof *pending);
    pending->class = class;
    pending->body = BUFFER(PROBE_EVENT_MOST);
    return pending;
}

static void pending_free(struct pending *pending) {
    buffer_free(&pending->body);
    free(pending);
}

static void pending_put(struct probe_source *source, struct pending *pending) {
    *source->pending_end = pending;
    source->pending_end = &pending->next;
    source->pending_bytes += pending->body.size;
    helper_turn_soon(source->helper);
}

static void put_result(struct scheduled *scheduled, const struct probe_result *result) {
    struct probe_source *source = scheduled->source;
    struct pending *pending = pending_new(CLASS_SYSTEM);
    source->runs++;
    if (source->pending_bytes > PROBE_PENDING_MOST ||
        !probe_event_result(&pending->body, probe_name(scheduled->probe), result, source->dropped)) {
        source->dropped++;
        pending_free(pending);
        return;
    }
    source->dropped = 0;
    pending_put(source, pending);
}

static void put_change(struct scheduled *scheduled, const struct probe_result *result,
                       const struct probe_news *news, bool finding) {
    struct pending *pending = pending_new(CLASS_JOURNAL);
    if (!probe_event_changed(&pending->body, probe_name(scheduled->probe), result, &scheduled->state, news,
                             finding))
        abort(); /* its parts are bounded below PROBE_EVENT_MOST */
    pending->has_state = true;
    pending->state_size = PROBE_STATE_SIZE;
    snprintf(pending->key, sizeof pending->key, "probe:%s", probe_name(scheduled->probe));
    probe_state_write(&scheduled->state, pending->state);
    pending_put(scheduled->source, pending);
}

/* --- runs */

static void begin(struct scheduled *scheduled);

/* Some part of an interval, so that what began together does not stay together. */
static uint64_t jitter(uint64_t pause_us) {
    uint32_t random;
    probe_random(&random, sizeof random);
    uint64_t spread_us = pause_us / JITTER_PARTS;
    return pause_us - spread_us + (spread_us ? random % (2 * spread_us) : 0);
}

static void begin_next(struct probe_source *source) {
    struct scheduled *next = source->waiting;
    if (!next)
        return;
    source->waiting = next->next_waiting;
    if (!source->waiting)
        source->waiting_end = &source->waiting;
    next->waiting = false;
    begin(next);
}

/* The same state, but other checks fail than were told, and not just once. */
static bool found_more(struct scheduled *scheduled, const struct probe_failed *failed) {
    bool more = scheduled->state.state >= LIVENESS_WARN && probe_failed_more(failed, &scheduled->told);
    bool again = more && memcmp(failed, &scheduled->seen, sizeof *failed) == 0;
    scheduled->seen = *failed;
    scheduled->seen_times = again ? scheduled->seen_times + 1 : more;
    return more && scheduled->seen_times >= scheduled->bounds.down_after;
}

static void judge(struct scheduled *scheduled, const struct probe_result *result) {
    struct probe_news news;
    struct probe_failed failed;
    probe_failed_take(result, &failed);
    probe_state_take(&scheduled->state, &scheduled->bounds, result->state, clock_wall_us(), &news);
    bool finding = news.change == PROBE_SAME && scheduled->has_told && found_more(scheduled, &failed);
    if (news.change != PROBE_SAME || finding) {
        put_change(scheduled, result, &news, finding);
        scheduled->told = failed;
        scheduled->has_told = true;
    } else if (!scheduled->has_told && scheduled->state.state >= LIVENESS_WARN) {
        scheduled->told = failed; /* what was told before the restart is not remembered */
        scheduled->has_told = true;
    }
}

static void done(void *context, const struct probe_result *result) {
    struct scheduled *scheduled = context;
    struct probe_source *source = scheduled->source;
    source->running--;
    put_result(scheduled, result);
    judge(scheduled, result);
    uint64_t pause_us = jitter(probe_state_pause(&scheduled->state, &scheduled->bounds));
    loop_timer_after(scheduled->due, pause_us > result->took_us ? pause_us - result->took_us : 0);
    begin_next(source);
}

static void begin(struct scheduled *scheduled) {
    scheduled->source->running++;
    probe_run(scheduled->probe, done, scheduled);
}

static void due(void *context) {
    struct scheduled *scheduled = context;
    struct probe_source *source = scheduled->source;
    if (source->running < PROBE_RUNS_MOST) {
        begin(scheduled);
    } else if (!scheduled->waiting) {
        scheduled->waiting = true;
        scheduled->next_waiting = NULL;
        *source->waiting_end = scheduled;
        source->waiting_end = &scheduled->next_waiting;
    }
}

/* --- the source */

static int descriptor(const struct source *source) {
    (void)source;
    return -1; /* its timers and connections are the loop's */
}

static uint64_t turn(struct source *base, uint64_t now_us) {
    struct probe_source *source = of(base);
    const struct source_output *output = base->output;
    struct event_field fields[EVENT_FIELDS_MOST];
    (void)now_us;
    while (source->pending) {
        struct pending *first = source->pending;
        struct event_body body;
        if (!event_body_read(buffer_slice(&first->body), fields, &body, NULL))
            abort(); /* probe_events.c wrote it */
        if (!output->event(output->context, first->class, &body))
            return SOURCE_NEVER; /* called again when there is room */
        if (first->has_state)
            output->position(output->context, slice_string(first->key),
                             slice_make(first->state, first->state_size));
        source->pending = first->next;
        source->pending_bytes -= first->body.size;
        if (!source->pending)
            source->pending_end = &source->pending;
        pending_free(first);
    }
    return SOURCE_NEVER;
}

static void describe(const struct source *base, char *ret_text, size_t size, uint64_t *ret_lag_bytes) {
    const struct probe_source *source = of_const(base);
    snprintf(ret_text, size, "%zu probes, %zu running, %" PRIu64 " runs", source->count, source->running,
             source->runs);
    *ret_lag_bytes = 0;
}

static void finish(struct source *base, uint64_t now_us) {
    struct probe_source *source = of(base);
    for (size_t i = 0; i < source->count; i++) {
        loop_timer_stop(source->all[i].due);
        probe_cancel(source->all[i].probe);
    }
    (void)turn(base, now_us);
}

const char *probe_source_rest(const struct source *source) {
    return prober_rest(of_const(source)->prober);
}

static struct source *destroy(struct source *base) {
    struct probe_source *source = of(base);
    for (size_t i = 0; i < source->count; i++) {
        loop_timer_destroy(source->all[i].due);
        probe_destroy(source->all[i].probe);
    }
    while (source->pending) {
        struct pending *first = source->pending;
        source->pending = first->next;
        pending_free(first);
    }
    prober_destroy(source->prober);
    settings_release(agent_settings_table(), &source->settings);
    free(source->all);
    free(source);
    return NULL;
}

static void restore(struct scheduled *scheduled) {
    const struct source_output *output = scheduled->source->source.output;
    char key[KEY_SIZE];
    struct slice value;
    snprintf(key, sizeof key, "probe:%s", probe_name(scheduled->probe));
    /* One that cannot be read is as good as none: what is thought of it is found out again. */
    if (output->restore(output->context, slice_string(key), &value))
        (void)probe_state_read(value, &scheduled->state, NULL);
}

/* A position of a probe that is in the settings no more: it is told, and forgotten. */
static void look_for_removed(void *context, struct slice key, struct slice value) {
    static const struct slice prefix = {(const uint8_t *)"probe:", sizeof "probe:" - 1};
    struct probe_source *source = context;
    struct slice name = slice_from(key, prefix.size);
    (void)value;
    for (size_t i = 0; i < source->count; i++)
        if (slice_equal(name, slice_string(probe_name(source->all[i].probe))))
            return;
    struct pending *pending = pending_new(CLASS_JOURNAL);
    pending->has_state = true;
    snprintf(pending->key, sizeof pending->key, "%.*s", SLICE_ARG(key));
    if (name.size < PROBE_NAME_SIZE && probe_event_removed(&pending->body, pending->key + prefix.size))
        pending_put(source, pending);
    else
        pending_free(pending);
}

static bool create_probes(struct probe_source *source, struct fault *fault) {
    const struct probe_settings *settings = source->settings.probes.items;
    source->all = memory_new_array(source->settings.probes.count, sizeof *source->all);
    for (; source->count < source->settings.probes.count; source->count++) {
        struct scheduled *scheduled = &source->all[source->count];
        scheduled->source = source;
        scheduled->bounds = probe_settings_bounds(&settings[source->count]);
        scheduled->probe = probe_create(source->prober, &settings[source->count], fault);
        if (!scheduled->probe)
            return false;
        restore(scheduled);
        scheduled->due = loop_timer_create(helper_loop(source->helper), due, scheduled);
        /* The first runs one after the other, over the interval. */
        loop_timer_after(scheduled->due,
                         scheduled->bounds.every_us / source->settings.probes.count * source->count);
    }
    return true;
}

static bool check_probes(struct prober *prober, const struct settings_list *probes, struct fault *fault) {
    const struct probe_settings *settings = probes->items;
    for (size_t i = 0; i < probes->count; i++) {
        struct probe *probe = probe_create(prober, &settings[i], fault);
        if (!probe)
            return false;
        char every[LIVENESS_SPAN_SIZE];
        printf("probe %s, every %s\n", probe_name(probe), liveness_span(settings[i].every_us, every));
        probe_destroy(probe);
    }
    return true;
}

bool probe_source_check(const char *site, struct fault *fault) {
    struct agent_settings settings;
    struct loop *loop = loop_create(fault);
    if (!loop)
        return false;
    struct prober *prober = prober_create(loop, NULL, fault);
    bool read = prober && settings_file_read(agent_settings_table(), site, "agent", &settings, fault);
    bool good = read && check_probes(prober, &settings.probes, fault);
    if (read)
        settings_release(agent_settings_table(), &settings);
    prober_destroy(prober);
    loop_destroy(loop);
    return good;
}

struct source *probe_source_create(struct helper *helper, struct fault *fault) {
    static const struct source_operations operations = {descriptor, turn, describe, finish, destroy};
    char site[FILES_PATH_MOST], data[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (helper_setting_count(helper) != PROBE_SETTINGS) {
        fault_set(fault, FAULT_INTERNAL, "the agent gave %zu settings instead of %d",
                  helper_setting_count(helper), PROBE_SETTINGS);
        return NULL;
    }
    snprintf(site, sizeof site, "%.*s", SLICE_ARG(helper_setting(helper, PROBE_SETTING_SITE)));
    snprintf(data, sizeof data, "%.*s", SLICE_ARG(helper_setting(helper, PROBE_SETTING_DATA)));
    if (!site_path(folder, data, SITE_AGENT_PROBES)) {
        fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
        return NULL;
    }
    process_descriptors_raise(DESCRIPTORS);
    struct probe_source *source = memory_new(sizeof *source);
    source->source = (struct source){&operations, helper_source_output(helper)};
    source->helper = helper;
    source->waiting_end = &source->waiting;
    source->pending_end = &source->pending;
    if (!settings_file_read(agent_settings_table(), site, "agent", &source->settings, fault)) {
        free(source);
        return NULL;
    }
    source->prober = prober_create(helper_loop(helper), folder, fault);
    if (source->prober && create_probes(source, fault)) {
        const struct source_output *output = source->source.output;
        output->restore_each(output->context, SLICE("probe:"), look_for_removed, source);
        return &source->source;
    }
    destroy(&source->source);
    return NULL;
}

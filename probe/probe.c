/* The way of a run: name, looks at addresses, their parts, the result. */
#include "probe.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "clock.h"
#include "encoding.h"
#include "files.h"
#include "http_fetch.h"
#include "memory.h"
#include "probe_kind.h"
#include "prober.h"
#include "sha256.h"

#define PARTS_MOST 4096u  /* of a run; a kind that makes more has a bug */
#define GRACE_US 1000000u /* for a look to give up by itself */
#define MEMORY_MODE 0640

struct look {
    struct probe_look look; /* what the kind sees */
    struct probe *probe;
    char address[PROBE_ADDRESS_SIZE];
    bool begun, done;
};

struct probe {
    struct prober *prober;
    const struct probe_settings *settings;
    const struct probe_kind *kind;
    struct liveness_policy policy;
    struct probe_target target;
    char name[PROBE_NAME_SIZE];
    void *prepared;
    uint64_t turn;

    /* of the run that is under way */
    bool running;
    probe_done *done;
    void *context;
    struct probe_result result;
    uint64_t begun_us;
    struct loop_timer *deadline;
    struct loop_later *ending;
    struct probe_question *question;
    struct probe_part **parts;
    size_t part_count, part_capacity;
    struct look *looks;
    size_t look_count, looks_open;
};

const char *probe_phase_name(enum probe_phase phase) {
    static const char *const names[] = {"name", "connect", "tls", "first", "body"};
    return names[phase];
}

/* --- what they share */

struct prober *prober_create(struct loop *loop, const char *folder, struct fault *fault) {
    struct prober *prober = memory_new(sizeof *prober);
    prober->loop = loop;
    prober->folder = memory_copy_string(folder);
    prober->names = probe_names_create(loop);
    prober->fetcher = http_fetcher_create(loop, fault);
    if (!prober->fetcher || (folder && !files_make_folder(folder, 0750, fault)))
        return prober_destroy(prober);
    return prober;
}

struct prober *prober_destroy(struct prober *prober) {
    if (!prober)
        return NULL;
    while (prober->rests) {
        struct prober_rest *rest = prober->rests;
        prober->rests = rest->next;
        rest->drop(rest);
    }
    probe_names_destroy(prober->names);
    http_fetcher_destroy(prober->fetcher);
    free(prober->folder);
    free(prober);
    return NULL;
}

const char *prober_rest(const struct prober *prober) {
    return prober->rests ? prober->rests->about : NULL;
}

void prober_rest_add(struct prober *prober, struct prober_rest *rest) {
    rest->next = prober->rests;
    prober->rests = rest;
}

void prober_rest_remove(struct prober *prober, struct prober_rest *rest) {
    struct prober_rest **at = &prober->rests;
    while (*at && *at != rest)
        at = &(*at)->next;
    if (*at)
        *at = rest->next;
}

/* --- parts */

static struct look *of(struct probe_look *look) {
    return (struct look *)(void *)look; /* its first member */
}

static struct probe_part *part_new(struct probe *probe, const char *address) {
    if (probe->part_count == PARTS_MOST)
        abort();
    if (probe->part_count == probe->part_capacity) {
        probe->part_capacity = probe->part_capacity ? 2 * probe->part_capacity : 4;
        probe->parts = memory_resize(probe->parts, probe->part_capacity, sizeof *probe->parts);
    }
    struct probe_part *part = memory_new(sizeof *part);
    if (address)
        probe_target_address(address, probe->target.port, part->address, sizeof part->address);
    part->begun_us = clock_monotonic_us();
    part->phases_us[PHASE_NAME] =
        probe->target.numeric || probe->settings->addresses.count ? 0 : probe->result.took_us;
    liveness_report_begin(&part->report, &probe->policy);
    probe->parts[probe->part_count++] = part;
    return part;
}

struct probe_part *probe_look_part(struct probe_look *look, const char *what, ...) {
    struct probe_part *part = part_new(of(look)->probe, look->address);
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(part->what, sizeof part->what, what, arguments);
    va_end(arguments);
    return part;
}

/* Spans below a second are what matters here, and liveness_span counts from one on. */
static const char *span_text(uint64_t span_us, char text[LIVENESS_SPAN_SIZE]) {
    const double us_per_ms = 1000;
    if (span_us >= 10 * UINT64_C(1000000))
        return liveness_span(span_us, text);
    snprintf(text, LIVENESS_SPAN_SIZE, "%.1f ms", (double)span_us / us_per_ms);
    return text;
}

void probe_part_over(struct probe_part *part, const struct probe_settings *settings) {
    struct liveness_report *report = &part->report;
    char took[LIVENESS_SPAN_SIZE], most[LIVENESS_SPAN_SIZE];
    uint64_t slow_us = report->policy->values[BOUND_REACH_SLOW];
    part->took_us = clock_monotonic_us() - part->begun_us;
    part->over = true;
    for (size_t i = 0; i < report->count; i++)
        if (liveness_check_row(report->findings[i].check)->kind == LIVENESS_REACH &&
            report->findings[i].state == LIVENESS_CRITICAL)
            return;
    liveness_check(report, CHECK_REACH_TIME, part->took_us <= settings->timeout_us, "%s",
                   span_text(part->took_us, took));
    liveness_due(report, CHECK_REACH_TIME, "within %s", liveness_span(settings->timeout_us, most));
    liveness_check(report, CHECK_REACH_SLOW, part->took_us <= slow_us, "%s", took);
    liveness_due(report, CHECK_REACH_SLOW, "within %s", liveness_span(slow_us, most));
}

void probe_part_reached(struct probe_part *part, bool tls, enum probe_phase failed, bool late,
                        const char *reason) {
    struct liveness_report *report = &part->report;
    const struct {
        enum probe_phase phase;
        enum liveness_check check;
        const char *seen;
    } steps[] = {{PHASE_CONNECT, CHECK_REACH_CONNECT, "accepted"},
                 {PHASE_TLS, CHECK_REACH_TLS, "established"},
                 {PHASE_BODY, CHECK_REACH_ANSWER, "came"}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i].phase == PHASE_TLS && !tls)
            continue;
        if (failed <= steps[i].phase) {
            bool answer = steps[i].phase == PHASE_BODY;
            liveness_check(report, answer && late ? CHECK_REACH_TIME : steps[i].check, false, "%s", reason);
            return;
        }
        liveness_check(report, steps[i].check, true, "%s", steps[i].seen);
    }
}

static bool part_is_reach(const struct probe_part *part) {
    bool reach = false;
    for (size_t i = 0; i < part->report.count; i++) {
        const struct liveness_finding *finding = &part->report.findings[i];
        if (finding->state != LIVENESS_CRITICAL)
            continue;
        if (liveness_check_row(finding->check)->kind != LIVENESS_REACH)
            return false;
        reach = true;
    }
    return reach;
}

/* --- the end of a run */

static void judge(struct probe *probe) {
    struct probe_result *result = &probe->result;
    bool reached = false, wrong = false;
    result->parts = probe->parts;
    result->count = probe->part_count;
    result->state = LIVENESS_OK;
    for (size_t i = 0; i < probe->part_count; i++) {
        enum liveness_state state = probe->parts[i]->report.state;
        bool unreached = part_is_reach(probe->parts[i]);
        reached = reached || !unreached;
        wrong = wrong || (state == LIVENESS_CRITICAL && !unreached);
        if (state > result->state)
            result->state = state;
    }
    result->partial = result->state == LIVENESS_CRITICAL && reached && !wrong;
    if (result->partial && probe->settings->partial == PROBE_PARTIAL_WARN)
        result->state = LIVENESS_WARN;
}

static void clear(struct probe *probe) {
    for (size_t i = 0; i < probe->part_count; i++)
        free(probe->parts[i]);
    free(probe->parts);
    probe->parts = NULL;
    probe->part_count = probe->part_capacity = 0;
    free(probe->looks);
    probe->looks = NULL;
    probe->look_count = probe->looks_open = 0;
    loop_timer_stop(probe->deadline);
    probe->running = false;
}

static void end(void *context) {
    struct probe *probe = context;
    if (!probe->running)
        return;
    probe->result.took_us = clock_monotonic_us() - probe->begun_us;
    judge(probe);
    struct probe_part **parts =
        probe->parts; /* the owner may begin the next run, or destroy the probe, in `done` */
    size_t count = probe->part_count;
    struct probe_result result = probe->result;
    probe->parts = NULL;
    probe->part_count = probe->part_capacity = 0;
    probe->turn++;
    clear(probe);
    probe->done(probe->context, &result);
    for (size_t i = 0; i < count; i++)
        free(parts[i]);
    free(parts);
}

void probe_look_done(struct probe_look *look) {
    struct probe *probe = of(look)->probe;
    if (of(look)->done)
        return;
    of(look)->done = true;
    look->own = NULL;
    if (--probe->looks_open == 0)
        loop_later_schedule(probe->ending);
}

void probe_cancel(struct probe *probe) {
    if (!probe->running || !probe->kind) /* one that could not be made has no kind, and never ran */
        return;
    if (probe->question)
        probe_names_forget(probe->question);
    probe->question = NULL;
    for (size_t i = 0; i < probe->look_count; i++)
        if (probe->looks[i].begun && !probe->looks[i].done)
            probe->kind->cancel(&probe->looks[i].look);
    clear(probe);
}

/* What has not ended by itself. */
static void give_up(void *context) {
    struct probe *probe = context;
    char most[LIVENESS_SPAN_SIZE];
    liveness_span(probe->settings->timeout_us, most);
    if (probe->question) {
        probe_names_forget(probe->question);
        probe->question = NULL;
        struct probe_part *part = part_new(probe, NULL);
        liveness_check(&part->report, CHECK_REACH_NAME, false, "the resolver has not answered in %s", most);
        part->over = true;
    }
    for (size_t i = 0; i < probe->look_count; i++)
        if (probe->looks[i].begun && !probe->looks[i].done)
            probe->kind->cancel(&probe->looks[i].look);
    for (size_t i = 0; i < probe->part_count; i++)
        if (!probe->parts[i]->over) {
            probe->parts[i]->took_us = clock_monotonic_us() - probe->parts[i]->begun_us;
            liveness_check(&probe->parts[i]->report, CHECK_REACH_TIME, false, "no end after %s", most);
        }
    end(probe);
}

/* --- the beginning */

static void begin_looks(struct probe *probe, const struct probe_addresses *addresses) {
    size_t count = addresses ? addresses->count : 1;
    probe->looks = memory_new_array(count, sizeof *probe->looks);
    probe->look_count = probe->looks_open = count;
    for (size_t i = 0; i < count; i++) {
        struct look *look = &probe->looks[i];
        look->probe = probe;
        if (addresses)
            snprintf(look->address, sizeof look->address, "%s", addresses->items[i]);
        look->look = (struct probe_look){.prober = probe->prober,
                                         .loop = probe->prober->loop,
                                         .settings = probe->settings,
                                         .policy = &probe->policy,
                                         .target = &probe->target,
                                         .address = addresses ? look->address : NULL,
                                         .prepared = probe->prepared,
                                         .turn = probe->turn};
    }
    for (size_t i = 0; i < count; i++) {
        probe->looks[i].begun = true;
        probe->kind->begin(&probe->looks[i].look);
    }
}

/* Those of a family that is asked for; each of these families must be there. */
static void choose(struct probe *probe, const struct probe_addresses *all,
                   struct probe_addresses *ret_chosen) {
    static const struct {
        const char *word, *name;
        bool colons;
    } families[] = {{"ipv4", "IPv4", false}, {"ipv6", "IPv6", true}};
    const struct settings_strings *wanted = &probe->settings->families;
    *ret_chosen = (struct probe_addresses){0};
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        if (wanted->count && !settings_strings_has(wanted, families[f].word))
            continue;
        size_t before = ret_chosen->count;
        for (size_t i = 0; i < all->count; i++)
            if ((strchr(all->items[i], ':') != NULL) == families[f].colons)
                memcpy(ret_chosen->items[ret_chosen->count++], all->items[i], PROBE_ADDRESS_SIZE);
        if (wanted->count && all->count && ret_chosen->count == before) {
            struct probe_part *part = part_new(probe, NULL);
            liveness_check(&part->report, CHECK_REACH_FAMILIES, false, "%s has no address of %s",
                           probe->target.host, families[f].name);
            part->over = true;
        }
    }
}

static void named(void *context, const struct probe_addresses *addresses) {
    struct probe *probe = context;
    struct probe_addresses chosen;
    probe->question = NULL;
    probe->result.took_us = clock_monotonic_us() - probe->begun_us; /* until here: the name's */
    choose(probe, addresses, &chosen);
    if (addresses->count == 0) {
        struct probe_part *part = part_new(probe, NULL);
        part->took_us = probe->result.took_us;
        liveness_check(&part->report, CHECK_REACH_NAME, false, "%s: %s", probe->target.host,
                       addresses->error);
        part->over = true;
    }
    if (chosen.count)
        begin_looks(probe, &chosen);
    else
        loop_later_schedule(probe->ending);
}

/* No name has to be asked for. */
static void give_addresses(const struct probe *probe, struct probe_addresses *ret_given) {
    const struct settings_strings *addresses = &probe->settings->addresses;
    *ret_given = (struct probe_addresses){0};
    for (size_t i = 0; i < addresses->count; i++)
        snprintf(ret_given->items[ret_given->count++], PROBE_ADDRESS_SIZE, "%s", addresses->items[i]);
    if (addresses->count == 0)
        snprintf(ret_given->items[ret_given->count++], PROBE_ADDRESS_SIZE, "%.*s",
                 (int)PROBE_ADDRESS_SIZE - 1, probe->target.host);
}

void probe_run(struct probe *probe, probe_done *done, void *context) {
    if (probe->running)
        return;
    probe->running = true;
    probe->done = done;
    probe->context = context;
    probe->begun_us = clock_monotonic_us();
    probe->result = (struct probe_result){.settings = probe->settings, .time_us = clock_wall_us()};
    loop_timer_after(probe->deadline, probe_patience_us(probe) + GRACE_US);
    if (!probe->kind->addressed) {
        begin_looks(probe, NULL);
    } else if (probe->target.numeric || probe->settings->addresses.count) {
        struct probe_addresses given;
        give_addresses(probe, &given);
        named(probe, &given);
    } else {
        probe->question = probe_names_ask(probe->prober->names, probe->target.host, named, probe);
    }
}

uint64_t probe_patience_us(const struct probe *probe) {
    return probe->kind->patience_us ? probe->kind->patience_us(probe->settings, &probe->policy)
                                    : probe->settings->timeout_us;
}

bool probe_running(const struct probe *probe) {
    return probe->running;
}

const char *probe_name(const struct probe *probe) {
    return probe->name;
}

/* --- one probe */

static bool settle(struct probe *probe, struct fault *fault) {
    const struct probe_settings *settings = probe->settings;
    const char *kind_name = liveness_kind_name((enum liveness_kind)settings->kind);
    probe->kind = probe_kind_find((enum liveness_kind)settings->kind);
    if (!probe->kind)
        return fault_set(fault, FAULT_USAGE, "the kind %s is not built in", kind_name);
    if (!probe_settings_policy(settings, &probe->policy, fault))
        return false;
    if (probe->kind->addressed && !settings->target)
        return fault_set(fault, FAULT_USAGE, "the kind %s needs a target, for example %s", kind_name,
                         probe->kind->target);
    if (probe->kind->addressed &&
        !probe_target_parse(settings->target, probe->kind->port, &probe->target, fault))
        return false;
    return !probe->kind->prepare || probe->kind->prepare(settings, &probe->prepared, fault);
}

struct probe *probe_create(struct prober *prober, const struct probe_settings *settings,
                           struct fault *fault) {
    struct probe *probe = memory_new(sizeof *probe);
    probe->prober = prober;
    probe->settings = settings;
    probe_settings_name(settings, probe->name);
    probe->deadline = loop_timer_create(prober->loop, give_up, probe);
    probe->ending = loop_later_create(prober->loop, end, probe);
    if (settle(probe, fault))
        return probe;
    if (settings->place)
        fault_place(fault, "%s", settings->place);
    probe->kind = NULL; /* nothing to release */
    return probe_destroy(probe);
}

struct probe *probe_destroy(struct probe *probe) {
    if (!probe)
        return NULL;
    probe_cancel(probe);
    if (probe->kind && probe->kind->release && probe->prepared)
        probe->kind->release(probe->prepared);
    loop_timer_destroy(probe->deadline);
    loop_later_destroy(probe->ending);
    free(probe);
    return NULL;
}

/* --- memory */

/* A file for each probe, address and name: their hash, since names are free text. */
static bool memory_path(const struct probe_look *look, const char *name, char ret_path[FILES_PATH_MOST]) {
    static const uint8_t between = 0;
    const char *const texts[] = {of((struct probe_look *)(uintptr_t)look)->probe->name,
                                 look->address ? look->address : "", name};
    char file[2 * HASH_SIZE + 1];
    struct sha256 running;
    sha256_begin(&running);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        sha256_add(&running, texts[i], strlen(texts[i]));
        sha256_add(&running, &between, 1);
    }
    struct hash hash = sha256_end(&running);
    encoding_hex(hash.bytes, HASH_SIZE, file);
    return look->prober->folder && files_path(ret_path, look->prober->folder, file);
}

bool probe_memory_read(const struct probe_look *look, const char *name, struct buffer *to) {
    char path[FILES_PATH_MOST];
    return memory_path(look, name, path) && files_read(path, to, &(struct fault){0});
}

bool probe_memory_write(const struct probe_look *look, const char *name, struct slice bytes,
                        struct fault *fault) {
    char path[FILES_PATH_MOST];
    return !memory_path(look, name, path) || files_write(path, bytes, MEMORY_MODE, fault);
}

void probe_random(void *to, size_t size) {
    if (getrandom(to, size, 0) != (ssize_t)size)
        abort(); /* so few bytes always come whole */
}

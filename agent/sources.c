#include "sources.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "process.h"
#include "source_table.h"

struct watched {
    struct sources *owner;
    struct source *source;
    struct loop_watch *watch;
    bool ready;
    uint64_t due_us;
};

struct sources {
    struct watched *all;
    size_t count;
    size_t first; /* whose turn comes first */
    loop_callback *ready;
    void *context;
};

static void on_readable(void *context, unsigned events) {
    (void)events;
    struct watched *watched = context;
    watched->ready = true;
    /* Level-triggered: quiet until the source has had its turn. */
    loop_watch_set(watched->watch, 0);
    watched->owner->ready(watched->owner->context);
}

/* ---- settings to sources */

/* Entries that differ in nothing but their path make one source: one inotify descriptor for all of them. */
static bool alike(const struct agent_source_settings *a, const struct agent_source_settings *b) {
    return a->file && b->file && a->class == b->class && a->from_end == b->from_end && !a->multiline.start &&
           !b->multiline.start && !a->exclude.count && !b->exclude.count;
}

static struct source *make_files(const struct agent_source_settings *all, size_t count, size_t first,
                                 bool *taken, const struct source_output *output, struct fault *fault) {
    const char **patterns = memory_new_array(count, sizeof *patterns);
    size_t pattern_count = 0;
    for (size_t i = first; i < count; i++) {
        if (i != first && (taken[i] || !alike(&all[first], &all[i])))
            continue;
        taken[i] = true;
        patterns[pattern_count++] = all[i].file;
    }
    const struct agent_source_settings *entry = &all[first];
    struct source_settings settings = {
        .kind = SOURCE_FILE,
        .file = {.patterns = patterns,
                 .pattern_count = pattern_count,
                 .exclude = (const char *const *)entry->exclude.items,
                 .exclude_count = entry->exclude.count,
                 .class = (enum event_class)entry->class,
                 .from_end = entry->from_end,
                 .multiline = {.start = entry->multiline.start, .timeout_us = entry->multiline.timeout_us}}};
    struct source *source = source_create(&settings, output, fault);
    free(patterns);
    return source;
}

static struct source *make_one(const struct agent_source_settings *entry, const struct source_output *output,
                               struct fault *fault) {
    struct source_settings settings = {.kind = entry->journal ? SOURCE_JOURNAL : SOURCE_COMMAND};
    if (entry->journal) {
        settings.journal = (struct journal_source_settings){
            .unless = (const char *const *)entry->unless.items, .unless_count = entry->unless.count};
    } else {
        settings.command = (struct command_source_settings){.argv = (const char *const *)entry->command.items,
                                                            .argument_count = entry->command.count,
                                                            .class = (enum event_class)entry->class,
                                                            .every_us = entry->every_us,
                                                            .timeout_us = entry->timeout_us};
    }
    return source_create(&settings, output, fault);
}

/* All probes are one source, in a program of its own. */
static struct source *make_probes(const struct agent_settings *settings, const char *site, const char *data,
                                  const struct source_output *output, struct fault *fault) {
    char program[PROCESS_PATH_MOST], about[64];
    const struct slice folders[] = {slice_string(site),
                                    slice_string(data)}; /* probe_source.h: its settings */
    if (!process_beside("tocsin-prober", program)) {
        fault_set(fault, FAULT_MISSING, "tocsin-prober is not beside this program: install it again");
        return NULL;
    }
    snprintf(about, sizeof about, "%zu probes", settings->probes.count);
    const struct source_settings source = {.kind = SOURCE_HELPER,
                                           .helper = {.name = "probe",
                                                      .program = program,
                                                      .about = about,
                                                      .settings = folders,
                                                      .setting_count = sizeof folders / sizeof *folders}};
    return source_create(&source, output, fault);
}

static void note_position(void *context, struct slice key, struct slice value) {
    (void)key, (void)value;
    *(bool *)context = true;
}

/* There are probes, or there were: that they are gone is told by the same program. */
static bool probes_wanted(const struct agent_settings *settings, const struct source_output *output) {
    bool wanted = settings->probes.count != 0;
    output->restore_each(output->context, SLICE("probe:"), note_position, &wanted);
    return wanted;
}

static bool add(struct sources *sources, struct source *source, struct loop *loop, struct fault *fault) {
    struct watched *watched = &sources->all[sources->count++];
    *watched = (struct watched){.owner = sources, .source = source, .ready = true};
    int descriptor = source->operations->descriptor(source);
    if (descriptor < 0)
        return true;
    watched->watch = loop_watch_create(loop, descriptor, LOOP_READABLE, on_readable, watched, fault);
    return watched->watch != NULL;
}

struct sources *sources_create(const struct agent_settings *settings, const char *site, const char *data,
                               const struct source_output *output, struct loop *loop, loop_callback *ready,
                               void *context, struct fault *fault) {
    const struct agent_source_settings *all = settings->sources.items;
    size_t count = settings->sources.count;
    struct sources *sources = memory_new(sizeof *sources);
    sources->all = memory_new_array(count + 1, sizeof *sources->all);
    sources->ready = ready;
    sources->context = context;
    bool *taken = memory_new_array(count, sizeof *taken);
    bool good = true;
    for (size_t i = 0; good && i < count; i++) {
        if (taken[i])
            continue;
        struct source *source =
            all[i].file ? make_files(all, count, i, taken, output, fault) : make_one(&all[i], output, fault);
        good = source && add(sources, source, loop, fault);
        if (!good)
            fault_place(fault, "%s", all[i].place);
    }
    free(taken);
    if (good && probes_wanted(settings, output)) {
        struct source *probes = make_probes(settings, site, data, output, fault);
        good = probes && add(sources, probes, loop, fault);
    }
    return good ? sources : sources_destroy(sources);
}

struct sources *sources_destroy(struct sources *sources) {
    if (!sources)
        return NULL;
    for (size_t i = 0; i < sources->count; i++) {
        loop_watch_destroy(sources->all[i].watch);
        source_destroy(sources->all[i].source);
    }
    free(sources->all);
    free(sources);
    return NULL;
}

bool sources_turn(struct sources *sources, uint64_t now_us) {
    bool more = false;
    /* Each begins in its turn: one that fills every group must not keep the others waiting. */
    size_t first = sources->first++;
    for (size_t i = 0; i < sources->count; i++) {
        struct watched *watched = &sources->all[(first + i) % sources->count];
        if (!watched->ready && watched->due_us > now_us)
            continue;
        watched->due_us = watched->source->operations->turn(watched->source, now_us);
        watched->ready = watched->due_us <= now_us;
        more |= watched->ready;
        if (!watched->ready && watched->watch)
            loop_watch_set(watched->watch, LOOP_READABLE);
    }
    return more;
}

uint64_t sources_due(const struct sources *sources) {
    uint64_t due_us = SOURCE_NEVER;
    for (size_t i = 0; i < sources->count; i++)
        if (sources->all[i].due_us < due_us)
            due_us = sources->all[i].due_us;
    return due_us;
}

void sources_finish(struct sources *sources, uint64_t now_us) {
    for (size_t i = 0; i < sources->count; i++)
        sources->all[i].source->operations->finish(sources->all[i].source, now_us);
}

size_t sources_count(const struct sources *sources) {
    return sources->count;
}

uint64_t sources_describe(const struct sources *sources, struct buffer *to) {
    uint64_t all = 0;
    for (size_t i = 0; i < sources->count; i++) {
        char text[512] = "";
        uint64_t lag = 0;
        const struct source *source = sources->all[i].source;
        source->operations->describe(source, text, sizeof text, &lag);
        buffer_printf(to, "%s\n", text);
        all += lag;
    }
    return all;
}

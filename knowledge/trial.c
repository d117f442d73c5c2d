#include "trial.h"

#include <stdlib.h>

#include "detector.h"
#include "files.h"
#include "knowledge_walk.h"
#include "rule_samples.h"

#define TRIAL_TEXT_MOST (1u << 20)
#define TRIAL_TIME_US 1795286664000000ull /* 2026-11-21T18:44:24Z: of lines that name no time or no year */

struct trial {
    const struct knowledge *knowledge;
    struct record *record;
    trial_report *report;
    void *context;
    bool *spoken;
    struct buffer said, missing, beyond; /* titles, a line each */
};

/* Whether the lines of `text` hold this one. */
static bool holds_line(const struct buffer *text, struct slice line) {
    struct slice rest = buffer_slice(text);
    while (rest.size) {
        size_t end = slice_find_byte(rest, '\n');
        if (slice_equal(slice_head(rest, end), line))
            return true;
        rest = slice_from(rest, end + 1);
    }
    return false;
}

static void add_line(struct buffer *text, struct slice line) {
    if (holds_line(text, line))
        return;
    buffer_append_slice(text, line);
    buffer_append(text, "\n", 1);
}

static void hear(void *context, const struct detector_match *match) {
    struct trial *trial = context;
    trial->spoken[match->rule->index] = true;
    add_line(&trial->said, slice_string(match->rule->title));
}

static void put_event(struct trial *trial, struct detector *detector, const struct rule_sample *sample,
                      const struct rule_sample_event *event) {
    struct event_field fields[RULE_SAMPLES_FIELDS_MOST];
    struct event_body body = {.kind = EVENT_LINE,
                              .source = sample->file.size ? sample->file : SLICE("/var/log/syslog"),
                              .raw = event->line,
                              .fields = fields};
    if (slice_equal(sample->kind, SLICE("gap")))
        body.kind = EVENT_GAP;
    else if (slice_equal(sample->kind, SLICE("state")))
        body.kind = EVENT_STATE;
    for (; body.field_count < event->field_count; body.field_count++)
        fields[body.field_count] =
            (struct event_field){event->names[body.field_count], event->values[body.field_count]};
    uint64_t time_us;
    interpreter_read(trial->knowledge->interpreter, &body, TRIAL_TIME_US, trial->record, &time_us);
    struct detector_event about = {SLICE("alpha~00000000/1"), time_us ? time_us : TRIAL_TIME_US, SLICE("alpha")};
    detector_process(detector, trial->record, &about, hear, trial);
}

static void compare(struct trial *trial, const struct rule_sample *sample) {
    buffer_clear(&trial->missing);
    buffer_clear(&trial->beyond);
    struct buffer due = BUFFER(TRIAL_TEXT_MOST);
    for (size_t i = 0; i < sample->match_count; i++) {
        add_line(&due, sample->matches[i]);
        if (!holds_line(&trial->said, sample->matches[i]))
            add_line(&trial->missing, sample->matches[i]);
    }
    for (struct slice rest = buffer_slice(&trial->said); rest.size;) {
        struct slice line = slice_head(rest, slice_find_byte(rest, '\n'));
        if (!holds_line(&due, line))
            add_line(&trial->beyond, line);
        rest = slice_from(rest, line.size + 1);
    }
    buffer_free(&due);
}

static bool try_sample(struct trial *trial, const char *path, const struct rule_sample *sample,
                       struct fault *fault) {
    enum line_format format = LINE_AUTO;
    static const char *const kinds[] = {"", "line", "state", "gap"};
    bool known = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        known |= slice_equal(sample->kind, slice_string(kinds[i]));
    if (!known || (sample->format.size && !line_format_by_name(sample->format, &format))) {
        fault_set(fault, FAULT_FORMAT, "kind is line, state or gap; format auto, syslog, json, logfmt, plain or jsonl");
        return fault_place(fault, "%s:%u", path, sample->line);
    }
    struct detector *detector = detector_create(trial->knowledge->ruleset, NULL);
    interpreter_set_format(trial->knowledge->interpreter, format);
    buffer_clear(&trial->said);
    for (size_t i = 0; i < sample->event_count; i++)
        put_event(trial, detector, sample, &sample->events[i]);
    detector_destroy(detector);
    compare(trial, sample);
    trial->report(trial->context, &(struct trial_sample){path, sample->line, buffer_string(&trial->missing),
                                                         buffer_string(&trial->beyond)});
    return true;
}

static bool try_file(void *context, const char *path, struct slice text, struct fault *fault) {
    struct rule_samples *samples = rule_samples_read(path, text, fault);
    bool good = samples != NULL;
    for (size_t i = 0; good && i < rule_samples_count(samples); i++)
        good = try_sample(context, path, rule_samples_at(samples, i), fault);
    rule_samples_destroy(samples);
    return good;
}

static bool is_samples(const char *name) { return knowledge_name_ends(name, ".samples"); }

/* Beside a rule that is named as a file stand its samples. */
static bool try_path(struct trial *trial, char *path, struct fault *fault) {
    struct knowledge_walk walk = {.wanted = is_samples, .take = try_file, .context = trial};
    size_t size = strlen(path), end = knowledge_name_ends(path, ".yml") ? 4 : knowledge_name_ends(path, ".yaml") ? 5 : 0;
    if (end == 0)
        return knowledge_walk(&walk, path, fault);
    CLEANUP_BUFFER struct buffer beside = BUFFER(FILES_PATH_MOST);
    buffer_append(&beside, path, size - end);
    buffer_append_string(&beside, ".samples");
    return !files_exists(buffer_string(&beside)) || knowledge_walk(&walk, buffer_string(&beside), fault);
}

bool trial_run(const struct knowledge *knowledge, char *const *paths, size_t path_count, trial_report *report,
               void *context, bool *spoken, struct fault *fault) {
    struct trial trial = {.knowledge = knowledge,
                          .record = record_create(knowledge->symbols),
                          .report = report,
                          .context = context,
                          .said = BUFFER(TRIAL_TEXT_MOST),
                          .missing = BUFFER(TRIAL_TEXT_MOST),
                          .beyond = BUFFER(TRIAL_TEXT_MOST)};
    trial.spoken = spoken;
    bool good = true;
    for (size_t i = 0; good && i < path_count; i++)
        good = try_path(&trial, paths[i], fault);
    interpreter_set_format(knowledge->interpreter, LINE_AUTO);
    record_destroy(trial.record);
    buffer_free(&trial.said);
    buffer_free(&trial.missing);
    buffer_free(&trial.beyond);
    return good;
}

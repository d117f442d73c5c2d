/* `tocsin probe KIND TARGET`: one run now, over the network, through the same code as the agent's.
 *
 * Its options are the keys of a probe in agent.yaml ("down_after" is --down-after), read by the same table: so whatever is
 * tried here can be written there. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"
#include "memory.h"
#include "probe.h"
#include "probe_command.h"
#include "probe_kind.h"
#include "record_json.h"

#define KEYS_MOST 128u
#define KEY_SIZE 64u
#define YAML_MOST 65536u
#define REPORT_MOST (4u * 1024 * 1024)

/* --- options into settings */

struct key_options {
    size_t count;
    char names[KEYS_MOST][KEY_SIZE];
    struct option_words values[KEYS_MOST];
    const struct settings_row *rows[KEYS_MOST];
    struct option_words checks; /* --set */
};

static bool offered(const struct settings_row *row) {
    return row->path && strcmp(row->path, "kind") != 0 && strcmp(row->path, "target") != 0 &&
           row->type != SETTINGS_PAIRS;
}

static void list_keys(struct key_options *keys) {
    const struct settings_table *table = probe_settings_table();
    for (size_t i = 0; i < table->count && keys->count < KEYS_MOST; i++) {
        if (!offered(&table->rows[i]))
            continue;
        char *name = keys->names[keys->count];
        snprintf(name, KEY_SIZE, "--%s", table->rows[i].path);
        for (char *at = name; *at; at++)
            *at = *at == '_' || *at == '.' ? '-' : *at;
        keys->rows[keys->count++] = &table->rows[i];
    }
}

/* A YAML scalar that is this text, whatever is in it. */
static void scalar(struct buffer *yaml, const struct settings_row *row, const char *text) {
    bool plain = row->type == SETTINGS_BOOL || row->type == SETTINGS_UNSIGNED ||
                 row->type == SETTINGS_DURATION || row->type == SETTINGS_SIZE;
    if (plain) {
        buffer_append_string(yaml, text);
        return;
    }
    buffer_append_string(yaml, "'");
    for (; *text; text++)
        buffer_printf(yaml, *text == '\'' ? "''" : "%c", *text);
    buffer_append_string(yaml, "'");
}

static bool is_list(const struct settings_row *row) {
    return row->type == SETTINGS_STRINGS || row->type == SETTINGS_PATHS;
}

static bool write_key(struct buffer *yaml, const struct settings_row *row, const struct option_words *values,
                      struct fault *fault) {
    if (values->count > 1 && !is_list(row))
        return fault_set(fault, FAULT_USAGE, "%s is given twice", row->path);
    buffer_printf(yaml, "%s: %s", row->path, is_list(row) ? "[" : "");
    for (size_t i = 0; i < values->count; i++) {
        buffer_append_string(yaml, i ? ", " : "");
        scalar(yaml, row, values->values[i]);
    }
    buffer_append_string(yaml, is_list(row) ? "]\n" : "\n");
    return true;
}

static bool write_checks(struct buffer *yaml, const struct option_words *checks, struct fault *fault) {
    if (checks->count)
        buffer_append_string(yaml, "checks: {");
    for (size_t i = 0; i < checks->count; i++) {
        struct slice word = slice_string(checks->values[i]);
        size_t equals = slice_find_byte(word, '=');
        if (equals == SIZE_MAX || slice_find_byte(word, '\'') != SIZE_MAX)
            return fault_set(fault, FAULT_USAGE, "--set takes NAME=VALUE, such as ocsp.validity-long=off");
        buffer_printf(yaml, "%s'%.*s': '%.*s'", i ? ", " : "", SLICE_ARG(slice_head(word, equals)),
                      SLICE_ARG(slice_from(word, equals + 1)));
    }
    if (checks->count)
        buffer_append_string(yaml, "}\n");
    return true;
}

static bool read_settings(const char *kind, const char *target, const struct key_options *keys,
                          struct probe_settings *settings, struct fault *fault) {
    static const char place[] = "the command line";
    static const struct settings_row text = {.type = SETTINGS_STRING};
    CLEANUP_BUFFER struct buffer yaml = BUFFER(YAML_MOST);
    buffer_printf(&yaml, "kind: %s\n", kind);
    if (target) {
        buffer_append_string(&yaml, "target: ");
        scalar(&yaml, &text, target);
        buffer_append_string(&yaml, "\n");
    }
    for (size_t i = 0; i < keys->count; i++)
        if (keys->values[i].count && !write_key(&yaml, keys->rows[i], &keys->values[i], fault))
            return false;
    if (!write_checks(&yaml, &keys->checks, fault))
        return false;
    if (yaml.overflow)
        return fault_set(fault, FAULT_LIMIT, "these options are too long");
    return settings_read(probe_settings_table(), buffer_slice(&yaml), place, settings, fault) &&
           settings_finish(probe_settings_table(), place, settings, fault);
}

/* --- the report */

static void print_phases(struct buffer *to, const struct probe_part *part) {
    const double us_per_ms = 1000;
    bool first = true;
    for (unsigned i = 0; i < PROBE_PHASES; i++)
        if (part->phases_us[i]) {
            buffer_printf(to, "%s%s %.1f", first ? "" : ", ", probe_phase_name(i),
                          (double)part->phases_us[i] / us_per_ms);
            first = false;
        }
    if (!first)
        buffer_append_string(to, "; ");
    buffer_printf(to, "%.1f ms in all", (double)part->took_us / us_per_ms);
}

/* What an earlier part says already: the same check, as good, and nothing to be seen about it. */
static bool as_before(const struct probe_result *result, size_t part,
                      const struct liveness_finding *finding) {
    const struct liveness_finding *before =
        part ? liveness_report_find(&result->parts[0]->report, finding->check) : NULL;
    return before && finding->state < LIVENESS_WARN && before->state == finding->state;
}

static void print_part(struct buffer *to, const struct probe_result *result, size_t which, bool color) {
    const struct probe_part *part = result->parts[which];
    size_t before = 0;
    buffer_printf(to, "\n%s%s%s: %s (", part->address, part->address[0] && part->what[0] ? " " : "",
                  part->what, liveness_state_name(part->report.state));
    print_phases(to, part);
    buffer_append_string(to, ")\n");
    for (enum liveness_state state = LIVENESS_CRITICAL;; state--) {
        for (size_t i = 0; i < part->report.count; i++) {
            const struct liveness_finding *finding = &part->report.findings[i];
            if (finding->state != state)
                continue;
            if (as_before(result, which, finding))
                before++;
            else
                liveness_finding_text(to, finding, color);
        }
        if (state == LIVENESS_SKIPPED)
            break;
    }
    if (before)
        buffer_printf(to, "  and %zu checks as above\n", before);
}

static void print_text(struct buffer *to, const struct probe_result *result, const char *name, bool color) {
    const double us_per_ms = 1000;
    buffer_printf(to, "%s: %s%s, %.1f ms\n", name, liveness_state_name(result->state),
                  result->partial ? " (some addresses cannot be reached, others answer well)" : "",
                  (double)result->took_us / us_per_ms);
    for (size_t i = 0; i < result->count; i++)
        print_part(to, result, i, color);
}

static void print_part_json(struct buffer *to, const struct probe_part *part) {
    const double us_per_ms = 1000;
    buffer_append_string(to, "{\"address\":");
    record_json_string(to, slice_string(part->address));
    buffer_append_string(to, ",\"what\":");
    record_json_string(to, slice_string(part->what));
    buffer_printf(to, ",\"verdict\":\"%s\",\"state\":\"%s\",\"timing_ms\":%.3f,\"phases_ms\":{",
                  liveness_verdict_name(part->report.verdict), liveness_state_name(part->report.state),
                  (double)part->took_us / us_per_ms);
    for (unsigned i = 0; i < PROBE_PHASES; i++)
        buffer_printf(to, "%s\"%s\":%.3f", i ? "," : "", probe_phase_name(i),
                      (double)part->phases_us[i] / us_per_ms);
    buffer_append_string(to, "},\"checks\":");
    liveness_checks_json(to, &part->report);
    buffer_append_string(to, "}");
}

/* As of one answer (design: the same members), with the worst of each check; and each part by itself. */
static void print_json(struct buffer *to, const struct probe_result *result, const char *target) {
    struct liveness_report *worst = memory_new(sizeof *worst);
    liveness_report_begin(worst, result->parts[0]->report.policy);
    worst->verdict = result->parts[0]->report.verdict;
    for (size_t i = 0; i < result->count; i++)
        for (size_t j = 0; j < result->parts[i]->report.count; j++)
            liveness_report_add(worst, &result->parts[i]->report.findings[j]);
    worst->state = result->state;
    liveness_report_json(to, worst, (enum liveness_kind)result->settings->kind, target, result->took_us);
    to->size--; /* its closing brace */
    buffer_printf(to, ",\"partial\":%s,\"parts\":[", result->partial ? "true" : "false");
    for (size_t i = 0; i < result->count; i++) {
        buffer_append_string(to, i ? "," : "");
        print_part_json(to, result->parts[i]);
    }
    buffer_append_string(to, "]}\n");
    free(worst);
}

/* --- the run */

struct run {
    const struct command_context *context;
    struct loop *loop;
    struct probe *probe;
    struct prober *prober;
    unsigned interrupts;
    int exit;
};

static void done(void *context, const struct probe_result *result) {
    struct run *run = context;
    const char *target = probe_settings_whom(result->settings);
    CLEANUP_BUFFER struct buffer text = BUFFER(REPORT_MOST);
    if (run->context->json)
        print_json(&text, result, target);
    else
        print_text(&text, result, probe_name(run->probe), run->context->color);
    fwrite(text.data, 1, text.size, stdout);
    run->exit = result->state >= LIVENESS_WARN ? EXIT_FINDING : EXIT_GOOD;
    loop_stop(run->loop);
}

static void interrupted(void *context) {
    struct run *run = context;
    run->interrupts++;
    probe_cancel(run->probe);
    loop_stop(run->loop);
}

static void tell_rest(void *context) {
    struct run *run = context;
    fprintf(stderr, "tocsin probe: waits: %s; Ctrl-C leaves that to the background\n", prober_rest(run->prober));
}

/* What may not be left half done, such as a signer's exchange. */
static void wait_for_rest(struct run *run) {
    const uint64_t soon_us = 300000;
    unsigned interrupts = run->interrupts;
    struct loop_timer *timer = loop_timer_create(run->loop, tell_rest, run);
    fflush(stdout);
    loop_timer_after(timer, soon_us);
    while (prober_rest(run->prober) && run->interrupts == interrupts)
        loop_turn(run->loop, true);
    loop_timer_destroy(timer);
}

static void ask(struct run *run, struct fault *fault) {
    struct loop_signal *signals[] = {loop_signal_create(run->loop, SIGINT, interrupted, run, fault),
                                     loop_signal_create(run->loop, SIGTERM, interrupted, run, fault)};
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "asking %s, at most %.0f s …\n", probe_name(run->probe),
                (double)probe_patience_us(run->probe) / 1e6);
    probe_run(run->probe, done, run);
    loop_run(run->loop);
    wait_for_rest(run);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        loop_signal_destroy(signals[i]);
}

static int run_probe(const struct command_context *context, const struct probe_settings *settings,
                     const char *memory) {
    struct fault fault = {0};
    struct run run = {.context = context, .exit = EXIT_CANNOT};
    run.loop = loop_create(&fault);
    if (run.loop)
        run.prober = prober_create(run.loop, memory, &fault);
    if (run.prober)
        run.probe = probe_create(run.prober, settings, &fault);
    if (run.probe)
        ask(&run, &fault);
    else
        run.exit = command_fail("probe", &fault);
    probe_destroy(run.probe);
    prober_destroy(run.prober);
    if (run.loop)
        loop_destroy(run.loop);
    return run.exit;
}

int probe_online(const struct command_context *context, int argc, char **argv) {
    struct fault fault = {0};
    struct key_options *keys = memory_new(sizeof *keys);
    struct option_word options[KEYS_MOST + 2];
    const char *memory = NULL;
    struct option_words words;
    struct probe_settings settings;
    size_t count = 0;
    int result = EXIT_USAGE;
    list_keys(keys);
    for (; count < keys->count; count++)
        options[count] = (struct option_word){keys->names[count], NULL, &keys->values[count], NULL};
    options[count++] = (struct option_word){"--set", NULL, &keys->checks, NULL};
    options[count++] = (struct option_word){"--memory", &memory, NULL, NULL};
    settings_start(probe_settings_table(), &settings);
    if (!option_words_parse("probe", argc, argv, 1, options, count, &words)) {
        result = EXIT_USAGE;
    } else if (words.count > 2) {
        result = command_usage("probe", "name one target: '%s' is one too many", words.values[2]);
    } else if (!read_settings(words.values[0], words.count > 1 ? words.values[1] : NULL, keys, &settings,
                              &fault)) {
        result = command_fail("probe", &fault);
    } else {
        result = run_probe(context, &settings, memory);
    }
    settings_release(probe_settings_table(), &settings);
    free(keys);
    return result;
}

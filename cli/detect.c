/* tocsin detect: rules over files, with the code that runs in the collector. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "alert_mail.h"
#include "calendar.h"
#include "dedup.h"
#include "event_print.h"
#include "file_options.h"
#include "lines.h"

struct detecting {
    const struct command_context *context;
    const struct knowledge *knowledge;
    struct detector *detector;
    struct dedup *dedup;
    struct record *record;
    uint64_t alerts;
};

static void print_alert(struct detecting *detecting, const struct alert *alert) {
    CLEANUP_BUFFER struct buffer line = BUFFER(ALERT_TEXT_MOST);
    if (detecting->context->json)
        alert_write(&line, alert, false);
    else {
        char time[CALENDAR_TEXT_SIZE];
        struct alert_mail mail = {.alert = alert};
        calendar_text(alert->time_us, time);
        buffer_printf(&line, "%.10s %.8s  ", time, time + 11);
        alert_mail_subject(&line, &mail);
    }
    fwrite(line.data, 1, line.size, stdout);
    putchar('\n');
    detecting->alerts++;
}

static void on_match(void *context, const struct detector_match *match) {
    struct detecting *detecting = context;
    struct dedup_entry entry;
    if (match->rule->ends) {
        dedup_close(detecting->dedup, match, &entry);
        return;
    }
    if (dedup_offer(detecting->dedup, match, 0, &entry) != DEDUP_NEW)
        return;
    struct classification class;
    classify_rule(match->rule, NULL, &class);
    struct alert alert = alert_of_match(match, &class, entry.alert_id);
    print_alert(detecting, &alert);
}

static bool detect_line(void *context, const struct lines_item *item) {
    struct detecting *detecting = context;
    struct event_body body;
    uint64_t line_us;
    char id[512];
    lines_event(item, &body);
    interpreter_read(detecting->knowledge->interpreter, &body, detecting->context->now_us, detecting->record, &line_us);
    int size = snprintf(id, sizeof id, "%s:%" PRIu64, item->path, item->number);
    struct slice host = record_value(detecting->record, SLICE("host.hostname"));
    struct detector_event event = {slice_make(id, (size_t)size < sizeof id ? (size_t)size : sizeof id - 1),
                                   line_us ? line_us : detecting->context->now_us, host};
    detector_process(detecting->detector, detecting->record, &event, on_match, detecting);
    return !ferror(stdout);
}

static int run(struct detecting *detecting, const struct file_options *options, struct fault *fault) {
    uint64_t cut = 0, cut_here = 0;
    for (size_t i = 0; i < options->file_count; i++) {
        if (!lines_read(options->files[i], detect_line, detecting, &cut_here, fault))
            return command_fail("detect", fault);
        cut += cut_here;
    }
    detector_advance(detecting->detector, UINT64_MAX / 2, on_match, detecting);
    if (cut)
        fprintf(stderr, "tocsin detect: %" PRIu64 " lines were longer than %u bytes and read up to there\n", cut,
                LINES_LINE_MOST);
    return detecting->alerts ? EXIT_FINDING : EXIT_GOOD;
}

int command_detect(const struct command_context *context, int argc, char **argv) {
    struct file_options options;
    struct fault fault = {0};
    if (!file_options_parse(argc, argv, &options, &fault))
        return command_fail("detect", &fault);
    struct knowledge *knowledge = file_options_knowledge(context, &options, true, &fault);
    int result;
    if (knowledge) {
        struct detecting detecting = {context, knowledge, detector_create(knowledge->ruleset, NULL), dedup_create(NULL),
                                      record_create(knowledge->symbols), 0};
        if (knowledge_refused(knowledge))
            fprintf(stderr, "tocsin detect: %zu rules are left out; `tocsin rules check` says why\n",
                    knowledge_refused(knowledge));
        result = run(&detecting, &options, &fault);
        record_destroy(detecting.record);
        dedup_destroy(detecting.dedup);
        detector_destroy(detecting.detector);
        knowledge_destroy(knowledge);
    } else
        result = command_fail("detect", &fault);
    file_options_free(&options);
    return result;
}

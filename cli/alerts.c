/* tocsin alerts: what was raised. */
#include <stdio.h>
#include <string.h>

#include "alert.h"
#include "calendar.h"
#include "event_print.h"
#include "reader.h"

static const char *color_of(const struct command_context *context, enum priority priority) {
    if (!context->color)
        return "";
    return priority == PRIORITY_PAGE ? "\033[1;31m" : priority == PRIORITY_TODAY ? "\033[33m" : "\033[90m";
}

static void print_text(const struct command_context *context, const struct alert *alert) {
    char time[CALENDAR_TEXT_SIZE];
    calendar_text(alert->time_us, time);
    printf("%.10s %.8s  %s%-2s %-6s%s  %.*s  ", time, time + 11, color_of(context, alert->priority),
           severity_text(alert->severity), priority_name(alert->priority), context->color ? "\033[0m" : "",
           SLICE_ARG(alert->host));
    event_print_text(alert->rule_title);
    for (size_t i = 0; i < alert->entity_count; i++) {
        if (slice_equal(alert->entity[i].name, SLICE("host.name")))
            continue;
        printf("  %.*s=", SLICE_ARG(alert->entity[i].name));
        event_print_text(alert->entity[i].value);
    }
    if (alert->count > 1)
        printf("  ×%llu", (unsigned long long)alert->count);
    printf("\n");
}

static void print_alert(const struct command_context *context, struct slice message) {
    Tocsin__Text *text = tocsin__text__unpack(NULL, message.size, message.data);
    if (!text)
        return;
    struct fault fault = {0};
    if (context->json)
        puts(text->json);
    else {
        struct alert_document *document = alert_read(slice_string(text->json), &fault);
        if (document)
            print_text(context, alert_document_alert(document));
        else
            fprintf(stderr, "tocsin alerts: an alert that cannot be read: %s\n", fault.text);
        alert_document_destroy(document);
    }
    tocsin__text__free_unpacked(text, NULL);
}

int command_alerts(const struct command_context *context, int argc, char **argv) {
    Tocsin__AlertQuery query = TOCSIN__ALERT_QUERY__INIT;
    struct fault fault = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--follow") == 0)
            query.follow = true;
        else if (strcmp(argv[i], "--since") == 0 && i + 1 < argc) {
            if (!command_time(slice_string(argv[++i]), context->now_us, &query.since_us, &fault))
                return command_fail("alerts", &fault);
        } else if (strcmp(argv[i], "--limit") == 0 && i + 1 < argc) {
            if (!slice_decimal(slice_string(argv[++i]), &query.limit))
                return command_usage("alerts", "--limit takes a number");
        } else
            return command_usage("alerts", "'%s' is not expected", argv[i]);
    }
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_ALERTS;
    request.alerts = &query;
    struct reader *reader = reader_open(context, &request, &fault);
    if (!reader)
        return command_fail("alerts", &fault);
    struct frame frame;
    uint64_t count = 0;
    while (reader_next(reader, &frame, &count, &fault)) {
        print_alert(context, frame.message);
        fflush(stdout);
    }
    reader_close(reader);
    if (fault.code)
        return command_fail("alerts", &fault);
    if (count == 0 && !context->json)
        printf("No alerts.\n");
    return EXIT_GOOD;
}

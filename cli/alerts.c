/* tocsin alerts: what was raised, and what people decided about it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "alert_rows.h"
#include "calendar.h"
#include "control_view.h"
#include "encoding.h"
#include "event_print.h"

struct printing {
    const struct command_context *context;
    struct control_view view; /* for names and reasons: opened when the first decision comes */
    bool tried, open;
};

/* ---- the texts behind hashes */

/* NULL slice where it is not known here any more, or never was. */
static struct slice text_of(struct printing *printing, const char *hex) {
    struct hash hash;
    static const struct hash none;
    struct fault fault = {0};
    if (!hex || !encoding_unhex(slice_string(hex), hash.bytes, HASH_SIZE) || hash_equal(&hash, &none))
        return slice_make(NULL, 0);
    if (!printing->tried)
        printing->open = control_view_open(printing->context, &printing->view, &fault);
    printing->tried = true;
    return printing->open ? control_view_text(printing->context, &printing->view, &hash, NULL) : slice_make(NULL, 0);
}

static const char *member(const json_t *object, const char *name, const char *below) {
    const json_t *at = json_object_get(object, name);
    return json_string_value(below ? json_object_get(at, below) : at);
}

/* ---- text */

static const char *color_of(const struct command_context *context, enum priority priority) {
    if (!context->color)
        return "";
    return priority == PRIORITY_PAGE ? "\033[1;31m" : priority == PRIORITY_TODAY ? "\033[33m" : "\033[90m";
}

static void print_alert(const struct command_context *context, const struct alert *alert) {
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
    printf("  %s#%.8s%s\n", context->color ? "\033[90m" : "", (const char *)alert->id.data,
           context->color ? "\033[0m" : "");
}

/* Who, when and why, below the alert. */
static void print_decision(struct printing *printing, const json_t *decision) {
    const char *person = member(decision, "user", "id"), *time = member(decision, "@timestamp", NULL),
               *status = member(decision, "status", NULL), *severity = member(decision, "severity", NULL);
    struct slice name = text_of(printing, person), reason = text_of(printing, member(decision, "reason", "hash"));
    if (!time || !status || !person || strlen(time) < 19)
        return;
    printf("    %.10s %.8s  %s%s%s by ", time, time + 11, status, severity ? " as " : "", severity ? severity : "");
    if (name.data)
        event_print_text(name);
    else
        printf("%.8s", person);
    printf(": ");
    event_print_text(reason.data ? reason : SLICE("(the reason is not known here)"));
    printf("\n");
}

static void print_outage(const json_t *outage) {
    const char *start = member(outage, "start", NULL), *end = member(outage, "end", NULL);
    CLEANUP_BUFFER struct buffer duration = BUFFER(64);
    if (!start || strlen(start) < 19)
        return;
    printf("    out %s %.10s %.8s", end ? "from" : "since", start, start + 11);
    if (end && strlen(end) >= 19)
        printf(" to %.10s %.8s", end, end + 11);
    alert_write_duration(&duration, (uint64_t)json_integer_value(json_object_get(outage, "duration_s")));
    printf(", for %s, %lld %% of the time for recovery\n", buffer_string(&duration),
           (long long)json_integer_value(json_object_get(outage, "used_percent")));
}

/* How it ended by itself. */
static void print_resolution(const json_t *resolution) {
    const char *by = member(resolution, "by", NULL), *time = member(resolution, "@timestamp", NULL),
               *title = member(resolution, "rule", "title"), *next = member(resolution, "replaced_by", NULL);
    if (!by || !time || !title || strlen(time) < 19)
        return;
    printf("    %.10s %.8s  ", time, time + 11);
    if (next)
        printf("replaced by #%.8s: ", next);
    else
        printf("resolved by %s: ", by);
    event_print_text(slice_string(title));
    printf("\n");
}

static void print_text(struct printing *printing, const char *json) {
    struct fault fault = {0};
    struct alert_document *document = alert_read(slice_string(json), &fault);
    json_t *root = document ? json_loads(json, 0, NULL) : NULL;
    const json_t *decision;
    size_t i;
    if (document)
        print_alert(printing->context, alert_document_alert(document));
    else
        fprintf(stderr, "tocsin alerts: an alert that cannot be read: %s\n", fault.text);
    const json_t *resolution = json_object_get(root, "resolution"), *ended = json_object_get(resolution, "outage");
    json_array_foreach(json_object_get(root, "decisions"), i, decision)
        print_decision(printing, decision);
    print_outage(ended ? ended : json_object_get(root, "outage"));
    if (resolution)
        print_resolution(resolution);
    json_decref(root);
    alert_document_destroy(document);
}

/* ---- JSON: names and reasons instead of their hashes */

static void set_text(json_t *object, const char *name, struct slice text) {
    if (text.data)
        json_object_set_new(object, name, json_stringn((const char *)text.data, text.size));
}

static void print_json(struct printing *printing, const char *json) {
    json_t *root = json_loads(json, 0, NULL), *decision;
    const json_t *decisions = json_object_get(root, "decisions");
    size_t i;
    json_array_foreach(decisions, i, decision) {
        struct slice reason = text_of(printing, member(decision, "reason", "hash"));
        set_text(json_object_get(decision, "user"), "name", text_of(printing, member(decision, "user", "id")));
        json_object_del(decision, "reason");
        set_text(decision, "reason", reason);
    }
    char *text = decisions ? json_dumps(root, JSON_COMPACT) : NULL;
    puts(text ? text : json);
    free(text);
    json_decref(root);
}

/* ---- */

static bool take(void *context, const char *json) {
    struct printing *printing = context;
    if (printing->context->json)
        print_json(printing, json);
    else
        print_text(printing, json);
    fflush(stdout);
    return !ferror(stdout);
}

int command_alerts(const struct command_context *context, int argc, char **argv) {
    Tocsin__AlertQuery query = TOCSIN__ALERT_QUERY__INIT;
    struct printing printing = {.context = context};
    struct fault fault = {0};
    uint64_t count = 0;
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
    bool good = alert_rows(context, &query, take, &printing, &count, &fault);
    if (printing.tried)
        control_view_close(&printing.view);
    if (!good)
        return command_fail("alerts", &fault);
    if (count == 0 && !context->json)
        printf("No alerts.\n");
    return EXIT_GOOD;
}

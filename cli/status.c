/* tocsin status: one page. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "alert.h"
#include "reader.h"

#define WELL_SHOWN 50u /* probes */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static long long number_of(const json_t *object, const char *key) {
    return (long long)json_integer_value(json_object_get(object, key));
}

static void print_size(const char *name, long long bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    printf("%s%.1f %s", name, value, units[unit]);
}

static void print_agents(const struct command_context *context, const json_t *agents) {
    size_t i;
    const json_t *agent;
    printf("\nAGENTS\n");
    json_array_foreach(agents, i, agent) {
        const json_t *lanes = json_object_get(agent, "lanes");
        const char *state = text_of(agent, "state");
        bool good = strcmp(state, "connected") == 0;
        long long stored = 0, attested = 0;
        for (size_t lane = 0; lane < json_array_size(lanes); lane++) {
            stored += number_of(json_array_get(lanes, lane), "stored");
            attested += number_of(json_array_get(lanes, lane), "attested");
        }
        printf("  %-24s %s%-9s%s heard %lld s ago, %lld events stored, %lld signed, %lld bytes behind\n", text_of(agent, "name"),
               context->color ? (good ? "\033[32m" : "\033[31m") : "", state, context->color ? "\033[0m" : "",
               number_of(agent, "heard_seconds"), stored, attested, number_of(agent, "lag_bytes"));
    }
    if (json_array_size(agents) == 0)
        printf("  none\n");
}

static void print_probe(const struct command_context *context, const json_t *probe) {
    const json_t *outage = json_object_get(probe, "outage");
    const char *state = text_of(probe, "state"), *since = text_of(probe, "since"), *last = text_of(probe, "last");
    const char *color = strcmp(state, "ok") == 0 ? "\033[32m" : strcmp(state, "warn") == 0 ? "\033[33m" : "\033[31m";
    printf("  %-24s %s%-9s%s %s %s from %s", text_of(probe, "name"), context->color ? color : "", state,
           context->color ? "\033[0m" : "", text_of(probe, "kind"), text_of(probe, "target"), text_of(probe, "host"));
    if (strlen(since) >= 19)
        printf(", since %.10s %.8s", since, since + 11);
    printf("; %.1f ms, %lld s ago", json_number_value(json_object_get(probe, "took_ms")),
           number_of(probe, "heard_seconds"));
    if (strcmp(last, state) != 0)
        printf("; last run %s", last);
    if (*text_of(probe, "checks"))
        printf("\n  %-24s %s", "", text_of(probe, "checks"));
    if (outage) {
        CLEANUP_BUFFER struct buffer duration = BUFFER(64);
        alert_write_duration(&duration, (uint64_t)number_of(outage, "duration_s"));
        printf("\n  %-24s out for %s, %lld %% of the time for recovery", "", buffer_string(&duration),
               number_of(outage, "used_percent"));
    }
    printf("\n");
}

/* The worst come first; of very many that are well only some are shown. */
static void print_probes(const struct command_context *context, const json_t *probes) {
    size_t i, well = 0;
    const json_t *probe;
    if (json_array_size(probes) == 0)
        return;
    printf("\nPROBES\n");
    json_array_foreach(probes, i, probe) {
        well += strcmp(text_of(probe, "state"), "ok") == 0;
        if (well <= WELL_SHOWN)
            print_probe(context, probe);
    }
    if (well > WELL_SHOWN)
        printf("  … and %zu more that are ok (tocsin --json status shows all)\n", well - WELL_SHOWN);
}

static void print_witness(const struct command_context *context, const json_t *witness) {
    const char *state = text_of(witness, "state"), *error = text_of(witness, "error");
    bool good = strcmp(state, "good") == 0;
    printf("\n  %-24s %s%-9s%s", text_of(witness, "name"), context->color ? (good ? "\033[32m" : "\033[31m") : "",
           state, context->color ? "\033[0m" : "");
    if (*text_of(witness, "cosigned"))
        printf(" cosigned %lld on %s", number_of(witness, "size"), text_of(witness, "cosigned"));
    if (*error)
        printf("%s %s", *text_of(witness, "cosigned") ? ";" : "", error);
}

static void print_witnesses(const struct command_context *context, const json_t *witnesses) {
    const json_t *list = json_object_get(witnesses, "list"), *witness;
    size_t i;
    printf("\n\nWITNESSES\n  %s", text_of(witnesses, "verdict"));
    if (*text_of(witnesses, "apart"))
        printf("; APART: %s", text_of(witnesses, "apart"));
    if (json_array_size(list) == 0)
        return;
    printf("\n  %lld of %zu needed", number_of(witnesses, "needed"), json_array_size(list));
    if (*text_of(witnesses, "published_at"))
        printf("; %lld entries published on %s", number_of(witnesses, "published"), text_of(witnesses, "published_at"));
    json_array_foreach(list, i, witness)
        print_witness(context, witness);
}

static void print_log(const json_t *log) {
    const json_t *checkpoint = json_object_get(log, "checkpoint");
    printf("\nLOG\n  %lld entries%s", number_of(log, "size"),
           json_is_true(json_object_get(log, "stalled")) ? ", STALLED: the disk is full" : "");
    if (checkpoint)
        printf(", %lld of them under a checkpoint %lld s old", number_of(checkpoint, "size"),
               number_of(checkpoint, "age_seconds"));
    else
        printf(", no checkpoint yet");
    printf("; %s; ", text_of(log, "control"));
}

static void print_backup(const json_t *backup) {
    if (!backup)
        return;
    bool ever = json_is_true(json_object_get(backup, "ever"));
    printf("\n\nBACKUP\n  %s: ", text_of(backup, "folder"));
    if (ever)
        printf("verified %lld s ago", number_of(backup, "age_seconds"));
    else
        printf("none verified for %lld s", number_of(backup, "age_seconds"));
    if (json_is_true(json_object_get(backup, "making")))
        printf(", one is being made");
    if (json_is_true(json_object_get(backup, "following")))
        printf("; commits follow, %lld s behind", number_of(backup, "behind_seconds"));
    else
        printf("; commits do NOT follow");
    if (json_is_true(json_object_get(backup, "overdue")))
        printf("; OVERDUE");
    if (*text_of(backup, "failure"))
        printf("\n  %s", text_of(backup, "failure"));
}

static void print_status(const struct command_context *context, const json_t *status) {
    const json_t *log = json_object_get(status, "log"), *store = json_object_get(status, "store");
    const json_t *detection = json_object_get(status, "detection"), *channels = json_object_get(status, "channels");
    printf("%s on %s, %s, up %lld s\n", text_of(status, "origin"), text_of(status, "listen"),
           text_of(status, "version"), number_of(status, "uptime_seconds"));
    print_agents(context, json_object_get(status, "agents"));
    print_probes(context, json_object_get(status, "probes"));
    print_log(log);
    print_size("store ", number_of(store, "file_bytes"));
    print_size(", free ", number_of(store, "free_bytes"));
    if (json_object_get(store, "days_left"))
        printf(", about %lld days at the present pace", number_of(store, "days_left"));
    if (strcmp(text_of(store, "room"), "good") != 0)
        printf("; the disk is %s", text_of(store, "room"));
    printf("\n  log key %s", text_of(status, "log_key"));
    print_witnesses(context, json_object_get(status, "witnesses"));
    print_backup(json_object_get(status, "backup"));
    printf("\n\nDETECTION\n  %lld rules, %lld events read, %lld alerts, %lld rows behind\n", number_of(detection, "rules"),
           number_of(detection, "events"), number_of(detection, "alerts"), number_of(detection, "behind"));
    printf("\nCHANNELS\n");
    size_t i;
    const json_t *channel;
    json_array_foreach(channels, i, channel)
        printf("  %-24s %-8s %lld sent  %s\n", text_of(channel, "channel"), text_of(channel, "state"),
               number_of(channel, "sent"), text_of(channel, "last_error"));
    if (json_array_size(channels) == 0)
        printf("  none\n");
    if (*text_of(status, "next"))
        printf("\nNext: %s\n", text_of(status, "next"));
}

int command_status(const struct command_context *context, int argc, char **argv) {
    if (argc > 1)
        return command_usage("status", "'%s' is not expected", argv[1]);
    Tocsin__StatusQuery query = TOCSIN__STATUS_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_STATUS;
    request.status = &query;
    struct fault fault = {0};
    struct reader *reader = reader_open(context, &request, &fault);
    if (!reader)
        return command_fail("status", &fault);
    struct frame frame;
    uint64_t count;
    while (reader_next(reader, &frame, &count, &fault)) {
        Tocsin__Text *text = tocsin__text__unpack(NULL, frame.message.size, frame.message.data);
        json_t *status = text ? json_loads(text->json, 0, NULL) : NULL;
        if (context->json && text)
            puts(text->json);
        else if (status)
            print_status(context, status);
        else
            fault_set(&fault, FAULT_FORMAT, "the collector's answer cannot be read");
        json_decref(status);
        if (text)
            tocsin__text__free_unpacked(text, NULL);
    }
    reader_close(reader);
    return fault.code ? command_fail("status", &fault) : EXIT_GOOD;
}

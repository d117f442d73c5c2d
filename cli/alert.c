/* tocsin alert: what a person decides about an alert, signed with their key and put into the log in one go. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "alert_rows.h"
#include "decision.h"
#include "ed25519.h"
#include "event_print.h"
#include "option_words.h"
#include "paper.h"
#include "record_json.h"
#include "settings.h"
#include "signing.h"
#include "statement_type.h"
#include "submission.h"

#define DIGITS_LEAST 4u /* of an id that is shortened */
#define WAIT_US 30000000u

static const struct verb {
    const char *name;
    enum decision_kind kind;
    const char *done;
} verbs[] = {{"ack", DECISION_ACKNOWLEDGE, "Acknowledged"},
             {"reclassify", DECISION_RECLASSIFY, "Reclassified"},
             {"resolve", DECISION_RESOLVE, "Resolved"}};

struct wanted {
    const struct verb *verb;
    const char *id, *reason, *severity, *key;
    uint64_t wait_us;
};

/* ---- which alert */

struct finding {
    struct slice digits;
    size_t found;
    char id[ALERT_ID_SIZE], title[256];
};

static bool look(void *context, const char *json) {
    struct finding *finding = context;
    struct alert_document *document = alert_read(slice_string(json), NULL);
    const struct alert *alert = document ? alert_document_alert(document) : NULL;
    if (alert && slice_starts(alert->id, finding->digits)) {
        finding->found++;
        snprintf(finding->id, sizeof finding->id, "%.*s", SLICE_ARG(alert->id));
        snprintf(finding->title, sizeof finding->title, "%.*s", SLICE_ARG(alert->rule_title));
    }
    alert_document_destroy(document);
    return true;
}

static bool find(const struct command_context *context, const char *id, struct finding *finding, struct fault *fault) {
    Tocsin__AlertQuery query = TOCSIN__ALERT_QUERY__INIT;
    uint64_t count;
    finding->digits = slice_string(id);
    if (finding->digits.size < DIGITS_LEAST)
        return fault_set(fault, FAULT_USAGE, "an alert's id has at least %u digits; `tocsin alerts` shows them",
                         DIGITS_LEAST);
    if (!alert_rows(context, &query, look, finding, &count, fault))
        return false;
    if (finding->found > 1)
        return fault_set(fault, FAULT_USAGE, "%zu alerts begin with '%s': write more of its id", finding->found, id);
    return finding->found == 1 ||
           fault_set(fault, FAULT_USAGE, "no alert begins with '%s'; `tocsin alerts` shows their ids", id);
}

/* ---- the statement */

static bool state(const struct command_context *context, const struct wanted *wanted, const struct finding *finding,
                  struct submission *submission, struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST);
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    struct decision decision = {.kind = wanted->verb->kind,
                                .subject = slice_string(finding->id),
                                .value = slice_string(wanted->severity ? wanted->severity : "")};
    struct control_view view = {.live = false};
    struct paper paper;
    struct statement_file file;
    paper_begin(&paper);
    struct signing_key *key = signing_key_of(context, wanted->key, fault);
    bool good = key && control_view_open(context, &view, fault) && paper_text(&paper, wanted->reason, NULL, &decision.reason, fault) &&
                decision_write(&paper.payload, &decision) &&
                paper_make(context, &view, &paper, STATEMENT_DECISION, &statement, &file, fault) &&
                signing_add(&file.statement, key, signature, fault) &&
                submission_run(context, &file, wanted->wait_us, submission, fault);
    signing_key_destroy(key);
    paper_free(&paper);
    control_view_close(&view);
    return good;
}

static void print_done(const struct command_context *context, const struct wanted *wanted,
                       const struct finding *finding, const struct submission *submission) {
    if (context->json) {
        printf("{\"alert\":{\"id\":\"%s\"},\"decision\":\"%s\",\"ctl_seq\":%" PRIu64 ",\"log_index\":%" PRIu64
               ",\"proved\":%s,\"cosignatures\":%u}\n",
               finding->id, decision_name(wanted->verb->kind), submission->ctl_seq, submission->index,
               submission->proved ? "true" : "false", submission->quorum.counted);
        return;
    }
    printf("%s%s%s: ", wanted->verb->done, wanted->severity ? " as " : "", wanted->severity ? wanted->severity : "");
    event_print_text(slice_string(finding->title));
    printf(" (%.8s); control entry %" PRIu64 ", %s\n", finding->id, submission->ctl_seq,
           !submission->proved          ? "NOT proved yet: no checkpoint came in time"
           : submission->quorum.counted ? "in the log, cosigned"
                                        : "in the log, UNWITNESSED");
}

static bool severity_good(const char *text) {
    enum severity severity;
    return *text && severity_by_text(slice_string(text), &severity);
}

int command_alert(const struct command_context *context, int argc, char **argv) {
    struct wanted wanted = {.wait_us = WAIT_US};
    const char *wait = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "--reason", .value = &wanted.reason},
                                          {.name = "--as", .value = &wanted.severity},
                                          {.name = "--key", .value = &wanted.key},
                                          {.name = "--wait", .value = &wait}};
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, argv[1]) == 0)
            wanted.verb = &verbs[i];
    if (!wanted.verb)
        return command_usage("alert", "%s%s%s ack, reclassify or resolve", argc > 1 ? "'" : "", argc > 1 ? argv[1] : "say",
                             argc > 1 ? "' is not" : "");
    if (!option_words_parse("alert", argc, argv, 2, options, sizeof options / sizeof *options, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !wanted.reason)
        return command_usage("alert", "%s takes the id of an alert and --reason TEXT", wanted.verb->name);
    if ((wanted.verb->kind == DECISION_RECLASSIFY) != (wanted.severity != NULL))
        return command_usage("alert", "--as SEVERITY goes with reclassify, and with it alone");
    if (wanted.severity && !severity_good(wanted.severity))
        return command_usage("alert", "'%s' is no severity: 1, 2a, 2b, 3a, 3b, 3c and 4 are", wanted.severity);
    if (wait && (!settings_duration_parse(slice_string(wait), &wanted.wait_us) || wanted.wait_us > SUBMISSION_WAIT_US))
        return command_usage("alert", "--wait takes a time up to 1h");
    wanted.id = words.values[0];
    struct fault fault = {0};
    struct finding finding = {.found = 0};
    struct submission submission;
    submission_begin(&submission);
    bool good = find(context, wanted.id, &finding, &fault) && state(context, &wanted, &finding, &submission, &fault);
    if (good)
        print_done(context, &wanted, &finding, &submission);
    bool proved = submission.proved;
    submission_release(&submission);
    if (!good)
        return command_fail("alert", &fault);
    return proved ? EXIT_GOOD : EXIT_FINDING;
}

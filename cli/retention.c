/* tocsin retention: how long events are kept, what has come due, and the statements that change it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "decision.h"
#include "erasure.h"
#include "option_words.h"
#include "paper.h"
#include "record_json.h"
#include "retention_command.h"
#include "retention_days.h"
#include "retention_standard.h"
#include "retention_term.h"
#include "statement_type.h"

/* ---- the policy in force */

static void print_policy(const struct command_context *context, const struct retention_policy *policy) {
    for (unsigned class = 0; class < CLASSES; class ++) {
        char minimum[TERM_TEXT_SIZE] = "for ever", maximum[TERM_TEXT_SIZE] = "for ever";
        if (policy->classes[class].there) {
            retention_term_text(policy->classes[class].minimum, minimum);
            retention_term_text(policy->classes[class].maximum, maximum);
        }
        printf(context->json ? "{\"class\":\"%s\",\"minimum\":\"%s\",\"maximum\":\"%s\"}\n"
                             : "%-14s %-24s %s\n",
               class_name(class), minimum, maximum);
    }
}

static int retention_policy_show(const struct command_context *context, int argc, char **argv) {
    struct control_view view;
    struct fault fault = {0};
    uint64_t seq;
    if (argc > 2)
        return command_usage("retention", "'%s' is not expected", argv[2]);
    bool good = control_view_open(context, &view, &fault);
    if (good) {
        const struct retention_policy *policy = control_chain_retention(view.chain, &seq);
        if (!context->json)
            printf("Policy %llu, a veto window of %u days\n%-14s %-24s %s\n", (unsigned long long)seq,
                   policy->veto_days, "class", "at least", "at most");
        print_policy(context, policy);
    }
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("retention", &fault);
}

/* "access=24m..36m", "access=forever": the latter takes the class out of the policy. */
static bool change_class(struct retention_policy *policy, const char *word, struct fault *fault) {
    struct slice text = slice_string(word);
    size_t equals = slice_find_byte(text, '='), dots = slice_find(text, SLICE(".."));
    enum event_class class;
    if (equals == SIZE_MAX || !class_by_name(slice_head(text, equals), &class))
        return fault_set(fault, FAULT_USAGE, "'%s' names no class: write access=24m..36m", word);
    struct term minimum, maximum;
    if (slice_equal(slice_from(text, equals + 1), SLICE("forever"))) {
        policy->classes[class].there = false;
        return true;
    }
    if (dots == SIZE_MAX || dots < equals)
        return fault_set(fault, FAULT_USAGE, "'%s' has no two terms: write access=24m..36m", word);
    if (!retention_term_parse(slice_make(text.data + equals + 1, dots - equals - 1), &minimum, fault) ||
        !retention_term_parse(slice_from(text, dots + 2), &maximum, fault))
        return false;
    if (term_compare(maximum, minimum) < 0)
        return fault_set(fault, FAULT_USAGE, "'%s': the maximum is below the minimum", word);
    policy->classes[class].there = true;
    policy->classes[class].minimum = minimum;
    policy->classes[class].maximum = maximum;
    return true;
}

static int retention_propose(const struct command_context *context, int argc, char **argv) {
    const char *veto = NULL, *out = NULL;
    bool shipped = false;
    struct option_words words;
    const struct option_word options[] = {{.name = "--veto", .value = &veto},
                                          {.name = "-o", .value = &out},
                                          {.name = "--shipped", .flag = &shipped}};
    if (!option_words_parse("retention", argc, argv, 2, options, 3, &words))
        return EXIT_USAGE;
    uint64_t days = 0;
    if (!out || (words.count == 0 && !veto && !shipped))
        return command_usage("retention",
                             "propose takes what is to change (access=24m..36m, --veto DAYS) and -o FILE");
    if (veto && (!slice_decimal(slice_string(veto), &days) || days > 365))
        return command_usage("retention", "--veto takes a number of days, 365 at most");
    struct control_view view;
    struct paper paper;
    struct fault fault = {0};
    uint64_t seq;
    paper_begin(&paper);
    bool good = control_view_open(context, &view, &fault);
    struct retention_policy policy = retention_policy_shipped();
    if (good && !shipped)
        policy = *control_chain_retention(view.chain, &seq);
    for (size_t i = 0; good && i < words.count; i++)
        good = change_class(&policy, words.values[i], &fault);
    if (veto)
        policy.veto_days = (uint16_t)days;
    good = good && retention_policy_write(&paper.payload, &policy) &&
           paper_write(context, &view, &paper, STATEMENT_RETENTION_POLICY, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("retention", &fault);
}

/* ---- against a standard */

static void print_shortfall(const struct command_context *context, enum retention_standard standard,
                            const struct retention_shortfall *row) {
    char required[TERM_TEXT_SIZE], is[TERM_TEXT_SIZE];
    bool low = row->lack == LACK_MINIMUM;
    const struct retention_requirement *requirement = row->requirement;
    retention_term_text(low ? requirement->minimum : requirement->maximum, required);
    retention_term_text(row->is, is);
    if (context->json)
        printf("{\"standard\":\"%s\",\"class\":\"%s\",\"lack\":\"%s\",\"required\":\"%s\",\"is\":\"%s\","
               "\"what\":\"%s\","
               "\"source\":\"%s\",\"where\":\"%s\"}\n",
               retention_standard_name(standard), class_name(requirement->class), low ? "minimum" : "maximum",
               required, is, requirement->what, requirement->source,
               requirement->where ? requirement->where : "");
    else
        printf("%-14s %s is %s, %s%s%s %s (%s; %s)\n", class_name(requirement->class),
               low ? "minimum" : "maximum", is, requirement->where ? requirement->where : "",
               requirement->where ? " it " : "", low ? "must be at least" : "may be at most", required,
               requirement->what, requirement->source);
}

static bool policy_of_file(const char *path, struct retention_policy *ret_policy, struct fault *fault) {
    struct paper_file paper;
    bool good = paper_read(path, &paper, fault);
    const struct statement *statement = &paper.file.statement.statement;
    struct bytes_reader reader = bytes_read(statement->payload);
    good = good && (statement->type == STATEMENT_RETENTION_POLICY ||
                    fault_set(fault, FAULT_USAGE, "%s is no retention policy", path));
    good = good && retention_policy_read(&reader, ret_policy, fault);
    paper_release(&paper);
    return good;
}

static bool policy_in_force(const struct command_context *context, struct retention_policy *ret_policy,
                            struct fault *fault) {
    struct control_view view;
    uint64_t seq;
    bool good = control_view_open(context, &view, fault);
    if (good)
        *ret_policy = *control_chain_retention(view.chain, &seq);
    control_view_close(&view);
    return good;
}

static int retention_check_standard(const struct command_context *context, int argc, char **argv) {
    const char *name = NULL;
    bool shipped = false;
    struct option_words words;
    const struct option_word options[] = {{.name = "--standard", .value = &name},
                                          {.name = "--shipped", .flag = &shipped}};
    enum retention_standard standard;
    if (!option_words_parse("retention", argc, argv, 2, options, 2, &words))
        return EXIT_USAGE;
    if (!name || !retention_standard_by_name(slice_string(name), &standard))
        return command_usage("retention", "check takes --standard cabf-br or --standard security-manual");
    if (words.count + shipped > 1)
        return command_usage("retention", "check looks at one policy");
    struct retention_policy policy = retention_policy_shipped();
    struct fault fault = {0};
    if (!(words.count ? policy_of_file(words.values[0], &policy, &fault)
                      : shipped || policy_in_force(context, &policy, &fault)))
        return command_fail("retention", &fault);
    struct retention_shortfall found[RETENTION_SHORTFALLS_MOST];
    size_t count = retention_check(&policy, standard, found, RETENTION_SHORTFALLS_MOST), conditional = 0;
    for (size_t i = 0; i < count && i < RETENTION_SHORTFALLS_MOST; i++) {
        print_shortfall(context, standard, &found[i]);
        conditional += found[i].requirement->where != NULL;
    }
    if (context->json)
        printf("{\"kind\":\"summary\",\"standard\":\"%s\",\"shortfalls\":%zu,\"conditional\":%zu}\n", name,
               count - conditional, conditional);
    else
        printf("%s: %s\n", retention_standard_title(standard),
               count > conditional ? "the policy falls short of it"
               : count             ? "satisfied where none of the above applies"
                                   : "satisfied");
    return count > conditional ? EXIT_FINDING : EXIT_GOOD;
}

/* ---- statements about single erasures and hosts */

static int retention_veto(const struct command_context *context, int argc, char **argv) {
    const char *out = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "-o", .value = &out}};
    uint64_t number = 0;
    if (!option_words_parse("retention", argc, argv, 2, options, 1, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !out || !slice_decimal(slice_string(words.values[0]), &number))
        return command_usage("retention", "veto takes the number of an intended erasure and -o FILE");
    struct control_view view;
    struct paper paper;
    struct fault fault = {0};
    paper_begin(&paper);
    bool good = control_view_open(context, &view, &fault) && erase_reference_write(&paper.payload, number);
    struct statement statement = {.type = STATEMENT_ERASE_VETO, .payload = buffer_slice(&paper.payload)};
    good = good && retention_ledger_judge(view.ledger, &statement, &fault) &&
           paper_write(context, &view, &paper, STATEMENT_ERASE_VETO, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("retention", &fault);
}

/* A person's word that a day without its mark is known. */
static int retention_explain(const struct command_context *context, int argc, char **argv) {
    const char *out = NULL, *reason = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "-o", .value = &out},
                                          {.name = "--reason", .value = &reason}};
    char subject[DAY_SUBJECT_SIZE];
    uint64_t day = 0;
    if (!option_words_parse("retention", argc, argv, 2, options, 2, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !out || !reason || !slice_decimal(slice_string(words.values[0]), &day))
        return command_usage("retention", "explain takes the number of a day as verify names it, --reason and -o FILE");
    retention_day_subject(day, subject);
    struct decision decision = {.kind = DECISION_ACKNOWLEDGE, .subject = slice_string(subject)};
    struct control_view view = {.live = false};
    struct paper paper;
    struct fault fault = {0};
    const struct retention_day *days;
    paper_begin(&paper);
    bool good = paper_text(&paper, reason, NULL, &decision.reason, &fault) && control_view_open(context, &view, &fault);
    size_t count = good ? retention_ledger_days(view.ledger, &days) : 0;
    bool there = false;
    for (size_t i = 0; i < count; i++)
        there |= days[i].opened.ctl_seq == day;
    good = good &&
           (there || fault_set(&fault, FAULT_USAGE, "control entry %s opens no day; `tocsin verify` names it", words.values[0])) &&
           decision_write(&paper.payload, &decision) &&
           paper_write(context, &view, &paper, STATEMENT_DECISION, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("retention", &fault);
}

static int retention_decommission(const struct command_context *context, int argc, char **argv) {
    const char *out = NULL, *reason = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "-o", .value = &out},
                                          {.name = "--reason", .value = &reason}};
    if (!option_words_parse("retention", argc, argv, 2, options, 2, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !out || !host_name_good(slice_string(words.values[0])))
        return command_usage("retention", "decommission takes a host and -o FILE");
    struct decommission decommission = {.host = slice_string(words.values[0])};
    struct control_view view = {.live = false};
    struct paper paper;
    struct fault fault = {0};
    paper_begin(&paper);
    bool good = paper_text(&paper, reason, NULL, &decommission.reason, &fault) &&
                control_view_open(context, &view, &fault) &&
                (agent_registry_by_name(view.registry, decommission.host, UINT64_MAX - 1) ||
                 fault_set(&fault, FAULT_USAGE, "no host of the name %s was enrolled", words.values[0])) &&
                decommission_write(&paper.payload, &decommission) &&
                paper_write(context, &view, &paper, STATEMENT_DECOMMISSION, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("retention", &fault);
}

static const struct {
    const char *verb;
    int (*run)(const struct command_context *context, int argc, char **argv);
} verbs[] = {
    {"policy", retention_policy_show},
    {"propose", retention_propose},
    {"check", retention_check_standard},
    {"status", retention_status},
    {"run", retention_run},
    {"erase", retention_erase},
    {"veto", retention_veto},
    {"decommission", retention_decommission},
    {"explain", retention_explain},
};

int command_retention(const struct command_context *context, int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "status";
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verb, verbs[i].verb) == 0)
            return verbs[i].run(context, argc, argv);
    return command_usage(
        "retention", "'%s' is not status, policy, propose, check, run, erase, veto, decommission or explain", verb);
}

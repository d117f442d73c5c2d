/* tocsin witnesses: which of them count in the log, and the statement that changes it. */
#include <stdio.h>
#include <string.h>

#include "collector_settings.h"
#include "option_words.h"
#include "paper.h"
#include "record_json.h"
#include "settings_file.h"
#include "statement_type.h"

static int witnesses_show(const struct command_context *context, int argc, char **argv) {
    struct control_view view;
    struct fault fault = {0};
    uint64_t seq = 0;
    if (argc > 2)
        return command_usage("witnesses", "'%s' is not expected", argv[2]);
    bool good = control_view_open(context, &view, &fault);
    const struct witness_policy *policy = good ? control_chain_witnesses(view.chain, &seq) : NULL;
    if (good && !context->json)
        printf("The log needs %u of %u witnesses (control entry %llu).%s\n", policy->needed, policy->count,
               (unsigned long long)seq, policy->needed ? "" : " UNWITNESSED");
    for (size_t i = 0; good && i < policy->count; i++) {
        CLEANUP_BUFFER struct buffer key = BUFFER(1024), line = BUFFER(2048);
        note_key_write(&key, &policy->witnesses[i]);
        if (context->json) {
            buffer_printf(&line, "{\"needed\":%u,\"key\":", policy->needed);
            record_json_string(&line, buffer_slice(&key));
            buffer_append_string(&line, "}");
        }
        puts(context->json ? buffer_string(&line) : buffer_string(&key));
    }
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("witnesses", &fault);
}

static bool add_key(struct witness_policy *policy, const char *key, struct fault *fault) {
    if (policy->count == WITNESSES_MOST)
        return fault_set(fault, FAULT_USAGE, "%u witnesses are the most", WITNESSES_MOST);
    return note_key_read(slice_string(key), &policy->witnesses[policy->count++], fault) ||
           fault_place(fault, "%s", key);
}

/* Those of collector.yaml. */
static bool take_settings(const struct command_context *context, struct witness_policy *policy,
                          struct fault *fault) {
    struct collector_settings settings;
    if (!settings_file_read(collector_settings_table(), context->site, "collector", &settings, fault))
        return false;
    const struct collector_witness_settings *list = settings.witnesses.list.items;
    bool good = true;
    for (size_t i = 0; good && i < settings.witnesses.list.count; i++)
        good = add_key(policy, list[i].key, fault);
    policy->needed = (uint8_t)settings.witnesses.needed;
    settings_release(collector_settings_table(), &settings);
    return good;
}

static int witnesses_propose(const struct command_context *context, int argc, char **argv) {
    const char *needed = NULL, *out = NULL;
    struct option_words keys = {.count = 0}, words;
    const struct option_word options[] = {{.name = "--needed", .value = &needed},
                                          {.name = "--key", .values = &keys},
                                          {.name = "-o", .value = &out}};
    uint64_t number = 0;
    if (!option_words_parse("witnesses", argc, argv, 2, options, 3, &words))
        return EXIT_USAGE;
    if (words.count || !out ||
        (needed && (!slice_decimal(slice_string(needed), &number) || number > WITNESSES_MOST)))
        return command_usage("witnesses",
                             "propose takes --needed N, keys (or none: those of collector.yaml) and -o FILE");
    struct witness_policy policy = {.needed = 0};
    struct control_view view = {.live = false};
    struct paper paper;
    struct fault fault = {0};
    paper_begin(&paper);
    bool good = keys.count || take_settings(context, &policy, &fault);
    for (size_t i = 0; good && i < keys.count; i++)
        good = add_key(&policy, keys.values[i], &fault);
    if (needed)
        policy.needed = (uint8_t)number;
    else if (keys.count)
        policy.needed = (uint8_t)keys.count;
    good = good && control_view_open(context, &view, &fault) &&
           witness_policy_check(&policy, &control_chain_genesis(view.chain)->log_key, &fault) &&
           witness_policy_write(&paper.payload, &policy) &&
           paper_write(context, &view, &paper, STATEMENT_WITNESS_POLICY, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("witnesses", &fault);
}

int command_witnesses(const struct command_context *context, int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "show";
    if (strcmp(verb, "show") == 0)
        return witnesses_show(context, argc, argv);
    if (strcmp(verb, "propose") == 0)
        return witnesses_propose(context, argc, argv);
    return command_usage("witnesses", "'%s' is not show or propose", verb);
}

/* tocsin submit: a signed statement goes into the log, and what comes back proves it; what does not come back goes to the
 * witnesses. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector_settings.h"
#include "hand_over.h"
#include "option_words.h"
#include "paper.h"
#include "record_json.h"
#include "settings_file.h"
#include "submission.h"

static bool write_proof(const char *path, const struct submission *submission, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(LOG_PROOF_MOST);
    if (!path)
        return true;
    struct log_proof proof = submission->proof;
    proof.extra = buffer_slice(&submission->entry);
    return log_proof_write(&text, &proof) && files_write(path, buffer_slice(&text), 0644, fault);
}

static void print_proved(const struct command_context *context, const struct submission *submission) {
    const char *words = submission->single_control ? " SINGLE-CONTROL" : "";
    if (context->json)
        printf("{\"ctl_seq\":%" PRIu64 ",\"log_index\":%" PRIu64 ",\"single_control\":%s,\"proved\":true,"
               "\"cosignatures\":%u}\n",
               submission->ctl_seq, submission->index, submission->single_control ? "true" : "false",
               submission->quorum.counted);
    else if (submission->quorum.counted == 0)
        printf("In the log: control entry %" PRIu64 ", log index %" PRIu64
               ", proved by a checkpoint. UNWITNESSED%s\n",
               submission->ctl_seq, submission->index, words);
    else
        printf("In the log: control entry %" PRIu64 ", log index %" PRIu64
               ", proved by a checkpoint that %u witness%s cosigned.%s\n",
               submission->ctl_seq, submission->index, submission->quorum.counted,
               submission->quorum.counted == 1 ? "" : "es", words);
}

/* ---- what is not proved in time */

struct handing {
    const struct command_context *context;
    const struct statement_file *file;
    struct buffer places; /* of JSON */
    unsigned taken, asked;
};

static void hand_to(struct handing *handing, const char *url, const char *authorities_path) {
    char place[HAND_OVER_PLACE_SIZE];
    struct fault fault = {0};
    handing->asked++;
    if (!hand_over(url, authorities_path, handing->file, place, &fault)) {
        command_fail("submit", &fault);
        return;
    }
    buffer_append_string(&handing->places, handing->taken++ ? "," : "");
    record_json_string(&handing->places, slice_string(place));
    if (!handing->context->json)
        printf("The witness keeps it and serves it at %s\n", place);
}

static void hand_to_all(struct handing *handing) {
    struct collector_settings settings;
    struct fault fault = {0};
    if (!settings_file_read(collector_settings_table(), handing->context->site, "collector", &settings, &fault))
        return;
    const struct collector_witness_settings *list = settings.witnesses.list.items;
    for (size_t i = 0; i < settings.witnesses.list.count; i++)
        hand_to(handing, list[i].url, list[i].ca);
    settings_release(collector_settings_table(), &settings);
}

/* Somebody may not want it in the log. With a witness nobody can say that it was never made. */
static int alarm_and_hand_over(const struct command_context *context, const struct statement_file *file,
                               const struct submission *submission, const struct fault *fault) {
    struct handing handing = {.context = context, .file = file, .places = BUFFER(64u * 1024)};
    fflush(stdout);
    fprintf(stderr, "tocsin submit: ALARM: %s, and nothing proves that the log keeps it%s%s\n",
            submission->taken ? "the collector took the statement" : "the collector did not say that it took the statement",
            fault->code ? ": " : "", fault->code ? fault->text : "");
    if (submission->taken && !context->json)
        printf("Taken as control entry %" PRIu64 ", log index %" PRIu64 ", not proved.\n", submission->ctl_seq,
               submission->index);
    hand_to_all(&handing);
    if (context->json)
        printf("{\"taken\":%s,\"ctl_seq\":%" PRIu64 ",\"log_index\":%" PRIu64
               ",\"proved\":false,\"handed_over\":[%s]}\n",
               submission->taken ? "true" : "false", submission->ctl_seq, submission->index,
               buffer_string(&handing.places));
    else if (handing.asked == 0)
        puts("This site knows no witness to hand it to (witnesses in collector.yaml); `tocsin submit --witness URL F` does.");
    else if (handing.taken == 0)
        puts("No witness took it. Keep the file, and try `tocsin submit --witness URL F` with another one.");
    else
        puts("Whoever asks the witness can hold it against the log. `tocsin status` tells how the collector is.");
    buffer_free(&handing.places);
    return EXIT_FINDING;
}

/* ---- */

static int to_witness(const struct command_context *context, const char *url, const char *authorities_path,
                      const char *path) {
    struct fault fault = {0};
    struct paper_file paper;
    char place[HAND_OVER_PLACE_SIZE];
    bool good = paper_read(path, &paper, &fault);
    if (good && paper.file.statement.signature_count == 0)
        good = fault_set(&fault, FAULT_USAGE, "nobody has signed it: tocsin sign %s", path);
    good = good && hand_over(url, authorities_path, &paper.file, place, &fault);
    if (good)
        printf(context->json ? "{\"place\":\"%s\"}\n" : "The witness keeps it and serves it at %s\n", place);
    paper_release(&paper);
    return good ? EXIT_GOOD : command_fail("submit", &fault);
}

static int to_log(const struct command_context *context, const char *path, uint64_t wait_us, const char *proof) {
    struct fault fault = {0};
    struct paper_file paper;
    struct submission submission;
    int status = EXIT_GOOD;
    submission_begin(&submission);
    bool good = paper_read(path, &paper, &fault);
    if (good && paper.file.statement.signature_count == 0)
        good = fault_set(&fault, FAULT_USAGE, "nobody has signed it: tocsin sign %s", path);
    bool ran = good && submission_run(context, &paper.file, wait_us, &submission, &fault);
    /* Whether the log has it nobody knows. */
    bool lost = good && !ran && (submission.taken || fault.code == FAULT_IO || fault.code == FAULT_BUSY);
    if (lost || (ran && !submission.proved))
        status = alarm_and_hand_over(context, &paper.file, &submission, &fault);
    else if (ran && write_proof(proof, &submission, &fault))
        print_proved(context, &submission);
    else
        status = command_fail("submit", &fault);
    paper_release(&paper);
    submission_release(&submission);
    return status;
}

int command_submit(const struct command_context *context, int argc, char **argv) {
    const char *wait = NULL, *proof = NULL, *witness = NULL, *authorities = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "--wait", .value = &wait},
                                          {.name = "--proof", .value = &proof},
                                          {.name = "--witness", .value = &witness},
                                          {.name = "--ca", .value = &authorities}};
    uint64_t wait_us = 0;
    if (!option_words_parse("submit", argc, argv, 1, options, 4, &words))
        return EXIT_USAGE;
    if (words.count != 1)
        return command_usage("submit", "name one statement's file");
    if (wait && (!settings_duration_parse(slice_string(wait), &wait_us) || wait_us > 3600000000ull))
        return command_usage("submit", "--wait takes a time up to 1h");
    if (witness && (wait || proof))
        return command_usage("submit", "--witness goes without --wait and --proof");
    if (authorities && !witness)
        return command_usage("submit", "--ca goes with --witness");
    if (witness)
        return to_witness(context, witness, authorities, words.values[0]);
    return to_log(context, words.values[0], wait ? wait_us : SUBMISSION_WAIT_US, proof);
}

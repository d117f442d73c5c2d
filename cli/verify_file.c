#include "verify_file.h"

#include <stdio.h>
#include <unistd.h>

#include "log_proof.h"
#include "proof_print.h"

#define FILE_MOST (1024u * 1024u * 1024u)

struct file {
    const struct command_context *context;
    const char *name;
    struct slice bytes;
    const struct trust *trust;
    bool progress; /* standard error is a terminal, and standard output is none */
};

/* ---- the kinds of files; each prints its lines, and is false where the file is bad */

static void print_event(void *context, const struct excerpt_event *event) {
    const struct file *file = context;
    proof_print_event(file->context, file->name, event);
    if (file->progress && (event->number & 255) == 0)
        fprintf(stderr, "\r[%-40.*s] %3zu %%", (int)(event->number * 40 / event->of),
                "########################################", event->number * 100 / event->of);
}

static bool verify_excerpt(struct file *file, struct fault *fault) {
    struct excerpt_summary summary;
    bool good =
        excerpt_verify(file->bytes, file->trust, file->context->now_us, print_event, file, &summary, fault);
    if (file->progress)
        fprintf(stderr, "\r\033[K");
    if (!good)
        return false;
    proof_print_excerpt(file->context, file->name, &summary);
    fault->code = FAULT_NONE;
    return summary.altered == 0;
}

static bool verify_absence(struct file *file, struct fault *fault) {
    CLEANUP_ABSENCE struct absence absence = {.class = 0};
    if (!absence_verify(file->bytes, file->trust, file->context->now_us, &absence, fault))
        return false;
    proof_print_absence(file->context, file->name, &absence);
    return true;
}

/* One event alone: in its batch, and the batch in the log. Whose key signed the batch only a control chain could say. */
static bool verify_single(struct file *file, struct fault *fault) {
    CLEANUP_BUFFER struct buffer extra = BUFFER(LOG_PROOF_EXTRA_MOST);
    struct log_proof proof;
    struct signed_checkpoint checkpoint;
    struct excerpt_event event = {.number = 1, .of = 1, .verdict = VERDICT_OPENED, .unattested = true};
    if (!log_proof_read(file->bytes, &extra, &proof, fault) ||
        !event_proof_read(proof.extra, &event.proof, fault) || !event_proof_check(&event.proof, fault))
        return false;
    struct hash leaf = merkle_leaf(event.proof.entry_bytes);
    if (!log_proof_check(&proof, &leaf, &file->trust->log, &file->trust->witnesses, &checkpoint, fault))
        return false;
    struct quorum quorum = checkpoint_quorum(&checkpoint, &file->trust->witnesses, file->context->now_us);
    if (!quorum.met)
        return fault_set(fault, FAULT_AUTH,
                         "%u of the trusted witnesses have cosigned the checkpoint, and %u must",
                         quorum.counted, file->trust->witnesses.needed);
    event.log_index = proof.index;
    event.host = SLICE("unknown");
    event.lane = class_lane(event.proof.event.class);
    event.unwitnessed = file->trust->witnesses.needed == 0;
    proof_print_event(file->context, file->name, &event);
    return true;
}

static const struct kind {
    const char *begins;
    bool (*verify)(struct file *file, struct fault *fault);
} kinds[] = {
    {EXCERPT_HEADER "\n", verify_excerpt},
    {"tocsin/absence1", verify_absence},
    {"c2sp.org/tlog-proof@v1\n", verify_single},
};

static bool verify_kind(struct file *file, struct fault *fault) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (slice_starts(file->bytes, slice_string(kinds[i].begins)))
            return kinds[i].verify(file, fault);
    return fault_set(fault, FAULT_FORMAT, "this is no excerpt and no proof");
}

int verify_files(const struct command_context *context, const char *trust_path, size_t count,
                 char *const *files) {
    struct trust trust;
    struct fault fault = {0};
    int worst = EXIT_GOOD;
    if (!proof_trust(context, trust_path, &trust, &fault))
        return command_fail("verify", &fault);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BUFFER struct buffer bytes = BUFFER(FILE_MOST);
        struct file file = {context, files[i], SLICE(""), &trust,
                            isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO)};
        fault = (struct fault){0};
        if (!files_read(files[i], &bytes, &fault))
            return command_fail("verify", &fault);
        file.bytes = buffer_slice(&bytes);
        if (verify_kind(&file, &fault))
            continue;
        if (fault.code)
            proof_print_bad(context, files[i], &fault);
        worst = EXIT_FINDING;
    }
    return worst;
}

#include "verify_file.h"

#include <stdio.h>
#include <unistd.h>

#include "progress.h"
#include "proof_print.h"

#define FILE_MOST (1024u * 1024u * 1024u)

struct file {
    const struct command_context *context;
    const char *name;
    struct slice bytes;
    const struct trust *trust;
    const struct verify_entry *entry;
    struct progress *progress; /* NULL: lines are printed to the same terminal */
};

/* ---- the kinds of files; each prints its lines, and is false where the file is bad */

static void print_event(void *context, const struct excerpt_event *event) {
    const struct file *file = context;
    proof_print_event(file->context, file->name, event);
    progress_at(file->progress, event->number, event->of);
}

static bool verify_excerpt(struct file *file, struct fault *fault) {
    struct excerpt_summary summary;
    bool good =
        excerpt_verify(file->bytes, file->trust, file->context->now_us, print_event, file, &summary, fault);
    progress_end(file->progress);
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

static bool verify_single(struct file *file, struct fault *fault) {
    return verify_proof(file->context, file->name, file->bytes, file->trust, file->entry, fault);
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

int verify_files(const struct command_context *context, const char *trust_path, const struct verify_entry *entry,
                 size_t count, char *const *files) {
    struct trust trust;
    struct fault fault = {0};
    int worst = EXIT_GOOD;
    if (!proof_trust(context, trust_path, &trust, &fault))
        return command_fail("verify", &fault);
    for (size_t i = 0; i < count; i++) {
        CLEANUP_BUFFER struct buffer bytes = BUFFER(FILE_MOST);
        struct progress progress = progress_begin("events");
        struct file file = {context, files[i], SLICE(""), &trust, entry, isatty(STDOUT_FILENO) ? NULL : &progress};
        fault = (struct fault){0};
        if (!files_read(files[i], &bytes, &fault))
            return command_fail("verify", &fault);
        file.bytes = buffer_slice(&bytes);
        if (verify_kind(&file, &fault))
            continue;
        if (fault.code == FAULT_USAGE)
            return command_fail("verify", &fault);
        if (fault.code)
            proof_print_bad(context, files[i], &fault);
        worst = EXIT_FINDING;
    }
    return worst;
}

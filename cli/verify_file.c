#include "verify_file.h"

#include <stdio.h>
#include <unistd.h>

#include "memory.h"
#include "merkle.h"
#include "progress.h"
#include "proof_print.h"

#define FILE_MOST (1024u * 1024u * 1024u)

struct file {
    const struct command_context *context;
    const char *name;
    struct slice bytes;
    const struct trust *trust;
    unsigned log; /* its number */
    struct sightings *sightings;
    uint64_t forks;
    const struct verify_entry *entry;
    struct progress *progress; /* NULL: lines are printed to the same terminal */
};

/* ---- the kinds of files; each prints its lines, and is false where the file is bad */

static void take_batch(void *context, struct slice host, enum lane lane, struct slice bytes,
                       uint64_t log_index) {
    struct file *file = context;
    struct batch_entry entry;
    struct sighting other;
    char stream[STREAM_NAME_SIZE];
    if (!batch_entry_read(bytes, &entry, NULL) || !stream_name_make(host, lane, stream))
        return;
    const struct sighting sighting = {
        .stream_id = entry.stream_id,
        .batch_seq = entry.batch_seq,
        .leaf = merkle_leaf(bytes),
        .log_index = log_index,
        .log = file->log,
        .origin = note_key_name(&file->trust->log),
        .file = file->name,
    };
    if (sightings_add(file->sightings, &sighting, &other) != SEEN_FORKED)
        return;
    proof_print_fork(file->context, stream, &other, &sighting);
    file->forks++;
}

static void print_event(void *context, const struct excerpt_event *event) {
    struct file *file = context;
    if (event->verdict == VERDICT_OPENED && !event->orphaned)
        take_batch(file, event->host, event->lane, event->proof.entry_bytes, event->log_index);
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
    if (!absence_verify_each(file->bytes, file->trust, file->context->now_us, take_batch, file, &absence,
                             fault))
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

/* Under the trust of whichever log it is of. A file of another log fails before anything of it is told. */
static bool verify_under(struct file *file, const struct trust *trusts, size_t count, struct fault *fault) {
    struct fault first = {0};
    for (size_t i = 0; i < count; i++) {
        *fault = (struct fault){0};
        file->trust = &trusts[i];
        file->log = (unsigned)i;
        if (verify_kind(file, fault))
            return true;
        if (fault->code == FAULT_NONE || fault->code == FAULT_USAGE)
            return false; /* told already; or nothing that another trust would mend */
        if (i == 0)
            first = *fault;
    }
    *fault = first;
    return count == 1 ? false : fault_place(fault, "under none of %zu trust files, by the first", count);
}

static bool read_trusts(const struct command_context *context, const struct verify_trusts *from,
                        struct trust *trusts, size_t *ret_count, struct fault *fault) {
    *ret_count = from->count ? from->count : 1;
    for (size_t i = 0; i < *ret_count; i++)
        if (!proof_trust(context, from->count ? from->paths[i] : NULL, &trusts[i], fault))
            return false;
    return true;
}

/* EXIT_GOOD, EXIT_FINDING, or what ends the command. */
static int verify_one(struct file *file, const struct trust *trusts, size_t trust_count) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(FILE_MOST);
    struct progress progress = progress_begin("events");
    struct fault fault = {0};
    if (!files_read(file->name, &bytes, &fault))
        return command_fail("verify", &fault);
    file->bytes = buffer_slice(&bytes);
    file->progress = isatty(STDOUT_FILENO) ? NULL : &progress;
    bool good = verify_under(file, trusts, trust_count, &fault);
    file->bytes = slice_make(NULL, 0);
    file->progress = NULL;
    if (good)
        return EXIT_GOOD;
    if (fault.code == FAULT_USAGE)
        return command_fail("verify", &fault);
    if (fault.code)
        proof_print_bad(file->context, file->name, &fault);
    return EXIT_FINDING;
}

static int verify_each(struct file *file, const struct trust *trusts, size_t trust_count, size_t count,
                       char *const *files) {
    int worst = EXIT_GOOD;
    for (size_t i = 0; i < count; i++) {
        file->name = files[i];
        int result = verify_one(file, trusts, trust_count);
        if (result != EXIT_GOOD && result != EXIT_FINDING)
            return result;
        worst = result == EXIT_FINDING ? result : worst;
    }
    if (trust_count > 1)
        proof_print_compared(file->context, trust_count, sightings_alike(file->sightings), file->forks);
    return file->forks ? EXIT_FINDING : worst;
}

int verify_files(const struct command_context *context, const struct verify_trusts *from,
                 const struct verify_entry *entry, size_t count, char *const *files) {
    struct trust *trusts = memory_new_array(VERIFY_TRUSTS_MOST, sizeof *trusts);
    struct fault fault = {0};
    size_t trust_count;
    int result;
    if (read_trusts(context, from, trusts, &trust_count, &fault)) {
        struct file file = {.context = context, .sightings = sightings_create(), .entry = entry};
        result = verify_each(&file, trusts, trust_count, count, files);
        sightings_destroy(file.sightings);
    } else
        result = command_fail("verify", &fault);
    memory_cleanup(&trusts);
    return result;
}

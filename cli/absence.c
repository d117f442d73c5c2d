/* tocsin absence: the proof that no event of a class was read on a stream between two times. */
#include <stdio.h>
#include <string.h>

#include "log_access.h"
#include "proof_print.h"

#define WAIT_US 30000000u /* for the checkpoint */

struct wanted {
    const char *stream, *class, *from, *to, *path;
};

static int parse(int argc, char **argv, struct wanted *ret_wanted) {
    struct wanted wanted = {0};
    const struct {
        const char *name;
        const char **value;
    } options[] = {{"--stream", &wanted.stream},
                   {"--class", &wanted.class},
                   {"--from", &wanted.from},
                   {"--to", &wanted.to},
                   {"-o", &wanted.path}};
    for (int i = 1; i < argc; i++) {
        size_t o = 0;
        while (o < sizeof options / sizeof *options && strcmp(options[o].name, argv[i]) != 0)
            o++;
        if (o == sizeof options / sizeof *options || i + 1 == argc)
            return command_usage("absence", "'%s' is not known or lacks its value", argv[i]);
        *options[o].value = argv[++i];
    }
    for (size_t o = 0; o < sizeof options / sizeof *options; o++)
        if (!*options[o].value)
            return command_usage("absence", "%s is missing", options[o].name);
    *ret_wanted = wanted;
    return EXIT_GOOD;
}

static bool claim_of(const struct command_context *context, const struct wanted *wanted,
                     struct absence_claim *claim, struct fault *fault) {
    enum event_class class;
    struct slice stream = slice_string(wanted->stream);
    size_t tilde = slice_find_byte(stream, '~');
    claim->stream = slice_head(stream, tilde);
    if (!class_by_name(slice_string(wanted->class), &class))
        return fault_set(fault, FAULT_USAGE, "there is no class '%.40s'", wanted->class);
    claim->class = (uint8_t) class;
    if (!command_time(slice_string(wanted->from), context->now_us, &claim->from_us, fault))
        return fault_place(fault, "--from");
    if (!command_time(slice_string(wanted->to), context->now_us, &claim->to_us, fault))
        return fault_place(fault, "--to");
    if (claim->from_us >= claim->to_us)
        return fault_set(fault, FAULT_USAGE, "--from must be before --to");
    bool is_bulk = slice_find(claim->stream, SLICE("/bulk")) != SIZE_MAX;
    if (class_lane(class) != (is_bulk ? LANE_BULK : LANE_SECURITY))
        return fault_set(fault, FAULT_USAGE, "class %s is carried by the stream %s", wanted->class,
                         is_bulk ? "without /bulk" : "HOST/bulk");
    return true;
}

static bool make(struct log_access *access, const struct absence_claim *claim, const struct wanted *wanted,
                 struct buffer *file, struct fault *fault) {
    const struct proof_source *source = log_access_source(access);
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct hash stream;
    uint64_t size, first, last;
    if (!log_access_stream(access, slice_string(wanted->stream), &stream, fault) ||
        !log_access_finish(access, &stream, 1, WAIT_US, &size, &note, fault) ||
        !log_access_batches(access, &stream, &first, &last, fault))
        return false;
    /* What the checkpoint does not hold yet is of no use here. */
    for (uint64_t index = size; last > first; last--)
        if (!source->batch_index(source->context, &stream, last, &index, fault))
            return false;
        else if (index < size)
            break;
    return absence_range(source, claim, &stream, first, last, &first, &last, fault) &&
           log_access_prefetch(access, &stream, first, last, size, fault) &&
           absence_make(source, claim, &stream, first, last, buffer_slice(&note), size, file, fault);
}

static bool run(const struct command_context *context, const struct wanted *wanted,
                struct absence *ret_absence, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(ABSENCE_MOST);
    struct absence_claim claim;
    struct trust trust;
    if (!claim_of(context, wanted, &claim, fault))
        return false;
    struct log_access *access = log_access_open(context, fault);
    bool good =
        access && make(access, &claim, wanted, &file, fault) && log_access_trust(access, &trust, fault);
    log_access_close(access);
    /* Nothing is handed out that a verifier would refuse. */
    return good && absence_verify(buffer_slice(&file), &trust, command_now_us(context), ret_absence, fault) &&
           files_write(wanted->path, buffer_slice(&file), 0644, fault);
}

int command_absence(const struct command_context *context, int argc, char **argv) {
    struct wanted wanted = {0};
    struct fault fault = {0};
    CLEANUP_ABSENCE struct absence absence = {.class = 0};
    int usage = parse(argc, argv, &wanted);
    if (usage != EXIT_GOOD)
        return usage;
    if (!run(context, &wanted, &absence, &fault))
        return command_fail("absence", &fault);
    proof_print_absence(context, wanted.path, &absence);
    return EXIT_GOOD;
}

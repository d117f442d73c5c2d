#include "verify_segment.h"

#include <inttypes.h>
#include <stdio.h>

#include "counted.h"
#include "encoding.h"
#include "memory.h"
#include "progress.h"
#include "record_json.h"
#include "sealed.h"
#include "segment_verify.h"
#include "site.h"

struct file {
    const struct command_context *context;
    const char *name;
    struct progress *progress;
};

bool verify_is_segment(const char *path) {
    struct sealed_file file = {-1};
    struct segment_source source = sealed_file_source(&file);
    uint8_t label[16];
    bool is = sealed_file_open(path, &file, NULL) &&
              source.read(source.context, 0, label, sizeof label, NULL) &&
              memcmp(label, "tocsin/seg/v1\0\0", 16) == 0;
    sealed_file_close(&file);
    return is;
}

static void print_finding(void *context, const char *place, const char *text) {
    const struct file *file = context;
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    progress_end(file->progress);
    if (file->context->json) {
        buffer_append_string(&line, "{\"file\":");
        record_json_string(&line, slice_string(file->name));
        buffer_append_string(&line, ",\"place\":");
        record_json_string(&line, slice_string(place));
        buffer_append_string(&line, ",\"verdict\":\"ALTERED\",\"reason\":");
        record_json_string(&line, slice_string(text));
        buffer_append_string(&line, "}");
    } else
        buffer_printf(&line, "BAD  %s: %s: %s", file->name, place, text);
    puts(buffer_string(&line));
}

static bool print_progress(void *context, uint64_t events) {
    const struct file *file = context;
    progress_at(file->progress, events, 0);
    return true;
}

static void print_summary(const struct file *file, const struct segment_reader *reader,
                          const struct segment_verified *summary) {
    const struct segment_head *head = segment_reader_head(reader);
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    if (file->context->json) {
        buffer_append_string(&line, "{\"kind\":\"summary\",\"file\":");
        record_json_string(&line, slice_string(file->name));
        buffer_printf(&line,
                      ",\"class\":\"%s\",\"day\":%" PRIu64 ",\"first\":%" PRIu64 ",\"last\":%" PRIu64
                      ",\"events\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"later_epochs\":%" PRIu64
                      ",\"findings\":%" PRIu64 "}",
                      class_name(head->class), head->day, head->first_index, head->last_index,
                      summary->events, summary->batches, summary->later_epochs, summary->findings);
    } else {
        buffer_printf(&line,
                      "%s: %s: class %s, log entries %" PRIu64 " to %" PRIu64
                      ": %s in %s, each under the root that its agent signed",
                      summary->findings ? "NOT good" : "Good", file->name, class_name(head->class),
                      head->first_index, head->last_index, COUNTED(summary->events, "event"),
                      COUNTED_AS(summary->batches, "batch", "batches"));
        if (summary->later_epochs)
            buffer_printf(&line,
                          "; %s by later keys of their agents, which only the log can tell",
                          COUNTED_AS(summary->later_epochs, "batch", "batches"));
    }
    puts(buffer_string(&line));
}

static bool read_key(const char *path, uint8_t ret_key[DAY_KEY_SIZE], struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(256);
    bool good =
        files_read_secret(path, &text, fault) &&
        (encoding_unhex(buffer_slice(&text), ret_key, DAY_KEY_SIZE) ||
         fault_set(fault, FAULT_FORMAT, "%s holds no key: 64 hexadecimal digits were expected", path));
    if (text.data)
        memory_wipe(text.data, text.capacity);
    return good;
}

static bool find_key(const struct command_context *context, const char *key_path,
                     const struct segment_head *head, uint8_t ret_key[DAY_KEY_SIZE], struct fault *fault) {
    char data[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (key_path)
        return read_key(key_path, ret_key, fault);
    if (!command_data(context, data, fault) || !site_path(folder, data, SITE_COLLECTOR_FOLDER))
        return false;
    struct day_keys *keys = day_keys_open(folder, false, fault);
    bool good = keys && day_keys_get(keys, head->class, head->day, ret_key, NULL, fault);
    day_keys_close(keys);
    return good;
}

/* False with a fault where it could not be looked at. */
static bool verify_one(const struct file *file, const char *key_path, bool *ret_good, struct fault *fault) {
    struct sealed_file at = {-1};
    struct segment_source source = sealed_file_source(&at);
    uint8_t key[DAY_KEY_SIZE];
    struct fault bad = {0};
    struct segment_reader *reader = NULL;
    *ret_good = false;
    bool looked = sealed_file_open(file->name, &at, fault);
    if (looked && !(reader = segment_reader_open(&source, &bad)))
        print_finding((void *)(uintptr_t)file, "header", bad.text);
    else if (looked &&
             (looked = find_key(file->context, key_path, segment_reader_head(reader), key, fault))) {
        struct segment_verify verify = {(void *)(uintptr_t)file, print_finding, print_progress, NULL};
        if (!segment_reader_unlock(reader, key, &bad))
            print_finding((void *)(uintptr_t)file, "index", bad.text);
        else {
            struct segment_verified summary = segment_verify(reader, &verify);
            progress_end(file->progress);
            print_summary(file, reader, &summary);
            *ret_good = summary.findings == 0;
        }
        memory_wipe(key, sizeof key);
    }
    segment_reader_close(reader);
    sealed_file_close(&at);
    return looked;
}

int verify_segments(const struct command_context *context, const char *key_path, size_t count,
                    char *const *files) {
    int worst = EXIT_GOOD;
    for (size_t i = 0; i < count; i++) {
        struct progress progress = progress_begin("events verified");
        const struct file file = {context, files[i], &progress};
        struct fault fault = {0};
        bool good;
        if (!verify_one(&file, key_path, &good, &fault))
            return command_fail("verify", &fault);
        if (!good)
            worst = EXIT_FINDING;
    }
    return worst;
}

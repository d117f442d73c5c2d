/* tocsin verify: every signature, chain and root over the store, recomputed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "key_file.h"
#include "proof_print.h"
#include "reader.h"
#include "record_json.h"
#include "site.h"
#include "statement.h"
#include "store_dump.h"
#include "store_verifier.h"
#include "verdict.h"
#include "verify_file.h"
#include "verify_segment.h"

struct progress {
    struct store_verifier *verifier;
    const struct command_context *command;
    bool shown;
    bool at_rest; /* the store itself is being read */
    uint64_t rows;
};

static bool take(void *context, enum store_family family, struct slice key, struct slice value) {
    struct progress *progress = context;
    store_verifier_row(progress->verifier, family, key, value);
    if (progress->shown && (++progress->rows & 1023) == 0)
        fprintf(stderr, "\r%" PRIu64 " events verified", store_verifier_summary(progress->verifier).events);
    return true;
}

static bool read_live(const struct command_context *context, struct progress *progress, struct fault *fault) {
    Tocsin__StoreQuery query = TOCSIN__STORE_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_STORE;
    request.store = &query;
    struct reader *reader = reader_open(context, &request, fault);
    if (!reader)
        return false;
    struct frame frame;
    uint64_t count;
    while (reader_next(reader, &frame, &count, fault)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        if (!row) {
            fault_set(fault, FAULT_IO, "the collector sent a row that cannot be read");
            break;
        }
        take(progress, (enum store_family)row->family, slice_make(row->key.data, row->key.len),
             slice_make(row->value.data, row->value.len));
        tocsin__store_row__free_unpacked(row, NULL);
    }
    reader_close(reader);
    return fault->code == FAULT_NONE;
}

static void take_later(void *context, const Tocsin__StoreRow *row) {
    struct progress *progress = context;
    if (row->key.len == 8)
        store_verifier_later(progress->verifier, bytes_get_u64(row->key.data),
                             slice_make(row->value.data, row->value.len));
}

static void ask_later(void *context) {
    struct progress *progress = context;
    Tocsin__ControlQuery query = TOCSIN__CONTROL_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    struct fault fault = {0};
    query.first_ctl_seq = store_verifier_summary(progress->verifier).log.control_entries;
    request.of_case = TOCSIN__REQUEST__OF_CONTROL;
    request.control = &query;
    struct reader *reader = reader_open(progress->command, &request, &fault);
    if (reader)
        reader_rows(reader, take_later, progress, &fault);
    reader_close(reader);
}

static bool read_at_rest(const struct command_context *context, struct progress *progress, struct fault *fault) {
    char data[FILES_PATH_MOST], path[FILES_PATH_MOST];
    struct store_options options = {.read_only = true};
    uint64_t rows;
    if (!command_data(context, data, fault) || !site_path(path, data, SITE_COLLECTOR_STORE))
        return false;
    progress->at_rest = true;
    struct store *store = store_open(path, &options, fault);
    bool good = store && store_dump(store, take, progress, &rows, fault);
    store_close(store);
    return good;
}

/* Where this site's own log can be named here, statements must be for it. */
static void name_log(const struct command_context *context, struct store_verifier *verifier) {
    char data[FILES_PATH_MOST], origin_path[FILES_PATH_MOST], key_path[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer origin = BUFFER(256);
    struct fault unreadable;
    if (!command_data(context, data, &unreadable) || !site_path(origin_path, data, SITE_COLLECTOR_ORIGIN) ||
        !site_path(key_path, data, SITE_COLLECTOR_LOG_KEY) || !files_read_secret(origin_path, &origin, &unreadable))
        return;
    struct signing_key *key = key_file_open(key_path, false, &unreadable);
    if (key) {
        struct hash log = statement_log(buffer_slice(&origin), signing_key_public(key));
        struct note_key note_key;
        store_verifier_set_log(verifier, &log);
        if (note_key_make(NOTE_KEY_LOG, buffer_slice(&origin), signing_key_public(key), &note_key, &unreadable))
            store_verifier_set_key(verifier, &note_key);
    }
    signing_key_destroy(key);
}

/* Where segments and their keys are; whoever asks a live collector may have no right to them. */
static struct sealed *open_sealed(const struct command_context *context, struct day_keys **ret_keys, struct fault *fault) {
    char data[FILES_PATH_MOST], folder[FILES_PATH_MOST], store[FILES_PATH_MOST];
    if (!command_data(context, data, fault) || !site_path(folder, data, SITE_COLLECTOR_FOLDER) ||
        !site_path(store, data, SITE_COLLECTOR_STORE))
        return NULL;
    *ret_keys = day_keys_open(folder, false, fault);
    return *ret_keys ? sealed_create(store, *ret_keys) : NULL;
}

static void print_finding(void *context, const char *place, const char *text) {
    const struct command_context *command = context;
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    const char *verdict = verdict_name(VERDICT_ALTERED), *whole = text;
    static const enum verdict others[] = {VERDICT_MISSING, VERDICT_OVER_RETAINED};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *name = verdict_name(others[i]);
        if (slice_starts(slice_string(text), slice_string(name)) && text[strlen(name)] == ':') {
            verdict = name;
            text += strlen(name) + 2;
        }
    }
    if (command->json) {
        buffer_append_string(&line, "{\"place\":");
        record_json_string(&line, slice_string(place));
        buffer_printf(&line, ",\"verdict\":\"%s\",\"reason\":", verdict);
        record_json_string(&line, slice_string(text));
        buffer_append_string(&line, "}");
    } else
        buffer_printf(&line, "BAD  %s: %s", place, whole);
    puts(buffer_string(&line));
}

static void print_summary(const struct command_context *context, const struct store_verified *summary) {
    if (context->json)
        printf("{\"kind\":\"summary\",\"streams\":%zu,\"events\":%" PRIu64 ",\"signed\":%" PRIu64 ",\"batches\":%" PRIu64
               ",\"segments\":%" PRIu64 ",\"findings\":%" PRIu64 ",\"log\":{\"entries\":%" PRIu64 ",\"covered\":%" PRIu64
               ",\"checkpoints\":%" PRIu64 ",\"statements\":%" PRIu64 ",\"single_control\":%s}"
               ",\"erased_lawfully\":{\"erasures\":%" PRIu64 ",\"events\":%" PRIu64 ",\"erasing\":%" PRIu64
               ",\"unwitnessed\":%s}}\n",
               summary->streams, summary->events, summary->attested, summary->batches, summary->segments, summary->findings,
               summary->log.size, summary->log.covered, summary->log.checkpoints, summary->log.control_entries,
               summary->log.single_control ? "true" : "false", summary->retention.lawful, summary->retention.events,
               summary->retention.erasing, summary->retention.unwitnessed ? "true" : "false");
    else {
        printf("%s: %zu streams, %" PRIu64 " batches, %" PRIu64 " events, %" PRIu64
               " of them signed; every hash recomputed; %" PRIu64 " segments\n"
               "The log: %" PRIu64 " entries, %" PRIu64 " of them statements; %" PRIu64 " checkpoints over the first %" PRIu64
               "%s\n",
               summary->findings ? "NOT good" : "Good", summary->streams, summary->batches, summary->events,
               summary->attested, summary->segments, summary->log.size, summary->log.control_entries,
               summary->log.checkpoints, summary->log.covered, summary->log.witnessed ? "" : "; UNWITNESSED");
        if (summary->retention.erasing)
            printf("ERASING: %" PRIu64 " erasures have begun and are not done; %" PRIu64 " segments are gone so far\n",
                   summary->retention.erasing, summary->erasing);
        if (summary->retention.lawful + summary->retention.erasing)
            printf("ERASED-LAWFULLY: %" PRIu64 " events in %" PRIu64 " erasures%s%s\n", summary->retention.events,
                   summary->retention.lawful + summary->retention.erasing, summary->retention.unwitnessed ? "; UNWITNESSED" : "",
                   summary->retention.single_control ? "; SINGLE-CONTROL" : "");
    }
}

int command_verify(const struct command_context *context, int argc, char **argv) {
    const char *trust = NULL, *key = NULL;
    struct verify_entry entry = {NULL, NULL};
    int files = 1, segments = 0; /* argv[1] to argv[files - 1] are files */
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--trust") == 0 && i + 1 < argc)
            trust = argv[++i];
        else if (strcmp(argv[i], "--key") == 0 && i + 1 < argc)
            key = argv[++i];
        else if (strcmp(argv[i], "--entry") == 0 && i + 1 < argc)
            entry.file = argv[++i];
        else if (strcmp(argv[i], "--leaf") == 0 && i + 1 < argc)
            entry.leaf = argv[++i];
        else if (argv[i][0] != '-')
            argv[files++] = argv[i];
        else if (strcmp(argv[i], "--full") != 0)
            return command_usage("verify", "'%s' is not expected", argv[i]);
    for (int i = 1; i < files; i++)
        segments += verify_is_segment(argv[i]);
    if (segments && segments < files - 1)
        return command_usage("verify", "segments, and excerpts or proofs, each by themselves");
    if (segments)
        return verify_segments(context, key, (size_t)files - 1, argv + 1);
    if (key)
        return command_usage("verify", "--key is for segments");
    if ((entry.file || entry.leaf) && files != 2)
        return command_usage("verify", "--entry and --leaf go with one proof's file");
    if (entry.file && entry.leaf)
        return command_usage("verify", "--entry or --leaf, not both");
    if (files > 1)
        return verify_files(context, trust, &entry, (size_t)files - 1, argv + 1);
    struct fault fault = {0};
    struct trust trusted = {.key_count = 0};
    if (trust && !proof_trust(context, trust, &trusted, &fault))
        return command_fail("verify", &fault);
    struct progress progress = {.command = context, .shown = isatty(STDERR_FILENO)};
    progress.verifier = store_verifier_create(print_finding, (void *)(uintptr_t)context);
    store_verifier_set_now(progress.verifier, context->now_us);
    if (trust) {
        struct control_trust chain = trust_control(&trusted);
        store_verifier_set_trust(progress.verifier, &trusted.log, &chain, &trusted.witnesses, context->now_us);
    } else
        name_log(context, progress.verifier);
    bool good = read_live(context, &progress, &fault);
    if (!good && fault.code == FAULT_MISSING) {
        fault = (struct fault){0};
        good = read_at_rest(context, &progress, &fault);
    }
    if (progress.shown)
        fprintf(stderr, "\r\033[K");
    /* After the rows: whatever they name has its key by now. */
    struct day_keys *keys = NULL;
    struct fault unreadable = {0};
    struct sealed *sealed = open_sealed(context, &keys, &unreadable);
    store_verifier_set_sealed(progress.verifier, sealed);
    if (!progress.at_rest)
        store_verifier_set_later(progress.verifier, ask_later, &progress);
    struct store_verified summary = store_verifier_finish(progress.verifier);
    store_verifier_destroy(progress.verifier);
    sealed_destroy(sealed);
    day_keys_close(keys);
    if (!good && progress.at_rest && fault.code == FAULT_FORMAT) {
        /* A store that cannot be read on is not one that could not be looked at. */
        print_finding((void *)(uintptr_t)context, fault.place, fault.text);
        summary.findings++;
    } else if (!good)
        return command_fail("verify", &fault);
    if (summary.unread && (unreadable.system == EACCES || unreadable.system == EPERM))
        return command_fail("verify", &unreadable);
    if (summary.unread) {
        print_finding((void *)(uintptr_t)context, "segments", unreadable.text);
        summary.findings++;
    }
    print_summary(context, &summary);
    return summary.findings ? EXIT_FINDING : EXIT_GOOD;
}

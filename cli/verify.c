/* tocsin verify: every signature, chain and root over the store, recomputed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "counted.h"
#include "key_file.h"
#include "progress.h"
#include "proof_print.h"
#include "reader.h"
#include "record_json.h"
#include "site.h"
#include "site_store.h"
#include "statement.h"
#include "store_dump.h"
#include "store_verifier.h"
#include "verdict.h"
#include "verify_file.h"
#include "verify_segment.h"

/* What is under way. */
struct verifying {
    const struct command_context *context;
    struct store_verifier *verifier;
    struct progress progress;
    bool at_rest; /* the store itself is being read */
};

static bool take(void *context, enum store_family family, struct slice key, struct slice value) {
    struct verifying *verifying = context;
    store_verifier_row(verifying->verifier, family, key, value);
    progress_at(&verifying->progress, store_verifier_summary(verifying->verifier).events, 0);
    return true;
}

static void take_row(void *context, const Tocsin__StoreRow *row) {
    take(context, (enum store_family)row->family, slice_make(row->key.data, row->key.len),
         slice_make(row->value.data, row->value.len));
}

static bool read_live(struct verifying *verifying, struct fault *fault) {
    Tocsin__StoreQuery query = TOCSIN__STORE_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_STORE;
    request.store = &query;
    struct reader *reader = reader_open(verifying->context, &request, fault);
    bool good = reader && reader_rows(reader, take_row, verifying, fault);
    reader_close(reader);
    return good;
}

static void take_later(void *context, const Tocsin__StoreRow *row) {
    struct verifying *verifying = context;
    if (row->key.len == 8)
        store_verifier_later(verifying->verifier, bytes_get_u64(row->key.data),
                             slice_make(row->value.data, row->value.len));
}

static void ask_later(void *context) {
    struct verifying *verifying = context;
    Tocsin__ControlQuery query = TOCSIN__CONTROL_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    struct fault fault = {0};
    query.first_ctl_seq = store_verifier_summary(verifying->verifier).log.control_entries;
    request.of_case = TOCSIN__REQUEST__OF_CONTROL;
    request.control = &query;
    struct reader *reader = reader_open(verifying->context, &request, &fault);
    if (reader)
        reader_rows(reader, take_later, verifying, &fault);
    reader_close(reader);
}

static bool read_at_rest(struct verifying *verifying, struct fault *fault) {
    struct site_store store = {.store = NULL};
    uint64_t rows;
    verifying->at_rest = true;
    bool good = site_store_open(verifying->context, &store, fault) &&
                store_dump(store.store, take, verifying, &rows, fault);
    site_store_close(&store);
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

static void print_place(void *context, const char *word, const char *place, const char *text) {
    struct verifying *verifying = context;
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    const char *verdict = verdict_name(VERDICT_ALTERED), *whole = text;
    const char *others[] = {verdict_name(VERDICT_MISSING), verdict_name(VERDICT_OVER_RETAINED),
                            attestation_name(ATTESTATION_UNATTESTED)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct slice name = slice_string(others[i]);
        if (slice_starts(slice_string(text), name) && text[name.size] == ':') {
            verdict = others[i];
            text += name.size + 2;
        }
    }
    progress_end(&verifying->progress);
    if (verifying->context->json) {
        buffer_append_string(&line, "{\"place\":");
        record_json_string(&line, slice_string(place));
        buffer_printf(&line, ",\"verdict\":\"%s\",\"reason\":", verdict);
        record_json_string(&line, slice_string(text));
        buffer_append_string(&line, "}");
    } else
        buffer_printf(&line, "%s  %s: %s", word, place, whole);
    puts(buffer_string(&line));
}

static void print_finding(void *context, const char *place, const char *text) {
    print_place(context, "BAD", place, text);
}

static void print_notice(void *context, const char *place, const char *text) {
    print_place(context, "NOTE", place, text);
}

/* A log that takes another's place says what is lost: declared, and signed. */
static void print_lost(const struct log_verified *log) {
    if (!log->restored)
        return;
    printf("A new origin: it takes the place of a log that was restored up to %" PRIu64 " entries", log->restored);
    if (log->known > log->restored)
        printf("; entries %" PRIu64 " to %" PRIu64 " of that one are MISSING, declared", log->restored, log->known - 1);
    puts("");
}

static void print_note(void *context, const char *place, const char *text) {
    struct verifying *verifying = context;
    CLEANUP_BUFFER struct buffer line = BUFFER(64 * 1024);
    progress_end(&verifying->progress);
    if (verifying->context->json) {
        buffer_append_string(&line, "{\"kind\":\"note\",\"place\":");
        record_json_string(&line, slice_string(place));
        buffer_append_string(&line, ",\"text\":");
        record_json_string(&line, slice_string(text));
        buffer_append_string(&line, "}");
    } else
        buffer_printf(&line, "NOTE %s: %s", place, text);
    puts(buffer_string(&line));
}

static void print_summary(const struct command_context *context, const struct store_verified *summary) {
    if (context->json)
        printf("{\"kind\":\"summary\",\"streams\":%zu,\"events\":%" PRIu64 ",\"signed\":%" PRIu64 ",\"unattested\":%" PRIu64 ",\"batches\":%" PRIu64
               ",\"segments\":%" PRIu64 ",\"findings\":%" PRIu64 ",\"log\":{\"entries\":%" PRIu64 ",\"covered\":%" PRIu64
               ",\"checkpoints\":%" PRIu64 ",\"statements\":%" PRIu64 ",\"single_control\":%s,\"restored\":%" PRIu64
               ",\"known\":%" PRIu64 "}"
               ",\"erased_lawfully\":{\"erasures\":%" PRIu64 ",\"events\":%" PRIu64 ",\"erasing\":%" PRIu64
               ",\"unwitnessed\":%s}}\n",
               summary->streams, summary->events, summary->attested, summary->unattested, summary->batches, summary->segments,
               summary->findings,
               summary->log.size, summary->log.covered, summary->log.checkpoints, summary->log.control_entries,
               summary->log.single_control ? "true" : "false", summary->log.restored, summary->log.known,
               summary->retention.lawful, summary->retention.events,
               summary->retention.erasing, summary->retention.unwitnessed ? "true" : "false");
    else {
        printf("%s: %s, %s, %s, %" PRIu64 " of them signed; every hash recomputed; %s\n",
               summary->findings ? "NOT good" : "Good", COUNTED(summary->streams, "stream"),
               COUNTED_AS(summary->batches, "batch", "batches"), COUNTED(summary->events, "event"), summary->attested,
               COUNTED(summary->segments, "segment"));
        printf("The log: %s, %" PRIu64 " of them statements; %s over the first %" PRIu64 "%s\n",
               COUNTED_AS(summary->log.size, "entry", "entries"), summary->log.control_entries,
               COUNTED(summary->log.checkpoints, "checkpoint"), summary->log.covered,
               summary->log.witnessed ? "" : "; UNWITNESSED");
        print_lost(&summary->log);
        if (summary->retention.erasing)
            printf("ERASING: %s begun and not done; %s gone so far\n", COUNTED(summary->retention.erasing, "erasure"),
                   COUNTED(summary->erasing, "segment"));
        if (summary->retention.lawful + summary->retention.erasing)
            printf("ERASED-LAWFULLY: %s in %s%s%s\n", COUNTED(summary->retention.events, "event"),
                   COUNTED(summary->retention.lawful + summary->retention.erasing, "erasure"),
                   summary->retention.unwitnessed ? "; UNWITNESSED" : "",
                   summary->retention.single_control ? "; SINGLE-CONTROL" : "");
    }
}

static bool step(void *context, uint64_t events) {
    struct verifying *verifying = context;
    progress_at(&verifying->progress, events, 0);
    return true;
}

/* Rows, then what they name: whatever that is has its key by now. */
static bool read_store(struct verifying *verifying, struct site_sealed *ret_sealed, struct store_verified *ret_summary,
                       struct fault *fault) {
    bool good = read_live(verifying, fault);
    if (!good && fault->code == FAULT_MISSING) {
        *fault = (struct fault){0};
        good = read_at_rest(verifying, fault);
    }
    site_sealed_open(verifying->context, ret_sealed);
    store_verifier_set_sealed(verifying->verifier, ret_sealed->sealed);
    if (!verifying->at_rest)
        store_verifier_set_later(verifying->verifier, ask_later, verifying);
    *ret_summary = store_verifier_finish(verifying->verifier);
    progress_end(&verifying->progress);
    return good;
}

static int judge(struct verifying *verifying, bool good, const struct site_sealed *sealed,
                 struct store_verified *summary, const struct fault *fault) {
    const struct fault *unreadable = &sealed->fault;
    if (!good && (!verifying->at_rest || fault->code != FAULT_FORMAT))
        return command_fail("verify", fault);
    if (!good) {
        /* A store that cannot be read on is not one that could not be looked at. */
        print_finding(verifying, fault->place, fault->text);
        summary->findings++;
    }
    if (summary->unread && (unreadable->system == EACCES || unreadable->system == EPERM))
        return command_fail("verify", unreadable);
    if (summary->unread) {
        print_finding(verifying, "segments", unreadable->text);
        summary->findings++;
    }
    print_summary(verifying->context, summary);
    return summary->findings ? EXIT_FINDING : EXIT_GOOD;
}

static int verify_store(const struct command_context *context, const char *trust_path) {
    struct verifying verifying = {.context = context, .progress = progress_begin("events verified")};
    struct site_sealed sealed;
    struct store_verified summary;
    struct trust trust = {.key_count = 0};
    struct fault fault = {0};
    if (trust_path && !proof_trust(context, trust_path, &trust, &fault))
        return command_fail("verify", &fault);
    verifying.verifier = store_verifier_create(print_finding, &verifying);
    store_verifier_set_notice(verifying.verifier, print_notice);
    store_verifier_set_now(verifying.verifier, context->now_us);
    store_verifier_set_note(verifying.verifier, print_note, &verifying);
    store_verifier_set_step(verifying.verifier, step, &verifying);
    if (trust_path) {
        struct control_trust chain = trust_control(&trust);
        store_verifier_set_trust(verifying.verifier, &trust.log, &chain, &trust.witnesses, context->now_us);
    } else
        name_log(context, verifying.verifier);
    bool good = read_store(&verifying, &sealed, &summary, &fault);
    int status = judge(&verifying, good, &sealed, &summary, &fault);
    store_verifier_destroy(verifying.verifier);
    site_sealed_close(&sealed);
    return status;
}

int command_verify(const struct command_context *context, int argc, char **argv) {
    struct verify_trusts trusts = {.count = 0};
    const char *key = NULL;
    struct verify_entry entry = {NULL, NULL};
    int files = 1, segments = 0; /* argv[1] to argv[files - 1] are files */
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--trust") == 0 && i + 1 < argc && trusts.count < VERIFY_TRUSTS_MOST)
            trusts.paths[trusts.count++] = argv[++i];
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
        return verify_files(context, &trusts, &entry, (size_t)files - 1, argv + 1);
    if (trusts.count > 1)
        return command_usage("verify", "several trust files are for files of several logs; a store has one");
    return verify_store(context, trusts.count ? trusts.paths[0] : NULL);
}

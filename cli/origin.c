/* tocsin origin: another log in the place of one that cannot go on, signed by the people whom that one names. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control_successor.h"
#include "encoding.h"
#include "genesis_file.h"
#include "key_file.h"
#include "log_access.h"
#include "log_reader.h"
#include "log_watch.h"
#include "merkle.h"
#include "option_words.h"
#include "origin_move.h"
#include "paper.h"
#include "random.h"
#include "site.h"
#include "site_store.h"
#include "statement_type.h"
#include "statement_words.h"

#define CONFLICT_MARK "log.conflict" /* a note that an agent has shown (FORMATS.md, Checkpoints for agents) */

/* What is left of the log that cannot go on. */
struct remains {
    char data[FILES_PATH_MOST];
    struct control_view view;
    uint64_t size;
    struct hash root;
    struct log_watch newest; /* verified.size 0: nothing newer is known */
};

/* ---- what is known of it */

static bool read_tree(const struct command_context *context, struct remains *remains, struct buffer *mark,
                      struct fault *fault) {
    struct site_store store = {.store = NULL};
    bool good = site_store_open(context, &store, fault);
    struct log_reader *log = good ? log_reader_open(store.store, fault) : NULL;
    if (log) {
        remains->size = log_reader_size(log);
        good = log_reader_root(log, remains->size, &remains->root, fault);
        store_get_copy(store.store, STORE_MARK, SLICE(CONFLICT_MARK), mark, NULL);
    }
    log_reader_destroy(log);
    site_store_close(&store);
    return good && log;
}

/* The larger one of both counts, if it is a checkpoint of this log. */
static void take_note(struct remains *remains, struct slice note) {
    struct log_watch watch;
    log_watch_begin(&watch, &remains->newest.log, &remains->newest.policy);
    if (note.size && log_watch_restore(&watch, note, NULL) &&
        watch.verified.size > remains->newest.verified.size)
        remains->newest = watch;
}

static bool read_notes(struct remains *remains, const char *named, struct slice mark, struct fault *fault) {
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    char path[FILES_PATH_MOST];
    struct note_key key;
    uint64_t seq;
    const struct genesis *genesis = control_chain_genesis(remains->view.chain);
    if (!note_key_make(NOTE_KEY_LOG, genesis->origin, &genesis->log_key, &key, fault))
        return false;
    log_watch_begin(&remains->newest, &key, control_chain_witnesses(remains->view.chain, &seq));
    take_note(remains, mark);
    if (named) {
        if (!files_read(named, &note, fault) ||
            (!log_watch_restore(&remains->newest, buffer_slice(&note), fault) &&
             !fault_place(fault, "%s", named)))
            return false;
    } else if (site_path(path, remains->data, SITE_COLLECTOR_NEWER_NOTE) && files_read(path, &note, NULL))
        take_note(remains, buffer_slice(&note));
    return true;
}

/* A new origin is due when the log has been seen to be more than is here, or another. */
static bool is_due(const struct remains *remains, const char *lost, struct fault *fault) {
    const struct log_point *known = &remains->newest.verified;
    if (known->size > remains->size ||
        (known->size == remains->size && known->size && !hash_equal(&known->root, &remains->root)) || lost)
        return true;
    return fault_set(
        fault, FAULT_USAGE,
        "nothing newer is known of this log than the %" PRIu64
        " entries that are here: start the collector, and it goes on. If something was lost all the "
        "same, say what with --lost, or name the newest checkpoint with --note",
        remains->size);
}

static bool open_remains(const struct command_context *context, const char *note, struct remains *remains,
                         struct fault *fault) {
    CLEANUP_BUFFER struct buffer mark = BUFFER(NOTE_MOST);
    if (!command_data(context, remains->data, fault) || !read_tree(context, remains, &mark, fault))
        return false;
    if (!control_view_open(context, &remains->view, fault))
        return false;
    if (control_chain_count(remains->view.chain) == 0)
        return fault_set(fault, FAULT_USAGE,
                         "this log was begun without a genesis: make a new site (tocsin init)");
    return read_notes(remains, note, buffer_slice(&mark), fault);
}

/* ---- propose */

static void say_lost(const struct remains *remains, const char *lost, char ret_text[SALTED_TEXT_MOST]) {
    uint64_t known = remains->newest.verified.size;
    if (lost)
        snprintf(ret_text, SALTED_TEXT_MOST, "%s", lost);
    else if (known > remains->size)
        snprintf(ret_text, SALTED_TEXT_MOST,
                 "log entries %" PRIu64 " to %" PRIu64
                 ", and of their events those that no agent has any more",
                 remains->size, known - 1);
    else
        snprintf(ret_text, SALTED_TEXT_MOST,
                 "the log of %" PRIu64 " entries that was published is another than "
                 "the one that is here",
                 known);
}

/* Names that are known go with it, so that they stay known in the new log. */
static bool add_names(const struct command_context *context, struct remains *remains, struct paper *paper,
                      struct fault *fault) {
    for (size_t i = 0; i < remains->view.person_count; i++) {
        uint8_t salt[TEXT_SALT_SIZE];
        char text[SALTED_TEXT_MOST];
        struct hash id;
        struct slice name =
            control_view_text(context, &remains->view, &remains->view.people[i].person.id, salt);
        if (!name.data || remains->view.people[i].revoked_us)
            continue;
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(name));
        if (!paper_text(paper, text, salt, &id, fault))
            return false;
    }
    return true;
}

static bool make_payload(const struct command_context *context, struct remains *remains, const char *name,
                         const char *lost, struct paper *paper, struct fault *fault) {
    struct new_origin origin, read;
    char text[SALTED_TEXT_MOST];
    say_lost(remains, lost, text);
    if (!control_successor_of(remains->view.chain, &origin, fault) ||
        !paper_text(paper, text, NULL, &origin.lost, fault) || !add_names(context, remains, paper, fault))
        return false;
    origin.size = remains->size;
    origin.root = remains->root;
    origin.note = log_watch_note(&remains->newest);
    origin.genesis.origin = slice_string(name);
    origin.genesis.log_key = origin.before_key;
    return (new_origin_write(&paper->payload, &origin) ||
            fault_set(fault, FAULT_USAGE, "'%s' is no name for a log, or too many people are live", name)) &&
           new_origin_read(buffer_slice(&paper->payload), &read, fault);
}

static void print_holds(const struct remains *remains) {
    const struct retention_hold *holds;
    size_t count = retention_ledger_holds(remains->view.ledger, &holds), live = 0;
    for (size_t i = 0; i < count; i++)
        live += holds[i].released == RETENTION_INDEX_NEVER;
    if (live)
        printf("%zu hold%s in force in the log before: what it holds stays in its folder; for what is still "
               "to come place "
               "%s again.\n",
               live, live == 1 ? " is" : "s are", live == 1 ? "it" : "them");
}

static int propose(const struct command_context *context, int argc, char **argv) {
    const char *name = NULL, *lost = NULL, *note = NULL, *out = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "--name", .value = &name},
                                          {.name = "--lost", .value = &lost},
                                          {.name = "--note", .value = &note},
                                          {.name = "-o", .value = &out}};
    struct remains remains = {.size = 0};
    struct paper paper;
    struct fault fault = {0};
    char path[FILES_PATH_MOST];
    if (!option_words_parse("origin", argc, argv, 2, options, 4, &words))
        return EXIT_USAGE;
    if (words.count || !name || !out)
        return command_usage("origin", "propose takes --name ORIGIN and -o FILE");
    paper_begin(&paper);
    bool good = open_remains(context, note, &remains, &fault) && is_due(&remains, lost, &fault) &&
                site_path(path, remains.data, SITE_COLLECTOR_LOG_KEY);
    struct signing_key *key = good ? key_file_open(path, false, &fault) : NULL;
    good = key && make_payload(context, &remains, name, lost, &paper, &fault) &&
           paper_write_new(context, slice_string(name), key, &paper, STATEMENT_NEW_ORIGIN, out, &fault);
    if (good && !context->json)
        print_holds(&remains);
    signing_key_destroy(key);
    paper_free(&paper);
    control_view_close(&remains.view);
    return good ? EXIT_GOOD : command_fail("origin", &fault);
}

/* ---- begin */

/* It says what is so of the log that is here now, and those who must have signed it. */
static bool check_paper(const struct command_context *context, const struct remains *remains,
                        const struct statement_file *file, struct control_verdict *verdict,
                        struct fault *fault) {
    struct new_origin origin;
    const struct signed_statement *statement = &file->statement;
    if (statement->statement.expires_us < context->now_us)
        return fault_set(fault, FAULT_CONFLICT, "the statement has expired: make another one");
    if (!control_successor_check(remains->view.chain, statement, verdict, fault) ||
        !new_origin_read(statement->statement.payload, &origin, fault))
        return false;
    return (origin.size == remains->size && hash_equal(&origin.root, &remains->root)) ||
           fault_set(fault, FAULT_CONFLICT,
                     "it was made for a log of %" PRIu64 " entries, and here are %" PRIu64
                     ", or others: propose it anew",
                     origin.size, remains->size);
}

static bool write_genesis(const struct statement_file *file, struct buffer *to, struct hash *ret_leaf,
                          struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST), entry = BUFFER(CONTROL_ENTRY_MOST),
                                 text = BUFFER(TEXT_SALT_SIZE + SALTED_TEXT_MOST);
    const struct control_entry first = {.time_us = file->statement.statement.made_us,
                                        .statement = file->statement};
    if (!signed_statement_write(&statement, &file->statement) || !control_entry_write(&entry, &first))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    bytes_write_block(to, buffer_slice(&statement));
    for (size_t i = 0; i < file->text_count; i++) {
        buffer_clear(&text);
        buffer_append(&text, file->texts[i].salt, TEXT_SALT_SIZE);
        buffer_append_slice(&text, file->texts[i].text);
        bytes_write_block(to, buffer_slice(&text));
    }
    *ret_leaf = merkle_leaf(buffer_slice(&entry));
    return !to->overflow || fault_set(fault, FAULT_LIMIT, "the statement is too large");
}

static void print_begun(const struct command_context *context, const struct statement_file *file,
                        const char *before, const struct hash *leaf, bool single) {
    char hex[2 * HASH_SIZE + 1];
    encoding_hex(leaf->bytes, HASH_SIZE, hex);
    if (context->json) {
        printf("{\"origin\":\"%.*s\",\"before\":\"%s\",\"genesis\":\"%s\",\"single_control\":%s}\n",
               SLICE_ARG(file->origin), before, hex, single ? "true" : "false");
        return;
    }
    printf("%.*s begins with the collector's next start%s, and with this hash, to have on paper:\n"
           "  %.16s %.16s %.16s %.16s\n"
           "The log before stays as it is: tocsin --data %s verify (query, excerpt, absence)\n"
           "Next, in collector.yaml: folders of its own for the new log's backups, where there are any. Then "
           "start it,\n"
           "have witnesses' administrators add its key (tocsin status), and let every host join again: "
           "tocsin join-token\n"
           "HOST here, tocsin-agent --join there. What their spools still hold goes on in the new log.\n",
           SLICE_ARG(file->origin), single ? ", SINGLE-CONTROL" : "", hex, hex + 16, hex + 32, hex + 48,
           before);
}

static int begin(const struct command_context *context, int argc, char **argv) {
    struct option_words words;
    struct fault fault = {0};
    struct remains remains = {.size = 0};
    struct paper_file paper;
    struct control_verdict verdict = {.single_control = false};
    struct hash leaf;
    bool mended = false;
    char data[FILES_PATH_MOST], before[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer genesis = BUFFER(GENESIS_FILE_MOST);
    if (!option_words_parse("origin", argc, argv, 2, NULL, 0, &words))
        return EXIT_USAGE;
    if (words.count != 1)
        return command_usage("origin", "begin takes the signed statement's file");
    if (!command_data(context, data, &fault) || !origin_move_mend(data, &mended, &fault))
        return command_fail("origin", &fault);
    if (mended) {
        puts("What was begun before is done now: the new log begins with the collector's next start");
        return EXIT_GOOD;
    }
    bool good = paper_read(words.values[0], &paper, &fault) &&
                open_remains(context, NULL, &remains, &fault) &&
                check_paper(context, &remains, &paper.file, &verdict, &fault) &&
                write_genesis(&paper.file, &genesis, &leaf, &fault) &&
                origin_move(remains.data, paper.file.origin, buffer_slice(&genesis), before, &fault);
    if (good)
        print_begun(context, &paper.file, before, &leaf, verdict.single_control);
    paper_release(&paper);
    control_view_close(&remains.view);
    return good ? EXIT_GOOD : command_fail("origin", &fault);
}

/* ---- check */

static bool take_first(void *context, struct slice key, struct slice value) {
    (void)key;
    buffer_append_slice(context, value);
    return false;
}

/* The first entry of the log that is here now, and of which it takes the place. */
static bool read_first(const struct command_context *context, struct buffer *bytes,
                       struct control_entry *ret_first, struct new_origin *ret_origin, struct fault *fault) {
    struct log_access *access = log_access_open(context, fault);
    const uint8_t from[8] = {0};
    bool good = access && log_access_rows(access, STORE_ENTRY, slice_make(from, sizeof from), SLICE(""), 1,
                                          take_first, bytes, fault);
    log_access_close(access);
    if (!good || !control_entry_read(buffer_slice(bytes), ret_first, fault))
        return false;
    if (ret_first->statement.statement.type != STATEMENT_NEW_ORIGIN)
        return fault_set(fault, FAULT_USAGE, "this log takes no other's place");
    return new_origin_read(ret_first->statement.statement.payload, ret_origin, fault);
}

static bool check_before(const struct command_context *context, const char *folder,
                         const struct signed_statement *statement, const struct new_origin *origin,
                         struct control_verdict *verdict, struct fault *fault) {
    struct command_context older = *context;
    struct remains remains = {.size = 0};
    older.data = folder;
    bool good = open_remains(&older, NULL, &remains, fault) &&
                control_successor_check(remains.view.chain, statement, verdict, fault);
    if (good && (origin->size != remains.size || !hash_equal(&origin->root, &remains.root)))
        good = fault_set(fault, FAULT_CONFLICT, "the log in %s is not the one that was restored", folder);
    control_view_close(&remains.view);
    return good;
}

static int check(const struct command_context *context, int argc, char **argv) {
    struct option_words words;
    struct fault fault = {0};
    struct control_entry first;
    struct new_origin origin;
    struct control_verdict verdict;
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    if (!option_words_parse("origin", argc, argv, 2, NULL, 0, &words))
        return EXIT_USAGE;
    if (words.count != 1)
        return command_usage("origin", "check takes the data folder of the log before");
    if (!read_first(context, &entry, &first, &origin, &fault))
        return command_fail("origin", &fault);
    if (!check_before(context, words.values[0], &first.statement, &origin, &verdict, &fault)) {
        bool finding = fault.code == FAULT_CONFLICT || fault.code == FAULT_AUTH;
        int status = command_fail("origin", &fault);
        return finding ? EXIT_FINDING : status;
    }
    if (context->json)
        printf("{\"before\":\"%.*s\",\"restored\":%" PRIu64 ",\"known\":%" PRIu64 ",\"single_control\":%s}\n",
               SLICE_ARG(origin.before), origin.size, origin.known_size,
               verdict.single_control ? "true" : "false");
    else
        printf(
            "Good: it takes the place of %.*s as it was restored, with %" PRIu64
            " entries; its people, keys and policies are those that were in force, and %u of them signed%s\n",
            SLICE_ARG(origin.before), origin.size, verdict.people,
            verdict.single_control ? ": SINGLE-CONTROL" : "");
    return EXIT_GOOD;
}

int command_origin(const struct command_context *context, int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "";
    if (strcmp(verb, "propose") == 0)
        return propose(context, argc, argv);
    if (strcmp(verb, "begin") == 0)
        return begin(context, argc, argv);
    if (strcmp(verb, "check") == 0)
        return check(context, argc, argv);
    return command_usage("origin", "'%s' is not propose, begin or check", verb);
}

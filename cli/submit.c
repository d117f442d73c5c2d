/* tocsin submit: a signed statement goes into the log, and what comes back proves it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "checkpoint.h"
#include "hand_over.h"
#include "log_proof.h"
#include "memory.h"
#include "merkle.h"
#include "option_words.h"
#include "paper.h"
#include "reader.h"
#include "settings.h"
#include "statement_words.h"
#include "store_family.h"

/* What the collector answered. */
struct answer {
    bool taken, single_control;
    uint64_t ctl_seq, index;
    struct buffer entry;
    bool proved;
    struct log_proof proof;
    struct buffer note;
};

static void take_text(struct answer *answer, const struct frame *frame) {
    Tocsin__Text *text = tocsin__text__unpack(NULL, frame->message.size, frame->message.data);
    json_t *json = text ? json_loads(text->json, 0, NULL) : NULL;
    if (json) {
        answer->taken = true;
        answer->ctl_seq = (uint64_t)json_integer_value(json_object_get(json, "ctl_seq"));
        answer->index = (uint64_t)json_integer_value(json_object_get(json, "log_index"));
        answer->single_control = json_is_true(json_object_get(json, "single_control"));
    }
    json_decref(json);
    if (text)
        tocsin__text__free_unpacked(text, NULL);
}

static void take_row(struct answer *answer, const Tocsin__StoreRow *row) {
    struct slice value = slice_make(row->value.data, row->value.len);
    if (row->family == STORE_ENTRY) {
        buffer_clear(&answer->entry);
        buffer_append_slice(&answer->entry, value);
    }
    if (row->family == STORE_CHECKPOINT) {
        buffer_clear(&answer->note);
        buffer_append_slice(&answer->note, value);
        answer->proved = true;
    }
    if (row->family == STORE_TILE && value.size % HASH_SIZE == 0 &&
        value.size / HASH_SIZE <= LOG_PROOF_PATH_MOST) {
        answer->proof.path_count = value.size / HASH_SIZE;
        if (value.size)
            memcpy(answer->proof.path, value.data, value.size);
    }
}

static bool read_answer(struct reader *reader, struct answer *answer, struct fault *fault) {
    struct frame frame;
    uint64_t count;
    while (reader_next(reader, &frame, &count, fault)) {
        if (frame.type == FRAME_TEXT)
            take_text(answer, &frame);
        Tocsin__StoreRow *row = frame.type == FRAME_STORE_ROW
                                    ? tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data)
                                    : NULL;
        if (row) {
            take_row(answer, row);
            tocsin__store_row__free_unpacked(row, NULL);
        }
    }
    return fault->code == FAULT_NONE &&
           (answer->taken ||
            fault_set(fault, FAULT_IO, "the collector did not say that it took the statement"));
}

static bool send_statement(const struct command_context *context, const struct statement_file *file,
                           uint64_t wait_us, struct answer *answer, struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST);
    struct buffer texts[STATEMENT_TEXTS_MOST];
    ProtobufCBinaryData rows[STATEMENT_TEXTS_MOST];
    if (!signed_statement_write(&statement, &file->statement))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    for (size_t i = 0; i < file->text_count; i++) {
        texts[i] = BUFFER(TEXT_SALT_SIZE + SALTED_TEXT_MOST);
        buffer_append(&texts[i], file->texts[i].salt, TEXT_SALT_SIZE);
        buffer_append_slice(&texts[i], file->texts[i].text);
        rows[i] = (ProtobufCBinaryData){texts[i].size, texts[i].data};
    }
    Tocsin__SubmitQuery query = TOCSIN__SUBMIT_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    query.statement = (ProtobufCBinaryData){statement.size, statement.data};
    query.n_texts = file->text_count;
    query.texts = rows;
    query.wait_us = wait_us;
    request.of_case = TOCSIN__REQUEST__OF_SUBMIT;
    request.submit = &query;
    struct reader *reader = reader_open(context, &request, fault);
    bool good = reader && read_answer(reader, answer, fault);
    reader_close(reader);
    for (size_t i = 0; i < file->text_count; i++)
        buffer_free(&texts[i]);
    return good;
}

/* Nothing is believed: the entry must hold this very statement, the path must lead to the checkpoint, and the log must have
 * signed that; the log is the one that the statement names. */
static bool check_answer(const struct command_context *context, const struct statement_file *file,
                         struct answer *answer, struct quorum *ret_quorum, struct fault *fault) {
    struct control_entry entry;
    struct note_key log;
    struct signed_checkpoint checkpoint;
    struct control_view view;
    uint64_t seq;
    if (!control_entry_read(buffer_slice(&answer->entry), &entry, fault))
        return false;
    if (!slice_equal(entry.statement.bytes, file->statement.bytes) || entry.ctl_seq != answer->ctl_seq)
        return fault_set(fault, FAULT_AUTH, "the collector's entry holds another statement");
    struct hash leaf = merkle_leaf(buffer_slice(&answer->entry));
    answer->proof.index = answer->index;
    answer->proof.checkpoint = buffer_slice(&answer->note);
    if (!note_key_make(NOTE_KEY_LOG, file->origin, &file->log_key, &log, fault))
        return false;
    bool good = control_view_open(context, &view, fault);
    const struct witness_policy *witnesses = good ? control_chain_witnesses(view.chain, &seq) : NULL;
    good = good && log_proof_check(&answer->proof, &leaf, &log, witnesses, &checkpoint, fault);
    if (good)
        *ret_quorum = checkpoint_quorum(&checkpoint, witnesses, context->now_us);
    if (good && !ret_quorum->met)
        good = fault_set(fault, FAULT_AUTH, "the checkpoint does not meet the witness policy");
    control_view_close(&view);
    return good;
}

static bool write_proof(const char *path, const struct answer *answer, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(LOG_PROOF_MOST);
    return !path ||
           (log_proof_write(&text, &answer->proof) && files_write(path, buffer_slice(&text), 0644, fault));
}

static void print_answer(const struct command_context *context, const struct answer *answer,
                         const struct quorum *quorum) {
    const char *words = answer->single_control ? " SINGLE-CONTROL" : "";
    if (context->json)
        printf("{\"ctl_seq\":%" PRIu64 ",\"log_index\":%" PRIu64 ",\"single_control\":%s,\"proved\":%s,"
               "\"cosignatures\":%u}\n",
               answer->ctl_seq, answer->index, answer->single_control ? "true" : "false",
               answer->proved ? "true" : "false", quorum->counted);
    else if (!answer->proved)
        printf("Taken as control entry %" PRIu64 ", log index %" PRIu64
               ".%s\nNothing proves that yet: no checkpoint came "
               "in time. `tocsin verify` tells later; if it never does, hand it to a witness: `tocsin submit --witness URL F`.\n",
               answer->ctl_seq, answer->index, words);
    else if (quorum->counted == 0)
        printf("In the log: control entry %" PRIu64 ", log index %" PRIu64
               ", proved by a checkpoint. UNWITNESSED%s\n",
               answer->ctl_seq, answer->index, words);
    else
        printf("In the log: control entry %" PRIu64 ", log index %" PRIu64
               ", proved by a checkpoint that %u witness%s "
               "cosigned.%s\n",
               answer->ctl_seq, answer->index, quorum->counted, quorum->counted == 1 ? "" : "es", words);
}

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
    struct fault fault = {0};
    struct paper_file paper;
    struct answer answer = {.entry = BUFFER(CONTROL_ENTRY_MOST), .note = BUFFER(NOTE_MOST)};
    struct quorum quorum = {.counted = 0};
    bool good = paper_read(words.values[0], &paper, &fault);
    if (good && paper.file.statement.signature_count == 0)
        good = fault_set(&fault, FAULT_USAGE, "nobody has signed it: tocsin sign %s", words.values[0]);
    good = good && send_statement(context, &paper.file, wait_us, &answer, &fault) &&
           (!answer.proved || (check_answer(context, &paper.file, &answer, &quorum, &fault) &&
                               write_proof(proof, &answer, &fault)));
    if (good)
        print_answer(context, &answer, &quorum);
    bool proved = answer.proved;
    paper_release(&paper);
    buffer_free(&answer.entry);
    buffer_free(&answer.note);
    if (!good)
        return command_fail("submit", &fault);
    return proved ? EXIT_GOOD : EXIT_FINDING;
}

#include "submission.h"

#include <jansson.h>

#include "bytes.h"
#include "checkpoint.h"
#include "control_view.h"
#include "memory.h"
#include "merkle.h"
#include "reader.h"
#include "store_family.h"

#define ANSWER_US 75000000u /* for the commit, beside the wait for the checkpoint */

void submission_begin(struct submission *submission) {
    *submission = (struct submission){.entry = BUFFER(CONTROL_ENTRY_MOST), .note = BUFFER(NOTE_MOST)};
}

void submission_release(struct submission *submission) {
    buffer_free(&submission->entry);
    buffer_free(&submission->note);
}

static void take_text(struct submission *submission, const struct frame *frame) {
    Tocsin__Text *text = tocsin__text__unpack(NULL, frame->message.size, frame->message.data);
    json_t *json = text ? json_loads(text->json, 0, NULL) : NULL;
    if (json) {
        submission->taken = true;
        submission->ctl_seq = (uint64_t)json_integer_value(json_object_get(json, "ctl_seq"));
        submission->index = (uint64_t)json_integer_value(json_object_get(json, "log_index"));
        submission->single_control = json_is_true(json_object_get(json, "single_control"));
    }
    json_decref(json);
    if (text)
        tocsin__text__free_unpacked(text, NULL);
}

static void take_row(struct submission *submission, const Tocsin__StoreRow *row) {
    struct slice value = slice_make(row->value.data, row->value.len);
    if (row->family == STORE_ENTRY) {
        buffer_clear(&submission->entry);
        buffer_append_slice(&submission->entry, value);
    }
    if (row->family == STORE_CHECKPOINT) {
        buffer_clear(&submission->note);
        buffer_append_slice(&submission->note, value);
        submission->proved = true;
    }
    if (row->family == STORE_TILE && value.size % HASH_SIZE == 0 &&
        value.size / HASH_SIZE <= LOG_PROOF_PATH_MOST) {
        submission->proof.path_count = value.size / HASH_SIZE;
        if (value.size)
            memcpy(submission->proof.path, value.data, value.size);
    }
}

static bool read_answer(struct reader *reader, struct submission *submission, struct fault *fault) {
    struct frame frame;
    uint64_t count;
    while (reader_next(reader, &frame, &count, fault)) {
        if (frame.type == FRAME_TEXT)
            take_text(submission, &frame);
        Tocsin__StoreRow *row = frame.type == FRAME_STORE_ROW
                                    ? tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data)
                                    : NULL;
        if (row) {
            take_row(submission, row);
            tocsin__store_row__free_unpacked(row, NULL);
        }
    }
    return fault->code == FAULT_NONE &&
           (submission->taken ||
            fault_set(fault, FAULT_IO, "the collector did not say that it took the statement"));
}

static bool send_statement(const struct command_context *context, const struct statement_file *file,
                           uint64_t wait_us, struct submission *submission, struct fault *fault) {
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
    if (reader)
        reader_wait_for(reader, "a cosigned checkpoint over the statement", wait_us + ANSWER_US);
    bool good = reader && read_answer(reader, submission, fault);
    reader_close(reader);
    for (size_t i = 0; i < file->text_count; i++)
        buffer_free(&texts[i]);
    return good;
}

/* Nothing is believed: the entry must hold this very statement, the path must lead to the checkpoint, and the log must have
 * signed that; the log is the one that the statement names. */
static bool check_answer(const struct command_context *context, const struct statement_file *file,
                         struct submission *submission, struct fault *fault) {
    struct control_entry entry;
    struct note_key log;
    struct signed_checkpoint checkpoint;
    struct control_view view;
    uint64_t seq;
    if (!control_entry_read(buffer_slice(&submission->entry), &entry, fault))
        return false;
    if (!slice_equal(entry.statement.bytes, file->statement.bytes) || entry.ctl_seq != submission->ctl_seq)
        return fault_set(fault, FAULT_AUTH, "the collector's entry holds another statement");
    struct hash leaf = merkle_leaf(buffer_slice(&submission->entry));
    submission->proof.index = submission->index;
    submission->proof.checkpoint = buffer_slice(&submission->note);
    if (!note_key_make(NOTE_KEY_LOG, file->origin, &file->log_key, &log, fault))
        return false;
    bool good = control_view_open(context, &view, fault);
    const struct witness_policy *witnesses = good ? control_chain_witnesses(view.chain, &seq) : NULL;
    good = good && log_proof_check(&submission->proof, &leaf, &log, witnesses, &checkpoint, fault);
    if (good)
        submission->quorum = checkpoint_quorum(&checkpoint, witnesses, context->now_us);
    if (good && !submission->quorum.met)
        good = fault_set(fault, FAULT_AUTH, "the checkpoint does not meet the witness policy");
    control_view_close(&view);
    return good;
}

bool submission_run(const struct command_context *context, const struct statement_file *file, uint64_t wait_us,
                    struct submission *submission, struct fault *fault) {
    return send_statement(context, file, wait_us, submission, fault) &&
           (!submission->proved || check_answer(context, file, submission, fault));
}

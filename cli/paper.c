#include "paper.h"

#include <stdio.h>

#include "random.h"
#include "record_json.h"
#include "statement_words.h"

void paper_begin(struct paper *paper) {
    *paper = (struct paper){.payload = BUFFER(STATEMENT_PAYLOAD_MOST)};
}

void paper_free(struct paper *paper) {
    buffer_free(&paper->payload);
}

bool paper_text(struct paper *paper, const char *text, const uint8_t salt[TEXT_SALT_SIZE],
                struct hash *ret_hash, struct fault *fault) {
    struct random_source random = random_source_system();
    *ret_hash = (struct hash){{0}};
    if (!text)
        return true;
    if (!statement_text_good(slice_string(text)) || paper->text_count == STATEMENT_TEXTS_MOST)
        return fault_set(fault, FAULT_USAGE, "a text has 1 to %u bytes of UTF-8 without control characters",
                         SALTED_TEXT_MOST);
    struct statement_text *row = &paper->texts[paper->text_count];
    row->text = slice_string(text);
    if (salt)
        memcpy(row->salt, salt, sizeof row->salt);
    else if (!random_fill(&random, row->salt, sizeof row->salt, fault))
        return false;
    paper->text_count++;
    *ret_hash = salted_text(row->salt, row->text);
    return true;
}

bool paper_make(const struct command_context *context, const struct control_view *view, const struct paper *paper,
                uint32_t type, struct buffer *bytes, struct statement_file *ret_file, struct fault *fault) {
    struct random_source random = random_source_system();
    const struct genesis *genesis = control_chain_genesis(view->chain);
    struct statement statement = {.log = *control_chain_log(view->chain),
                                  .type = type,
                                  .made_us = context->now_us,
                                  .expires_us = context->now_us + PAPER_LIFE_US,
                                  .payload = buffer_slice(&paper->payload)};
    if (!random_fill(&random, statement.nonce, sizeof statement.nonce, fault))
        return false;
    if (paper->payload.overflow || !statement_write(bytes, &statement))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    *ret_file = (struct statement_file){
        .origin = genesis->origin, .log_key = genesis->log_key, .text_count = paper->text_count};
    ret_file->statement.bytes = buffer_slice(bytes);
    ret_file->statement.statement = statement;
    memcpy(ret_file->texts, paper->texts, sizeof ret_file->texts);
    return true;
}

bool paper_write(const struct command_context *context, struct control_view *view, struct paper *paper,
                 uint32_t type, const char *path, struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST), out = BUFFER(STATEMENT_FILE_MOST),
                                 words = BUFFER(STATEMENT_WORDS_MOST);
    struct statement_file file;
    if (!paper_make(context, view, paper, type, &statement, &file, fault) ||
        !statement_words(&words, &file, NULL, fault))
        return false;
    if (!statement_file_write(&out, &file))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    if (!files_write_new(path, buffer_slice(&out), 0644, fault))
        return false;
    if (context->json) {
        CLEANUP_BUFFER struct buffer line = BUFFER(2 * FILES_PATH_MOST + 64);
        buffer_append_string(&line, "{\"file\":");
        record_json_string(&line, slice_string(path));
        buffer_printf(&line, ",\"type\":%u}", type);
        puts(buffer_string(&line));
    } else
        printf("%s\nWritten to %s. Next: tocsin sign %s, then tocsin submit %s\n", buffer_string(&words),
               path, path, path);
    return true;
}

bool paper_read(const char *path, struct paper_file *ret_file, struct fault *fault) {
    *ret_file =
        (struct paper_file){.bytes = BUFFER(STATEMENT_FILE_MOST), .content = BUFFER(STATEMENT_FILE_MOST)};
    return files_read(path, &ret_file->bytes, fault) &&
           (statement_file_read(buffer_slice(&ret_file->bytes), &ret_file->content, &ret_file->file, fault) ||
            fault_place(fault, "%s", path));
}

void paper_release(struct paper_file *file) {
    buffer_free(&file->bytes);
    buffer_free(&file->content);
}

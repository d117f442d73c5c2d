#include "paper.h"

#include <stdio.h>
#include <stdlib.h>

#include "memory.h"
#include "random.h"
#include "record_json.h"
#include "signing.h"
#include "statement_type.h"
#include "statement_words.h"

void paper_begin(struct paper *paper) {
    *paper = (struct paper){.payload = BUFFER(STATEMENT_PAYLOAD_MOST)};
}

void paper_free(struct paper *paper) {
    buffer_free(&paper->payload);
    for (size_t i = 0; i < paper->text_count; i++)
        free((void *)(uintptr_t)paper->texts[i].text.data);
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
    if (salt)
        memcpy(row->salt, salt, sizeof row->salt);
    else if (!random_fill(&random, row->salt, sizeof row->salt, fault))
        return false;
    row->text = slice_string(memory_copy_string(text));
    paper->text_count++;
    *ret_hash = salted_text(row->salt, row->text);
    return true;
}

/* Of which log it is. */
struct paper_log {
    struct slice origin;
    struct verify_key key;
};

static bool make(const struct command_context *context, const struct paper_log *log, const struct paper *paper,
                 uint32_t type, struct buffer *bytes, struct statement_file *file, struct fault *fault) {
    struct random_source random = random_source_system();
    struct statement statement = {.log = statement_log(log->origin, &log->key),
                                  .type = type,
                                  .made_us = context->now_us,
                                  .expires_us = context->now_us + PAPER_LIFE_US,
                                  .payload = buffer_slice(&paper->payload)};
    if (!random_fill(&random, statement.nonce, sizeof statement.nonce, fault))
        return false;
    if (paper->payload.overflow || !statement_write(bytes, &statement))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    *file = (struct statement_file){.origin = log->origin, .log_key = log->key, .text_count = paper->text_count};
    file->statement.bytes = buffer_slice(bytes);
    file->statement.statement = statement;
    memcpy(file->texts, paper->texts, sizeof file->texts);
    return true;
}

bool paper_make(const struct command_context *context, const struct control_view *view, const struct paper *paper,
                uint32_t type, struct buffer *bytes, struct statement_file *ret_file, struct fault *fault) {
    const struct genesis *genesis = control_chain_genesis(view->chain);
    const struct paper_log log = {genesis->origin, genesis->log_key};
    return make(context, &log, paper, type, bytes, ret_file, fault);
}

const char *paper_next(uint32_t type) {
    return type == STATEMENT_NEW_ORIGIN ? "origin begin" : "submit";
}

static void print_written(const struct command_context *context, const char *path, uint32_t type, const char *words) {
    if (context->json) {
        CLEANUP_BUFFER struct buffer line = BUFFER(2 * FILES_PATH_MOST + 64);
        buffer_append_string(&line, "{\"file\":");
        record_json_string(&line, slice_string(path));
        buffer_printf(&line, ",\"type\":%u}", type);
        puts(buffer_string(&line));
    } else
        printf("%s\nWritten to %s. Next: tocsin sign %s, then tocsin %s %s\n", words, path, path, paper_next(type),
               path);
}

static bool write_for(const struct command_context *context, const struct paper_log *log,
                      const struct signing_key *key, const struct paper *paper, uint32_t type, const char *path,
                      struct fault *fault) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST), out = BUFFER(STATEMENT_FILE_MOST),
                                 words = BUFFER(STATEMENT_WORDS_MOST);
    struct statement_file file;
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    if (!make(context, log, paper, type, &statement, &file, fault))
        return false;
    if ((key && !signing_add(&file.statement, key, signature, fault)) ||
        !statement_words(&words, &file, NULL, fault))
        return false;
    if (!statement_file_write(&out, &file))
        return fault_set(fault, FAULT_LIMIT, "the statement is too large");
    if (!files_write_new(path, buffer_slice(&out), 0644, fault))
        return false;
    print_written(context, path, type, buffer_string(&words));
    return true;
}

bool paper_write(const struct command_context *context, struct control_view *view, struct paper *paper,
                 uint32_t type, const char *path, struct fault *fault) {
    const struct genesis *genesis = control_chain_genesis(view->chain);
    const struct paper_log log = {genesis->origin, genesis->log_key};
    return write_for(context, &log, NULL, paper, type, path, fault);
}

bool paper_write_new(const struct command_context *context, struct slice origin, const struct signing_key *log_key,
                     struct paper *paper, uint32_t type, const char *path, struct fault *fault) {
    const struct paper_log log = {origin, *signing_key_public(log_key)};
    return write_for(context, &log, log_key, paper, type, path, fault);
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

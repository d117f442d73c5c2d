/* Statements' files by the command line: made, read, shown, written. */
#ifndef TOCSIN_PAPER_H
#define TOCSIN_PAPER_H

#include "control_view.h"
#include "statement_file.h"

#define PAPER_LIFE_US (30ull * 86400 * 1000000) /* a statement that nobody submits within it is void */

/* A statement that is being made: texts are salted as they are added, and stand in the payload by their hashes. */
struct paper {
    struct buffer payload;
    size_t text_count;
    struct statement_text texts[STATEMENT_TEXTS_MOST]; /* owned */
};

void paper_begin(struct paper *paper);
void paper_free(struct paper *paper);
/* NULL gives zeros: no text. With `salt` that one, else a fresh one. */
bool paper_text(struct paper *paper, const char *text, const uint8_t salt[TEXT_SALT_SIZE],
                struct hash *ret_hash, struct fault *fault);
/* Makes the statement over the payload, for the view's log, unsigned: *ret_file borrows from `bytes`, the paper and the view. */
bool paper_make(const struct command_context *context, const struct control_view *view, const struct paper *paper,
                uint32_t type, struct buffer *bytes, struct statement_file *ret_file, struct fault *fault);
/* Makes the statement over the payload, for the view's log, unsigned, shows its words, and writes it to `path`, which must
 * not be there. */
bool paper_write(const struct command_context *context, struct control_view *view, struct paper *paper,
                 uint32_t type, const char *path, struct fault *fault);
/* The same for a log that does not exist yet, signed by its key. */
bool paper_write_new(const struct command_context *context, struct slice origin, const struct signing_key *log_key,
                     struct paper *paper, uint32_t type, const char *path, struct fault *fault);
/* What is done with one that is signed: "submit". */
const char *paper_next(uint32_t type);

/* The same for a file that people have. Release both buffers. */
struct paper_file {
    struct buffer bytes, content;
    struct statement_file file;
};
bool paper_read(const char *path, struct paper_file *ret_file, struct fault *fault);
void paper_release(struct paper_file *file);

#endif

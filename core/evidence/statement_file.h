/* A statement as a file that people mail to each other until enough have signed it (FORMATS.md, Statement files).
 *
 *     content = "tocsin/paper/v1" ‖ u8 size ‖ origin ‖ log public key[32] ‖ block signed statement
 *               ‖ u8 n ‖ n × (salt[32] ‖ u16 size ‖ text)                        block: u32 size ‖ bytes
 *     file    = "-----BEGIN TOCSIN STATEMENT-----" 0x0A, base64 in lines of 76 characters,
 *               "-----END TOCSIN STATEMENT-----" 0x0A
 *
 * The texts are those that the statement names by their salted hashes: a file with any other text is refused, and so is one
 * for another log than it names. Lines may end in CR LF, and a mail's text may stand before and behind; everything else is
 * strict: one armour, canonical base64, full lines, UTF-8 without control characters. Signatures are not checked here. */
#ifndef TOCSIN_STATEMENT_FILE_H
#define TOCSIN_STATEMENT_FILE_H

#include "salted_text.h"
#include "statement.h"

#define STATEMENT_FILE_MOST (128u * 1024)
#define STATEMENT_TEXTS_MOST 16u

struct statement_text {
    uint8_t salt[TEXT_SALT_SIZE];
    struct slice text;
};

struct statement_file {
    struct slice origin;
    struct verify_key log_key;
    struct signed_statement statement; /* maybe nobody has signed yet */
    size_t text_count;
    struct statement_text texts[STATEMENT_TEXTS_MOST];
};

bool statement_file_write(struct buffer *to, const struct statement_file *file);
/* What is read borrows from `content`, which is emptied first and must outlive it. */
bool statement_file_read(struct slice bytes, struct buffer *content, struct statement_file *ret_file,
                         struct fault *fault);

/* The text with that salted hash; a NULL slice where the file has none. */
struct slice statement_file_text(const struct statement_file *file, const struct hash *hash);
/* Whether it may stand in a statement's file: UTF-8, 1 to SALTED_TEXT_MOST bytes, no control character but the newline, and
 * none that turns the direction of writing. */
bool statement_text_good(struct slice text);

#endif

#include "statement_file.h"

#include "bytes.h"
#include "encoding.h"
#include "note_key.h"

#define ARMOUR_BEGIN "-----BEGIN TOCSIN STATEMENT-----"
#define ARMOUR_END "-----END TOCSIN STATEMENT-----"
#define ARMOUR_LINE 76u

static const uint8_t label[16] = "tocsin/paper/v1";

/* Controls of ISO 8859 (U+0080 to U+009F), and those that turn the direction of writing: a terminal would show something else
 * than what is there. */
static bool misleads(struct slice rest) {
    const uint8_t *at = rest.data;
    if (rest.size >= 2 && at[0] == 0xc2 && at[1] < 0xa0)
        return true;
    return rest.size >= 3 && at[0] == 0xe2 &&
           ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
            (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
}

bool statement_text_good(struct slice text) {
    if (text.size == 0 || text.size > SALTED_TEXT_MOST || !encoding_is_utf8(text))
        return false;
    for (size_t i = 0; i < text.size; i++)
        if ((text.data[i] < ' ' && text.data[i] != '\n') || text.data[i] == 0x7f ||
            misleads(slice_from(text, i)))
            return false;
    return true;
}

/* ---- writing */

static bool content_write(struct buffer *to, const struct statement_file *file) {
    CLEANUP_BUFFER struct buffer statement = BUFFER(STATEMENT_FILE_MOST);
    if (file->text_count > STATEMENT_TEXTS_MOST || file->origin.size > UINT8_MAX ||
        !signed_statement_write(&statement, &file->statement))
        return false;
    buffer_append(to, label, sizeof label);
    bytes_write_u8(to, (uint8_t)file->origin.size);
    buffer_append_slice(to, file->origin);
    buffer_append(to, file->log_key.bytes, sizeof file->log_key.bytes);
    bytes_write_block(to, buffer_slice(&statement));
    bytes_write_u8(to, (uint8_t)file->text_count);
    for (size_t i = 0; i < file->text_count; i++) {
        if (!statement_text_good(file->texts[i].text))
            return false;
        buffer_append(to, file->texts[i].salt, TEXT_SALT_SIZE);
        bytes_write_u16(to, (uint16_t)file->texts[i].text.size);
        buffer_append_slice(to, file->texts[i].text);
    }
    return !to->overflow;
}

bool statement_file_write(struct buffer *to, const struct statement_file *file) {
    CLEANUP_BUFFER struct buffer content = BUFFER(STATEMENT_FILE_MOST), base64 = BUFFER(STATEMENT_FILE_MOST);
    if (!content_write(&content, file) || !encoding_base64(&base64, buffer_slice(&content)))
        return false;
    buffer_append_string(to, ARMOUR_BEGIN "\n");
    for (size_t at = 0; at < base64.size; at += ARMOUR_LINE) {
        buffer_append_slice(to, slice_head(slice_from(buffer_slice(&base64), at), ARMOUR_LINE));
        buffer_append_string(to, "\n");
    }
    return buffer_append_string(to, ARMOUR_END "\n");
}

/* ---- reading */

static bool next_line(struct slice *rest, struct slice *ret_line) {
    if (rest->size == 0)
        return false;
    size_t end = slice_find_byte(*rest, '\n');
    struct slice line = slice_head(*rest, end == SIZE_MAX ? rest->size : end);
    *rest = slice_from(*rest, end == SIZE_MAX ? rest->size : end + 1);
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    *ret_line = line;
    return true;
}

/* The base64 between the two lines. */
static bool unarmour(struct slice bytes, struct buffer *base64, struct fault *fault) {
    enum { BEFORE, INSIDE, LAST, BEHIND } where = BEFORE;
    struct slice rest = bytes, line;
    while (next_line(&rest, &line)) {
        bool begin = slice_equal(line, SLICE(ARMOUR_BEGIN)), end = slice_equal(line, SLICE(ARMOUR_END));
        if (begin && where != BEFORE)
            return fault_set(fault, FAULT_FORMAT, "the file holds more than one statement");
        if (begin)
            where = INSIDE;
        else if (where == BEFORE || where == BEHIND)
            continue;
        else if (end)
            where = BEHIND;
        else if (where == LAST || line.size == 0 || line.size > ARMOUR_LINE)
            return fault_set(fault, FAULT_FORMAT, "a line of the statement has not its length");
        else {
            buffer_append_slice(base64, line);
            where = line.size < ARMOUR_LINE ? LAST : INSIDE;
        }
    }
    return where == BEHIND ||
           fault_set(fault, FAULT_FORMAT,
                     where == BEFORE ? "this is no statement's file: there is no line " ARMOUR_BEGIN
                                     : "the statement is cut short: there is no line " ARMOUR_END);
}

static bool texts_read(struct bytes_reader *reader, struct statement_file *file, struct fault *fault) {
    file->text_count = bytes_read_u8(reader);
    if (file->text_count > STATEMENT_TEXTS_MOST)
        return fault_set(fault, FAULT_LIMIT, "the file has %zu texts; %u are the most", file->text_count,
                         STATEMENT_TEXTS_MOST);
    for (size_t i = 0; i < file->text_count; i++) {
        struct statement_text *text = &file->texts[i];
        bytes_read_into(reader, text->salt, TEXT_SALT_SIZE);
        text->text = bytes_read_raw(reader, bytes_read_u16(reader));
        if (reader->failed)
            break;
        if (!statement_text_good(text->text))
            return fault_set(fault, FAULT_FORMAT,
                             "a text of the file is empty, too long, or has control characters");
        struct hash hash = salted_text(text->salt, text->text);
        if (slice_find(file->statement.statement.payload, hash_slice(&hash)) == SIZE_MAX)
            return fault_set(fault, FAULT_CONFLICT, "the file has a text that the statement does not name");
    }
    return bytes_read_done(reader) ||
           fault_set(fault, FAULT_FORMAT, "the statement's file has not its length");
}

bool statement_file_read(struct slice bytes, struct buffer *content, struct statement_file *ret_file,
                         struct fault *fault) {
    CLEANUP_BUFFER struct buffer base64 = BUFFER(STATEMENT_FILE_MOST);
    struct statement_file file = {.text_count = 0};
    buffer_clear(content);
    if (bytes.size > STATEMENT_FILE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a statement's file has %u bytes at most", STATEMENT_FILE_MOST);
    if (!unarmour(bytes, &base64, fault))
        return false;
    if (!encoding_unbase64(content, buffer_slice(&base64)))
        return fault_set(fault, FAULT_FORMAT, "the statement is no canonical base64");
    struct bytes_reader reader = bytes_read(buffer_slice(content));
    if (!slice_equal(bytes_read_raw(&reader, sizeof label), slice_make(label, sizeof label)))
        return fault_set(fault, FAULT_FORMAT, "this is no statement's file of version 1");
    file.origin = bytes_read_raw(&reader, bytes_read_u8(&reader));
    bytes_read_into(&reader, file.log_key.bytes, sizeof file.log_key.bytes);
    struct slice statement = bytes_read_block(&reader);
    if (reader.failed || !note_name_good(file.origin))
        return fault_set(fault, FAULT_FORMAT, "the statement's file is cut short, or names no log");
    if (!signed_statement_read(statement, &file.statement, fault))
        return false;
    struct hash log = statement_log(file.origin, &file.log_key);
    if (!hash_equal(&log, &file.statement.statement.log))
        return fault_set(fault, FAULT_CONFLICT, "the statement is for another log than its file says");
    if (!texts_read(&reader, &file, fault))
        return false;
    *ret_file = file;
    return true;
}

struct slice statement_file_text(const struct statement_file *file, const struct hash *hash) {
    for (size_t i = 0; i < file->text_count; i++) {
        struct hash other = salted_text(file->texts[i].salt, file->texts[i].text);
        if (hash_equal(&other, hash))
            return file->texts[i].text;
    }
    return slice_make(NULL, 0);
}

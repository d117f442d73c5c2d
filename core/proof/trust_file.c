#include "trust_file.h"

#include "encoding.h"
#include "note.h"

#define HEADER "tocsin-trust@v1"

static bool hash_line(struct buffer *to, const char *word, const struct hash *hash) {
    char hex[2 * HASH_SIZE + 1];
    encoding_hex(hash->bytes, HASH_SIZE, hex);
    return buffer_printf(to, "%s %s\n", word, hex);
}

static bool key_line(struct buffer *to, const char *word, const struct note_key *key) {
    buffer_printf(to, "%s ", word);
    return note_key_write(to, key) && buffer_append_string(to, "\n");
}

bool trust_write(struct buffer *to, const struct trust *trust) {
    buffer_append_string(to, HEADER "\n");
    bool good = key_line(to, "log", &trust->log) && hash_line(to, "genesis", &trust->genesis_leaf) &&
                buffer_printf(to, "needed %u\n", trust->witnesses.needed);
    for (size_t i = 0; good && i < trust->witnesses.count; i++)
        good = key_line(to, "witness", &trust->witnesses.witnesses[i]);
    for (size_t i = 0; good && i < trust->key_count; i++)
        good = hash_line(to, "key", &trust->keys[i]);
    return good;
}

/* ---- reading */

struct lines {
    struct slice rest, line;
    unsigned number;
    bool there;
};

static void step(struct lines *lines) {
    lines->there = note_line(&lines->rest, &lines->line);
    lines->number++;
}

/* Whether the line begins with the word and a blank, and what stands behind. */
static bool starts(const struct lines *lines, const char *word, struct slice *ret_value) {
    struct slice w = slice_string(word);
    if (!lines->there || !slice_starts(lines->line, w) || lines->line.size <= w.size ||
        lines->line.data[w.size] != ' ')
        return false;
    *ret_value = slice_from(lines->line, w.size + 1);
    return true;
}

static bool bad_line(const struct lines *lines, const char *due, struct fault *fault) {
    fault_set(fault, FAULT_FORMAT, "%s", due);
    return fault_place(fault, "line %u", lines->number);
}

static bool hash_value(struct slice text, struct hash *ret_hash) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] >= 'A' && text.data[i] <= 'F')
            return false;
    return encoding_unhex(text, ret_hash->bytes, HASH_SIZE);
}

static bool key_value(const struct lines *lines, struct slice value, enum note_key_type type,
                      struct note_key *ret_key, struct fault *fault) {
    if (!note_key_read(value, ret_key, fault))
        return fault_place(fault, "line %u", lines->number);
    return ret_key->type == type || bad_line(lines, "a key of another type than its line says", fault);
}

static bool witnesses_read(struct lines *lines, struct trust *trust, struct fault *fault) {
    struct slice value;
    uint64_t needed;
    if (!starts(lines, "needed", &value) || !note_decimal(value, &needed) || needed > WITNESSES_MOST)
        return bad_line(lines, "here stands how many witnesses are needed: needed 1", fault);
    trust->witnesses.needed = (uint8_t)needed;
    for (step(lines); starts(lines, "witness", &value); step(lines)) {
        if (trust->witnesses.count == WITNESSES_MOST)
            return bad_line(lines, "there are 16 witnesses at most", fault);
        if (!key_value(lines, value, NOTE_KEY_WITNESS, &trust->witnesses.witnesses[trust->witnesses.count],
                       fault))
            return false;
        trust->witnesses.count++;
    }
    return witness_policy_check(&trust->witnesses, &trust->log.key, fault);
}

static bool keys_read(struct lines *lines, struct trust *trust, struct fault *fault) {
    struct slice value;
    for (; starts(lines, "key", &value); step(lines)) {
        if (trust->key_count == TRUST_KEYS_MOST)
            return bad_line(lines, "there are 64 keys at most", fault);
        if (!hash_value(value, &trust->keys[trust->key_count]))
            return bad_line(lines, "the hash of a key has 64 lower-case hexadecimal digits", fault);
        trust->key_count++;
    }
    return true;
}

bool trust_read(struct slice text, struct trust *ret_trust, struct fault *fault) {
    struct trust trust = {.key_count = 0};
    struct lines lines = {.rest = text};
    struct slice value;
    if (text.size > TRUST_FILE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a trust file has %u bytes at most", TRUST_FILE_MOST);
    step(&lines);
    if (!lines.there || !slice_equal(lines.line, SLICE(HEADER)))
        return fault_set(fault, FAULT_FORMAT, "this is no trust file: its first line is not " HEADER);
    step(&lines);
    if (!starts(&lines, "log", &value))
        return bad_line(&lines, "here stands the log's key: log NAME+ID+KEY", fault);
    if (!key_value(&lines, value, NOTE_KEY_LOG, &trust.log, fault))
        return false;
    step(&lines);
    if (!starts(&lines, "genesis", &value) || !hash_value(value, &trust.genesis_leaf))
        return bad_line(&lines, "here stands the leaf of the genesis, 64 lower-case hexadecimal digits",
                        fault);
    step(&lines);
    if (!witnesses_read(&lines, &trust, fault) || !keys_read(&lines, &trust, fault))
        return false;
    if (lines.there || lines.rest.size > 0)
        return bad_line(&lines, "this is no line of a trust file", fault);
    *ret_trust = trust;
    return true;
}

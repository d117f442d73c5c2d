#include "held_events.h"

#include "bytes.h"
#include "random.h"

static const uint8_t label[16] = "tocsin/held/v1";

void held_row_key(uint8_t to[HELD_ROW_KEY], const struct held_row *row) {
    bytes_put_u64(to, row->hold);
    to[8] = row->class;
    bytes_put_u64(to + 9, row->first);
    bytes_put_u64(to + 17, row->last);
    bytes_put_u32(to + 25, row->number);
}

bool held_row_read(struct slice key, struct held_row *ret_row, struct fault *fault) {
    if (key.size != HELD_ROW_KEY)
        return fault_set(fault, FAULT_FORMAT, "the key of a hold's row has %zu bytes", key.size);
    *ret_row = (struct held_row){bytes_get_u64(key.data), key.data[8], bytes_get_u64(key.data + 9),
                                 bytes_get_u64(key.data + 17), bytes_get_u32(key.data + 25)};
    return true;
}

bool held_append(struct buffer *plain, uint64_t log_index, struct slice extra) {
    bytes_write_u64(plain, log_index);
    return bytes_write_block(plain, extra);
}

static struct segment_cipher *cipher_for(const struct held_row *row, const uint8_t hold_key[SEGMENT_KEY_SIZE],
                                         const uint8_t random[SEGMENT_RANDOM_SIZE]) {
    uint8_t text[sizeof label + HELD_ROW_KEY], key[SEGMENT_KEY_SIZE];
    memcpy(text, label, sizeof label);
    held_row_key(text + sizeof label, row);
    struct hash header = sha256_of(slice_make(text, sizeof text));
    segment_key_derive(hold_key, random, SEGMENT_KEY_BODIES, key);
    return segment_cipher_create(key, &header);
}

bool held_seal(struct buffer *to, const struct held_row *row, const uint8_t hold_key[SEGMENT_KEY_SIZE],
               struct slice plain, struct fault *fault) {
    struct random_source source = random_source_system();
    uint8_t random[SEGMENT_RANDOM_SIZE];
    buffer_clear(to);
    if (!random_fill(&source, random, sizeof random, fault))
        return false;
    if (!buffer_append(to, random, sizeof random) || !buffer_reserve(to, plain.size + SEGMENT_TAG_SIZE))
        return fault_set(fault, FAULT_LIMIT, "%zu bytes are too many for a hold's row", plain.size);
    struct segment_cipher *cipher = cipher_for(row, hold_key, random);
    segment_cipher_seal(cipher, 0, true, plain, to->data + to->size);
    to->size += plain.size + SEGMENT_TAG_SIZE;
    segment_cipher_destroy(cipher);
    return true;
}

bool held_open(struct buffer *to, const struct held_row *row, const uint8_t hold_key[SEGMENT_KEY_SIZE],
               struct slice value, struct fault *fault) {
    buffer_clear(to);
    if (value.size < SEGMENT_RANDOM_SIZE + SEGMENT_TAG_SIZE)
        return fault_set(fault, FAULT_FORMAT, "a hold's row has %zu bytes", value.size);
    struct slice section = slice_from(value, SEGMENT_RANDOM_SIZE);
    if (!buffer_reserve(to, section.size))
        return fault_set(fault, FAULT_LIMIT, "a hold's row has %zu bytes", value.size);
    struct segment_cipher *cipher = cipher_for(row, hold_key, value.data);
    bool good = segment_cipher_open(cipher, 0, true, section, to->data);
    segment_cipher_destroy(cipher);
    if (good)
        to->size = section.size - SEGMENT_TAG_SIZE;
    return good ||
           fault_set(fault, FAULT_AUTH, "a row of hold %llu was altered", (unsigned long long)row->hold);
}

bool held_next(struct slice *rest, uint64_t *ret_log_index, struct slice *ret_extra, bool *ret_bad) {
    struct bytes_reader reader = bytes_read(*rest);
    *ret_bad = false;
    if (rest->size == 0)
        return false;
    uint64_t log_index = bytes_read_u64(&reader);
    struct slice extra = bytes_read_block(&reader);
    *ret_bad = reader.failed;
    if (reader.failed)
        return false;
    *ret_log_index = log_index;
    *ret_extra = extra;
    *rest = reader.rest;
    return true;
}

#include "cacert_frame.h"

#define LENGTH 3u
#define LENGTH_MOST 0xffffffu
#define XOR 1u

static const char trailer[] = "rie4Ech7";
#define TRAILER (sizeof trailer - 1)

static void put_length(struct buffer *to, size_t size) {
    const uint8_t length[LENGTH] = {(uint8_t)(size >> 16), (uint8_t)(size >> 8), (uint8_t)size};
    buffer_append(to, length, sizeof length);
}

static void put(struct buffer *to, struct slice part) {
    put_length(to, part.size);
    buffer_append_slice(to, part);
}

static uint8_t xor_of(struct slice bytes) {
    uint8_t sum = 0;
    for (size_t i = 0; i < bytes.size; i++)
        sum ^= bytes.data[i];
    return sum;
}

bool cacert_block_write(struct buffer *to, const struct cacert_block *block) {
    size_t begin = to->size, inside = LENGTH * (1 + CACERT_FIELDS) + block->header.size;
    for (size_t i = 0; i < CACERT_FIELDS; i++) {
        if (block->fields[i].size > CACERT_BLOCK_MOST)
            return false;
        inside += block->fields[i].size;
    }
    if (LENGTH + inside + XOR + TRAILER > CACERT_BLOCK_MOST)
        return false;
    put_length(to, inside);
    put(to, block->header);
    for (size_t i = 0; i < CACERT_FIELDS; i++)
        put(to, block->fields[i]);
    if (to->overflow)
        return false;
    const uint8_t sum = xor_of(slice_make(to->data + begin, to->size - begin));
    return buffer_append(to, &sum, 1) && buffer_append_string(to, trailer);
}

bool cacert_nul_write(struct buffer *to) {
    static const uint8_t header[CACERT_REQUEST_HEADER] = {CACERT_VERSION, CACERT_ACTION_NUL};
    return cacert_block_write(to, &(struct cacert_block){.header = slice_make(header, sizeof header)});
}

static size_t length_at(const uint8_t at[LENGTH]) {
    return (size_t)at[0] << 16 | (size_t)at[1] << 8 | at[2];
}

enum cacert_whole cacert_block_whole(struct slice bytes, size_t *ret_size, struct fault *fault) {
    if (bytes.size < LENGTH)
        return CACERT_MORE;
    size_t inside = length_at(bytes.data), size = LENGTH + inside + XOR + TRAILER;
    if (inside < LENGTH * (1 + CACERT_FIELDS) || size > CACERT_BLOCK_MOST) {
        fault_set(fault, FAULT_FORMAT, "a block of %zu bytes; it has %u to %u", size,
                  (unsigned)(LENGTH * (2 + CACERT_FIELDS) + XOR + TRAILER), CACERT_BLOCK_MOST);
        return CACERT_BROKEN;
    }
    if (bytes.size < size)
        return CACERT_MORE;
    *ret_size = size;
    return CACERT_WHOLE;
}

/* The next part within `rest`. */
static bool take(struct slice *rest, const char *what, struct slice *ret_part, struct fault *fault) {
    if (rest->size < LENGTH)
        return fault_set(fault, FAULT_FORMAT, "the block ends before its %s", what);
    size_t size = length_at(rest->data);
    if (size > rest->size - LENGTH)
        return fault_set(fault, FAULT_FORMAT, "its %s has %zu bytes, and %zu are left of the block", what,
                         size, rest->size - LENGTH);
    *ret_part = slice_make(rest->data + LENGTH, size);
    *rest = slice_from(*rest, LENGTH + size);
    return true;
}

static bool read_parts(struct slice rest, struct cacert_block *ret_block, struct fault *fault) {
    static const char *const names[CACERT_FIELDS] = {"first field", "second field", "third field"};
    if (!take(&rest, "header", &ret_block->header, fault))
        return false;
    for (size_t i = 0; i < CACERT_FIELDS; i++)
        if (!take(&rest, names[i], &ret_block->fields[i], fault))
            return false;
    return rest.size == 0 ||
           fault_set(fault, FAULT_FORMAT, "%zu bytes stand behind its third field", rest.size);
}

static enum cacert_flaw read_block(struct slice bytes, struct cacert_block *ret_block, struct fault *fault) {
    size_t size;
    switch (cacert_block_whole(bytes, &size, fault)) {
    case CACERT_BROKEN:
        return CACERT_FLAW_LENGTHS;
    case CACERT_MORE:
        fault_set(fault, FAULT_FORMAT, "the block is cut off after %zu bytes", bytes.size);
        return CACERT_FLAW_LENGTHS;
    case CACERT_WHOLE:
        break;
    }
    if (size != bytes.size) {
        fault_set(fault, FAULT_FORMAT, "%zu bytes follow the block", bytes.size - size);
        return CACERT_FLAW_LENGTHS;
    }
    size_t body = size - XOR - TRAILER;
    if (!slice_equal(slice_from(bytes, body + XOR), slice_string(trailer))) {
        fault_set(fault, FAULT_FORMAT, "its last %zu bytes are not \"%s\"", TRAILER, trailer);
        return CACERT_FLAW_TRAILER;
    }
    uint8_t sum = xor_of(slice_head(bytes, body));
    if (bytes.data[body] != sum) {
        fault_set(fault, FAULT_FORMAT, "its check byte is %02x, and what came makes %02x", bytes.data[body],
                  sum);
        return CACERT_FLAW_XOR;
    }
    return read_parts(slice_make(bytes.data + LENGTH, body - LENGTH), ret_block, fault) ? CACERT_SOUND
                                                                                        : CACERT_FLAW_LENGTHS;
}

bool cacert_block_read(struct slice bytes, struct cacert_block *ret_block, struct fault *fault) {
    struct cacert_block block;
    if (read_block(bytes, &block, fault) != CACERT_SOUND)
        return false;
    *ret_block = block;
    return true;
}

static bool check_response(const struct cacert_block *block, uint8_t action, struct fault *fault) {
    if (block->header.size != CACERT_RESPONSE_HEADER)
        return fault_set(fault, FAULT_FORMAT, "a response's header has %zu bytes; it has %u",
                         block->header.size, CACERT_RESPONSE_HEADER);
    if (block->header.data[0] != CACERT_VERSION)
        return fault_set(fault, FAULT_FORMAT, "a response of version %u", block->header.data[0]);
    if (block->header.data[1] != action)
        return fault_set(fault, FAULT_FORMAT, "the answer to action %u, and %u was asked",
                         block->header.data[1], action);
    return true;
}

enum cacert_flaw cacert_response_read(struct slice bytes, uint8_t action, struct cacert_block *ret_block,
                                      struct fault *fault) {
    struct cacert_block block;
    enum cacert_flaw flaw = read_block(bytes, &block, fault);
    if (flaw != CACERT_SOUND)
        return flaw;
    if (!check_response(&block, action, fault))
        return CACERT_FLAW_RESPONSE;
    *ret_block = block;
    return CACERT_SOUND;
}

#include "weak_keys.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "buffer.h"
#include "encoding.h"
#include "memory.h"

#define END_SIZE 10u /* of a SHA-1, as openssl-blacklist has it */
static const size_t hash_sizes[] = {END_SIZE, SHA_DIGEST_LENGTH, SHA256_DIGEST_LENGTH};
#define HASH_SIZES (sizeof hash_sizes / sizeof *hash_sizes)

/* One hash after the other, sorted, for each size. */
struct weak_keys {
    struct buffer hashes[HASH_SIZES];
};

struct weak_keys *weak_keys_destroy(struct weak_keys *keys) {
    if (keys) {
        for (size_t i = 0; i < HASH_SIZES; i++)
            buffer_free(&keys->hashes[i]);
        free(keys);
    }
    return NULL;
}

size_t weak_keys_count(const struct weak_keys *keys) {
    size_t count = 0;
    for (size_t i = 0; i < HASH_SIZES; i++)
        count += keys->hashes[i].size / hash_sizes[i];
    return count;
}

/* ---- reading */

static int compare_ends(const void *a, const void *b) {
    return memcmp(a, b, END_SIZE);
}
static int compare_sha1(const void *a, const void *b) {
    return memcmp(a, b, SHA_DIGEST_LENGTH);
}
static int compare_sha256(const void *a, const void *b) {
    return memcmp(a, b, SHA256_DIGEST_LENGTH);
}
static int (*const comparisons[HASH_SIZES])(const void *, const void *) = {compare_ends, compare_sha1,
                                                                           compare_sha256};

static struct slice take_line(struct slice *rest) {
    struct slice line = slice_head(*rest, slice_find_byte(*rest, '\n'));
    *rest = slice_from(*rest, line.size + 1);
    while (line.size && isspace(line.data[line.size - 1]))
        line.size--;
    return slice_trim(line);
}

static struct slice first_word(struct slice line) {
    size_t size = 0;
    while (size < line.size && !strchr(" \t,;:", line.data[size]))
        size++;
    return slice_head(line, size);
}

static bool add_hash(struct weak_keys *keys, struct slice digits) {
    uint8_t hash[SHA256_DIGEST_LENGTH];
    for (size_t i = 0; i < HASH_SIZES; i++)
        if (digits.size == 2 * hash_sizes[i])
            return encoding_unhex(digits, hash, hash_sizes[i]) &&
                   buffer_append(&keys->hashes[i], hash, hash_sizes[i]);
    return false;
}

static bool read_lines(struct weak_keys *keys, struct slice text, struct fault *fault) {
    size_t number = 0, count = 0;
    for (struct slice rest = text; rest.size;) {
        struct slice line = take_line(&rest);
        number++;
        if (line.size == 0 || line.data[0] == '#')
            continue;
        if (++count > WEAK_KEYS_MOST)
            return fault_set(fault, FAULT_LIMIT, "line %zu: more than %u keys", number, WEAK_KEYS_MOST);
        if (!add_hash(keys, first_word(line)))
            return fault_set(fault, FAULT_FORMAT,
                             "line %zu: no hash of a key: 20, 40 or 64 hexadecimal digits begin it", number);
    }
    return count || fault_set(fault, FAULT_FORMAT, "no key in this list of weak keys");
}

struct weak_keys *weak_keys_read(struct slice text, struct fault *fault) {
    struct weak_keys *keys = memory_new(sizeof *keys);
    for (size_t i = 0; i < HASH_SIZES; i++)
        keys->hashes[i] = BUFFER(WEAK_KEYS_MOST * hash_sizes[i]);
    if (!read_lines(keys, text, fault))
        return weak_keys_destroy(keys);
    for (size_t i = 0; i < HASH_SIZES; i++)
        if (keys->hashes[i].size)
            qsort(keys->hashes[i].data, keys->hashes[i].size / hash_sizes[i], hash_sizes[i], comparisons[i]);
    return keys;
}

/* ---- asking */

static bool find(const struct weak_keys *keys, size_t which, const uint8_t *hash) {
    const struct buffer *hashes = &keys->hashes[which];
    return hashes->size && bsearch(hash, hashes->data, hashes->size / hash_sizes[which], hash_sizes[which],
                                   comparisons[which]);
}

static bool find_bytes(const struct weak_keys *keys, struct slice bytes, bool by_end) {
    uint8_t sha1[SHA_DIGEST_LENGTH], sha256[SHA256_DIGEST_LENGTH];
    SHA1(bytes.data, bytes.size, sha1);
    SHA256(bytes.data, bytes.size, sha256);
    return find(keys, 1, sha1) || find(keys, 2, sha256) ||
           (by_end && find(keys, 0, sha1 + SHA_DIGEST_LENGTH - END_SIZE));
}

bool weak_keys_have(const struct weak_keys *keys, struct slice key, struct slice modulus) {
    if (find_bytes(keys, key, false))
        return true;
    if (modulus.size == 0)
        return false;
    /* What `openssl x509 -noout -modulus` prints. */
    CLEANUP_BUFFER struct buffer line = BUFFER(16 + 2 * modulus.size);
    buffer_append_string(&line, "Modulus=");
    for (size_t i = 0; i < modulus.size; i++)
        buffer_printf(&line, "%02X", modulus.data[i]);
    buffer_append_string(&line, "\n");
    return find_bytes(keys, modulus, false) || find_bytes(keys, buffer_slice(&line), true);
}

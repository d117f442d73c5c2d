#include "key_file.h"

#include "encoding.h"
#include "files.h"
#include "memory.h"
#include "random.h"

static bool make_key(const char *path, struct fault *fault) {
    uint8_t seed[ED25519_SEED_SIZE];
    char text[2 * sizeof seed + 2];
    struct random_source source = random_source_system();
    if (!random_fill(&source, seed, sizeof seed, fault))
        return false;
    encoding_hex(seed, sizeof seed, text);
    text[2 * sizeof seed] = '\n';
    bool good = files_write_new(path, slice_make(text, 2 * sizeof seed + 1), 0600, fault);
    memory_wipe(seed, sizeof seed);
    memory_wipe(text, sizeof text);
    return good;
}

struct signing_key *key_file_open(const char *path, bool make, struct fault *fault) {
    if (make && !files_exists(path) && !make_key(path, fault))
        return NULL;
    CLEANUP_BUFFER struct buffer text = BUFFER(256);
    if (!files_read_secret(path, &text, fault))
        return NULL;
    uint8_t seed[ED25519_SEED_SIZE];
    struct signing_key *key = NULL;
    if (encoding_unhex(buffer_slice(&text), seed, sizeof seed))
        key = signing_key_create(seed);
    else
        fault_set(fault, FAULT_FORMAT, "%s holds no signing key: 64 hexadecimal digits were expected", path);
    memory_wipe(seed, sizeof seed);
    memory_wipe(text.data, text.size);
    return key;
}

#include "backup_key.h"

#include "encoding.h"
#include "files.h"
#include "memory.h"
#include "random.h"

bool backup_key_write(const char *path, const uint8_t key[BACKUP_KEY_SIZE], struct fault *fault) {
    char text[2 * BACKUP_KEY_SIZE + 2];
    encoding_hex(key, BACKUP_KEY_SIZE, text);
    text[2 * BACKUP_KEY_SIZE] = '\n';
    bool good = files_write_new(path, slice_make(text, 2 * BACKUP_KEY_SIZE + 1), 0600, fault);
    memory_wipe(text, sizeof text);
    return good;
}

static bool make_key(const char *path, struct fault *fault) {
    uint8_t key[BACKUP_KEY_SIZE];
    struct random_source source = random_source_system();
    bool good = random_fill(&source, key, sizeof key, fault) && backup_key_write(path, key, fault);
    memory_wipe(key, sizeof key);
    return good;
}

bool backup_key_open(const char *path, bool make, uint8_t ret_key[BACKUP_KEY_SIZE], struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(256);
    if ((make && !files_exists(path) && !make_key(path, fault)) || !files_read_secret(path, &text, fault))
        return false;
    bool good = encoding_unhex(buffer_slice(&text), ret_key, BACKUP_KEY_SIZE) ||
                fault_set(fault, FAULT_FORMAT,
                          "%s holds no key of backups: 64 hexadecimal digits were expected", path);
    if (text.data)
        memory_wipe(text.data, text.capacity);
    return good;
}

#include "keepsake.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "buffer.h"
#include "encoding.h"
#include "files.h"
#include "memory.h"

#define NAME_SIZE (2 * HASH_SIZE)

struct item {
    char name[NAME_SIZE + 1];
    size_t size;
};

struct keepsake {
    char folder[FILES_PATH_MOST];
    size_t count;
    struct item items[KEEPSAKE_ITEMS_MOST];
};

static const struct item *find(const struct keepsake *keepsake, struct slice name) {
    for (size_t i = 0; i < keepsake->count; i++)
        if (slice_equal(slice_string(keepsake->items[i].name), name))
            return &keepsake->items[i];
    return NULL;
}

static void note_item(struct keepsake *keepsake, const char *name, size_t size) {
    struct item *item = &keepsake->items[keepsake->count++];
    snprintf(item->name, sizeof item->name, "%.*s", (int)NAME_SIZE, name);
    item->size = size;
}

static bool is_name(const char *name) {
    uint8_t hash[HASH_SIZE];
    return strlen(name) == NAME_SIZE && encoding_unhex(slice_string(name), hash, sizeof hash);
}

static int is_item(const struct dirent *entry) {
    return is_name(entry->d_name);
}

static bool read_folder(struct keepsake *keepsake, struct fault *fault) {
    struct dirent **entries;
    int count = scandir(keepsake->folder, &entries, is_item, alphasort);
    if (count < 0)
        return errno == ENOENT || fault_set_system(fault, "%s", keepsake->folder);
    for (int i = 0; i < count; i++) {
        char path[FILES_PATH_MOST];
        struct stat status;
        if (keepsake->count < KEEPSAKE_ITEMS_MOST && files_path(path, keepsake->folder, entries[i]->d_name) &&
            stat(path, &status) == 0)
            note_item(keepsake, entries[i]->d_name, (size_t)status.st_size);
        free(entries[i]);
    }
    free(entries);
    return true;
}

struct keepsake *keepsake_open(const char *folder, struct fault *fault) {
    struct keepsake *keepsake = memory_new(sizeof *keepsake);
    snprintf(keepsake->folder, sizeof keepsake->folder, "%s", folder);
    if (read_folder(keepsake, fault))
        return keepsake;
    return keepsake_close(keepsake);
}

struct keepsake *keepsake_close(struct keepsake *keepsake) {
    free(keepsake);
    return NULL;
}

size_t keepsake_count(const struct keepsake *keepsake) {
    return keepsake->count;
}

bool keepsake_add(struct keepsake *keepsake, struct slice item, struct hash *ret_hash, struct fault *fault) {
    char name[NAME_SIZE + 1], path[FILES_PATH_MOST];
    struct hash hash = sha256_of(item);
    encoding_hex(hash.bytes, sizeof hash.bytes, name);
    if (!find(keepsake, slice_string(name))) {
        if (keepsake->count == KEEPSAKE_ITEMS_MOST || item.size > KEEPSAKE_ITEM_MOST)
            return fault_set(fault, FAULT_LIMIT, "no more than %u are kept here, of %u bytes each",
                             KEEPSAKE_ITEMS_MOST, KEEPSAKE_ITEM_MOST);
        if (!files_make_folder(keepsake->folder, 0700, fault))
            return false;
        if (!files_path(path, keepsake->folder, name))
            return fault_set(fault, FAULT_LIMIT, "the data folder's path is too long");
        if (!files_write(path, item, 0600, fault))
            return false;
        note_item(keepsake, name, item.size);
    }
    *ret_hash = hash;
    return true;
}

void keepsake_list(const struct keepsake *keepsake, struct buffer *to) {
    for (size_t i = 0; i < keepsake->count; i++)
        buffer_printf(to, "%s %zu\n", keepsake->items[i].name, keepsake->items[i].size);
}

bool keepsake_get(const struct keepsake *keepsake, struct slice name, struct buffer *to,
                  struct fault *fault) {
    char path[FILES_PATH_MOST];
    const struct item *item = find(keepsake, name);
    if (!item)
        return fault_set(fault, FAULT_MISSING, "there is no such item");
    return files_path(path, keepsake->folder, item->name) && files_read(path, to, fault);
}

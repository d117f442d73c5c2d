#include "day_keys.h"

#include <pthread.h>
#include <stdlib.h>

#include "bytes.h"
#include "encoding.h"
#include "files.h"
#include "key_wrap.h"
#include "memory.h"
#include "random.h"

#define LABEL "tocsin/keys/v1\0"
#define ID_LABEL "tocsin/daykey/v1"
#define KEYS_NAME "day.keys"
#define SITE_NAME "site.key"
#define ROW (1 + 8 + HASH_SIZE + KEY_WRAP_SIZE)
#define FILE_MOST (16 + 4 + (size_t)DAY_KEYS_MOST * ROW + HASH_SIZE)

struct item {
    uint8_t class;
    uint64_t day;
    uint8_t key[DAY_KEY_SIZE];
    struct hash id;
};

struct day_keys {
    pthread_mutex_t mutex;
    char path[FILES_PATH_MOST], mirror[FILES_PATH_MOST]; /* mirror: empty for none */
    uint8_t site_key[KEY_WRAP_KEY];
    struct item *items; /* by class, then day */
    size_t count, room;
};

struct hash day_key_id(uint8_t class, uint64_t day, const uint8_t key[DAY_KEY_SIZE]) {
    struct sha256 running;
    uint8_t head[9];
    head[0] = class;
    bytes_put_u64(head + 1, day);
    sha256_begin(&running);
    sha256_add(&running, ID_LABEL, sizeof ID_LABEL - 1);
    sha256_add(&running, head, sizeof head);
    sha256_add(&running, key, DAY_KEY_SIZE);
    return sha256_end(&running);
}

/* ---- the file */

static bool read_file(struct day_keys *keys, struct slice file, struct fault *fault) {
    if (file.size < 16 + 4 + HASH_SIZE)
        return fault_set(fault, FAULT_FORMAT, "this is no file of day keys: too short");
    struct slice body = slice_head(file, file.size - HASH_SIZE);
    struct hash hash = sha256_of(body);
    struct bytes_reader reader = bytes_read(body);
    if (memcmp(bytes_read_raw(&reader, 16).data, LABEL, 16) != 0 ||
        memcmp(hash.bytes, file.data + body.size, HASH_SIZE) != 0)
        return fault_set(fault, FAULT_FORMAT, "this is no file of day keys, or it was altered");
    uint32_t count = bytes_read_u32(&reader);
    if (count > DAY_KEYS_MOST || reader.rest.size != (size_t)count * ROW)
        return fault_set(fault, FAULT_FORMAT, "a file of day keys with another size than its keys have");
    keys->items = memory_new_array(count, sizeof *keys->items);
    keys->room = count;
    for (; keys->count < count; keys->count++) {
        struct item *item = &keys->items[keys->count];
        item->class = bytes_read_u8(&reader);
        item->day = bytes_read_u64(&reader);
        bytes_read_into(&reader, item->id.bytes, HASH_SIZE);
        if (!key_unwrap(keys->site_key, bytes_read_raw(&reader, KEY_WRAP_SIZE).data, item->key))
            return fault_set(fault, FAULT_AUTH, "its keys were wrapped under another site key");
        struct hash id = day_key_id(item->class, item->day, item->key);
        const struct item *before = keys->count ? item - 1 : NULL;
        if (!hash_equal(&id, &item->id) ||
            (before &&
             (before->class > item->class || (before->class == item->class && before->day >= item->day))))
            return fault_set(fault, FAULT_FORMAT, "a day key that is not the one it says, or out of order");
    }
    return true;
}

static bool write_file(const struct day_keys *keys, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(FILE_MOST);
    buffer_append(&file, LABEL, 16);
    bytes_write_u32(&file, (uint32_t)keys->count);
    for (size_t i = 0; i < keys->count; i++) {
        uint8_t wrapped[KEY_WRAP_SIZE];
        key_wrap(keys->site_key, keys->items[i].key, wrapped);
        bytes_write_u8(&file, keys->items[i].class);
        bytes_write_u64(&file, keys->items[i].day);
        buffer_append_slice(&file, hash_slice(&keys->items[i].id));
        buffer_append(&file, wrapped, sizeof wrapped);
    }
    struct hash hash = sha256_of(buffer_slice(&file));
    buffer_append_slice(&file, hash_slice(&hash));
    if (file.overflow)
        return fault_set(fault, FAULT_LIMIT, "more than %u day keys", DAY_KEYS_MOST);
    /* The mirror first: a key stands in its backup before anything is sealed under it. */
    return (!keys->mirror[0] || files_write_secret(keys->mirror, buffer_slice(&file), fault)) &&
           files_write_secret(keys->path, buffer_slice(&file), fault);
}

static bool read_site_key(struct day_keys *keys, const char *path, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(256);
    bool good =
        files_read_secret(path, &text, fault) &&
        (encoding_unhex(buffer_slice(&text), keys->site_key, sizeof keys->site_key) ||
         fault_set(fault, FAULT_FORMAT, "%s holds no key: 64 hexadecimal digits were expected", path));
    if (text.data)
        memory_wipe(text.data, text.capacity);
    return good;
}

static bool make_site_key(const char *path, struct fault *fault) {
    uint8_t key[KEY_WRAP_KEY];
    char text[2 * sizeof key + 2];
    struct random_source source = random_source_system();
    if (!random_fill(&source, key, sizeof key, fault))
        return false;
    encoding_hex(key, sizeof key, text);
    text[2 * sizeof key] = '\n';
    bool good = files_write_new(path, slice_make(text, 2 * sizeof key + 1), 0600, fault);
    memory_wipe(key, sizeof key);
    memory_wipe(text, sizeof text);
    return good;
}

static bool open_files(struct day_keys *keys, const char *folder, bool make, struct fault *fault) {
    char site[FILES_PATH_MOST];
    CLEANUP_BUFFER struct buffer file = BUFFER(FILE_MOST);
    if (!files_path(keys->path, folder, KEYS_NAME) || !files_path(site, folder, SITE_NAME))
        return fault_set(fault, FAULT_LIMIT, "the path is too long");
    bool there = files_exists(keys->path);
    if (make && !files_sweep_secret(keys->path, fault))
        return false;
    if (!files_exists(site)) {
        if (there)
            return fault_set(fault, FAULT_MISSING, "%s is here and %s is not: bring it back from its backup",
                             KEYS_NAME, site);
        if (!make)
            return fault_set(fault, FAULT_MISSING, "there is no %s", site);
        if (!make_site_key(site, fault))
            return false;
    }
    return read_site_key(keys, site, fault) &&
           (!there || (files_read(keys->path, &file, fault) && (read_file(keys, buffer_slice(&file), fault) ||
                                                                fault_place(fault, "%s", keys->path))));
}

struct day_keys *day_keys_open(const char *folder, bool make, struct fault *fault) {
    struct day_keys *keys = memory_new(sizeof *keys);
    pthread_mutex_init(&keys->mutex, NULL);
    return open_files(keys, folder, make, fault) ? keys : day_keys_close(keys);
}

struct day_keys *day_keys_close(struct day_keys *keys) {
    if (keys) {
        pthread_mutex_destroy(&keys->mutex);
        if (keys->items)
            memory_wipe(keys->items, keys->room * sizeof *keys->items);
        free(keys->items);
        memory_wipe(keys, sizeof *keys);
        free(keys);
    }
    return NULL;
}

bool day_keys_mirror(struct day_keys *keys, const char *folder, struct fault *fault) {
    pthread_mutex_lock(&keys->mutex);
    keys->mirror[0] = '\0';
    bool good = !folder || ((files_path(keys->mirror, folder, KEYS_NAME) ||
                             fault_set(fault, FAULT_LIMIT, "the path is too long")) &&
                            files_sweep_secret(keys->mirror, fault) && write_file(keys, fault));
    pthread_mutex_unlock(&keys->mutex);
    return good;
}

/* ---- keys */

/* Where it is, or would be. */
static size_t place_of(const struct day_keys *keys, uint8_t class, uint64_t day, bool *ret_there) {
    size_t low = 0, high = keys->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct item *item = &keys->items[middle];
        if (item->class < class || (item->class == class && item->day < day))
            low = middle + 1;
        else
            high = middle;
    }
    *ret_there = low < keys->count && keys->items[low].class == class && keys->items[low].day == day;
    return low;
}

static void give(const struct item *item, uint8_t ret_key[DAY_KEY_SIZE], struct hash *ret_id) {
    memcpy(ret_key, item->key, DAY_KEY_SIZE);
    if (ret_id)
        *ret_id = item->id;
}

bool day_keys_get(struct day_keys *keys, uint8_t class, uint64_t day, uint8_t ret_key[DAY_KEY_SIZE],
                  struct hash *ret_id, struct fault *fault) {
    bool there;
    pthread_mutex_lock(&keys->mutex);
    size_t place = place_of(keys, class, day, &there);
    if (there)
        give(&keys->items[place], ret_key, ret_id);
    pthread_mutex_unlock(&keys->mutex);
    return there || fault_set(fault, FAULT_MISSING,
                              "the key of class %s, day %llu is not there: erased, or never made",
                              class_name(class) ? class_name(class) : "?", (unsigned long long)day);
}

static void put_in(struct day_keys *keys, size_t place, const struct item *item) {
    if (keys->count == keys->room) { /* a new array: realloc would leave keys behind */
        keys->room = keys->room ? keys->room * 2 : 64;
        struct item *items = memory_new_array(keys->room, sizeof *items);
        if (keys->count) {
            memcpy(items, keys->items, keys->count * sizeof *items);
            memory_wipe(keys->items, keys->count * sizeof *items);
        }
        free(keys->items);
        keys->items = items;
    }
    memmove(keys->items + place + 1, keys->items + place, (keys->count - place) * sizeof *keys->items);
    keys->items[place] = *item;
    keys->count++;
}

static void take_out(struct day_keys *keys, size_t place) {
    keys->count--;
    memmove(keys->items + place, keys->items + place + 1, (keys->count - place) * sizeof *keys->items);
    memory_wipe(keys->items + keys->count, sizeof *keys->items);
}

bool day_keys_need(struct day_keys *keys, uint8_t class, uint64_t day, uint8_t ret_key[DAY_KEY_SIZE],
                   struct hash *ret_id, struct fault *fault) {
    bool there;
    struct random_source source = random_source_system();
    pthread_mutex_lock(&keys->mutex);
    size_t place = place_of(keys, class, day, &there);
    bool good = there;
    if (!there) {
        struct item item = {.class = class, .day = day};
        good = random_fill(&source, item.key, sizeof item.key, fault);
        item.id = day_key_id(class, day, item.key);
        if (good) {
            put_in(keys, place, &item);
            good = write_file(keys, fault);
            if (!good)
                take_out(keys, place);
        }
        memory_wipe(&item, sizeof item);
    }
    if (good)
        give(&keys->items[place], ret_key, ret_id);
    pthread_mutex_unlock(&keys->mutex);
    return good;
}

bool day_keys_destroy(struct day_keys *keys, uint8_t class, uint64_t day, struct fault *fault) {
    bool there;
    pthread_mutex_lock(&keys->mutex);
    size_t place = place_of(keys, class, day, &there);
    if (there)
        take_out(keys, place);
    /* Also when it is not there: a try that failed half way left it in a file. */
    bool good = write_file(keys, fault);
    pthread_mutex_unlock(&keys->mutex);
    return good;
}

void day_keys_each(struct day_keys *keys, day_keys_take *take, void *context) {
    pthread_mutex_lock(&keys->mutex);
    size_t count = keys->count;
    struct item *items = memory_new_array(count, sizeof *items);
    if (count)
        memcpy(items, keys->items, count * sizeof *items);
    pthread_mutex_unlock(&keys->mutex);
    bool go_on = true;
    for (size_t i = 0; go_on && i < count; i++)
        go_on = take(context, items[i].class, items[i].day, &items[i].id);
    memory_wipe(items, count * sizeof *items);
    free(items);
}

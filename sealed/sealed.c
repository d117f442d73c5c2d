#include "sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"

struct sealed_handle {
    struct segment_row row;
    struct sealed_file file;
    struct segment_reader *reader;
    struct query_lexicon *lexicon; /* NULL: not asked for yet */
    size_t memory;
    unsigned users;
    uint64_t used; /* the last time, counted */
    bool forgotten;
    struct sealed_handle *next;
};

struct sealed {
    char folder[FILES_PATH_MOST];
    struct day_keys *keys;
    pthread_mutex_t mutex;
    struct sealed_handle *handles;
    size_t count, memory; /* of handles */
    uint64_t uses;
};

/* ---- files */

static bool read_file(void *context, uint64_t offset, void *to, size_t size, struct fault *fault) {
    const struct sealed_file *file = context;
    uint8_t *at = to;
    while (size) {
        ssize_t got = pread(file->descriptor, at, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fault_set_system(fault, "the segment cannot be read");
        if (got == 0)
            return fault_set(fault, FAULT_FORMAT, "the segment ends too early");
        at += got;
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return true;
}

bool sealed_file_open(const char *path, struct sealed_file *ret_file, struct fault *fault) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        bool missing = errno == ENOENT;
        fault_set_system(fault, "the segment cannot be opened");
        if (missing)
            fault_set(fault, FAULT_MISSING, "the segment's file is not there");
        return fault_place(fault, "%s", path);
    }
    ret_file->descriptor = descriptor;
    return true;
}

void sealed_file_close(struct sealed_file *file) {
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

struct segment_source sealed_file_source(struct sealed_file *file) {
    return (struct segment_source){file, read_file};
}

/* ---- handles */

static struct sealed_handle *handle_destroy(struct sealed_handle *handle) {
    query_lexicon_destroy(handle->lexicon);
    segment_reader_close(handle->reader);
    sealed_file_close(&handle->file);
    free(handle);
    return NULL;
}

static bool is_row(const struct segment_row *row, const struct segment_reader *reader) {
    const struct segment_head *head = segment_reader_head(reader);
    return head->class == row->class && head->day == row->day && head->first_index == row->first_index &&
           head->last_index == row->last_index && hash_equal(&head->key_id, &row->key_id);
}

static struct sealed_handle *handle_open(const struct sealed *sealed, const struct segment_row *row,
                                         struct fault *fault) {
    char path[FILES_PATH_MOST];
    uint8_t key[DAY_KEY_SIZE];
    struct hash id;
    if (!sealed->keys) {
        fault_set(fault, FAULT_MISSING, "without the day keys nothing that is sealed can be read");
        return NULL;
    }
    if (!segment_files_path(path, sealed->folder, row) ||
        !day_keys_get(sealed->keys, row->class, row->day, key, &id, fault))
        return NULL;
    struct sealed_handle *handle = memory_new(sizeof *handle);
    handle->row = *row;
    handle->file.descriptor = -1;
    struct segment_source source = sealed_file_source(&handle->file);
    bool good = sealed_file_open(path, &handle->file, fault);
    handle->reader = good ? segment_reader_open(&source, fault) : NULL;
    good = handle->reader &&
           (is_row(row, handle->reader) ||
            fault_set(fault, FAULT_FORMAT, "its header is not that of its row")) &&
           segment_reader_unlock(handle->reader, key, fault);
    memory_wipe(key, sizeof key);
    if (good)
        return handle;
    if (!fault->place[0] || fault->code == FAULT_AUTH)
        fault_place(fault, "%s", path);
    return handle_destroy(handle);
}

struct sealed *sealed_create(const char *folder, struct day_keys *keys) {
    struct sealed *sealed = memory_new(sizeof *sealed);
    snprintf(sealed->folder, sizeof sealed->folder, "%s", folder);
    sealed->keys = keys;
    pthread_mutex_init(&sealed->mutex, NULL);
    return sealed;
}

struct sealed *sealed_destroy(struct sealed *sealed) {
    if (sealed) {
        while (sealed->handles) {
            struct sealed_handle *handle = sealed->handles;
            sealed->handles = handle->next;
            handle_destroy(handle);
        }
        pthread_mutex_destroy(&sealed->mutex);
        free(sealed);
    }
    return NULL;
}

static struct sealed_handle *find(struct sealed *sealed, const struct segment_row *row) {
    for (struct sealed_handle *handle = sealed->handles; handle; handle = handle->next)
        if (!handle->forgotten && handle->row.class == row->class && handle->row.day == row->day &&
            handle->row.first_index == row->first_index && handle->row.last_index == row->last_index)
            return handle;
    return NULL;
}

static bool is_too_much(const struct sealed *sealed) {
    return sealed->count > SEALED_OPEN_MOST || sealed->memory > SEALED_MEMORY_MOST;
}

/* Takes one out of the list that nobody uses: one that was forgotten, or where there is too much the one used least lately. */
static struct sealed_handle *take_idle(struct sealed *sealed) {
    struct sealed_handle **worst = NULL;
    bool any = is_too_much(sealed);
    for (struct sealed_handle **at = &sealed->handles; *at; at = &(*at)->next)
        if ((*at)->users == 0 && ((*at)->forgotten || any) && (!worst || (*at)->used < (*worst)->used))
            worst = at;
    struct sealed_handle *handle = worst ? *worst : NULL;
    if (handle) {
        *worst = handle->next;
        sealed->count--;
        sealed->memory -= handle->memory;
    }
    return handle;
}

/* Closes what is not to be kept; without the mutex, which it takes. */
static void close_idle(struct sealed *sealed) {
    struct sealed_handle *idle;
    do {
        pthread_mutex_lock(&sealed->mutex);
        idle = take_idle(sealed);
        pthread_mutex_unlock(&sealed->mutex);
        if (idle)
            handle_destroy(idle);
    } while (idle);
}

struct sealed_handle *sealed_take(struct sealed *sealed, const struct segment_row *row, struct fault *fault) {
    struct fault local = {0};
    pthread_mutex_lock(&sealed->mutex);
    struct sealed_handle *handle = find(sealed, row);
    if (handle) {
        handle->users++;
        handle->used = ++sealed->uses;
    }
    pthread_mutex_unlock(&sealed->mutex);
    if (handle)
        return handle;
    handle = handle_open(sealed, row, fault ? fault : &local);
    if (!handle)
        return NULL;
    handle->memory = sizeof *handle + segment_index_memory(segment_reader_index(handle->reader));
    pthread_mutex_lock(
        &sealed->mutex); /* another thread may have opened it too: then there are two for a while */
    handle->users = 1;
    handle->used = ++sealed->uses;
    handle->next = sealed->handles;
    sealed->handles = handle;
    sealed->count++;
    sealed->memory += handle->memory;
    pthread_mutex_unlock(&sealed->mutex);
    close_idle(sealed);
    return handle;
}

void sealed_give(struct sealed *sealed, struct sealed_handle *handle) {
    if (!handle)
        return;
    pthread_mutex_lock(&sealed->mutex);
    handle->users--;
    pthread_mutex_unlock(&sealed->mutex);
    close_idle(sealed);
}

const struct query_lexicon *sealed_lexicon(struct sealed *sealed, struct sealed_handle *handle) {
    pthread_mutex_lock(&sealed->mutex);
    struct query_lexicon *lexicon = handle->lexicon, *made = NULL;
    pthread_mutex_unlock(&sealed->mutex);
    if (lexicon)
        return lexicon;
    made = query_lexicon_create(segment_reader_index(handle->reader));
    pthread_mutex_lock(&sealed->mutex);
    if (!handle->lexicon) { /* else another thread was faster */
        handle->lexicon = made;
        handle->memory += query_lexicon_memory(made);
        sealed->memory += query_lexicon_memory(made);
        made = NULL;
    }
    lexicon = handle->lexicon;
    pthread_mutex_unlock(&sealed->mutex);
    query_lexicon_destroy(made);
    return lexicon;
}

const struct segment_reader *sealed_reader(const struct sealed_handle *handle) {
    return handle->reader;
}

void sealed_forget(struct sealed *sealed, uint8_t class, uint64_t day) {
    pthread_mutex_lock(&sealed->mutex);
    for (struct sealed_handle *handle = sealed->handles; handle; handle = handle->next)
        handle->forgotten |= handle->row.class == class && handle->row.day == day;
    pthread_mutex_unlock(&sealed->mutex);
    close_idle(sealed);
}

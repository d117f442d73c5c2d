#include "source_harness.h"

#include "cmocka_all.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "memory.h"

#define TURNS_MOST 200000

struct harness_position {
    char *key;
    uint8_t *value;
    size_t key_size, size;
};

static void given_free(struct given *given) {
    free(given->source);
    free(given->raw);
    for (size_t i = 0; i < given->field_count; i++) {
        free((void *)(uintptr_t)given->fields[i].name.data);
        free((void *)(uintptr_t)given->fields[i].value.data);
    }
}

static struct slice copy_slice(struct slice from) {
    return slice_make(memory_copy(from.data ? (const void *)from.data : "", from.size), from.size);
}

static bool take_event(void *context, enum event_class class, const struct event_body *body) {
    struct harness *harness = context;
    if (harness->group_most && harness->count - harness->committed >= harness->group_most) {
        harness->refused++;
        return false;
    }
    struct buffer bytes = BUFFER(EVENT_BODY_MOST);
    assert_true(event_body_write(&bytes, body)); /* within the limits of an event */
    buffer_free(&bytes);
    if (harness->count == harness->capacity) {
        harness->capacity = harness->capacity ? 2 * harness->capacity : 256;
        harness->given = memory_resize(harness->given, harness->capacity, sizeof *harness->given);
    }
    struct given *given = &harness->given[harness->count++];
    *given =
        (struct given){.class = class,
                       .kind = body->kind,
                       .source = memory_copy(body->source.data, body->source.size),
                       .raw = memory_copy(body->raw.data ? (const void *)body->raw.data : "", body->raw.size),
                       .raw_size = body->raw.size,
                       .source_time_us = body->source_time_us,
                       .offset = body->offset,
                       .generation = body->generation};
    for (size_t i = 0; i < body->field_count && i < HARNESS_FIELDS; i++)
        given->fields[given->field_count++] =
            (struct event_field){copy_slice(body->fields[i].name), copy_slice(body->fields[i].value)};
    return true;
}

static bool room(void *context, size_t events, size_t bytes) {
    const struct harness *harness = context;
    (void)bytes;
    size_t taken = harness->count - harness->committed;
    return !harness->group_most || !taken || taken + events <= harness->group_most;
}

static void set_position(struct harness_position **list, size_t *count, struct slice key,
                         struct slice value) {
    size_t at = 0;
    while (at < *count && !slice_equal(slice_make((*list)[at].key, (*list)[at].key_size), key))
        at++;
    if (at == *count) {
        *list = memory_resize(*list, *count + 1, sizeof **list);
        (*list)[(*count)++] =
            (struct harness_position){.key = memory_copy(key.data, key.size), .key_size = key.size};
    } else {
        free((*list)[at].value);
    }
    (*list)[at].value = memory_copy(value.data ? (const void *)value.data : "", value.size);
    (*list)[at].size = value.size;
}

static void take_position(void *context, struct slice key, struct slice value) {
    struct harness *harness = context;
    assert_true(value.size <= SOURCE_POSITION_MOST);
    set_position(&harness->pending, &harness->pending_count, key, value);
}

static bool restore(void *context, struct slice key, struct slice *ret_value) {
    struct harness *harness = context;
    for (size_t i = 0; i < harness->position_count; i++) {
        const struct harness_position *one = &harness->positions[i];
        if (one->size && slice_equal(slice_make(one->key, one->key_size), key)) {
            *ret_value = slice_make(one->value, one->size);
            return true;
        }
    }
    return false;
}

static void restore_each(void *context, struct slice prefix,
                         void (*each)(void *each_context, struct slice key, struct slice value),
                         void *each_context) {
    struct harness *harness = context;
    for (size_t i = 0; i < harness->position_count; i++) {
        const struct harness_position *one = &harness->positions[i];
        struct slice key = slice_make(one->key, one->key_size);
        if (one->size && slice_starts(key, prefix))
            each(each_context, key, slice_make(one->value, one->size));
    }
}

static void positions_free(struct harness_position *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(list[i].key);
        free(list[i].value);
    }
    free(list);
}

void harness_start(struct harness *harness, struct source *(*create)(struct harness *harness),
                   const void *settings) {
    *harness = (struct harness){.create = create, .settings = settings, .now_us = 1700000000000000u};
    harness->output = (struct source_output){harness, take_event, room, take_position, restore, restore_each};
    snprintf(harness->folder, sizeof harness->folder, "%s/tocsin-source-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(harness->folder));
    harness->source = create(harness);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static void forget_pending(struct harness *harness) {
    while (harness->count > harness->committed)
        given_free(&harness->given[--harness->count]);
    positions_free(harness->pending, harness->pending_count);
    harness->pending = NULL;
    harness->pending_count = 0;
}

void harness_end(struct harness *harness) {
    harness->source = harness->source ? harness->source->operations->destroy(harness->source) : NULL;
    forget_pending(harness);
    harness_forget(harness);
    free(harness->given);
    positions_free(harness->positions, harness->position_count);
    nftw(harness->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void harness_crash(struct harness *harness) {
    harness->source = harness->source ? harness->source->operations->destroy(harness->source) : NULL;
    forget_pending(harness);
    harness->source = harness->create(harness);
}

uint64_t harness_turn(struct harness *harness) {
    harness->next_us = harness->source->operations->turn(harness->source, harness->now_us);
    return harness->next_us;
}

void harness_commit(struct harness *harness) {
    harness->committed = harness->count;
    for (size_t i = 0; i < harness->pending_count; i++) {
        const struct harness_position *one = &harness->pending[i];
        set_position(&harness->positions, &harness->position_count, slice_make(one->key, one->key_size),
                     slice_make(one->value, one->size));
    }
    forget_pending(harness);
}

void harness_run(struct harness *harness) {
    for (unsigned i = 0; i < TURNS_MOST; i++) {
        uint64_t next = harness_turn(harness);
        harness_commit(harness);
        if (next > harness->now_us)
            return;
    }
    fail_msg("the source does not come to an end");
}

void harness_pass(struct harness *harness, uint64_t time_us) {
    harness->now_us += time_us;
    harness_run(harness);
}

void harness_forget(struct harness *harness) {
    forget_pending(harness);
    while (harness->count)
        given_free(&harness->given[--harness->count]);
    harness->committed = 0;
}

size_t harness_kind(const struct harness *harness, enum event_kind kind) {
    size_t count = 0;
    for (size_t i = 0; i < harness->count; i++)
        count += harness->given[i].kind == kind;
    return count;
}

const struct given *harness_nth(const struct harness *harness, enum event_kind kind, size_t nth) {
    for (size_t i = 0; i < harness->count; i++)
        if (harness->given[i].kind == kind && nth-- == 0)
            return &harness->given[i];
    fail_msg("there is no such event");
    return NULL;
}

const struct given *harness_state(const struct harness *harness, const char *name) {
    for (size_t i = 0; i < harness->count; i++) {
        const char *field = given_field(&harness->given[i], "tocsin.event");
        if (field && strcmp(field, name) == 0)
            return &harness->given[i];
    }
    return NULL;
}

const char *given_field(const struct given *given, const char *name) {
    for (size_t i = 0; i < given->field_count; i++)
        if (slice_equal(given->fields[i].name, slice_string(name)))
            return (const char *)given->fields[i].value.data;
    return NULL;
}

const char *harness_lines(const struct harness *harness) {
    static char *text;
    static size_t capacity;
    size_t size = 0;
    for (size_t i = 0; i < harness->count; i++) {
        const struct given *one = &harness->given[i];
        if (one->kind != EVENT_LINE)
            continue;
        if (capacity < size + one->raw_size + 2) {
            capacity = 2 * (size + one->raw_size + 2);
            text = memory_resize(text, capacity, 1);
        }
        if (size)
            text[size++] = '|';
        memcpy(text + size, one->raw, one->raw_size);
        size += one->raw_size;
    }
    if (!text)
        text = memory_new(capacity = 1);
    text[size] = 0;
    return text;
}

const char *in_folder(const struct harness *harness, const char *name) {
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", harness->folder, name);
    return path;
}

void file_append(const char *path, const void *data, size_t size) {
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0644);
    assert_true(file >= 0);
    assert_int_equal(write(file, data, size), size);
    close(file);
}

void file_add_text(const char *path, const char *text) {
    file_append(path, text, strlen(text));
}

void file_make(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0644);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    close(file);
}

#include "journal_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "encoding.h"
#include "memory.h"
#include "sha256.h"

#define NUMBER_SIZE 24

const struct journal_class_row journal_class_rows[] = {
    {"SYSLOG_FACILITY", "4", CLASS_ACCESS},
    {"SYSLOG_FACILITY", "10", CLASS_ACCESS},
    {"SYSLOG_IDENTIFIER", "sshd", CLASS_ACCESS},
    {"SYSLOG_IDENTIFIER", "sudo", CLASS_ACCESS},
    {"SYSLOG_IDENTIFIER", "su", CLASS_ACCESS},
    {"SYSLOG_IDENTIFIER", "login", CLASS_ACCESS},
    {"SYSLOG_IDENTIFIER", "systemd-logind", CLASS_ACCESS},
    {"_COMM", "sshd", CLASS_ACCESS},
    {"_COMM", "sudo", CLASS_ACCESS},
    {"_COMM", "su", CLASS_ACCESS},
    {"_COMM", "login", CLASS_ACCESS},
    {"_COMM", "systemd-logind", CLASS_ACCESS},
    {NULL, NULL, CLASS_SYSTEM},
};

struct journal_entry *journal_entry_create(void) {
    struct journal_entry *entry = memory_new(sizeof *entry);
    /* Values, names, and what is said of those that were cut. */
    entry->text = BUFFER(JOURNAL_FIELDS_MOST + JOURNAL_FIELD_COUNT_MOST * 256u);
    entry->message = BUFFER(JOURNAL_DATA_MOST);
    return entry;
}

struct journal_entry *journal_entry_destroy(struct journal_entry *entry) {
    if (entry) {
        buffer_free(&entry->text);
        buffer_free(&entry->message);
        free(entry);
    }
    return NULL;
}

static void add_field(struct journal_entry *entry, struct slice name, const char *suffix,
                      struct slice value) {
    if (entry->field_count >= JOURNAL_FIELD_COUNT_MOST) {
        entry->left_out++;
        return;
    }
    struct journal_field *field = &entry->fields[entry->field_count];
    size_t before = entry->text.size;
    *field = (struct journal_field){.name_at = before, .name_size = name.size + strlen(suffix)};
    buffer_append_slice(&entry->text, name);
    buffer_append_string(&entry->text, suffix);
    field->value_at = entry->text.size;
    field->value_size = value.size;
    buffer_append_slice(&entry->text, value);
    if (entry->text.overflow) {
        entry->text.size = before;
        entry->text.overflow = false;
        entry->left_out++;
    } else {
        entry->field_count++;
    }
}

static void add_cut_field(struct journal_entry *entry, struct slice name, struct slice value, size_t most) {
    char total[NUMBER_SIZE], hex[2 * HASH_SIZE + 1];
    bool all = name.size + 1 + value.size < JOURNAL_DATA_MOST;
    struct hash hash = sha256_of(value);
    encoding_hex(hash.bytes, HASH_SIZE, hex);
    int size = snprintf(total, sizeof total, "%zu%s", value.size, all ? "" : "+");
    add_field(entry, name, "", slice_head(value, most));
    add_field(entry, name, ".total", slice_make(total, (size_t)size));
    if (all)
        add_field(entry, name, ".sha256", slice_make(hex, 2 * HASH_SIZE));
}

static void take_field(struct journal_entry *entry, struct slice name, struct slice value, size_t *budget) {
    if (!entry->has_message && slice_equal(name, SLICE("MESSAGE"))) {
        entry->has_message = true;
        buffer_append_slice(&entry->message, value);
        return;
    }
    size_t most = *budget < JOURNAL_FIELD_MOST ? *budget : JOURNAL_FIELD_MOST;
    if (value.size <= most)
        add_field(entry, name, "", value);
    else
        add_cut_field(entry, name, value, most);
    *budget -= value.size < most ? value.size : most;
}

static struct slice field_name(const struct journal_entry *entry, size_t i) {
    return slice_make(entry->text.data + entry->fields[i].name_at, entry->fields[i].name_size);
}

static struct slice field_value(const struct journal_entry *entry, size_t i) {
    return slice_make(entry->text.data + entry->fields[i].value_at, entry->fields[i].value_size);
}

static bool row_fits(const struct journal_entry *entry, const struct journal_class_row *row) {
    struct slice name = slice_string(row->field), value = slice_string(row->value);
    for (size_t i = 0; i < entry->field_count; i++)
        if (slice_equal(field_value(entry, i), value) && slice_equal(field_name(entry, i), name))
            return true;
    return false;
}

static enum event_class class_of(const struct journal_entry *entry,
                                 const struct journal_source_settings *settings) {
    for (size_t i = 0; i < settings->class_count; i++)
        if (row_fits(entry, &settings->classes[i]))
            return settings->classes[i].class;
    const struct journal_class_row *row = journal_class_rows;
    while (row->field && !row_fits(entry, row))
        row++;
    return row->class;
}

bool journal_entry_read(struct journal_entry *entry, sd_journal *journal,
                        const struct journal_source_settings *settings) {
    buffer_clear(&entry->text);
    buffer_clear(&entry->message);
    entry->field_count = entry->left_out = 0;
    entry->has_message = entry->damaged = false;
    if (sd_journal_get_realtime_usec(journal, &entry->realtime_us) < 0)
        return false;
    size_t budget = JOURNAL_FIELDS_MOST;
    sd_journal_restart_data(journal);
    for (;;) {
        const void *data = NULL;
        size_t size = 0;
        int got = sd_journal_enumerate_available_data(journal, &data, &size);
        if (got < 0)
            entry->damaged = true; /* what follows can't be found */
        if (got <= 0)
            break;
        struct slice all = slice_make(data, size);
        size_t equals = slice_find_byte(all, '=');
        if (equals != SIZE_MAX)
            take_field(entry, slice_head(all, equals), slice_from(all, equals + 1), &budget);
    }
    entry->class = class_of(entry, settings);
    return true;
}

static void body_field(struct event_body *body, struct event_field *fields, struct slice name,
                       struct slice value) {
    fields[body->field_count++] = (struct event_field){name, value};
}

bool journal_entry_give(const struct journal_entry *entry, const struct source_output *output,
                        uint32_t *fragments) {
    struct slice message = buffer_slice(&entry->message);
    uint32_t count =
        message.size > SOURCE_LINE_MOST ? (uint32_t)((message.size - 1) / SOURCE_LINE_MOST) + 1 : 1;
    for (uint32_t i = *fragments; i < count; i++) {
        struct event_field fields[JOURNAL_FIELD_COUNT_MOST + 10];
        struct event_body body = {
            .kind = EVENT_JOURNAL,
            .source = SLICE("journal"),
            .raw = slice_head(slice_from(message, (size_t)i * SOURCE_LINE_MOST), SOURCE_LINE_MOST),
            .source_time_us = entry->realtime_us,
            .fields = fields,
        };
        for (size_t k = 0; i == 0 && k < entry->field_count; k++)
            body_field(&body, fields, field_name(entry, k), field_value(entry, k));
        char left_out[NUMBER_SIZE], index[NUMBER_SIZE], total[NUMBER_SIZE], hex[2 * HASH_SIZE + 1];
        if (i == 0 && entry->damaged)
            body_field(&body, fields, SLICE("journal.damaged"), SLICE("true"));
        if (i == 0 && entry->left_out) {
            int size = snprintf(left_out, sizeof left_out, "%zu", entry->left_out);
            body_field(&body, fields, SLICE("journal.fields_left_out"), slice_make(left_out, (size_t)size));
        }
        if (count > 1) {
            int size = snprintf(index, sizeof index, "%" PRIu32, i);
            body_field(&body, fields, SLICE("fragment.index"), slice_make(index, (size_t)size));
            body_field(&body, fields, SLICE("fragment.last"),
                       i + 1 == count ? SLICE("true") : SLICE("false"));
        }
        if (count > 1 && i + 1 == count) {
            int size = snprintf(total, sizeof total, "%zu%s", message.size,
                                message.size + sizeof "MESSAGE" < JOURNAL_DATA_MOST ? "" : "+");
            struct hash hash = sha256_of(message);
            encoding_hex(hash.bytes, HASH_SIZE, hex);
            body_field(&body, fields, SLICE("fragment.total"), slice_make(total, (size_t)size));
            body_field(&body, fields, SLICE("fragment.sha256"), slice_make(hex, 2 * HASH_SIZE));
        }
        if (!output->event(output->context, entry->class, &body)) {
            *fragments = i;
            return false;
        }
    }
    *fragments = 0;
    return true;
}

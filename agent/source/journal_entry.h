/* One journal entry as events: its fields within their limits, its class, and its message in fragments. */
#ifndef TOCSIN_JOURNAL_ENTRY_H
#define TOCSIN_JOURNAL_ENTRY_H

#include <systemd/sd-journal.h>

#include "journal_source.h"

#define JOURNAL_FIELD_COUNT_MOST 480u

struct journal_field {
    size_t name_at, name_size, value_at, value_size; /* in `text` */
};

/* Used again for entry after entry. */
struct journal_entry {
    struct buffer text, message;
    struct journal_field fields[JOURNAL_FIELD_COUNT_MOST + 4];
    size_t field_count;
    size_t left_out;
    bool has_message, damaged;
    uint64_t realtime_us;
    enum event_class class;
};

struct journal_entry *journal_entry_create(void);
struct journal_entry *journal_entry_destroy(struct journal_entry *entry); /* returns NULL */

/* Reads the entry that the journal stands at. False: not even its time can be read. */
bool journal_entry_read(struct journal_entry *entry, sd_journal *journal,
                        const struct journal_source_settings *settings);
/* Gives it, from fragment *fragments on, which counts up; it is 0 again when all is given. False: the output is full. */
bool journal_entry_give(const struct journal_entry *entry, const struct source_output *output,
                        uint32_t *fragments);

#endif

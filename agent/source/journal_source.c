#include "journal_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal_entry.h"
#include "journal_position.h"
#include "memory.h"

#define NUMBERINGS_MOST 16u    /* journals of so many machines, or lives of one, are counted */
#define SAME_TIME_MOST 10000u  /* entries of one microsecond looked at for the one that is sought */
#define UNRELIABLE_US 2000000u /* between looks where changes are not reported (network file systems) */
#define PAUSE_SAVED_US 3600000000u

static const char position_key[] = "journal";

struct numbering {
    char id[33];
    uint64_t last; /* given or told as missing up to here */
};

struct journal_source {
    struct source source;
    struct journal_source_settings settings;
    char *directory;
    char **unless;
    sd_journal *journal; /* NULL: not there yet */
    struct stat folders[2];
    bool folder_there[2];
    int descriptor; /* an epoll set with the journal's own, which changes when it is opened anew */
    struct journal_position position;
    struct numbering numberings[NUMBERINGS_MOST];
    unsigned numbering_count;
    struct journal_entry *entry;
    bool restored, unsaved, caught_up;
    bool seek;        /* the journal does not stand at the position */
    bool standing;    /* it stands at an entry that is not (all) given yet */
    bool lost_place;  /* the position's entry is gone, and how much with it is not known; to be told */
    uint64_t look_us; /* when to look at files and folders again */
    uint64_t saved_us;
};

static struct journal_source *of(struct source *source) {
    return (struct journal_source *)(void *)source;
}
static const struct journal_source *of_const(const struct source *source) {
    return (const struct journal_source *)(const void *)source;
}

static int descriptor(const struct source *source) {
    return of_const(source)->descriptor;
}

static bool tell(struct journal_source *source, enum event_kind kind, enum event_class class,
                 const struct event_field *fields, size_t count, const char *sentence) {
    const struct source_output *output = source->source.output;
    struct event_body body = {.kind = kind,
                              .source = SLICE("journal"),
                              .raw = slice_string(sentence),
                              .fields = fields,
                              .field_count = count};
    return output->event(output->context, class, &body);
}

/* --- the journal itself --- */

static const char *const machine_folders[2] = {"/var/log/journal", "/run/log/journal"};

/* The folders are others than when the journal was opened: systemd has gone over to the disk, or somebody tidied up. */
static bool folders_changed(struct journal_source *source) {
    bool changed = false;
    for (unsigned i = 0; i < 2; i++) {
        const char *name = source->directory ? (i == 0 ? source->directory : NULL) : machine_folders[i];
        struct stat status = {0};
        bool there = name && stat(name, &status) == 0 && S_ISDIR(status.st_mode);
        changed |=
            there != source->folder_there[i] || (there && (status.st_ino != source->folders[i].st_ino ||
                                                           status.st_dev != source->folders[i].st_dev));
        source->folder_there[i] = there;
        source->folders[i] = status;
    }
    return changed;
}

static void close_journal(struct journal_source *source) {
    if (source->journal)
        sd_journal_close(source->journal);
    source->journal = NULL;
    source->standing = false;
}

static void open_journal(struct journal_source *source) {
    (void)folders_changed(source);
    if (!source->folder_there[0] && !source->folder_there[1])
        return;
    int got = source->directory ? sd_journal_open_directory(&source->journal, source->directory, 0)
                                : sd_journal_open(&source->journal, SD_JOURNAL_LOCAL_ONLY);
    if (got < 0) {
        source->journal = NULL;
        return;
    }
    int file =
        sd_journal_get_fd(source->journal); /* before the first look, so that nothing is missed after it */
    struct epoll_event wanted = {.events = EPOLLIN};
    if (file >= 0)
        (void)epoll_ctl(source->descriptor, EPOLL_CTL_ADD, file, &wanted);
    (void)sd_journal_set_data_threshold(source->journal, JOURNAL_DATA_MOST);
    source->seek = true;
}

/* --- where to read --- */

static bool cursor_here(struct journal_source *source, char ret_text[JOURNAL_CURSOR_MOST + 1],
                        struct journal_cursor *ret_cursor, bool *ret_known) {
    char *text = NULL;
    if (sd_journal_get_cursor(source->journal, &text) < 0)
        return false;
    size_t size = strlen(text);
    bool fits = size <= JOURNAL_CURSOR_MOST;
    if (fits)
        memcpy(ret_text, text, size + 1);
    *ret_known = fits && journal_cursor_read(slice_make(text, size), ret_cursor);
    free(text);
    return fits;
}

static bool stands_at(struct journal_source *source, const struct journal_cursor *wanted) {
    char text[JOURNAL_CURSOR_MOST + 1];
    struct journal_cursor here;
    bool known;
    return cursor_here(source, text, &here, &known) && known && journal_cursor_same(&here, wanted);
}

/* sd_journal_seek_cursor may land beside an entry that is there (systemd issues 31516, 43297), so it is looked for among
 * those of its time as well. */
static bool seek_exactly(struct journal_source *source, const struct journal_cursor *wanted) {
    sd_journal *journal = source->journal;
    if (sd_journal_seek_cursor(journal, source->position.cursor) >= 0 && sd_journal_next(journal) > 0 &&
        stands_at(source, wanted))
        return true;
    if (sd_journal_seek_realtime_usec(journal, wanted->realtime_us) < 0)
        return false;
    for (unsigned i = 0; i < SAME_TIME_MOST && sd_journal_next(journal) > 0; i++) {
        uint64_t time_us = 0;
        if (stands_at(source, wanted))
            return true;
        if (sd_journal_get_realtime_usec(journal, &time_us) < 0 || time_us != wanted->realtime_us)
            return false;
    }
    return false;
}

/* The first entry of the same numbering behind the one that is gone; how many went with it is then counted. */
static bool seek_by_number(struct journal_source *source, const struct journal_cursor *gone) {
    sd_journal *journal = source->journal;
    if (sd_journal_seek_cursor(journal, source->position.cursor) < 0)
        return false;
    for (unsigned i = 0; i < SAME_TIME_MOST && sd_journal_next(journal) > 0; i++) {
        char text[JOURNAL_CURSOR_MOST + 1];
        struct journal_cursor here;
        bool known;
        if (!cursor_here(source, text, &here, &known) || !known ||
            strcmp(here.numbering, gone->numbering) != 0)
            return false;
        if (here.number > gone->number)
            return true;
    }
    return false;
}

/* Nothing is newer than the position: it is of another journal or of a clock that ran ahead. What is there now counts as
 * read; what comes, comes. */
static void seek_end(struct journal_source *source) {
    char text[JOURNAL_CURSOR_MOST + 1];
    struct journal_cursor here;
    bool known;
    if (sd_journal_seek_tail(source->journal) < 0 || sd_journal_previous(source->journal) <= 0) {
        source->position.cursor[0] = 0; /* empty: from its first entry on, whenever that comes */
        source->position.told = 0;
        source->settings.from_end = false;
        source->unsaved = true;
        (void)sd_journal_seek_head(source->journal);
        return;
    }
    if (cursor_here(source, text, &here, &known))
        memcpy(source->position.cursor, text, sizeof text);
    source->position.fragments = 0;
    source->position.told = known ? here.number : 0;
    source->unsaved = true;
}

static void seek_gone(struct journal_source *source, const struct journal_cursor *gone) {
    source->position.fragments = 0;
    if (seek_by_number(source, gone)) {
        source->standing = true;
        return;
    }
    source->lost_place = true;
    if (sd_journal_seek_realtime_usec(source->journal, gone->realtime_us + 1) >= 0 &&
        sd_journal_next(source->journal) > 0)
        source->standing = true;
    else
        seek_end(source);
}

static void seek_first(struct journal_source *source) {
    if (source->position.seen_us)
        (void)sd_journal_seek_realtime_usec(source->journal, source->position.seen_us);
    else if (source->settings.from_end)
        seek_end(source);
    else
        (void)sd_journal_seek_head(source->journal);
}

static void seek_position(struct journal_source *source) {
    struct journal_cursor wanted;
    source->seek = source->standing = false;
    if (!source->position.cursor[0]) {
        seek_first(source);
        return;
    }
    bool known = journal_cursor_read(slice_string(source->position.cursor), &wanted);
    if (!known) {
        bool there = sd_journal_seek_cursor(source->journal, source->position.cursor) >= 0 &&
                     sd_journal_next(source->journal) > 0;
        source->standing = there && (source->position.fragments ||
                                     sd_journal_test_cursor(source->journal, source->position.cursor) <= 0);
    } else if (seek_exactly(source, &wanted)) {
        source->standing = source->position.fragments > 0;
    } else {
        seek_gone(source, &wanted);
    }
}

/* --- reading --- */

static struct numbering *numbering_of(struct journal_source *source, const char *id, uint64_t number) {
    for (unsigned i = 0; i < source->numbering_count; i++)
        if (strcmp(source->numberings[i].id, id) == 0)
            return &source->numberings[i];
    if (source->numbering_count == NUMBERINGS_MOST)
        return NULL;
    struct numbering *added = &source->numberings[source->numbering_count++];
    memcpy(added->id, id, sizeof added->id);
    added->last = number - 1;
    return added;
}

static bool tell_lost_place(struct journal_source *source) {
    const struct event_field fields[] = {{SLICE("gap.unit"), SLICE("entries")},
                                         {SLICE("gap.count"), SLICE("unknown")},
                                         {SLICE("gap.reason"), SLICE("position_gone")}};
    if (!source->lost_place)
        return true;
    if (!tell(source, EVENT_GAP, CLASS_SYSTEM, fields, 3,
              "the journal no longer holds the entry that was read last, nor its numbering (another journal, "
              "or a clock "
              "that was set back): reading goes on by time, and whether entries are missing is not known"))
        return false;
    source->lost_place = false;
    return true;
}

static bool tell_missing(struct journal_source *source, struct numbering *numbering, uint64_t number) {
    if (!numbering || number <= numbering->last + 1)
        return true;
    char first[24], count[24], sentence[240];
    uint64_t missing = number - numbering->last - 1;
    snprintf(first, sizeof first, "%" PRIu64, numbering->last + 1);
    snprintf(count, sizeof count, "%" PRIu64, missing);
    snprintf(sentence, sizeof sentence,
             "%s journal entries from number %s on are missing: vacuumed before they were read, damaged, or "
             "in a file that "
             "this agent may not read",
             count, first);
    struct event_field fields[] = {{SLICE("gap.unit"), SLICE("entries")},
                                   {SLICE("gap.first"), slice_string(first)},
                                   {SLICE("gap.count"), slice_string(count)},
                                   {SLICE("gap.reason"), SLICE("lost")},
                                   {SLICE("journal.numbering"), slice_string(numbering->id)}};
    if (!tell(source, EVENT_GAP, CLASS_SYSTEM, fields, 5, sentence))
        return false;
    numbering->last = number - 1;
    source->position.told = number - 1;
    source->unsaved = true;
    return true;
}

/* The entry that the journal stands at. False: the output is full. */
static bool give_entry(struct journal_source *source) {
    char text[JOURNAL_CURSOR_MOST + 1];
    struct journal_cursor here = {0};
    bool known = false;
    if (!cursor_here(source, text, &here, &known) ||
        !journal_entry_read(source->entry, source->journal, &source->settings))
        return true; /* damaged: its number is missed at the next entry */
    struct numbering *numbering = known ? numbering_of(source, here.numbering, here.number) : NULL;
    if (!tell_lost_place(source) || !tell_missing(source, numbering, here.number))
        return false;
    uint32_t before = source->position.fragments, fragments = before;
    bool given = journal_entry_give(source->entry, source->source.output, &fragments);
    if (!given && fragments == before)
        return false;
    memcpy(source->position.cursor, text, sizeof text);
    source->position.fragments = fragments;
    source->unsaved = true;
    if (given && numbering && here.number > numbering->last)
        numbering->last = here.number;
    if (given && known)
        source->position.told = here.number;
    return given;
}

enum reading { READ_ALL, READ_SOME, READ_FULL, READ_BROKEN };

static enum reading read_entries(struct journal_source *source) {
    if (sd_journal_process(source->journal) < 0)
        return READ_BROKEN;
    if (source->seek)
        seek_position(source);
    if (!tell_lost_place(source))
        return READ_FULL;
    for (unsigned i = 0; i < JOURNAL_TURN_MOST; i++) {
        int got = source->standing ? 1 : sd_journal_next(source->journal);
        if (got < 0)
            return READ_BROKEN;
        if (got == 0)
            return READ_ALL;
        source->standing = false;
        if (!give_entry(source)) {
            source->seek = true; /* the file it stands in may be gone by the next turn */
            return READ_FULL;
        }
    }
    return READ_SOME;
}

static bool tell_caught_up(struct journal_source *source) {
    const struct event_field fields[] = {{SLICE("tocsin.event"), SLICE("source_caught_up")}};
    if (source->caught_up)
        return true;
    source->caught_up = tell(source, EVENT_STATE, CLASS_JOURNAL, fields, 1,
                             "journal: all that was written up to now is read");
    return source->caught_up;
}

/* --- files in its stead --- */

static bool files_there(const struct journal_source *source) {
    for (size_t i = 0; i < source->settings.unless_count; i++)
        if (access(source->unless[i], F_OK) == 0)
            return true;
    return false;
}

static void look_at_files(struct journal_source *source, uint64_t now_us, bool first) {
    if (files_there(source)) {
        if (!source->position.paused)
            source->saved_us = 0;
        source->position.paused = true;
        source->position.seen_us = now_us;
        if (now_us - source->saved_us >= PAUSE_SAVED_US) {
            source->saved_us = now_us;
            source->unsaved = true;
        }
        close_journal(source);
    } else if (source->position.paused && (first || now_us - source->position.seen_us >= JOURNAL_RETURN_US)) {
        source->position.paused = false;
        source->position.cursor[0] = 0; /* from the time on at which the files were last there */
        source->position.fragments = 0;
        source->numbering_count = 0;
        source->unsaved = true;
    }
}

/* --- the turn --- */

static void restore(struct journal_source *source) {
    const struct source_output *output = source->source.output;
    struct slice value;
    struct journal_cursor cursor;
    source->restored = true;
    if (!output->restore(output->context, slice_string(position_key), &value) ||
        !journal_position_read(value, &source->position, NULL))
        return;
    if (journal_cursor_read(slice_string(source->position.cursor), &cursor)) {
        struct numbering *numbering = numbering_of(source, cursor.numbering, cursor.number);
        bool part = source->position.fragments > 0;
        if (numbering)
            numbering->last =
                source->position.told > cursor.number ? source->position.told : cursor.number - part;
    }
}

static void give_position(struct journal_source *source) {
    const struct source_output *output = source->source.output;
    struct buffer bytes = BUFFER(SOURCE_POSITION_MOST);
    if (source->unsaved && journal_position_write(&source->position, &bytes))
        output->position(output->context, slice_string(position_key), buffer_slice(&bytes));
    source->unsaved = false;
    buffer_free(&bytes);
}

static void look_around(struct journal_source *source, uint64_t now_us) {
    bool first = source->look_us == 0;
    if (now_us < source->look_us)
        return;
    look_at_files(source, now_us, first);
    if (source->position.paused) {
        source->look_us = now_us + JOURNAL_LOOK_US;
        return;
    }
    if (source->journal && folders_changed(source))
        close_journal(source);
    if (!source->journal)
        open_journal(source);
    source->look_us = now_us + (source->journal ? JOURNAL_LOOK_US : JOURNAL_WAIT_US);
}

static uint64_t turn(struct source *base, uint64_t now_us) {
    struct journal_source *source = of(base);
    if (!source->restored)
        restore(source);
    look_around(source, now_us);
    uint64_t next_us = source->look_us;
    if (source->journal) {
        switch (read_entries(source)) {
        case READ_ALL:
            if (!tell_caught_up(source))
                next_us = now_us;
            else if (sd_journal_reliable_fd(source->journal) <= 0 && next_us > now_us + UNRELIABLE_US)
                next_us = now_us + UNRELIABLE_US;
            break;
        case READ_SOME:
        case READ_FULL:
            next_us = now_us;
            break;
        case READ_BROKEN: /* opened anew after a while */
            close_journal(source);
            source->look_us = next_us = now_us + JOURNAL_WAIT_US;
            break;
        }
    }
    give_position(source);
    return next_us;
}

static void describe(const struct source *base, char *ret_text, size_t size, uint64_t *ret_lag_bytes) {
    const struct journal_source *source = of_const(base);
    const char *state = source->position.paused ? "not read: files are, in its stead"
                        : source->journal       ? "read"
                                                : "not there yet, waiting";
    snprintf(ret_text, size, "journal%s%s: %s", source->directory ? " in " : "",
             source->directory ? source->directory : "", state);
    *ret_lag_bytes = 0; /* the journal tells no bytes */
}

static void finish(struct source *base, uint64_t now_us) {
    (void)base;
    (void)now_us;
}

static struct source *destroy(struct source *base) {
    struct journal_source *source = of(base);
    if (!source)
        return NULL;
    close_journal(source);
    if (source->descriptor >= 0)
        close(source->descriptor);
    for (size_t i = 0; i < source->settings.unless_count; i++)
        free(source->unless[i]);
    free(source->unless);
    free(source->directory);
    journal_entry_destroy(source->entry);
    free(source);
    return NULL;
}

static const struct source_operations operations = {descriptor, turn, describe, finish, destroy};

struct source *journal_source_create(const struct journal_source_settings *settings,
                                     const struct source_output *output, struct fault *fault) {
    struct journal_source *source = memory_new(sizeof *source);
    source->source = (struct source){&operations, output};
    source->settings = *settings;
    source->directory = memory_copy_string(settings->directory);
    source->unless = memory_new_array(settings->unless_count + 1, sizeof *source->unless);
    for (size_t i = 0; i < settings->unless_count; i++)
        source->unless[i] = memory_copy_string(settings->unless[i]);
    source->entry = journal_entry_create();
    source->descriptor = epoll_create1(EPOLL_CLOEXEC);
    if (source->descriptor < 0) {
        fault_set_system(fault, "no descriptor for the journal");
        return destroy(&source->source);
    }
    return &source->source;
}

/* A spool for tests: takes events and positions in groups, commits them together or forgets them together, refuses when a
 * group is full, and starts a source again from what was committed. */
#ifndef TOCSIN_SOURCE_HARNESS_H
#define TOCSIN_SOURCE_HARNESS_H

#include "source.h"

#define HARNESS_FIELDS 96

struct given {
    enum event_class class;
    enum event_kind kind;
    char *source;
    uint8_t *raw; /* a NUL behind it */
    size_t raw_size;
    uint64_t source_time_us, offset, generation;
    struct event_field fields[HARNESS_FIELDS]; /* copies */
    size_t field_count;
};

struct harness {
    struct source *(*create)(struct harness *harness);
    const void *settings;
    struct source_output output;
    struct source *source;
    char folder[128]; /* of this test, removed with it */
    uint64_t now_us;
    uint64_t next_us;  /* as the last turn said */
    size_t group_most; /* events; 0: no limit */
    struct given *given;
    size_t count, committed, capacity;
    struct harness_position *positions, *pending;
    size_t position_count, pending_count;
    unsigned refused;
};

/* A new folder and a source made by `create`. */
void harness_start(struct harness *harness, struct source *(*create)(struct harness *harness),
                   const void *settings);
void harness_end(struct harness *harness);
/* Another source from what is committed; what is not is forgotten. */
void harness_crash(struct harness *harness);

uint64_t harness_turn(struct harness *harness); /* one turn, nothing committed */
void harness_commit(struct harness *harness);
void harness_run(
    struct harness *harness); /* turns, each committed, until the source has nothing more to do */
void harness_pass(struct harness *harness, uint64_t time_us); /* time goes by, then a run */
void harness_forget(struct harness *harness);                 /* the events seen so far; positions stay */

/* Of committed and pending events alike. */
size_t harness_kind(const struct harness *harness, enum event_kind kind);
const struct given *harness_nth(const struct harness *harness, enum event_kind kind, size_t nth);
const struct given *harness_state(const struct harness *harness, const char *name); /* NULL: none */
const char *given_field(const struct given *given, const char *name);               /* NULL: none */
/* The raw of all LINE events in order, joined by '|'. Until the next call. */
const char *harness_lines(const struct harness *harness);

/* Files below the harness's folder. */
const char *in_folder(const struct harness *harness, const char *name); /* one of four buffers */
void file_append(const char *path, const void *data, size_t size);
void file_add_text(const char *path, const char *text);
void file_make(const char *path, const char *text); /* replaces the content */

#endif

/* What a witness remembers of its logs, on the disk, and the one place where it cosigns.
 *
 *     FOLDER/<H(origin) in hex>/checkpoint     the newest note: text, the log's signature, the cosignature
 *     FOLDER/<H(origin) in hex>/forks/         notes of the same size with another root (keepsake.h)
 *     FOLDER/<H(origin) in hex>/statements/    what people handed over
 *
 * Judging, writing (fsync, rename, fsync of the folder) and cosigning happen under one lock, and nothing is answered before it
 * is written: two requests are never judged by the same memory, and a crash forgets nothing that was given out. A note that is
 * on the disk and does not verify stops the start: a witness that forgets can be rolled back. All functions from any thread. */
#ifndef TOCSIN_KEEPER_H
#define TOCSIN_KEEPER_H

#include "witness_judge.h"

#define KEEPER_STATEMENT_MOST (64u * 1024)

struct keeper;

struct keeper_settings {
    const char *folder;
    const struct note_key *witness;    /* copied */
    const struct signing_key *signing; /* its private half; borrowed */
    const struct note_key *logs;       /* copied; at most WITNESS_LOGS_MOST, of type NOTE_KEY_LOG */
    size_t log_count;
};

struct keeper *keeper_open(const struct keeper_settings *settings, struct fault *fault);
struct keeper *keeper_close(struct keeper *keeper); /* returns NULL */

/* add-checkpoint. `answer` gets the body, whatever the status. `ret_fork`: it was proof of a fork, and is kept. */
enum witness_status keeper_add_checkpoint(struct keeper *keeper, struct slice request, uint64_t now_s,
                                          struct buffer *answer, bool *ret_fork);

/* Logs are named by H(origin), in lower-case hexadecimal. FAULT_MISSING where the log, or the item, is none. */
bool keeper_newest(struct keeper *keeper, struct slice log, struct buffer *note, struct fault *fault);
enum keeper_shelf { KEEPER_FORKS, KEEPER_STATEMENTS };
bool keeper_list(struct keeper *keeper, struct slice log, enum keeper_shelf shelf, struct buffer *to,
                 struct fault *fault);
bool keeper_get(struct keeper *keeper, struct slice log, enum keeper_shelf shelf, struct slice name,
                struct buffer *to, struct fault *fault);
/* A signed statement of that log's (statement.h). Who signed it is not looked at: a witness knows no people. FAULT_FORMAT,
 * FAULT_LIMIT where the shelf is full. */
bool keeper_add_statement(struct keeper *keeper, struct slice log, struct slice statement,
                          struct hash *ret_hash, struct fault *fault);

/* One log, for pages and metrics. */
struct keeper_log {
    struct note_key key;
    char name[2 * HASH_SIZE + 1];
    struct witness_memory newest;
    size_t forks, statements;
};
size_t keeper_log_count(const struct keeper *keeper);
struct keeper_log keeper_log(struct keeper *keeper, size_t place);

#endif

/* The genesis of a site's log, made once and kept in a file until the collector has put it at log index 0 (log-format:
 * Statements, type 1).
 *
 *     file = block signed statement ‖ n × block (salt[32] ‖ text)         block: u32 size ‖ bytes
 *
 * The texts are what the statement names by their salted hashes: the person's name. Whoever makes one holds the log key and
 * the person's, both sign; it is SINGLE-CONTROL until there are more people. */
#ifndef TOCSIN_GENESIS_FILE_H
#define TOCSIN_GENESIS_FILE_H

#include "buffer.h"
#include "ed25519.h"
#include "retention_policy.h"
#include "sha256.h"

#define GENESIS_TEXTS_MOST 16u
#define GENESIS_FILE_MOST (128u * 1024)

struct genesis_plan {
    struct slice origin;
    const struct signing_key *log_key, *person_key;
    const struct verify_key *registrar;
    struct slice person; /* the name */
    const struct retention_policy *retention;
    uint64_t now_us;
};

/* Writes the file, which must not be there, and gives the leaf of log index 0: what a trust file pins and the board prints.
 * It is known beforehand because a genesis's control entry bears the statement's own time. */
bool genesis_file_make(const char *path, const struct genesis_plan *plan, struct hash *ret_leaf,
                       struct fault *fault);

struct genesis_file {
    struct buffer bytes;
    struct slice statement; /* signed_statement_write; borrowed from bytes, like the texts */
    struct slice texts[GENESIS_TEXTS_MOST];
    size_t text_count;
};

/* FAULT_MISSING where there is none. Release it in any case. */
bool genesis_file_read(const char *path, struct genesis_file *ret_file, struct fault *fault);
void genesis_file_release(struct genesis_file *file);

#endif

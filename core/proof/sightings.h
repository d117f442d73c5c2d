/* Batches as several logs, or several proofs, show them: of one batch there is one entry, whichever collector it was sent to
 * (log-format: What a verifier must catch, 12). Two entries under one stream and batch_seq, both signed, are two stories
 * that one host told, though each log is consistent by itself.
 *
 * Whoever adds has verified the entry's place in its log and its signature. Memory: about 80 bytes a batch, SIGHTINGS_MOST
 * of them; time: one look-up each. Strings are borrowed until sightings_destroy. */
#ifndef TOCSIN_SIGHTINGS_H
#define TOCSIN_SIGHTINGS_H

#include "fault.h"
#include "sha256.h"

#define SIGHTINGS_MOST (16u * 1024 * 1024)

struct sighting {
    struct hash stream_id;
    uint64_t batch_seq;
    struct hash leaf; /* of the entry */
    uint64_t log_index;
    unsigned log;        /* which of the caller's logs: two may have one name */
    struct slice origin; /* its name */
    const char *file;
};

struct sightings;
struct sightings *sightings_create(void);
struct sightings *sightings_destroy(struct sightings *sightings); /* returns NULL */

enum seen_again {
    SEEN_FIRST,  /* nothing was known of that batch */
    SEEN_SAME,   /* the same entry: of another log, or once more */
    SEEN_FORKED, /* another entry: ret_other is the one that came first. Told once a batch; then SEEN_SAME */
    SEEN_TOO_MANY,
};
enum seen_again sightings_add(struct sightings *sightings, const struct sighting *sighting,
                              struct sighting *ret_other);
/* Batches that two logs or more have shown alike. */
uint64_t sightings_alike(const struct sightings *sightings);

#endif

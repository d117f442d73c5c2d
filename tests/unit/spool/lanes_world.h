/* A host in memory: three sources of numbered lines, lanes on a disk model, and a collector that verifies
 * everything it is sent and remembers every line. Any breach of the contract fails the test at once. */
#ifndef TOCSIN_LANES_WORLD_H
#define TOCSIN_LANES_WORLD_H

#include "disk_model.h"
#include "events.h"
#include "lanes.h"
#include "stream_checker.h"

#define WORLD_SOURCES 3u
#define WORLD_LINES_MOST 20000u

struct world {
    struct disk_model *disk;
    struct spool_files files;
    struct signing_key *key;
    struct lanes_settings settings;
    struct lanes *lanes; /* NULL while the agent is down */
    struct lanes_cursor *cursors[LANES];
    struct stream_clock now;
    uint32_t next_line[WORLD_SOURCES]; /* the agent's, lost with it */
    /* The collector. */
    struct stream_checker *checkers[LANES];
    struct events_opener *opener;
    uint8_t *seen[WORLD_SOURCES];     /* how often each line came */
    uint8_t *replayed[WORLD_SOURCES]; /* how often as an event given anew */
    unsigned gaps, owed, parts, closes, messages, findings;
    uint64_t gap_events; /* named by gap events */
};

struct world *world_create(uint64_t seed);
struct world *world_destroy(struct world *world);

/* The agent starts: false where it cannot (the fault is for the test to look at). */
bool world_start(struct world *world, struct fault *fault);
void world_stop(struct world *world);
void world_pass(struct world *world, uint64_t time_us);
/* Gives so many lines of one source, as far as they are taken, and its position. */
void world_read(struct world *world, unsigned source, unsigned lines);
/* A line of any size. */
void world_read_long(struct world *world, unsigned source, size_t size);
/* Sends what the cursors give, at most so many items. */
void world_send(struct world *world, unsigned items);
/* All that came, as if a checkpoint held it already. */
void world_acknowledge(struct world *world);
/* Every line below its source's position came exactly once (or as an event given anew), and none above. */
void world_check_lines(const struct world *world);
/* Lines that neither came nor came anew. */
unsigned world_missing_lines(const struct world *world);

#endif

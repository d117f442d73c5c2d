/* The newest records in memory, so that what was just written is sent without reading a file. The oldest
 * go first. */
#ifndef TOCSIN_SPOOL_CACHE_H
#define TOCSIN_SPOOL_CACHE_H

#include "slice.h"

#define SPOOL_CACHE_RECORDS 1024u

struct spool_cached {
    uint64_t number, offset; /* ascending */
    uint8_t *data;
    size_t size;
};

struct spool_cache {
    struct spool_cached *records; /* a ring of SPOOL_CACHE_RECORDS */
    size_t first, count;
    size_t bytes, limit;
};

void spool_cache_free(struct spool_cache *cache);
/* Copies; a record larger than the limit is left out. */
void spool_cache_put(struct spool_cache *cache, uint64_t number, uint64_t offset, struct slice record);
/* Borrowed until the next put. */
bool spool_cache_get(const struct spool_cache *cache, uint64_t number, uint64_t offset,
                     struct slice *ret_record);
/* Forgets everything up to that segment. */
void spool_cache_forget(struct spool_cache *cache, uint64_t number);

#endif

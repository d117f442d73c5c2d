#include "spool_cache.h"

#include "memory.h"

static struct spool_cached *record_at(const struct spool_cache *cache, size_t place) {
    return &cache->records[(cache->first + place) % SPOOL_CACHE_RECORDS];
}

static void forget_first(struct spool_cache *cache) {
    struct spool_cached *record = record_at(cache, 0);
    cache->bytes -= record->size;
    memory_cleanup(&record->data);
    cache->first = (cache->first + 1) % SPOOL_CACHE_RECORDS;
    cache->count--;
}

void spool_cache_free(struct spool_cache *cache) {
    while (cache->count)
        forget_first(cache);
    memory_cleanup(&cache->records);
    cache->records = NULL;
}

void spool_cache_put(struct spool_cache *cache, uint64_t number, uint64_t offset, struct slice record) {
    if (record.size > cache->limit)
        return;
    if (!cache->records)
        cache->records = memory_new_array(SPOOL_CACHE_RECORDS, sizeof *cache->records);
    while (cache->count && (cache->count == SPOOL_CACHE_RECORDS || cache->bytes + record.size > cache->limit))
        forget_first(cache);
    *record_at(cache, cache->count) = (struct spool_cached){.number = number,
                                                            .offset = offset,
                                                            .data = memory_copy(record.data, record.size),
                                                            .size = record.size};
    cache->count++;
    cache->bytes += record.size;
}

bool spool_cache_get(const struct spool_cache *cache, uint64_t number, uint64_t offset,
                     struct slice *ret_record) {
    size_t from = 0, to = cache->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const struct spool_cached *record = record_at(cache, middle);
        if (record->number == number && record->offset == offset) {
            *ret_record = slice_make(record->data, record->size);
            return true;
        }
        if (record->number < number || (record->number == number && record->offset < offset))
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

void spool_cache_forget(struct spool_cache *cache, uint64_t number) {
    while (cache->count && record_at(cache, 0)->number <= number)
        forget_first(cache);
}

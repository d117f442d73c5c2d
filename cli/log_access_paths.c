/* Where a stream's batches stand, and paths to them: asked for in ranges where that saves a question. */
#include <stdlib.h>

#include "bytes.h"
#include "log_access_inside.h"
#include "memory.h"

#define PATHS_AT_ONCE 512u

/* ---- batches of a stream */

static bool take_batch(void *context, struct slice key, struct slice value) {
    struct batch_table *table = context;
    if (key.size != HASH_SIZE + 8 || value.size != 8)
        return true;
    uint64_t batch_seq = bytes_get_u64(key.data + HASH_SIZE);
    if (table->count == 0)
        table->first = batch_seq;
    if (batch_seq != table->first + table->count)
        return true; /* a hole: what lies behind it is found to be missing */
    if (table->count == table->room) {
        table->room = table->room ? 2 * table->room : 256;
        table->indexes = memory_resize(table->indexes, table->room, sizeof *table->indexes);
    }
    table->indexes[table->count++] = bytes_get_u64(value.data);
    return true;
}

static bool know_batches(struct log_access *access, const struct hash *stream_id, struct fault *fault) {
    struct batch_table *table = &access->table;
    uint8_t from[HASH_SIZE + 8], to[HASH_SIZE + 8];
    if (table->known && hash_equal(&table->stream, stream_id))
        return true;
    memcpy(from, stream_id->bytes, HASH_SIZE);
    memcpy(to, stream_id->bytes, HASH_SIZE);
    bytes_put_u64(from + HASH_SIZE, 0);
    bytes_put_u64(to + HASH_SIZE, UINT64_MAX);
    table->stream = *stream_id;
    table->count = 0;
    table->known = log_access_rows(access, STORE_BATCH, slice_make(from, sizeof from),
                                   slice_make(to, sizeof to), 0, take_batch, table, fault);
    return table->known;
}

bool log_access_batch_index(void *context, const struct hash *stream_id, uint64_t batch_seq,
                               uint64_t *ret_index, struct fault *fault) {
    struct log_access *access = context;
    const struct batch_table *table = &access->table;
    if (!know_batches(access, stream_id, fault))
        return false;
    if (batch_seq < table->first || batch_seq - table->first >= table->count)
        return fault_set(fault, FAULT_MISSING, "batch %llu is not in the log", (unsigned long long)batch_seq);
    *ret_index = table->indexes[batch_seq - table->first];
    return true;
}

bool log_access_batches(struct log_access *access, const struct hash *stream_id, uint64_t *ret_first,
                        uint64_t *ret_last, struct fault *fault) {
    if (!know_batches(access, stream_id, fault))
        return false;
    if (access->table.count == 0)
        return fault_set(fault, FAULT_MISSING, "no batch of that stream is in the log");
    *ret_first = access->table.first;
    *ret_last = access->table.first + access->table.count - 1;
    return true;
}

/* ---- paths */

struct paths_taking {
    struct known_path *paths;
    size_t count, most;
};

static bool take_path(void *context, struct slice key, struct slice value) {
    struct paths_taking *taking = context;
    if (taking->count == taking->most || key.size != 8 || value.size % HASH_SIZE != 0 ||
        value.size / HASH_SIZE > MERKLE_PATH_MOST)
        return true;
    struct known_path *path = &taking->paths[taking->count++];
    path->index = bytes_get_u64(key.data);
    path->path.count = value.size / HASH_SIZE;
    if (value.size)
        memcpy(path->path.hashes, value.data, value.size);
    return true;
}

/* Into the window; `count` of them, in the order in which they are asked for. */
static bool paths_live(struct log_access *access, uint64_t *indexes, size_t count, uint64_t *old_sizes,
                       size_t old_count, uint64_t size, struct known_path *ret_paths, struct fault *fault) {
    Tocsin__PathsQuery query = TOCSIN__PATHS_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    struct paths_taking taking = {ret_paths, 0, count + old_count};
    query.size = size;
    query.n_indexes = count;
    query.indexes = indexes;
    query.n_old_sizes = old_count;
    query.old_sizes = old_sizes;
    request.of_case = TOCSIN__REQUEST__OF_PATHS;
    request.paths = &query;
    return log_access_ask(access, &request, take_path, &taking, fault) &&
           (taking.count == taking.most ||
            fault_set(fault, FAULT_IO, "the collector gave fewer paths than were asked for"));
}

bool log_access_prefetch(struct log_access *access, const struct hash *stream_id, uint64_t first,
                         uint64_t last, uint64_t size, struct fault *fault) {
    if (!access->reader)
        return true;
    free(access->planned);
    access->planned = memory_new_array((size_t)(last - first + 1), sizeof *access->planned);
    access->planned_count = access->planned_next = access->path_count = access->path_at = 0;
    access->planned_size = size;
    for (uint64_t seq = first; seq <= last; seq++) {
        uint64_t index;
        if (!log_access_batch_index(access, stream_id, seq, &index, fault))
            return false;
        access->planned[access->planned_count++] = index;
    }
    return true;
}

/* The next path of the plan, if it is that one. */
static bool planned(struct log_access *access, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                    bool *ret_planned, struct fault *fault) {
    *ret_planned = false;
    if (size != access->planned_size)
        return true;
    if (access->path_at == access->path_count && access->planned_next < access->planned_count &&
        access->planned[access->planned_next] == index) {
        size_t count = access->planned_count - access->planned_next;
        if (count > PATHS_AT_ONCE)
            count = PATHS_AT_ONCE;
        if (!access->paths)
            access->paths = memory_new_array(PATHS_AT_ONCE, sizeof *access->paths);
        if (!paths_live(access, access->planned + access->planned_next, count, NULL, 0, size, access->paths,
                        fault))
            return false;
        access->planned_next += count;
        access->path_count = count;
        access->path_at = 0;
    }
    if (access->path_at < access->path_count && access->paths[access->path_at].index == index) {
        *ret_path = access->paths[access->path_at++].path;
        *ret_planned = true;
    }
    return true;
}

bool log_access_inclusion(void *context, uint64_t index, uint64_t size, struct merkle_path *ret_path,
                             struct fault *fault) {
    struct log_access *access = context;
    struct known_path path;
    bool found;
    if (!access->reader)
        return log_reader_inclusion(access->log, index, size, ret_path, fault);
    if (!planned(access, index, size, ret_path, &found, fault))
        return false;
    if (found)
        return true;
    if (!paths_live(access, &index, 1, NULL, 0, size, &path, fault))
        return false;
    *ret_path = path.path;
    return true;
}

bool log_access_consistency(void *context, uint64_t old_size, uint64_t size, struct merkle_path *ret_path,
                               struct fault *fault) {
    struct log_access *access = context;
    struct known_path path;
    if (!access->reader)
        return log_reader_consistency(access->log, old_size, size, ret_path, fault);
    if (!paths_live(access, NULL, 0, &old_size, 1, size, &path, fault))
        return false;
    *ret_path = path.path;
    return true;
}

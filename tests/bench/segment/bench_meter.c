#include "bench_meter.h"

#include <pthread.h>
#include <time.h>
#include <zstd.h>

#include "batch_events.h"
#include "segment_files.h"
#include "segment_reader.h"
#include "segment_writer.h"
#include "store.h"

static const char *const names[METERS] = {
    [METER_HASH] = "hash", [METER_ZSTD] = "zstd",  [METER_AES] = "AES",     [METER_STORE] = "store",
    [METER_READ] = "rows", [METER_FILE] = "files", [METER_INDEX] = "index", [METER_CHECK] = "compare",
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static double totals[METERS];
static _Thread_local int inside = -1;
static _Thread_local double since;

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* What went by so far is of whom the thread was in; it returns who that was. */
static int enter(int meter) {
    double time = now();
    int before = inside;
    if (before >= 0) {
        pthread_mutex_lock(&mutex);
        totals[before] += time - since;
        pthread_mutex_unlock(&mutex);
    }
    since = time;
    inside = meter;
    return before;
}

const char *bench_meter_name(enum meter meter) {
    return names[meter];
}

void bench_meter_take(double ret_seconds[METERS]) {
    pthread_mutex_lock(&mutex);
    for (unsigned i = 0; i < METERS; i++) {
        ret_seconds[i] = totals[i];
        totals[i] = 0;
    }
    pthread_mutex_unlock(&mutex);
}

/* ---- what the linker puts in the place of the functions */

#define WRAP(meter, type, name, parameters, arguments)                                                       \
    type __real_##name parameters;                                                                           \
    type __wrap_##name parameters;                                                                           \
    type __wrap_##name parameters {                                                                          \
        int before = enter(meter);                                                                           \
        type result = __real_##name arguments;                                                               \
        enter(before);                                                                                       \
        return result;                                                                                       \
    }
#define WRAP_VOID(meter, name, parameters, arguments)                                                        \
    void __real_##name parameters;                                                                           \
    void __wrap_##name parameters;                                                                           \
    void __wrap_##name parameters {                                                                          \
        int before = enter(meter);                                                                           \
        __real_##name arguments;                                                                             \
        enter(before);                                                                                       \
    }

WRAP_VOID(METER_HASH, batch_events_add,
          (const struct batch_events *events, struct open_batch *open, batch_events_each *each,
           void *context),
          (events, open, each, context))
WRAP(METER_ZSTD, size_t, ZSTD_compressCCtx,
     (ZSTD_CCtx * context, void *to, size_t room, const void *from, size_t size, int level),
     (context, to, room, from, size, level))
WRAP(METER_ZSTD, size_t, ZSTD_compress, (void *to, size_t room, const void *from, size_t size, int level),
     (to, room, from, size, level))
WRAP(METER_ZSTD, size_t, ZSTD_decompressDCtx,
     (ZSTD_DCtx * context, void *to, size_t room, const void *from, size_t size),
     (context, to, room, from, size))
WRAP(METER_ZSTD, size_t, ZSTD_decompress, (void *to, size_t room, const void *from, size_t size),
     (to, room, from, size))
WRAP_VOID(METER_AES, segment_cipher_seal,
          (struct segment_cipher * cipher, uint32_t number, bool last, struct slice plain, uint8_t *to),
          (cipher, number, last, plain, to))
WRAP(METER_AES, bool, segment_cipher_open,
     (struct segment_cipher * cipher, uint32_t number, bool last, struct slice section, uint8_t *to),
     (cipher, number, last, section, to))
WRAP(METER_STORE, bool, store_commit,
     (struct store * store, const struct store_batch *batch, bool sync, struct fault *fault),
     (store, batch, sync, fault))
WRAP(METER_READ, bool, store_get,
     (const struct store *store, enum store_family family, struct slice key, struct store_value *ret_value,
      struct fault *fault),
     (store, family, key, ret_value, fault))
WRAP(METER_FILE, bool, segment_files_write,
     (const char *folder, const struct segment_row *row, struct slice content, struct fault *fault),
     (folder, row, content, fault))
WRAP(METER_INDEX, bool, segment_writer_finish,
     (struct segment_writer * writer, uint64_t first_index, uint64_t last_index,
      const uint8_t day_key[SEGMENT_KEY_SIZE], const struct hash *key_id, const struct random_source *random,
      struct buffer *to, struct segment_head *ret_head, struct fault *fault),
     (writer, first_index, last_index, day_key, key_id, random, to, ret_head, fault))
WRAP(METER_CHECK, bool, segment_reader_sum,
     (const struct segment_reader *reader, uint64_t *ret_events, uint64_t *ret_sum, struct fault *fault),
     (reader, ret_events, ret_sum, fault))

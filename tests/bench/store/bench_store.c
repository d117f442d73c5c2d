/* What a synced commit costs on this disk: bench_store FOLDER (an empty one; about 600 MB are written). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "bytes.h"
#include "store.h"

#define ROUNDS_MOST 2000u

struct shape {
    const char *name;
    unsigned records, size, rounds;
    bool sync;
};

static uint64_t clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t used_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int ascending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static bool commit_once(struct store *store, struct store_batch *batch, const struct shape *shape,
                        uint64_t *number, struct fault *fault) {
    static uint8_t value[1 << 20];
    store_batch_clear(batch);
    for (unsigned i = 0; i < shape->records; i++) {
        uint8_t key[8];
        bytes_put_u64(key, ++*number);
        for (size_t at = 0; at < shape->size; at += 64) /* not the same bytes again */
            bytes_put_u64(value + at, *number * 0x9e3779b97f4a7c15u);
        store_batch_put(batch, STORE_HOT, slice_make(key, sizeof key), slice_make(value, shape->size));
    }
    return store_commit(store, batch, shape->sync, fault);
}

static bool run(struct store *store, const struct shape *shape, uint64_t *number, struct fault *fault) {
    static uint64_t times[ROUNDS_MOST];
    struct store_batch *batch = store_batch_create(store);
    uint64_t used = used_us();
    bool good = true;
    for (unsigned round = 0; round < shape->rounds && good; round++) {
        uint64_t start = clock_us();
        good = commit_once(store, batch, shape, number, fault);
        times[round] = clock_us() - start;
    }
    used = used_us() - used;
    store_batch_destroy(batch);
    qsort(times, shape->rounds, sizeof *times, ascending);
    if (good)
        printf("%-28s %8.3f %8.3f %8.3f %10.1f\n", shape->name, (double)times[shape->rounds / 2] / 1000,
               (double)times[shape->rounds * 99 / 100] / 1000, (double)times[shape->rounds - 1] / 1000,
               (double)used / shape->rounds);
    return good;
}

int main(int argc, char **argv) {
    static const struct shape shapes[] = {
        {"nothing to speak of", 1, 64, 1000, true},
        {"1,000 records of 250 bytes", 1000, 250, 500, true},
        {"one value of 64 KiB", 1, 65536, 2000, true},
        {"16 values of 64 KiB", 16, 65536, 200, true},
        {"one value of 64 KiB, no sync", 1, 65536, 2000, false},
    };
    const struct store_options options = {.create = true};
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    struct store *store = argc == 2 ? store_open(argv[1], &options, &fault) : NULL;
    bool good = store != NULL;
    uint64_t number = 0;
    if (good)
        printf("%-28s %8s %8s %8s %10s\n", "one commit of", "p50 ms", "p99 ms", "most ms", "CPU us");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes && good; i++)
        good = run(store, &shapes[i], &number, &fault);
    if (argc != 2)
        fprintf(stderr, "bench_store FOLDER\n");
    else if (!good)
        fprintf(stderr, "%s\n", fault_line(&fault, line));
    struct store_statistics s = {0};
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (good) {
        store_statistics(store, &s);
        printf("memtables and tables %.1f MiB, cache %.1f MiB, peak resident %.1f MiB\n",
               (double)s.memory_bytes / 1048576, (double)s.cache_bytes / 1048576,
               (double)usage.ru_maxrss / 1024);
    }
    store_close(store);
    return good ? 0 : 2;
}

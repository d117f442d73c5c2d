#include "bench_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zstd.h>

#include "batch_entry.h"
#include "memory.h"
#include "merkle.h"
#include "segment_cipher.h"

#define BLOCK (2u * 1024 * 1024)
#define LEVEL 3

_Noreturn void bench_give_up(const char *what, const char *why) {
    fprintf(stderr, "bench: %s: %s\n", what, why ? why : strerror(errno));
    exit(3);
}

static double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
double bench_cpu(void) {
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}
double bench_wall(void) {
    return seconds(CLOCK_MONOTONIC);
}

struct lines bench_lines_open(const char *path) {
    struct stat status;
    struct lines lines = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0)
        bench_give_up(path, NULL);
    lines.size = (size_t)status.st_size;
    lines.text = mmap(NULL, lines.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (lines.text == MAP_FAILED)
        bench_give_up(path, NULL);
    close(fd);
    lines.starts = memory_new_array(lines.size / 16 + 2, sizeof *lines.starts);
    for (size_t at = 0; at < lines.size && lines.count < lines.size / 16;) {
        const uint8_t *end = memchr(lines.text + at, '\n', lines.size - at);
        if (!end)
            break;
        lines.starts[lines.count++] = (uint32_t)at;
        at = (size_t)(end - lines.text) + 1;
        lines.starts[lines.count] = (uint32_t)at;
    }
    return lines;
}

void bench_write_synced(const char *folder, const char *name, struct slice content) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        bench_give_up(path, NULL);
    for (size_t at = 0; at < content.size;) {
        ssize_t put = write(fd, content.data + at, content.size - at);
        if (put <= 0)
            bench_give_up(path, NULL);
        at += (size_t)put;
    }
    if (fdatasync(fd) != 0)
        bench_give_up(path, NULL);
    close(fd);
}

/* ---- the floor */

static void hash_all(const struct lines *lines) {
    struct hash *leaves = memory_new_array(BATCH_EVENTS_MOST, sizeof *leaves);
    volatile uint8_t sum = 0; /* nothing is optimised away */
    for (size_t i = 0; i < lines->count; i += BATCH_EVENTS_MOST) {
        size_t n = lines->count - i < BATCH_EVENTS_MOST ? lines->count - i : BATCH_EVENTS_MOST;
        for (size_t j = 0; j < n; j++)
            leaves[j] = merkle_leaf(bench_line(lines, i + j));
        sum ^= merkle_root(leaves, n).bytes[0];
    }
    free(leaves);
}

/* Bytes afterwards. */
static size_t pack_all(const struct lines *lines, uint8_t *to) {
    static const uint8_t key[SEGMENT_KEY_SIZE] = {1, 2, 3};
    struct hash header = {{0}};
    struct segment_cipher *cipher = segment_cipher_create(key, &header);
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    size_t total = 0;
    for (size_t at = 0; at < lines->size; at += BLOCK) {
        size_t size = lines->size - at < BLOCK ? lines->size - at : BLOCK;
        size_t got =
            ZSTD_compressCCtx(zstd, to + total, ZSTD_compressBound(size), lines->text + at, size, LEVEL);
        segment_cipher_seal(cipher, (uint32_t)(at / BLOCK), false, slice_make(to + total, got), to + total);
        total += got + SEGMENT_TAG_SIZE;
    }
    ZSTD_freeCCtx(zstd);
    segment_cipher_destroy(cipher);
    return total;
}

struct bench_floor bench_floor_of(const struct lines *lines, const char *folder) {
    double n = (double)lines->count, million = n / 1e6;
    size_t bound = ZSTD_compressBound(lines->size) + lines->size / 1024;
    uint8_t *to = memory_new(bound);
    memset(to, 1, bound); /* its pages are there: the floor is no more than the work itself */
    double begun = bench_cpu();
    hash_all(lines);
    double hashed = bench_cpu();
    size_t size = pack_all(lines, to);
    double packed = bench_cpu();
    bench_write_synced(folder, "floor", slice_make(to, size));
    double ended = bench_cpu();
    struct bench_floor floor = {(ended - begun) / million,
                                (double)ZSTD_compress(to, bound, lines->text, lines->size, LEVEL) / n};
    free(to);
    printf("floor: %.2f CPU-s/M (hashes %.2f, zstd -3 and GCM %.2f, write %.2f), %.1f bytes an event; zstd "
           "-3 over the whole: "
           "%.1f\n",
           floor.cpu, (hashed - begun) / million, (packed - hashed) / million, (ended - packed) / million,
           (double)size / n, floor.whole_bytes);
    return floor;
}

/* What the benchmarks of segments share: a log in memory, clocks, and the floor under commit and sealing. Any failure ends
 * the program with a sentence. */
#ifndef TOCSIN_BENCH_LINES_H
#define TOCSIN_BENCH_LINES_H

#include "slice.h"

struct lines {
    const uint8_t *text;
    size_t size, count;
    uint32_t *starts; /* one more than there are lines */
};

_Noreturn void bench_give_up(const char *what, const char *why); /* why NULL: errno's */

struct lines bench_lines_open(const char *path);
static inline struct slice bench_line(const struct lines *lines, size_t i) {
    return slice_make(lines->text + lines->starts[i], lines->starts[i + 1] - lines->starts[i] - 1);
}

double bench_cpu(void);  /* seconds of the whole process */
double bench_wall(void); /* seconds */

void bench_write_synced(const char *folder, const char *name, struct slice content);

/* CPU seconds for a million lines: leaf and node hashing in batches, zstd -3 in blocks of 2 MiB, AES-256-GCM, one synced
 * write. Prints it, with bytes a line, and zstd -3 over the whole. */
struct bench_floor {
    double cpu, whole_bytes; /* whole_bytes: a line's in one zstd -3 */
};
struct bench_floor bench_floor_of(const struct lines *lines, const char *folder);

#endif

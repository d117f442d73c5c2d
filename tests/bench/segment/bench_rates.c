/* What an event takes on the disk at a low rate, everything included: bench_rates FILE FOLDER LINES_A_SECOND HOURS
 * [SECONDS]
 *
 * One host of several classes over simulated hours: a message, a row and a commit a line, batches that close at 60 s
 * (or SECONDS), a
 * heartbeat every ten minutes in a lane without events, a checkpoint over what came in, and the sealer's ranges of an hour. The
 * collector's own stream goes along. All clocks are the simulation's. At the end everything is flushed and compacted, and the
 * files are added up: beside zstd -3 over the same lines in one file. */
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "bench_lines.h"
#include "bench_site.h"
#include "bytes.h"
#include "clock.h"
#include "log_reader.h"
#include "log_signer.h"
#include "log_state.h"
#include "memory.h"
#include "note.h"
#include "seal_range.h"

#define BEGUN_US 1700000000000000u
#define HOUR_US 3600000000u
#define PASSED UINT64_MAX /* detection has read everything */

/* ---- the clock that everybody reads (the linker puts it in the place of sys's) */

static uint64_t now_us = BEGUN_US;

uint64_t __wrap_clock_wall_us(void);
uint64_t __wrap_clock_wall_us(void) {
    return __atomic_load_n(&now_us, __ATOMIC_RELAXED);
}
uint64_t __wrap_clock_boot_us(void);
uint64_t __wrap_clock_boot_us(void) {
    return __wrap_clock_wall_us() - BEGUN_US + 1000000;
}
static void set_clock(uint64_t time_us) {
    __atomic_store_n(&now_us, time_us, __ATOMIC_RELAXED);
}

/* ---- a host */

static const struct source {
    const char *program; /* of the lines, behind the host's name */
    const char *path;
    enum event_class class;
} sources[] = {
    {"sshd", "/var/log/auth.log", CLASS_ACCESS},
    {"sudo", "/var/log/auth.log", CLASS_ACCESS},
    {"kernel", "/var/log/kern.log", CLASS_NETWORK},
    {"postfix", "/var/log/mail.log", CLASS_APPLICATION},
    {"nginx", "/var/log/nginx/access.log", CLASS_APPLICATION},
    {"ca-server", "/var/log/ca.log", CLASS_SIGNING},
};
#define SOURCES (sizeof sources / sizeof *sources)

struct run {
    struct bench_site site;
    struct bench_agent agents[LANES];
    struct log_signer *signer;
    uint64_t offsets[SOURCES];
    uint64_t sealed_index, checkpoint_size;
    uint64_t segments, segment_bytes, checkpoints;
};

struct sender {
    struct run *run;
    enum lane lane;
};

static void send_frame(void *context, enum frame_type type, struct slice message, struct slice class_list) {
    const struct sender *sender = context;
    bench_site_put(&sender->run->site, sender->lane, type, message, class_list);
}

static const struct source *source_of(struct slice line) {
    for (size_t i = 0; i < SOURCES; i++)
        if (slice_find(slice_head(line, 40), slice_string(sources[i].program)) != SIZE_MAX)
            return &sources[i];
    return &sources[0];
}

static void add_line(struct run *run, struct slice line) {
    const struct source *source = source_of(line);
    struct bench_agent *agent = &run->agents[class_lane(source->class)];
    uint64_t *offset = &run->offsets[source - sources];
    bench_agent_line(agent, source->class, slice_string(source->path), line, *offset);
    bench_agent_flush(agent);
    *offset += line.size + 1;
}

/* Moves the host's clock, and does what is due by then. */
static void host_goes_on(struct run *run, uint64_t time_us) {
    for (unsigned lane = 0; lane < LANES; lane++) {
        struct bench_agent *agent = &run->agents[lane];
        agent->clock.boottime_us += time_us - agent->clock.now_us;
        agent->clock.now_us = time_us;
        bench_agent_turn(agent);
    }
    bench_site_settle(&run->site);
}

/* ---- the collector */

static void sign_checkpoint(struct run *run) {
    uint64_t size = log_state_size(run->site.log);
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct fault fault = {0};
    struct hash root;
    uint8_t key[8];
    if (size == run->checkpoint_size)
        return;
    if (!log_reader_root(log_state_reader(run->site.log), size, &root, &fault) ||
        !log_signer_checkpoint(run->signer, size, &root, &note, &fault))
        bench_give_up("a checkpoint", fault.text);
    bytes_put_u64(key, size);
    struct change *change = change_create();
    change_put(change, STORE_CHECKPOINT, slice_make(key, sizeof key), buffer_slice(&note));
    bench_site_commit(&run->site, change);
    run->checkpoint_size = size;
    run->checkpoints++;
}

static void seal_hour(struct run *run, uint64_t day) {
    struct seal_range *range = seal_range_create(run->site.store, day, run->sealed_index);
    CLEANUP_BUFFER struct buffer entry = BUFFER(64 * 1024);
    struct seal_written written;
    struct fault fault = {0};
    struct change *change = change_create();
    for (uint64_t size = log_state_size(run->site.log); run->sealed_index < size; run->sealed_index++) {
        buffer_clear(&entry);
        if (!log_entry_get(run->site.store, run->sealed_index, &entry, &fault) ||
            seal_range_add(range, run->sealed_index, buffer_slice(&entry), PASSED, &fault) != SEAL_FOUND)
            bench_give_up("a range", fault.text);
    }
    if (!seal_range_write(range, run->sealed_index, day, run->site.keys, run->site.path, change, &written,
                          &fault))
        bench_give_up("a range", fault.text);
    bench_site_commit(&run->site, change);
    seal_range_destroy(range);
    run->segments += written.segments;
    run->segment_bytes += written.bytes;
}

/* ---- the count */

static uint64_t family_bytes(const struct store_statistics *statistics, enum store_family family) {
    return statistics->families[family].file_bytes;
}

static void compact_all(struct run *run) {
    static const uint8_t last[] = {255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct fault fault = {0};
    bool good = store_flush(run->site.store, &fault);
    for (unsigned family = 0; good && family < STORE_FAMILIES; family++)
        good = store_compact(run->site.store, (enum store_family)family, (struct slice){NULL, 0},
                             slice_make(last, sizeof last), &fault);
    if (!good)
        bench_give_up("the store", fault.text);
}

static void report(struct run *run, const struct lines *lines, size_t count, double rate, double hours) {
    struct store_statistics statistics;
    size_t text = lines->starts[count], bound = ZSTD_compressBound(text);
    uint8_t *to = memory_new(bound);
    double n = (double)count, whole = (double)ZSTD_compress(to, bound, lines->text, text, 3) / n;
    free(to);
    compact_all(run);
    store_statistics(run->site.store, &statistics);
    double entries =
               (double)(family_bytes(&statistics, STORE_ENTRY) + family_bytes(&statistics, STORE_CLASS_LIST) +
                        family_bytes(&statistics, STORE_BATCH) + family_bytes(&statistics, STORE_TILE)) /
               n,
           checkpoints = (double)family_bytes(&statistics, STORE_CHECKPOINT) / n,
           segments = (double)run->segment_bytes / n, rest = 0;
    for (unsigned family = 0; family < STORE_FAMILIES; family++)
        rest += (double)statistics.families[family].file_bytes / n;
    rest -= entries + checkpoints;
    printf("%g line/s over %g h: %zu lines, %llu log entries, %llu segments\n", rate, hours, count,
           (unsigned long long)log_state_size(run->site.log), (unsigned long long)run->segments);
    printf("bytes an event: segments %.1f, entries and tree %.1f, checkpoints %.1f, the rest %.1f; "
           "zstd -3 over the lines: %.1f; together %.1f, %.2f times it\n",
           segments, entries, checkpoints, rest, whole, segments + entries + checkpoints + rest,
           (segments + entries + checkpoints + rest) / whole);
}

int main(int argc, char **argv) {
    double rate = argc >= 5 ? strtod(argv[3], NULL) : 0, hours = argc >= 5 ? strtod(argv[4], NULL) : 0;
    uint64_t batch_us = argc >= 6 ? (uint64_t)(strtod(argv[5], NULL) * 1e6) : STREAM_BATCH_US;
    if (rate <= 0 || hours < 1) {
        fputs("bench_rates FILE FOLDER LINES_A_SECOND HOURS [SECONDS]\n", stderr);
        return 2;
    }
    struct lines lines = bench_lines_open(argv[1]);
    struct run *run = memory_new(sizeof *run);
    struct sender senders[LANES];
    struct fault fault = {0};
    bench_site_open(&run->site, argv[2]);
    run->signer = log_signer_create(SLICE("collector.ca1/log"), run->site.key, NULL, &fault);
    for (unsigned lane = 0; lane < LANES; lane++) {
        senders[lane] = (struct sender){run, (enum lane)lane};
        run->agents[lane].context = &senders[lane];
        run->agents[lane].send = send_frame;
        run->agents[lane].batch_us = batch_us;
        bench_agent_open(&run->agents[lane], "ca1", (enum lane)lane, BEGUN_US);
        bench_site_stream(&run->site, &run->agents[lane]);
    }
    size_t count = 0;
    for (uint64_t at_us = BEGUN_US, hour = 1; hour <= (uint64_t)hours; at_us += 1000000) {
        set_clock(at_us);
        host_goes_on(run, at_us);
        for (; (double)count < (double)(at_us - BEGUN_US) / 1e6 * rate && count < lines.count; count++)
            add_line(run, bench_line(&lines, count));
        sign_checkpoint(run);
        if (at_us >= BEGUN_US + hour * HOUR_US)
            seal_hour(run, (hour++ - 1) / 24);
    }
    /* What is still open is sealed as well. */
    set_clock(BEGUN_US + (uint64_t)hours * HOUR_US + batch_us + 1000000);
    host_goes_on(run, now_us);
    sign_checkpoint(run);
    seal_hour(run, ((uint64_t)hours - 1) / 24);
    report(run, &lines, count, rate, hours);
    for (unsigned lane = 0; lane < LANES; lane++)
        bench_agent_close(&run->agents[lane]);
    bench_site_close(&run->site);
    log_signer_destroy(run->signer);
    free(run);
    return 0;
}

/* What committing and sealing cost, beside the floor under them, on one core in one run: bench_seal FILE FOLDER [ROUNDS]
 *
 * The floor: the same lines through leaf and node hashing, zstd -3, AES-GCM and a synced write. Against it stands what the
 * collector does with them: frames as an agent sends them are checked (decompressed, every leaf and tree hashed), committed
 * with a sync, sealed by the sealer's thread (rows read, lines taken apart, compressed, encrypted, written with a sync, read
 * back and compared), and the hot rows deleted and compacted away. All threads count, RocksDB's too.
 *
 * On a machine that others use, too, the same work costs up to twice as much from one minute to the next: the last line is of
 * the least that each part has cost in all rounds. */
#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_lines.h"
#include "bench_meter.h"
#include "bench_site.h"
#include "memory.h"
#include "seal.h"

#define CLASS CLASS_ACCESS
#define SIZE (128u * 1024 * 1024) /* of a range, as shipped */
#define LINE_US 10u               /* the agent's clock from line to line */

struct kept {
    enum frame_type type;
    size_t size, list_size;
    uint8_t bytes[];
};

struct frames {
    struct kept **items;
    size_t count, room;
};

static void keep_frame(void *context, enum frame_type type, struct slice message, struct slice class_list) {
    struct frames *frames = context;
    if (frames->count == frames->room) {
        frames->room = frames->room ? frames->room * 2 : 1024;
        frames->items = memory_resize(frames->items, frames->room, sizeof(struct kept *));
    }
    struct kept *frame = memory_new(sizeof *frame + message.size + class_list.size);
    *frame = (struct kept){type, message.size, class_list.size};
    memcpy(frame->bytes, message.data, message.size);
    if (class_list.size)
        memcpy(frame->bytes + message.size, class_list.data, class_list.size);
    frames->items[frames->count++] = frame;
}

/* Before anything is measured: this is the agent's work. */
static void make_frames(const struct lines *lines, struct bench_agent *agent) {
    bench_agent_turn(agent);
    for (size_t i = 0; i < lines->count; i++) {
        agent->clock.now_us += LINE_US;
        agent->clock.boottime_us += LINE_US;
        bench_agent_line(agent, CLASS, SLICE("/var/log/bench.log"), bench_line(lines, i), lines->starts[i]);
    }
    bench_agent_end_batch(agent);
}

/* RocksDB's threads: what they have used, in seconds. */
static double background(void) {
    DIR *folder = opendir("/proc/self/task");
    double seconds = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[300], name[32] = "";
        unsigned long long nanoseconds = 0;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
        FILE *file = fopen(path, "r");
        if (file) {
            if (!fgets(name, sizeof name, file))
                name[0] = 0;
            fclose(file);
        }
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", entry->d_name);
        file = strncmp(name, "rocksdb", 7) == 0 ? fopen(path, "r") : NULL;
        if (file) {
            if (fscanf(file, "%llu", &nanoseconds) == 1)
                seconds += (double)nanoseconds / 1e9;
            fclose(file);
        }
    }
    if (folder)
        closedir(folder);
    return seconds;
}

struct phase {
    double cpu, wall, background;
};

static struct phase phase_begin(void) {
    double nobody[METERS];
    bench_meter_take(nobody);
    return (struct phase){bench_cpu(), bench_wall(), background()};
}

/* CPU seconds a million lines; prints where they went. */
static double phase_end(const char *name, const char *rest_name, struct phase phase,
                        const struct lines *lines) {
    double million = (double)lines->count / 1e6, parts[METERS];
    double cpu = (bench_cpu() - phase.cpu) / million, wall = bench_wall() - phase.wall;
    double rocks = (background() - phase.background) / million, rest = cpu - rocks;
    bench_meter_take(parts);
    printf("%s: %.2f CPU-s/M (", name, cpu);
    for (unsigned i = 0; i < METERS; i++) {
        rest -= parts[i] / million;
        if (parts[i] / million >= 0.005)
            printf("%s %.2f, ", bench_meter_name(i), parts[i] / million);
    }
    printf("RocksDB's threads %.2f, %s %.2f), %.2f s\n", rocks, rest_name, rest, wall);
    return cpu;
}

static double commit_all(struct bench_site *site, const struct bench_agent *agent,
                         const struct frames *frames, const struct lines *lines) {
    struct phase phase = phase_begin();
    for (size_t i = 0; i < frames->count; i++) {
        const struct kept *frame = frames->items[i];
        bench_site_put(site, agent->lane, frame->type, slice_make(frame->bytes, frame->size),
                       slice_make(frame->bytes + frame->size, frame->list_size));
    }
    bench_site_settle(site);
    return phase_end("committing", "the rest", phase, lines);
}

static double seal_all(struct bench_site *site, const struct lines *lines, struct seal_counts *ret_counts) {
    struct seal_settings settings = {.store = site->store,
                                     .committer = site->committer,
                                     .keys = site->keys,
                                     .folder = site->path,
                                     .size = SIZE,
                                     .after_us = 1000000};
    struct fault fault = {0};
    struct phase phase = phase_begin();
    struct seal *seal = seal_start(&settings, &fault);
    if (!seal)
        bench_give_up("sealing", fault.text);
    do {
        usleep(20000);
        loop_turn(site->loop, false);
        *ret_counts = seal_counts(seal);
        if (ret_counts->failing)
            bench_give_up("sealing", "it fails");
    } while (ret_counts->events < lines->count);
    seal_stop(seal);
    double cpu = phase_end("sealing", "tokens and columns", phase, lines);
    committer_destroy(site->committer);
    site->committer = NULL;
    seal_destroy(seal);
    return cpu;
}

static void take_one_core(void) {
    cpu_set_t all, one;
    size_t core = CPU_SETSIZE;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return;
    while (core-- > 0 && !CPU_ISSET(core, &all))
        ;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    sched_setaffinity(0, sizeof one, &one);
}

struct costs {
    double floor, committing, sealing;
};

static void least(double *least, double cost) {
    if (*least == 0 || cost < *least)
        *least = cost;
}

/* One store, from the first frame to the last segment. */
static struct costs run_round(const struct lines *lines, const struct bench_agent *agent,
                              const struct frames *frames, const char *folder) {
    struct bench_site site;
    struct seal_counts sealed;
    struct costs costs = {0};
    bench_site_open(&site, folder);
    bench_site_stream(&site, agent);
    bench_site_pass(&site);
    least(&costs.floor, bench_floor_of(lines, folder).cpu);
    costs.committing = commit_all(&site, agent, frames, lines);
    least(&costs.floor, bench_floor_of(lines, folder).cpu);
    costs.sealing = seal_all(&site, lines, &sealed);
    printf("segments: %llu, %.1f bytes an event; committing and sealing: %.2f times the floor\n",
           (unsigned long long)sealed.segments, (double)sealed.bytes / (double)sealed.events,
           (costs.committing + costs.sealing) / costs.floor);
    bench_site_close(&site);
    return costs;
}

int main(int argc, char **argv) {
    unsigned rounds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 1;
    if (argc < 3) {
        fputs("bench_seal FILE FOLDER [ROUNDS]\n", stderr);
        return 2;
    }
    take_one_core();
    struct lines lines = bench_lines_open(argv[1]);
    struct frames frames = {0};
    struct bench_agent agent = {.context = &frames, .send = keep_frame};
    struct costs best = {0};
    printf("%zu lines of %.1f bytes\n", lines.count, (double)lines.size / (double)lines.count);
    bench_agent_open(&agent, "ca1", LANE_SECURITY, 1700000000000000u);
    make_frames(&lines, &agent);
    for (unsigned round = 0; round < rounds; round++) {
        char folder[400];
        snprintf(folder, sizeof folder, "%s/%u", argv[2], round);
        if (mkdir(folder, 0700) != 0)
            bench_give_up(folder, NULL);
        struct costs costs = run_round(&lines, &agent, &frames, folder);
        least(&best.floor, costs.floor);
        least(&best.committing, costs.committing);
        least(&best.sealing, costs.sealing);
    }
    printf("the least of each: floor %.2f, committing %.2f, sealing %.2f CPU-s/M: %.2f times the floor\n",
           best.floor, best.committing, best.sealing, (best.committing + best.sealing) / best.floor);
    bench_agent_close(&agent);
    return 0;
}

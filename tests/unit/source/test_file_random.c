/* Writers, rotations, crashes and full spools in an order that a seed decides: every line is given once, or lies in a gap.
 *
 * TOCSIN_SEED=n runs that seed alone; TOCSIN_SEEDS=n runs so many. */
#include "cmocka_all.h"
#include "file_source.h"
#include "source_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum { LOGS = 3, COPIED = 2, STEPS = 120, SEEDS = 25, LINES_MOST = 20000, KEPT = 80 };

static uint64_t random_state;
static unsigned random_below(unsigned most) { /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (unsigned)((random_state * 2685821657736338717u) >> 33) % most;
}

static struct source *create(struct harness *harness) {
    char glob[200];
    snprintf(glob, sizeof glob, "%s/*.log", harness->folder);
    const char *patterns[] = {glob};
    struct file_source_settings settings = {.patterns = patterns, .pattern_count = 1, .class = CLASS_SYSTEM};
    if (harness->settings)
        settings.open_most = 2;
    struct fault fault;
    return file_source_create(&settings, &harness->output, &fault);
}

/* What was written: the line's number tells which it is. */
struct world {
    struct harness harness;
    unsigned written;
    unsigned rotations;
    bool stopped;
    bool mixed; /* one log is rotated now this way, now that: what is lost must be in a gap */
    uint8_t log_of[LINES_MOST];
    char old_name[LOGS][200]; /* the last rotated file, whose writer may still write */
    char log[16384];          /* what was done, for a failure's message */
};

static void note(struct world *world, const char *what, unsigned log) {
    size_t used = strlen(world->log);
    snprintf(world->log + used, sizeof world->log - used, "%s %u; ", what, log);
}

static const char *log_name(const struct world *world, unsigned log) {
    char name[16];
    snprintf(name, sizeof name, "%u.log", log);
    return in_folder(&world->harness, name);
}

/* Lines are long or short, whole or begun and ended later. */
static void write_lines(struct world *world, unsigned log, const char *path) {
    unsigned count = 1 + random_below(30);
    note(world, "write", log);
    for (unsigned i = 0; i < count && world->written < LINES_MOST; i++) {
        char line[400];
        int size =
            snprintf(line, sizeof line, "<%u>%.*s\n", world->written, (int)random_below(300),
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxx"
                     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        world->log_of[world->written++] = (uint8_t)log;
        size_t first = random_below(4) == 0 ? 1 + random_below((unsigned)size - 1) : (size_t)size;
        file_append(path, line, first);
        if (first < (size_t)size) {
            if (!world->stopped && random_below(2))
                harness_turn(&world->harness);
            file_append(path, line + first, (size_t)size - first);
        }
    }
}

/* Births are told apart by the file system's clock, which ticks every few milliseconds. */
static void wait_for_tick(void) {
    usleep(5000);
}

static void rotate(struct world *world, unsigned log) {
    struct stat status;
    if (stat(log_name(world, log), &status) != 0)
        return;
    wait_for_tick();
    char old[32], new[32];
    for (unsigned i = KEPT; i-- > 1;) {
        snprintf(old, sizeof old, "%u.log.%u", log, i);
        snprintf(new, sizeof new, "%u.log.%u", log, i + 1);
        rename(in_folder(&world->harness, old), in_folder(&world->harness, new));
    }
    snprintf(new, sizeof new, "%u.log.1", log);
    note(world, "rotate", log);
    rename(log_name(world, log), in_folder(&world->harness, new));
    snprintf(world->old_name[log], sizeof world->old_name[log], "%s", in_folder(&world->harness, new));
    if (random_below(3))
        file_make(log_name(world, log), "");
}

static void copy_and_truncate(struct world *world, unsigned log) {
    int in = open(log_name(world, log), O_RDONLY);
    if (in < 0)
        return;
    wait_for_tick();
    char copy[32];
    snprintf(copy, sizeof copy, "%u.log-2026%04u", log, world->rotations++);
    int out = open(in_folder(&world->harness, copy), O_WRONLY | O_CREAT | O_EXCL, 0644);
    char bytes[65536];
    for (ssize_t got; (got = read(in, bytes, sizeof bytes)) > 0;)
        assert_int_equal(write(out, bytes, (size_t)got), got);
    close(in);
    close(out);
    note(world, "copytruncate", log);
    assert_int_equal(truncate(log_name(world, log), 0), 0);
}

static void step(struct world *world) {
    struct harness *harness = &world->harness;
    unsigned log = random_below(LOGS);
    switch (random_below(16)) {
    case 0:
    case 1:
        if (world->mixed ? random_below(2) : log == COPIED)
            copy_and_truncate(world, log);
        else
            rotate(world, log);
        break;
    case 2:
        if (!world->stopped) {
            note(world, "crash", 0);
            harness_crash(harness);
        }
        break;
    case 3:
        note(world, world->stopped ? "start" : "stop", 0);
        if (world->stopped)
            harness_crash(harness);
        else
            harness->source = harness->source->operations->destroy(harness->source);
        world->stopped = !world->stopped;
        break;
    case 4:
        harness->now_us += random_below(2) ? 3000000 : 100000;
        break;
    case 5:
        harness->group_most = random_below(3) ? 1 + random_below(40) : 0;
        break;
    case 6:
        if (world->old_name[log][0]) /* its writer has not been told yet */
            write_lines(world, log, world->old_name[log]);
        break;
    case 7:
    case 8:
    case 9:
        if (!world->stopped) {
            harness_turn(harness);
            if (random_below(4))
                harness_commit(harness);
            note(world, "turn", 0);
        }
        break;
    case 10:
        if (!world->stopped)
            harness_run(harness);
        note(world, "run", 0);
        break;
    default:
        write_lines(world, log, log_name(world, log));
        break;
    }
}

static bool gap_in(const struct world *world, unsigned log) {
    for (size_t i = 0; i < world->harness.count; i++)
        if (world->harness.given[i].kind == EVENT_GAP &&
            strcmp(world->harness.given[i].source, log_name(world, log)) == 0)
            return true;
    return false;
}

static void check(struct world *world, unsigned seed) {
    CLEANUP_FREE uint8_t *seen = memory_new(LINES_MOST);
    const struct harness *harness = &world->harness;
    for (size_t i = 0; i < harness->count; i++) {
        const struct given *given = &harness->given[i];
        if (given->kind != EVENT_LINE)
            continue;
        unsigned number = 0;
        if (sscanf((const char *)given->raw, "<%u>", &number) != 1 || number >= LINES_MOST)
            fail_msg("seed %u: no line of ours: %.40s (%s)", seed, (const char *)given->raw, world->log);
        if (seen[number]++)
            fail_msg("seed %u: line %u came twice (%s)", seed, number, world->log);
    }
    for (unsigned i = 0; i < world->written; i++)
        if (!seen[i] && !(world->mixed && gap_in(world, world->log_of[i])))
            fail_msg("seed %u: line %u of log %u is lost (%s)", seed, i, world->log_of[i], world->log);
    if (!world->mixed && harness_kind(harness, EVENT_GAP))
        fail_msg("seed %u: a gap where nothing was lost: %s (%s)", seed,
                 (const char *)harness_nth(harness, EVENT_GAP, 0)->raw, world->log);
}

static void run_seed(unsigned seed) {
    struct world *world = memory_new(sizeof *world);
    random_state = 88172645463325252u ^ ((uint64_t)seed << 17);
    for (unsigned i = 0; i < 8; i++)
        random_below(2);
    harness_start(&world->harness, create, seed % 3 == 0 ? "few descriptors" : NULL);
    world->mixed = seed % 5 == 0;
    for (unsigned log = 0; log < LOGS && seed % 2; log++) /* or they come after the first look */
        file_make(log_name(world, log), "");
    harness_run(&world->harness);
    wait_for_tick();
    for (unsigned i = 0; i < STEPS; i++)
        step(world);
    if (world->stopped)
        harness_crash(&world->harness);
    world->harness.group_most = 0;
    harness_run(&world->harness);
    harness_pass(&world->harness, FILE_UNFINISHED_US);
    harness_pass(&world->harness, FILE_RESCAN_US);
    check(world, seed);
    harness_end(&world->harness);
    free(world);
}

static void every_line_comes_once_whatever_happens(void **state) {
    (void)state;
    const char *only = getenv("TOCSIN_SEED"), *seeds = getenv("TOCSIN_SEEDS");
    if (only) {
        run_seed((unsigned)atoi(only));
        return;
    }
    for (unsigned seed = 1; seed <= (seeds ? (unsigned)atoi(seeds) : SEEDS); seed++)
        run_seed(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_line_comes_once_whatever_happens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

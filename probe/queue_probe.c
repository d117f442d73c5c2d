/* A queue: files in a folder, the oldest and how many; or a number that a command prints. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "clock.h"
#include "memory.h"
#include "probe_kinds.h"
#include "probe_program.h"
#include "queue_judge.h"

#define FILES_MOST 1000000u /* looked at; a queue with more is beyond any bound */
#define PATTERN_SIZE 256u
#define FOLDER_SIZE 2048u
#define WHAT_SIZE 128u

struct prepared {
    struct probe_program *program; /* or: */
    char folder[FOLDER_SIZE], pattern[PATTERN_SIZE];
};

/* Looked for on a worker: a folder over a network may hang. The worker touches nothing else. */
struct scan {
    struct asking *asking; /* NULL: nobody waits any more */
    char folder[FOLDER_SIZE], pattern[PATTERN_SIZE];
    uint64_t now_us;
    uint64_t count, age_us;
    char oldest[NAME_MAX + 1];
    struct fault fault;
    bool good;
};

struct asking {
    struct probe_look *look;
    struct probe_part *part;
    struct probe_program_run *run;
    struct scan *scan;
    struct loop_timer *deadline;
};

/* ---- settings */

static void release(void *context) {
    struct prepared *prepared = context;
    probe_program_destroy(prepared->program);
    free(prepared);
}

/* A folder, or in it a pattern of names. */
static bool read_target(const char *target, struct prepared *prepared, struct fault *fault) {
    static const char glob[] = "*?[";
    const char *slash = target ? strrchr(target, '/') : NULL;
    if (!slash || target[0] != '/')
        return fault_set(fault, FAULT_USAGE,
                         "name a folder or its files: /srv/requests or /srv/requests/*.csr");
    bool pattern = strpbrk(slash, glob) != NULL;
    size_t folder = pattern ? (size_t)(slash - target) : strlen(target);
    if (strcspn(target, glob) < folder)
        return fault_set(fault, FAULT_USAGE, "'%.100s': only the last part may hold *, ? and [", target);
    if (folder >= FOLDER_SIZE || strlen(slash) > PATTERN_SIZE)
        return fault_set(fault, FAULT_LIMIT, "'%.100s' is too long", target);
    snprintf(prepared->folder, FOLDER_SIZE, "%.*s", (int)folder, folder ? target : "/");
    snprintf(prepared->pattern, PATTERN_SIZE, "%s", pattern ? slash + 1 : "*");
    return true;
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    struct prepared *prepared = memory_new(sizeof *prepared);
    bool prints = settings->command.count != 0, good;
    *ret_prepared = prepared;
    if (prints && !settings->number_most)
        good = fault_set(fault, FAULT_USAGE, "name the number's bound: number_most: 100");
    else if (prints)
        good = (prepared->program = probe_program_create(settings, false, fault)) != NULL;
    else if (!settings->age_most_us && !settings->count_most)
        good = fault_set(fault, FAULT_USAGE, "name a bound: age_most: 1h, or count_most: 100, or both");
    else
        good = read_target(settings->target, prepared, fault);
    if (!good)
        release(prepared);
    return good;
}

/* ---- files */

static void take_file(struct scan *scan, int folder, const struct dirent *entry) {
    struct stat status;
    if (fnmatch(scan->pattern, entry->d_name, FNM_PERIOD) != 0 ||
        fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode))
        return; /* gone by now, or none of the queue's */
    uint64_t time_us = (uint64_t)status.st_mtim.tv_sec * 1000000u + (uint64_t)status.st_mtim.tv_nsec / 1000u;
    uint64_t age_us = scan->now_us > time_us ? scan->now_us - time_us : 0;
    if (scan->count++ == 0 || age_us > scan->age_us) {
        scan->age_us = age_us;
        snprintf(scan->oldest, sizeof scan->oldest, "%s", entry->d_name);
    }
}

static void scan_work(void *context) {
    struct scan *scan = context;
    DIR *folder = opendir(scan->folder);
    if (!folder) {
        fault_set_system(&scan->fault, "%.150s", scan->folder);
        return;
    }
    errno = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): a folder of its own */
    for (const struct dirent *entry; scan->count < FILES_MOST && (entry = readdir(folder)); errno = 0)
        take_file(scan, dirfd(folder), entry);
    scan->good = errno == 0;
    if (!scan->good)
        fault_set_system(&scan->fault, "%.150s", scan->folder);
    closedir(folder);
}

/* ---- the end */

static void asking_free(struct asking *asking) {
    if (asking->scan)
        asking->scan->asking = NULL; /* frees itself when its worker is done */
    probe_program_stop(asking->run);
    loop_timer_destroy(asking->deadline);
    free(asking);
}

static void end(struct asking *asking) {
    struct probe_look *look = asking->look;
    probe_part_over(asking->part, look->settings);
    asking_free(asking);
    probe_look_done(look);
}

static void scan_done(void *context) {
    struct scan *scan = context;
    struct asking *asking = scan->asking;
    char oldest[LIVENESS_PLAIN_SIZE], what[2 * WHAT_SIZE];
    if (asking) {
        const struct probe_settings *settings = asking->look->settings;
        struct liveness_report *report = &asking->part->report;
        asking->scan = NULL;
        if (liveness_check(report, CHECK_QUEUE_READ, scan->good, "%s",
                           scan->good ? "it can" : scan->fault.text)) {
            snprintf(what, sizeof what, "%s%s of %" PRIu64,
                     liveness_plain(slice_string(scan->oldest), oldest),
                     scan->count ? ", the oldest" : "none", scan->count);
            queue_judge(QUEUE_AGE, scan->age_us, settings->age_most_us, what, report);
            queue_judge(QUEUE_COUNT, scan->count, settings->count_most, "", report);
        }
        end(asking);
    }
    free(scan);
}

static void printed(void *context, const struct command_end *ended) {
    struct asking *asking = context;
    const struct probe_settings *settings = asking->look->settings;
    struct liveness_report *report = &asking->part->report;
    char line[LIVENESS_PLAIN_SIZE];
    uint64_t number = 0;
    struct fault fault;
    struct slice error = slice_head(ended->error, slice_find_byte(ended->error, '\n'));
    if (command_judge_end(ended, report)) {
        if (ended->number != 0)
            liveness_check(report, CHECK_QUEUE_READ, false, "status %d: %s", ended->number,
                           liveness_plain(error, line));
        else if (!queue_number_read(ended->output, &number, &fault))
            liveness_check(report, CHECK_QUEUE_READ, false, "%s", fault.text);
        else if (liveness_check(report, CHECK_QUEUE_READ, true, "it can"))
            queue_judge(QUEUE_NUMBER, number, settings->number_most, "", report);
    }
    end(asking);
}

static void too_late(void *context) {
    struct asking *asking = context;
    char span[LIVENESS_SPAN_SIZE];
    liveness_check(&asking->part->report, CHECK_QUEUE_READ, false, "the folder has not been read in %s",
                   liveness_span(asking->look->settings->timeout_us, span));
    end(asking);
}

/* ---- the beginning */

static void scan_start(struct asking *asking, const struct prepared *prepared) {
    struct scan *scan = memory_new(sizeof *scan);
    scan->asking = asking;
    scan->now_us = clock_wall_us();
    memcpy(scan->folder, prepared->folder, sizeof scan->folder);
    memcpy(scan->pattern, prepared->pattern, sizeof scan->pattern);
    asking->scan = scan;
    asking->deadline = loop_timer_create(asking->look->loop, too_late, asking);
    loop_timer_after(asking->deadline, asking->look->settings->timeout_us);
    loop_work(asking->look->loop, scan_work, scan_done, scan);
}

static void begin(struct probe_look *look) {
    const struct prepared *prepared = look->prepared;
    struct asking *asking = memory_new(sizeof *asking);
    look->own = asking;
    asking->look = look;
    asking->part = probe_look_part(
        look, "%s", prepared->program ? probe_program_name(prepared->program) : prepared->pattern);
    if (prepared->program)
        asking->run = probe_program_run(prepared->program, look, printed, asking);
    else
        scan_start(asking, prepared);
}

static void cancel(struct probe_look *look) {
    asking_free(look->own);
}

const struct probe_kind probe_kind_queue = {
    .kind = LIVENESS_QUEUE,
    .about = "files that should be worked off, or a number that should stay low",
    .target = "/srv/requests/*.csr",
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define FIRST_US 1000000u /* what is over sooner needs none */
#define EVERY_US 200000u
#define BAR 40u

struct progress progress_begin(const char *what) {
    uint64_t now_us = clock_monotonic_us();
    return (struct progress){.what = what,
                             .shown = isatty(STDERR_FILENO) == 1,
                             .begun_us = now_us,
                             .next_us = now_us + FIRST_US};
}

static bool is_due(struct progress *progress) {
    uint64_t now_us = clock_monotonic_us();
    if (now_us < progress->next_us)
        return false;
    progress->next_us = now_us + EVERY_US;
    progress->drawn = true;
    return true;
}

void progress_at(struct progress *progress, uint64_t done, uint64_t of) {
    static const char full[] = "########################################";
    if (!progress || !progress->shown || !is_due(progress))
        return;
    if (of == 0) {
        fprintf(stderr, "\r\033[K%" PRIu64 " %s", done, progress->what);
        return;
    }
    unsigned filled = (unsigned)(done >= of ? BAR : done * BAR / of);
    fprintf(stderr, "\r\033[K[%-*.*s] %" PRIu64 " of %" PRIu64 " %s", (int)BAR, (int)filled, full, done, of,
            progress->what);
}

void progress_wait(struct progress *progress) {
    if (progress && progress->shown && is_due(progress))
        fprintf(stderr, "\r\033[KWaiting for %s: %" PRIu64 " s", progress->what,
                (clock_monotonic_us() - progress->begun_us) / 1000000);
}

void progress_end(struct progress *progress) {
    if (progress && progress->drawn)
        fputs("\r\033[K", stderr);
    if (progress)
        progress->drawn = false;
}

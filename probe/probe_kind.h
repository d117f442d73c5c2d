/* Between the framework and the kinds of probes.
 *
 * To add a kind: a file KIND_probe.c that defines one `const struct probe_kind`, a row in probe_kinds.c, its keys in
 * site/probe_settings.c, its checks in core/liveness.
 *
 * What a kind promises: it never blocks; it gives up by itself at settings->timeout_us, saying which step it hung in; it
 * makes at least one part; it calls probe_look_done exactly once, from any callback or from `begin` itself, with everything
 * of its own freed; `cancel` frees everything of its own and calls nothing. What may not be broken off stays behind as a rest
 * (prober.h). */
#ifndef TOCSIN_PROBE_KIND_H
#define TOCSIN_PROBE_KIND_H

#include "probe.h"
#include "probe_target.h"

struct probe_look {
    struct prober *prober;
    struct loop *loop;
    const struct probe_settings *settings;
    const struct liveness_policy *policy;
    const struct probe_target *target;
    const char *address; /* numeric, without brackets; NULL for a kind that asks no address */
    void *prepared;      /* the kind's, of this probe */
    void *own;           /* the kind's, of this look; NULL at `begin` */
    uint64_t turn;       /* runs of this probe before this one */
};

struct probe_kind {
    enum liveness_kind kind;
    const char *about;  /* for `tocsin probe`: half a sentence */
    const char *target; /* an example */
    /* Whether it asks addresses; then the target is a URL, or HOST:PORT (`port` where it is left out, 0: it must be there). */
    bool addressed;
    uint16_t port;
    /* Longer than settings->timeout_us where that is not all; NULL: it is. */
    uint64_t (*patience_us)(const struct probe_settings *settings, const struct liveness_policy *policy);
    /* Reads files and checks the settings, once; NULL: nothing to do. *ret_prepared is the probe's until `release`. */
    bool (*prepare)(const struct probe_settings *settings, void **ret_prepared, struct fault *fault);
    void (*release)(void *prepared);
    void (*begin)(struct probe_look *look);
    void (*cancel)(struct probe_look *look);
};
const struct probe_kind *probe_kind_find(enum liveness_kind kind); /* NULL: not built in */

/* A part whose clock runs from now until probe_part_over. Lives until the run's result was taken. */
struct probe_part *probe_look_part(struct probe_look *look, const char *what, ...)
    __attribute__((format(printf, 2, 3)));
/* Stops its clock, and judges it (reach.time, reach.slow), unless a step failed that says so already. */
void probe_part_over(struct probe_part *part, const struct probe_settings *settings);
void probe_look_done(struct probe_look *look);

/* The steps of reaching it, as checks: all up to `failed` were good, this one was not, by `reason`. PROBE_PHASES: none
 * failed. PHASE_FIRST and PHASE_BODY are reach.answer, or reach.time where `late`. `tls`: whether there is such a step. */
void probe_part_reached(struct probe_part *part, bool tls, enum probe_phase failed, bool late,
                        const char *reason);

/* What is remembered from run to run, also of the program, under a name of the kind's own: a file's bytes. False: nothing,
 * or it can't be read. Small and rare: it is written through to the disk. */
bool probe_memory_read(const struct probe_look *look, const char *name, struct buffer *to);
bool probe_memory_write(const struct probe_look *look, const char *name, struct slice bytes,
                        struct fault *fault);

/* For nonces and jitter: nothing secret. At most 256 bytes. */
void probe_random(void *to, size_t size);

#endif

/* A probe: one service that is asked again and again, every address of every family on its own, each step timed, and what
 * came judged. One run at a time, begun by its owner: when, and what is thought of it, is not decided here.
 *
 * The way of a run: the target's name is resolved; for each address a look is begun, all at once; a look asks one thing or
 * several and makes a part of each; when all looks are over, or their time is, the parts are the result.
 *
 * Everything belongs to the loop's thread and never blocks it. Files are read at probe_create alone. */
#ifndef TOCSIN_PROBE_H
#define TOCSIN_PROBE_H

#include "liveness_report.h"
#include "loop.h"
#include "probe_settings.h"

#define PROBE_ADDRESS_SIZE 64u /* "[2001:db8::1]:8080" with its NUL */
#define PROBE_WHAT_SIZE 96u

/* The steps of an answer, each with the time that it took alone. */
enum probe_phase { PHASE_NAME, PHASE_CONNECT, PHASE_TLS, PHASE_FIRST, PHASE_BODY, PROBE_PHASES };
const char *probe_phase_name(enum probe_phase phase); /* "name", "connect", "tls", "first", "body" */

/* One thing that was asked of one address. */
struct probe_part {
    char address[PROBE_ADDRESS_SIZE]; /* empty where there is none */
    char what[PROBE_WHAT_SIZE];       /* "GET, sha1, issued"; empty where it asks one thing alone */
    uint64_t begun_us, took_us;       /* begun by the monotonic clock */
    uint64_t phases_us[PROBE_PHASES]; /* 0: not reached, or there is no such step */
    bool over;
    struct liveness_report report;
};

struct probe_result {
    const struct probe_settings *settings;
    uint64_t time_us; /* of the start, wall clock */
    uint64_t took_us;
    enum liveness_state state; /* the worst; see `partial` in the settings */
    bool partial;              /* some addresses could not be reached, others could */
    struct probe_part *const *parts;
    size_t count;
};

/* What probes share: the loop, the HTTP fetcher, look-ups of names, a folder for what is remembered (NULL: nothing is). */
struct prober;
struct prober *prober_create(struct loop *loop, const char *folder, struct fault *fault);
struct prober *prober_destroy(struct prober *prober); /* after its probes; NULL */
/* What must be brought to its end although its probe is over or was cancelled, such as an exchange that would leave a signer
 * half way: a sentence that says what and how long, NULL: nothing. Whoever stops may turn the loop until then; prober_destroy
 * leaves it to a process of its own, which ends by itself. */
const char *prober_rest(const struct prober *prober);

struct probe;
/* The settings must outlive it. Reads the files that they name. */
struct probe *probe_create(struct prober *prober, const struct probe_settings *settings, struct fault *fault);
struct probe *probe_destroy(struct probe *probe); /* a run is given up; NULL */

/* As probe_settings_name. */
const char *probe_name(const struct probe *probe);
/* How long a run takes at the most. */
uint64_t probe_patience_us(const struct probe *probe);

/* The result is borrowed for the call. */
typedef void probe_done(void *context, const struct probe_result *result);
/* One run, unless one is under way. `done` comes in a later turn, at the latest a second after the kind's patience. */
void probe_run(struct probe *probe, probe_done *done, void *context);
bool probe_running(const struct probe *probe);
/* Gives it up; no `done` comes. */
void probe_cancel(struct probe *probe);

#endif

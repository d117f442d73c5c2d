/* A canary signature by a key in a PKCS#11 token. tocsin-canary makes it, in a process of its own with limits of time and
 * output, and tells each step; here it is judged, and remembered what must not be done twice: give a PIN that was refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate_file.h"
#include "child.h"
#include "files.h"
#include "memory.h"
#include "pkcs11_judge.h"
#include "probe_kinds.h"
#include "process.h"

#define PROGRAM "tocsin-canary"
#define REFUSED_NAME "pin-refused"
#define ERROR_MOST 4096u
#define UNENDED_SIZE 192u
#define ARGUMENTS_MOST 12u

struct prepared {
    char program[PROCESS_PATH_MOST];
    char *certificate; /* its whole path; NULL: none */
    bool read;         /* `refused` was looked up */
    char refused
        [PKCS11_TEXT_SIZE]; /* the file whose PIN the token refused, as the canary calls it; empty: none */
    bool unsure;            /* a login has not come to its end: nobody knows whether the token counted it */
    char nonce[PKCS11_TEXT_SIZE]; /* of the signature before */
};

struct signing {
    struct probe_look *look;
    struct probe_part *part;
    struct child *child;
};

/* --- before any run */

static void release(void *context) {
    struct prepared *prepared = context;
    free(prepared->certificate);
    free(prepared);
}

/* Found to be one now rather than at the first run; and by its whole path, since the canary runs in "/". */
static bool settle_certificate(struct prepared *prepared, const struct settings_strings *files,
                               struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(0);
    struct certificate *certificate = memory_new(sizeof *certificate);
    size_t count;
    bool good =
        files->count == 0 || certificate_file_read(files->items[0], &bytes, certificate, 1, &count, fault);
    free(certificate);
    if (good && files->count)
        prepared->certificate = realpath(files->items[0], NULL);
    return good;
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    if (!settings->target)
        return fault_set(
            fault, FAULT_USAGE,
            "name the key: pkcs11:token=CA;object=canary?module-path=/usr/lib/softhsm/libsofthsm2.so&"
            "pin-source=/etc/tocsin/canary.pin");
    if (settings->certificates.count > 1)
        return fault_set(fault, FAULT_USAGE, "certificates: a key has one");
    struct prepared *prepared = memory_new(sizeof *prepared);
    if (((process_beside(PROGRAM, prepared->program) && files_exists(prepared->program)) ||
         fault_set(fault, FAULT_MISSING, PROGRAM " is not there: install the package tocsin-agent again")) &&
        settle_certificate(prepared, &settings->certificates, fault)) {
        *ret_prepared = prepared;
        return true;
    }
    release(prepared);
    return false;
}

/* --- what is remembered */

static void recall(struct probe_look *look) {
    CLEANUP_BUFFER struct buffer refused = BUFFER(PKCS11_TEXT_SIZE - 1);
    struct prepared *prepared = look->prepared;
    if (!prepared->read && probe_memory_read(look, REFUSED_NAME, &refused))
        snprintf(prepared->refused, sizeof prepared->refused, "%s", buffer_string(&refused));
    prepared->read = true;
}

static void remember(struct probe_look *look, const struct pkcs11_facts *facts) {
    struct prepared *prepared = look->prepared;
    enum pkcs11_progress login = facts->steps[PKCS11_LOGIN].progress;
    const char *refused = facts->pin & PKCS11_PIN_REFUSED ? facts->pin_file
                          : login == PKCS11_DONE          ? ""
                                                          : prepared->refused;
    if (facts->nonce[0])
        memcpy(prepared->nonce, facts->nonce, sizeof prepared->nonce);
    if (login != PKCS11_NOT_BEGUN && !(facts->pin & PKCS11_PIN_HELD))
        prepared->unsure = login == PKCS11_BEGUN;
    if (strcmp(refused, prepared->refused) == 0)
        return;
    /* A disk that cannot be written keeps it in this process all the same. */
    (void)probe_memory_write(look, REFUSED_NAME, slice_string(refused), NULL);
    char keep[PKCS11_TEXT_SIZE];
    snprintf(keep, sizeof keep, "%s", refused);
    memcpy(prepared->refused, keep, sizeof keep);
}

/* --- how it ended */

static bool in_a_step(const struct pkcs11_facts *facts) {
    for (unsigned step = 0; step < PKCS11_STEPS; step++)
        if (facts->steps[step].progress == PKCS11_BEGUN)
            return true;
    return false;
}

/* Empty where it came to its end, whatever that was. */
static void say_end(const struct child_end *end, const struct pkcs11_facts *facts, char text[UNENDED_SIZE]) {
    char plain[LIVENESS_PLAIN_SIZE], span[LIVENESS_SPAN_SIZE], line[FAULT_LINE_SIZE];
    struct slice error = slice_head(end->error, slice_find_byte(end->error, '\n'));
    const char *name;
    text[0] = '\0';
    switch (end->how) {
    case CHILD_EXITED:
        if (end->number > 1 || in_a_step(facts))
            snprintf(text, UNENDED_SIZE, "ended with %d%s%s", end->number, error.size ? ": " : "",
                     liveness_plain(error, plain));
        break;
    case CHILD_SIGNALLED:
        name = sigabbrev_np(end->number);
        snprintf(text, UNENDED_SIZE, "crashed by signal %d%s%s", end->number, name ? ", SIG" : "",
                 name ? name : "");
        break;
    case CHILD_LATE:
        snprintf(text, UNENDED_SIZE, "hung, killed after %s", liveness_span(end->wall_us, span));
        break;
    case CHILD_FLOODED:
        snprintf(text, UNENDED_SIZE, "killed, since it wrote too much");
        break;
    case CHILD_NOT_STARTED:
        snprintf(text, UNENDED_SIZE, "not started: %.150s", fault_line(end->fault, line));
        break;
    }
}

static void judge(struct signing *signing, const struct child_end *end) {
    struct probe_look *look = signing->look;
    const struct prepared *prepared = look->prepared;
    struct pkcs11_facts *facts = memory_new(sizeof *facts);
    struct fault fault = {0};
    char unended[UNENDED_SIZE], line[FAULT_LINE_SIZE];
    if (pkcs11_facts_read(end->output, facts, &fault))
        say_end(end, facts, unended);
    else
        snprintf(unended, sizeof unended, "told no facts: %.150s", fault_line(&fault, line));
    const struct pkcs11_question question = {.unended = unended[0] ? unended : NULL,
                                             .previous_nonce = prepared->nonce};
    pkcs11_judge(&question, facts, look->policy, &signing->part->report);
    remember(look, facts);
    free(facts);
}

static void end(struct signing *signing) {
    struct probe_look *look = signing->look;
    probe_part_over(signing->part, look->settings);
    child_destroy(signing->child);
    free(signing);
    probe_look_done(look);
}

static void done(void *context, const struct child_end *how) {
    struct signing *signing = context;
    judge(signing, how);
    end(signing);
}

/* --- a run */

static void begin(struct probe_look *look) {
    const struct prepared *prepared = look->prepared;
    const struct probe_settings *settings = look->settings;
    const char *argv[ARGUMENTS_MOST] = {prepared->program};
    const char *environment[CHILD_ENVIRONMENT_MOST + 1] = {NULL};
    size_t count = 1;
    struct fault fault = {0};
    recall(look);
    if (prepared->certificate) {
        argv[count++] = "--certificate";
        argv[count++] = prepared->certificate;
    }
    if (settings->mechanism) {
        argv[count++] = "--mechanism";
        argv[count++] = settings->mechanism;
    }
    if (prepared->unsure)
        argv[count++] = "--careful";
    if (prepared->refused[0]) {
        argv[count++] = "--refused";
        argv[count++] = prepared->refused;
    }
    argv[count++] = "--";
    argv[count] = settings->target;
    for (size_t i = 0; i < settings->environment.count && i < CHILD_ENVIRONMENT_MOST; i++)
        environment[i] = settings->environment.items[i];
    const struct child_settings child = {.argv = argv,
                                         .environment = environment,
                                         .output_most = PKCS11_FACTS_MOST,
                                         .error_most = ERROR_MOST,
                                         .timeout_us = settings->timeout_us};
    struct signing *signing = memory_new(sizeof *signing);
    look->own = signing;
    signing->look = look;
    signing->part = probe_look_part(look, "%s", "");
    signing->child = child_start(look->loop, &child, done, signing, &fault);
    if (signing->child)
        return;
    liveness_check(&signing->part->report, CHECK_PKCS11_PROGRAM, false, "not started: %.150s", fault.text);
    end(signing);
}

static void cancel(struct probe_look *look) {
    struct signing *signing = look->own;
    struct prepared *prepared = look->prepared;
    prepared->unsure = true; /* it may have been in the middle of a login */
    child_destroy(signing->child);
    free(signing);
}

const struct probe_kind probe_kind_pkcs11 = {
    .kind = LIVENESS_PKCS11,
    .about = "a key in a token signs, and the signature holds",
    .target = "pkcs11:token=CA;object=canary?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/etc/"
              "tocsin/canary.pin",
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

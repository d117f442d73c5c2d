/* The look at every witness before anything is committed. */
#include <stdio.h>

#include "clock.h"
#include "log.h"
#include "witnessing_inside.h"

struct comparison {
    struct asked_witness *asked;
    pthread_t thread;
    bool running;
    enum witness_outcome outcome;
    struct witness_answer answer;
    struct fault fault;
};

static void *compare_one(void *context) {
    struct comparison *comparison = context;
    comparison->outcome =
        witness_link_compare(comparison->asked->link, &comparison->answer, &comparison->fault);
    return NULL;
}

/* Whether the start may go on. */
static bool judge(const struct comparison *comparison, struct fault *fault) {
    struct asked_witness *asked = comparison->asked;
    struct slice name = note_key_name(&asked->key);
    switch (comparison->outcome) {
    case WITNESS_AGREES:
    case WITNESS_AHEAD:
        asked->size = comparison->answer.size;
        asked->cosigned_s = comparison->answer.time_s;
        buffer_append_slice(&asked->known, buffer_slice(&comparison->answer.note));
        return true;
    case WITNESS_FAILED:
        log_warning("the witness %.*s was not compared with: %s", SLICE_ARG(name), comparison->fault.text);
        return true;
    case WITNESS_ROLLBACK:
        fault_set(
            fault, FAULT_CONFLICT,
            "%s. Bring back the newer store: the newest copy, another disk, or `tocsin restore` again with "
            "--missing-from and another folder of backups; or stop the other collector. If nobody has it any more: "
            "tocsin origin propose",
            comparison->fault.text);
        break;
    case WITNESS_FORK:
        fault_set(fault, FAULT_CONFLICT,
                  "%s. This store is not the one that was witnessed: bring that one back, keep this one as "
                  "evidence",
                  comparison->fault.text);
        break;
    }
    buffer_clear(&asked->all->refused);
    buffer_append_slice(&asked->all->refused, buffer_slice(&comparison->answer.note));
    return fault_place(fault, "the witness %.*s", SLICE_ARG(name));
}

struct slice witnessing_refused(const struct witnessing *witnessing) {
    return buffer_slice(&witnessing->refused);
}

bool witnessing_compare(struct witnessing *witnessing, struct fault *fault) {
    struct comparison comparisons[WITNESSES_MOST];
    bool good = true;
    for (unsigned i = 0; i < witnessing->count; i++) {
        comparisons[i] = (struct comparison){
            .asked = witnessing->witnesses[i], .outcome = WITNESS_FAILED, .answer = witness_answer_make()};
        comparisons[i].running =
            pthread_create(&comparisons[i].thread, NULL, compare_one, &comparisons[i]) == 0;
    }
    for (unsigned i = 0; i < witnessing->count; i++) {
        if (comparisons[i].running)
            pthread_join(comparisons[i].thread, NULL);
        good = good && judge(&comparisons[i], fault);
        witness_answer_free(&comparisons[i].answer);
    }
    return good;
}

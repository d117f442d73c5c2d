/* Rules against the sample events beside them (rule_samples.h): every decoder and every rule, as the collector has them. */
#ifndef TOCSIN_TRIAL_H
#define TOCSIN_TRIAL_H

#include "knowledge.h"

/* Borrowed for the time of the call. */
struct trial_sample {
    const char *file;
    uint32_t line;
    const char *missing; /* titles that were due and not said, a line each; "" where there is none */
    const char *beyond;  /* titles that were said and not due; likewise */
};

typedef void trial_report(void *context, const struct trial_sample *sample);

/* Tries each sample of every *.samples file of the files and folders. spoken[rule] is set for each rule that a sample made
 * speak. False for a file that cannot be read. Sets the interpreter's format: nobody else may read with it meanwhile. */
bool trial_run(const struct knowledge *knowledge, char *const *paths, size_t path_count, trial_report *report,
               void *context, bool *spoken, struct fault *fault);

#endif

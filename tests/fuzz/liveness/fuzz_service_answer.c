/* A service's health answer: headers, a blank line, a body; held against every preset and against a pattern of its own. */
#include "fuzz_answer.h"
#include "service_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_answer answer;
    char pattern[64];
    if (!fuzz_answer_read(slice_make(data, size), &answer))
        return 0;
    for (size_t i = 0; service_preset_at(i); i++) {
        service_judge(&service_preset_at(i)->expected, &answer.http, answer.body, fuzz_answer_begin());
        fuzz_answer_end(LIVENESS_HTTP);
    }
    struct slice head = slice_head(answer.body, sizeof pattern - 1); /* its own beginning as the pattern */
    if (memchr(head.data, '\0', head.size))
        return 0;
    memcpy(pattern, head.data, head.size);
    pattern[head.size] = '\0';
    service_judge(&(struct service_expected){.body = pattern, .statuses = pattern}, &answer.http,
                  slice_from(answer.body, head.size / 2), fuzz_answer_begin());
    fuzz_answer_end(LIVENESS_HTTP);
    return 0;
}

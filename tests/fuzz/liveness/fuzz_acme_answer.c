/* An ACME server's directory, and the same headers as those of a nonce. */
#include "acme_judge.h"
#include "fuzz_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_answer answer;
    char url[ACME_URL_MOST];
    if (!fuzz_answer_read(slice_make(data, size), &answer))
        return 0;
    acme_judge_directory(&answer.http, answer.body, fuzz_answer_begin(), url);
    fuzz_answer_end(LIVENESS_ACME);
    for (size_t i = 0; url[i]; i++) /* what goes into a request is one line */
        if (url[i] <= ' ' || url[i] > '~')
            abort();
    acme_judge_nonce(&answer.http, slice_head(answer.body, 4), fuzz_answer_begin());
    fuzz_answer_end(LIVENESS_ACME);
    return 0;
}

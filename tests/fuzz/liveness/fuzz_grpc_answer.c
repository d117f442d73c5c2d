/* A gRPC health answer: headers, a blank line, trailers, a blank line, the body. */
#include "fuzz_answer.h"
#include "grpc_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_answer answer;
    if (!fuzz_answer_read(slice_make(data, size), &answer))
        return 0;
    struct slice trailers = fuzz_answer_cut(&answer.body);
    grpc_judge(&answer.http, answer.body, trailers, fuzz_answer_begin());
    fuzz_answer_end(LIVENESS_GRPC);
    return 0;
}

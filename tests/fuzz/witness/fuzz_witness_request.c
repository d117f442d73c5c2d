/* Requests to a witness and its answers: what is read is written back as it was, and nothing that a known key has not signed
 * is cosigned. */
#include <stdlib.h>

#include "witness_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Peter Neumann's, of the public tests: nobody here has its private half. */
#define LOG "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static void expect(bool good) {
    if (!good)
        abort();
}

static void judge(const struct witness_request *request) {
    static struct witness_log log;
    struct witness_verdict verdict;
    if (log.key.name_size == 0) {
        expect(note_key_read(SLICE(LOG), &log.key, NULL));
        log.newest = witness_memory_empty();
    }
    expect(!witness_judge(&log, 1, request, 1800000000, &verdict, NULL));
    expect(verdict.status == WITNESS_MALFORMED || verdict.status == WITNESS_UNKNOWN_LOG ||
           verdict.status == WITNESS_FORBIDDEN);
}

static void take_answer(struct slice body) {
    static struct note_key witness;
    CLEANUP_BUFFER struct buffer lines = BUFFER(NOTE_MOST);
    uint64_t time_s, known;
    if (witness.name_size == 0) {
        struct note_key log;
        expect(note_key_read(SLICE(LOG), &log, NULL));
        expect(note_key_make(NOTE_KEY_WITNESS, SLICE("EnochRoot"), &log.key, &witness, NULL));
    }
    expect(!witness_answer_read(body, SLICE("a\n1\n"), &witness, &lines, &time_s, NULL) && lines.size == 0);
    witness_size_read(body, &known);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct slice body = slice_make(data, size);
    struct witness_request request;
    struct fault fault = {0};
    take_answer(body);
    if (!witness_request_read(body, &request, &fault)) {
        expect(fault.code != FAULT_NONE);
        return 0;
    }
    CLEANUP_BUFFER struct buffer again = BUFFER(WITNESS_REQUEST_MOST);
    expect(witness_request_write(&again, request.old_size, request.proof, request.proof_count, request.note));
    expect(slice_equal(buffer_slice(&again), body));
    judge(&request);
    return 0;
}

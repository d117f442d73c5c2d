/* What fuzz targets of HTTP answers share: headers, a blank line, a body; and a report that has to hold together. */
#ifndef TOCSIN_FUZZ_ANSWER_H
#define TOCSIN_FUZZ_ANSWER_H

#include <stdlib.h>

#include "http_judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_answer {
    struct http_answer http;
    struct slice body;
};

static struct liveness_policy fuzz_policy;
static struct liveness_report fuzz_report;

/* What stands before the first blank line, and what stands behind it. */
static inline struct slice fuzz_answer_cut(struct slice *rest) {
    size_t blank = slice_find(*rest, SLICE("\r\n\r\n"));
    struct slice head = blank == SIZE_MAX ? *rest : slice_head(*rest, blank + 2);
    *rest = slice_from(*rest, head.size + 2);
    return head;
}

static inline bool fuzz_answer_read(struct slice text, struct fuzz_answer *ret_answer) {
    struct fault fault = {0};
    ret_answer->body = text;
    if (http_answer_read(fuzz_answer_cut(&ret_answer->body), &ret_answer->http, &fault))
        return true;
    if (fault.code == FAULT_NONE)
        abort();
    return false;
}

static inline struct liveness_report *fuzz_answer_begin(void) {
    liveness_policy_default(&fuzz_policy, PROFILE_CABF_BR);
    liveness_report_begin(&fuzz_report, &fuzz_policy);
    return &fuzz_report;
}

static inline void fuzz_answer_end(enum liveness_kind kind) {
    CLEANUP_BUFFER struct buffer text = BUFFER(1 << 20);
    if (fuzz_report.count == 0 || !liveness_report_json(&text, &fuzz_report, kind, "fuzz", 0))
        abort();
}

#endif

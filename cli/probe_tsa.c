/* `tocsin probe tsa --response`: a time stamp in a file, judged by the request that it answers, or by the hash in it. */
#include "clock.h"
#include "encoding.h"
#include "oids.h"
#include "probe_command.h"
#include "tsa_judge.h"

#define DIGEST_MOST 64u

struct asked {
    struct buffer query, policy;
    uint8_t digest[DIGEST_MOST], nonce[TSA_NONCE_MOST + 1];
};

/* Which digest it is, its length says. */
static bool read_digest(const char *hex, struct asked *asked, struct tsa_request *request,
                        struct fault *fault) {
    const struct {
        size_t size;
        struct slice oid;
    } digests[] = {{20, OID_SHA1}, {32, OID_SHA256}, {48, OID_SHA384}, {64, OID_SHA512}};
    struct slice text = slice_string(hex);
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (text.size == 2 * digests[i].size && encoding_unhex(text, asked->digest, digests[i].size)) {
            request->digest = digests[i].oid;
            request->imprint = slice_make(asked->digest, digests[i].size);
            request->wants_certificate = true;
            return true;
        }
    return fault_set(fault, FAULT_USAGE, "--digest takes a SHA-256 in hexadecimal digits, or another SHA");
}

/* As `openssl ts -reply -text` shows it; the content of an INTEGER that is above zero. */
static bool read_nonce(const char *hex, struct asked *asked, struct tsa_request *request,
                       struct fault *fault) {
    struct slice text = slice_string(hex);
    if (slice_starts(text, SLICE("0x")) || slice_starts(text, SLICE("0X")))
        text = slice_from(text, 2);
    if (text.size == 0 || text.size % 2 || text.size / 2 > TSA_NONCE_MOST ||
        !encoding_unhex(text, asked->nonce + 1, text.size / 2))
        return fault_set(fault, FAULT_USAGE, "--nonce takes hexadecimal digits, up to %u bytes",
                         TSA_NONCE_MOST);
    struct slice number = slice_make(asked->nonce + 1, text.size / 2);
    while (number.size > 1 && number.data[0] == 0)
        number = slice_from(number, 1);
    request->nonce = der_negative(number) ? slice_make(number.data - 1, number.size + 1) : number;
    return true;
}

static bool read_asked(const struct probe_options *options, struct asked *asked,
                       struct tsa_question *question, struct fault *fault) {
    if (!options->query == !options->digest)
        return fault_set(fault, FAULT_USAGE, "name what was asked: --query F, or --digest H");
    if (options->digest && !read_digest(options->digest, asked, &question->request, fault))
        return false;
    if (options->query && (!files_read(options->query, &asked->query, fault) ||
                           (!tsa_request_read(buffer_slice(&asked->query), &question->request, fault) &&
                            !fault_place(fault, "%s", options->query))))
        return false;
    if (options->nonce && !read_nonce(options->nonce, asked, &question->request, fault))
        return false;
    question->has_policy = options->policy != NULL;
    if (options->policy && !extension_oid_parse(slice_string(options->policy), &asked->policy))
        return fault_set(fault, FAULT_USAGE,
                         "--policy: '%.40s' is no object identifier: write 1.3.6.1.4.1.99999.1",
                         options->policy);
    question->policy = buffer_slice(&asked->policy);
    return true;
}

static bool judge(const struct command_context *context, const struct probe_options *options,
                  struct probe_inputs *inputs, struct asked *asked, struct liveness_report *report,
                  uint64_t *ret_took_us, struct fault *fault) {
    CLEANUP_BUFFER struct buffer body = BUFFER(TSA_RESPONSE_MOST);
    struct tsa_question question = {.asked_us = context->now_us, .now_us = context->now_us};
    if (!probe_inputs_read(options, inputs, fault) || !read_asked(options, asked, &question, fault) ||
        !files_read(options->response, &body, fault))
        return false;
    question.issuers = inputs->issuers;
    question.issuer_count = inputs->issuer_count;
    uint64_t begun_us = clock_monotonic_us();
    tsa_judge(&question, &inputs->policy, buffer_slice(&body), report);
    if (inputs->has_headers)
        http_judge(&inputs->answer, LIVENESS_TSA, buffer_slice(&body), context->now_us, report);
    *ret_took_us = clock_monotonic_us() - begun_us;
    return true;
}

bool probe_tsa_file(const struct command_context *context, const struct probe_options *options,
                    struct probe_inputs *inputs, struct liveness_report *report, uint64_t *ret_took_us,
                    struct fault *fault) {
    struct asked asked = {.query = BUFFER(TSA_REQUEST_MOST), .policy = BUFFER(EXTENSION_OID_TEXT)};
    bool good = judge(context, options, inputs, &asked, report, ret_took_us, fault);
    buffer_free(&asked.query);
    buffer_free(&asked.policy);
    return good;
}

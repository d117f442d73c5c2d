/* `tocsin probe tls --response`: a server's chain in a file, judged before anybody is served it. */
#include "clock.h"
#include "probe_command.h"
#include "tls_judge.h"
#include "weak_keys_file.h"

#define CHAIN_MOST (4u * 1024 * 1024) /* bytes */

/* The certificates as they stand in the file; what is none of them stays one piece, and is told by the judge. */
static bool read_chain(const char *path, struct buffer *bytes, struct slice *certificates, size_t most,
                       size_t *ret_count, struct fault *fault) {
    CLEANUP_BUFFER struct buffer file = BUFFER(CHAIN_MOST);
    if (!files_read(path, &file, fault))
        return false;
    if (!certificate_bytes(buffer_slice(&file), SLICE("CERTIFICATE"), bytes, fault))
        return fault_place(fault, "%s", path);
    struct slice rest = buffer_slice(bytes);
    size_t count = 0;
    while (rest.size && count < most) {
        struct der_reader reader = der_read(rest);
        struct slice one = der_take_any(&reader).whole;
        certificates[count++] = reader.failed ? rest : one;
        rest = slice_from(rest, reader.failed ? rest.size : one.size);
    }
    *ret_count = count;
    return true;
}

bool probe_tls_file(const struct command_context *context, const struct probe_options *options,
                    struct probe_inputs *inputs, struct liveness_report *report, uint64_t *ret_took_us,
                    struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(CHAIN_MOST);
    struct slice certificates[TLS_CHAIN_MOST + 1];
    struct tls_shown shown = {.certificates = certificates, .alpn = SLICE(""), .staple = SLICE("")};
    if (!probe_inputs_read(options, inputs, fault) ||
        !read_chain(options->response, &bytes, certificates, TLS_CHAIN_MOST + 1, &shown.count, fault))
        return false;
    struct weak_keys *weak_keys = NULL;
    if (options->weak_keys) {
        weak_keys = weak_keys_file_read(options->weak_keys, fault);
        if (!weak_keys)
            return false;
    }
    const struct tls_question question = {.name = slice_string(options->server_name),
                                          .anchors = inputs->issuers,
                                          .anchor_count = inputs->issuer_count,
                                          .weak_keys = weak_keys,
                                          .now_us = context->now_us};
    uint64_t begun_us = clock_monotonic_us();
    tls_judge(&question, &inputs->policy, &shown, report);
    *ret_took_us = clock_monotonic_us() - begun_us;
    weak_keys_destroy(weak_keys);
    return true;
}

/* Between the files of `tocsin probe`: the kinds, their options, and what all of them share.
 *
 * What is asked over the network needs nothing here: its kind is a row in probe/probe_kinds.c, its options are its settings
 * (probe_online.c). To judge a kind's answer in a file: a file with one probe_file_judge, and a row in probe.c. */
#ifndef TOCSIN_PROBE_COMMAND_H
#define TOCSIN_PROBE_COMMAND_H

#include "certificate.h"
#include "command.h"
#include "http_judge.h"
#include "option_words.h"

#define PROBE_ISSUERS_MOST 64u

struct probe_options {
    const char *response, *issuer, *certificate, *serial, *profile, *max_age; /* of every offline kind */
    const char *headers, *uri, *previous, *expect, *reason, *nonce, *query, *digest, *policy, *server_name,
        *weak_keys;
    struct option_words settings; /* NAME=VALUE */
};

/* What the options say, read; borrows from the buffers here. Release it whatever probe_inputs_read gave. */
struct probe_inputs {
    struct buffer issuer_bytes, certificate_bytes, serial_bytes, header_bytes;
    size_t issuer_count;
    struct certificate issuers[PROBE_ISSUERS_MOST], certificate;
    bool has_certificate, has_headers;
    struct slice serial; /* empty without one */
    struct liveness_policy policy;
    struct http_answer answer;
    uint64_t max_age_us; /* 0: none */
};
bool probe_inputs_read(const struct probe_options *options, struct probe_inputs *ret_inputs,
                       struct fault *fault);
void probe_inputs_release(struct probe_inputs *inputs);

/* Hands over a file piece by piece; `first`, NULL or with a limit, gets its beginning. */
bool probe_pieces(const char *path, void (*take)(void *context, struct slice piece), void *context,
                  struct buffer *first, struct fault *fault);

/* Over the network; argv[0] is the command's name, and argv's first word the kind. */
int probe_online(const struct command_context *context, int argc, char **argv);
int probe_discover(const struct command_context *context, int argc, char **argv);

/* A kind's answer in a file: reads it, judges it, and says how long judging took. */
typedef bool probe_file_judge(const struct command_context *context, const struct probe_options *options,
                              struct probe_inputs *inputs, struct liveness_report *report,
                              uint64_t *ret_took_us, struct fault *fault);
probe_file_judge probe_ocsp_file, probe_crl_file, probe_tsa_file, probe_tls_file;

#endif

/* `tocsin probe KIND`: one probe now, over the network, or over files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "certificate_file.h"
#include "memory.h"
#include "probe_command.h"
#include "probe_kind.h"
#include "serial_text.h"
#include "settings.h"

#define PIECE (256u * 1024)
#define REPORT_MOST (256u * 1024)

static const struct {
    const char *name;
    enum liveness_kind kind;
    probe_file_judge *judge;
} kinds[] = {{"ocsp", LIVENESS_OCSP, probe_ocsp_file},
             {"crl", LIVENESS_CRL, probe_crl_file},
             {"tsa", LIVENESS_TSA, probe_tsa_file},
             {"tls", LIVENESS_TLS, probe_tls_file}};
#define KINDS (sizeof kinds / sizeof *kinds)

/* ---- what goes in */

static bool read_settings(const struct probe_options *options, struct liveness_policy *policy,
                          struct fault *fault) {
    enum liveness_profile profile = PROFILE_CABF_BR;
    if (options->profile && !liveness_profile_by_name(slice_string(options->profile), &profile))
        return fault_set(fault, FAULT_USAGE, "there is no profile '%.40s': cabf-br, rfc", options->profile);
    liveness_policy_default(policy, profile);
    for (size_t i = 0; i < options->settings.count; i++) {
        struct slice word = slice_string(options->settings.values[i]);
        size_t equals = slice_find_byte(word, '=');
        if (equals == SIZE_MAX)
            return fault_set(fault, FAULT_USAGE, "--set takes NAME=VALUE, such as ocsp.validity-long=off");
        if (!liveness_policy_set(policy, slice_head(word, equals), slice_from(word, equals + 1), fault))
            return false;
    }
    return true;
}

static bool read_whom(const struct probe_options *options, struct probe_inputs *inputs, struct fault *fault) {
    size_t count;
    if (options->certificate && options->serial)
        return fault_set(fault, FAULT_USAGE, "--cert or --serial, not both");
    if (options->certificate) {
        inputs->has_certificate = true;
        return certificate_file_read(options->certificate, &inputs->certificate_bytes, &inputs->certificate,
                                     1, &count, fault);
    }
    if (options->serial && !serial_text_read(slice_string(options->serial), &inputs->serial_bytes))
        return fault_set(fault, FAULT_USAGE, "'%.80s' is no serial: write 4660, 0x1234 or 12:34",
                         options->serial);
    inputs->serial = buffer_slice(&inputs->serial_bytes);
    return true;
}

static bool read_headers(const struct probe_options *options, struct probe_inputs *inputs,
                         struct fault *fault) {
    if (!options->headers)
        return true;
    inputs->has_headers = true;
    return files_read(options->headers, &inputs->header_bytes, fault) &&
           (http_answer_read(buffer_slice(&inputs->header_bytes), &inputs->answer, fault) ||
            fault_place(fault, "%s", options->headers));
}

/* Seconds without a unit, too, as `openssl ocsp -status_age` takes them. */
static bool read_age(struct slice text, uint64_t *ret_us) {
    const uint64_t second_us = 1000000;
    uint64_t seconds;
    if (slice_decimal(text, &seconds) && seconds <= UINT64_MAX / second_us)
        *ret_us = seconds * second_us;
    else if (!settings_duration_parse(text, ret_us))
        return false;
    return *ret_us > 0;
}

bool probe_inputs_read(const struct probe_options *options, struct probe_inputs *ret_inputs,
                       struct fault *fault) {
    *ret_inputs =
        (struct probe_inputs){.serial_bytes = BUFFER(64), .header_bytes = BUFFER(HTTP_HEADERS_MOST)};
    if (!options->response)
        return fault_set(fault, FAULT_USAGE, "name the file that holds what was answered: --response F");
    if (!options->issuer)
        return fault_set(fault, FAULT_USAGE, "name the file with the CA's certificate: --issuer F");
    if (options->max_age && !read_age(slice_string(options->max_age), &ret_inputs->max_age_us))
        return fault_set(fault, FAULT_USAGE, "--max-age: '%.40s' is no time: write 15m, 8h, 4d, or seconds",
                         options->max_age);
    return read_settings(options, &ret_inputs->policy, fault) &&
           certificate_file_read(options->issuer, &ret_inputs->issuer_bytes, ret_inputs->issuers,
                                 PROBE_ISSUERS_MOST, &ret_inputs->issuer_count, fault) &&
           read_whom(options, ret_inputs, fault) && read_headers(options, ret_inputs, fault);
}

void probe_inputs_release(struct probe_inputs *inputs) {
    buffer_free(&inputs->issuer_bytes);
    buffer_free(&inputs->certificate_bytes);
    buffer_free(&inputs->serial_bytes);
    buffer_free(&inputs->header_bytes);
}

bool probe_pieces(const char *path, void (*take)(void *context, struct slice piece), void *context,
                  struct buffer *first, struct fault *fault) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fault_set_system(fault, "cannot be opened");
        return fault_place(fault, "%s", path);
    }
    uint8_t *piece = memory_new(PIECE);
    ssize_t got;
    do {
        got = read(fd, piece, PIECE);
        struct slice bytes = slice_make(piece, got > 0 ? (size_t)got : 0);
        if (bytes.size)
            take(context, bytes);
        if (first && bytes.size)
            buffer_append_slice(first, slice_head(bytes, first->limit - first->size));
    } while (got > 0 || (got < 0 && errno == EINTR));
    bool good = got == 0;
    if (!good) {
        fault_set_system(fault, "cannot be read");
        fault_place(fault, "%s", path);
    }
    free(piece);
    close(fd);
    return good;
}

/* ---- what comes out */

static int print(const struct command_context *context, const struct liveness_report *report,
                 enum liveness_kind kind, const char *target, uint64_t took_us) {
    CLEANUP_BUFFER struct buffer text = BUFFER(REPORT_MOST);
    if (context->json) {
        liveness_report_json(&text, report, kind, target, took_us);
        buffer_append_string(&text, "\n");
    } else
        liveness_report_text(&text, report, kind, target, context->color);
    fwrite(text.data, 1, text.size, stdout);
    return report->state >= LIVENESS_WARN ? EXIT_FINDING : EXIT_GOOD;
}

/* ---- the command */

static void list_files(char *text, size_t size) {
    size_t at = 0;
    for (size_t i = 0; i < KINDS && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s%s", i ? ", " : "", kinds[i].name);
}

/* Options that mean something for some kinds alone. */
static bool refuse_others(const struct probe_options *options, enum liveness_kind kind, struct fault *fault) {
    const unsigned ocsp = 1u << LIVENESS_OCSP, crl = 1u << LIVENESS_CRL, tsa = 1u << LIVENESS_TSA,
                   tls = 1u << LIVENESS_TLS;
    const struct {
        const char *name, *value;
        unsigned kinds;
        const char *whose;
    } some[] = {{"--cert", options->certificate, ocsp | crl, "OCSP and CRLs"},
                {"--serial", options->serial, ocsp | crl, "OCSP and CRLs"},
                {"--max-age", options->max_age, ocsp | crl, "OCSP and CRLs"},
                {"--expect", options->expect, ocsp, "OCSP"},
                {"--reason", options->reason, ocsp, "OCSP"},
                {"--nonce", options->nonce, ocsp | tsa, "OCSP and time stamps"},
                {"--previous", options->previous, crl, "CRLs"},
                {"--uri", options->uri, crl, "CRLs"},
                {"--query", options->query, tsa, "time stamps"},
                {"--digest", options->digest, tsa, "time stamps"},
                {"--policy", options->policy, tsa, "time stamps"},
                {"--headers", options->headers, ocsp | crl | tsa, "what came over HTTP"},
                {"--server-name", options->server_name, tls, "TLS"},
                {"--weak-keys", options->weak_keys, tls, "TLS"}};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        if (some[i].value && !(some[i].kinds >> kind & 1))
            return fault_set(fault, FAULT_USAGE, "%s is for %s", some[i].name, some[i].whose);
    return true;
}

static int judge_file(const struct command_context *context, const struct probe_options *options,
                      size_t which) {
    struct fault fault = {0};
    struct probe_inputs *inputs = memory_new(sizeof *inputs);
    struct liveness_report *report = memory_new(sizeof *report);
    uint64_t took_us;
    bool good = refuse_others(options, kinds[which].kind, &fault) &&
                kinds[which].judge(context, options, inputs, report, &took_us, &fault);
    int result = good ? print(context, report, kinds[which].kind, options->response, took_us)
                      : command_fail("probe", &fault);
    probe_inputs_release(inputs);
    free(inputs);
    free(report);
    return result;
}

static int probe_file(const struct command_context *context, int argc, char **argv) {
    struct probe_options options = {.response = NULL};
    struct option_words words;
    const struct option_word known[] = {
        {"--response", &options.response, NULL, NULL},   {"--issuer", &options.issuer, NULL, NULL},
        {"--cert", &options.certificate, NULL, NULL},    {"--serial", &options.serial, NULL, NULL},
        {"--profile", &options.profile, NULL, NULL},     {"--max-age", &options.max_age, NULL, NULL},
        {"--headers", &options.headers, NULL, NULL},     {"--uri", &options.uri, NULL, NULL},
        {"--previous", &options.previous, NULL, NULL},   {"--expect", &options.expect, NULL, NULL},
        {"--reason", &options.reason, NULL, NULL},       {"--nonce", &options.nonce, NULL, NULL},
        {"--query", &options.query, NULL, NULL},         {"--digest", &options.digest, NULL, NULL},
        {"--policy", &options.policy, NULL, NULL},       {"--server-name", &options.server_name, NULL, NULL},
        {"--weak-keys", &options.weak_keys, NULL, NULL}, {"--set", NULL, &options.settings, NULL}};
    char names[128];
    if (!option_words_parse("probe", argc, argv, 1, known, sizeof known / sizeof *known, &words))
        return EXIT_USAGE;
    list_files(names, sizeof names);
    if (words.count != 1)
        return command_usage("probe", "with --response, name one kind: %s", names);
    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(words.values[0], kinds[i].name) == 0)
            return judge_file(context, &options, i);
    return command_usage("probe", "answers in files are judged of %s, not of '%.40s'", names,
                         words.values[0]);
}

/* What there is to ask, with an example each. */
static int usage_kinds(const char *word) {
    if (word)
        command_usage("probe", "there is no kind '%.40s'; these are below", word);
    else
        command_usage("probe", "name what to ask, one of these");
    for (unsigned i = 0; i < LIVENESS_KINDS; i++) {
        const struct probe_kind *kind = probe_kind_find((enum liveness_kind)i);
        if (kind)
            fprintf(stderr, "  %-9s %s\n            tocsin probe %s %s\n", liveness_kind_name(kind->kind),
                    kind->about, liveness_kind_name(kind->kind), kind->target);
    }
    return EXIT_USAGE;
}

static bool has_option(int argc, char **argv, const char *name) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

int command_probe(const struct command_context *context, int argc, char **argv) {
    enum liveness_kind kind;
    if (has_option(argc, argv, "--response"))
        return probe_file(context, argc, argv);
    if (argc > 1 && strcmp(argv[1], "discover") == 0)
        return probe_discover(context, argc, argv);
    if (argc < 2 || !liveness_kind_by_name(slice_string(argv[1]), &kind) || !probe_kind_find(kind))
        return usage_kinds(argc > 1 ? argv[1] : NULL);
    return probe_online(context, argc, argv);
}

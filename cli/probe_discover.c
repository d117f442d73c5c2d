/* `tocsin probe discover CERT`: the probes that a certificate asks for, as a piece of agent.yaml.
 *
 * What stands in the certificate is a stranger's: only printable http and https addresses are written, quoted; others are
 * named in a comment, without what can't be printed. */
#include <stdio.h>
#include <stdlib.h>

#include "certificate_file.h"
#include "memory.h"
#include "probe_command.h"

#define CHAIN_MOST 16u
#define TEXT_MOST 65536u
#define URIS_MOST 16u /* of a kind; more are left out */
#define URI_MOST 2048u

struct discovery {
    const char *path, *issuer_path; /* absolute; issuer_path may be NULL */
    const struct certificate *certificate;
    const char *subject;
    size_t probes;
};

static bool printable(struct slice text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return false;
    return text.size > 0 && text.size <= URI_MOST;
}

static bool asked_by_http(struct slice uri) {
    return printable(uri) && (slice_starts(uri, SLICE("http://")) || slice_starts(uri, SLICE("https://")));
}

/* As a YAML scalar between single quotes. */
static void quote(struct buffer *to, struct slice text) {
    buffer_append_string(to, "'");
    for (size_t i = 0; i < text.size; i++)
        buffer_printf(to, text.data[i] == '\'' ? "''" : "%c", text.data[i]);
    buffer_append_string(to, "'");
}

static void write_key(struct buffer *to, const char *key, struct slice value) {
    buffer_printf(to, "    %s: ", key);
    quote(to, value);
    buffer_append_string(to, "\n");
}

static void write_issuer(struct buffer *to, const struct discovery *discovery) {
    char plain[LIVENESS_PLAIN_SIZE];
    if (discovery->issuer_path) {
        write_key(to, "issuer", slice_string(discovery->issuer_path));
        return;
    }
    struct slice uri = certificate_issuer_uri(discovery->certificate, 0);
    buffer_append_string(to, "    issuer: CA.pem # put the CA's certificate there");
    if (uri.size)
        buffer_printf(to, "; it is said to be at %s", liveness_plain(uri, plain));
    buffer_append_string(to, "\n");
}

static void write_probe(struct buffer *to, struct discovery *discovery, const char *kind, struct slice uri) {
    char name[128];
    snprintf(name, sizeof name, "%s of %s", strcmp(kind, "ocsp") == 0 ? "OCSP" : "CRL", discovery->subject);
    buffer_printf(to, "  - kind: %s\n", kind);
    if (discovery->probes > 0)
        snprintf(name + strlen(name), sizeof name - strlen(name), " (%zu)", discovery->probes + 1);
    write_key(to, "name", slice_string(name));
    write_key(to, "target", uri);
    write_issuer(to, discovery);
    buffer_append_string(to, "    certificates: [");
    quote(to, slice_string(discovery->path));
    buffer_append_string(to, "]\n");
    struct slice ocsp = certificate_ocsp_uri(discovery->certificate, 0);
    if (strcmp(kind, "crl") == 0 && asked_by_http(ocsp))
        write_key(to, "ocsp", ocsp);
    discovery->probes++;
}

static size_t write_all(struct buffer *to, struct discovery *discovery, const char *kind,
                        struct slice (*uri_of)(const struct certificate *, size_t)) {
    char plain[LIVENESS_PLAIN_SIZE];
    size_t before = discovery->probes;
    for (size_t i = 0; i < URIS_MOST; i++) {
        struct slice uri = uri_of(discovery->certificate, i);
        if (uri.size == 0)
            break;
        if (asked_by_http(uri))
            write_probe(to, discovery, kind, uri);
        else
            buffer_printf(to, "  # %s: %s is not asked; only http and https are\n", kind,
                          liveness_plain(uri, plain));
    }
    return discovery->probes - before;
}

/* Who signed it: in a file of its own, or the next in the certificate's. */
static bool find_issuer(const struct certificate *chain, size_t count, const char *path,
                        const char *issuer_path, struct discovery *discovery, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(CERTIFICATE_FILE_MOST);
    struct certificate issuers[CHAIN_MOST];
    size_t issuer_count;
    for (size_t i = 1; i < count; i++)
        if (certificate_issued_by(&chain[0], &chain[i]))
            discovery->issuer_path = path;
    if (!issuer_path)
        return true;
    if (!certificate_file_read(issuer_path, &bytes, issuers, CHAIN_MOST, &issuer_count, fault))
        return false;
    for (size_t i = 0; i < issuer_count; i++)
        if (certificate_issued_by(&chain[0], &issuers[i]))
            return true;
    fault_set(fault, FAULT_USAGE, "has not signed %s", path);
    return fault_place(fault, "%s", issuer_path);
}

static bool discover(const char *path, const char *issuer_path, struct buffer *text, struct fault *fault) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(CERTIFICATE_FILE_MOST);
    CLEANUP_FREE char *whole = realpath(path, NULL),
                      *whole_issuer = issuer_path ? realpath(issuer_path, NULL) : NULL;
    struct certificate *chain = memory_new_array(CHAIN_MOST, sizeof *chain);
    char subject[CERTIFICATE_NAME_TEXT];
    size_t count;
    struct discovery discovery = {
        .path = whole ? whole : path, .issuer_path = whole_issuer, .subject = subject};
    bool good = certificate_file_read(path, &bytes, chain, CHAIN_MOST, &count, fault) &&
                find_issuer(chain, count, discovery.path, issuer_path, &discovery, fault);
    if (good) {
        certificate_name_text(chain[0].issuer, subject);
        discovery.certificate = &chain[0];
        buffer_printf(text, "# For agent.yaml, or a file of its own in agent.d.\nprobes:\n");
        size_t ocsp = write_all(text, &discovery, "ocsp", certificate_ocsp_uri);
        discovery.probes = 0;
        size_t crl = write_all(text, &discovery, "crl", certificate_crl_uri);
        if (ocsp + crl == 0) {
            fault_set(fault, FAULT_MISSING,
                      "the certificate names neither an OCSP responder nor a CRL that could be asked");
            good = fault_place(fault, "%s", path);
        }
    }
    free(chain);
    return good;
}

/* agent.d may well not be there yet. */
static bool write_new(const char *path, struct slice text, struct fault *fault) {
    const char *end = strrchr(path, '/');
    CLEANUP_FREE char *folder = memory_copy(path, end ? (size_t)(end - path) : 0);
    return (*folder == '\0' || files_make_folder(folder, 0755, fault)) &&
           files_write_new(path, text, 0644, fault);
}

int probe_discover(const struct command_context *context, int argc, char **argv) {
    CLEANUP_BUFFER struct buffer text = BUFFER(TEXT_MOST);
    struct fault fault = {0};
    const char *issuer = NULL, *output = NULL;
    const struct option_word known[] = {{"--issuer", &issuer, NULL, NULL}, {"-o", &output, NULL, NULL}};
    struct option_words words;
    (void)context;
    if (!option_words_parse("probe", argc, argv, 1, known, sizeof known / sizeof *known, &words))
        return EXIT_USAGE;
    if (words.count != 2)
        return command_usage("probe", "discover takes one file with a certificate");
    if (!discover(words.values[1], issuer, &text, &fault) ||
        (output && !write_new(output, buffer_slice(&text), &fault)))
        return command_fail("probe", &fault);
    if (output)
        printf(
            "%s is written. Try them with `tocsin probe`; `tocsin-agent --check` says whether it is good.\n",
            output);
    else
        fwrite(text.data, 1, text.size, stdout);
    return EXIT_GOOD;
}

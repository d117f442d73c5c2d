/* tocsin-canary: one signature by a key in a PKCS#11 token, timed, and verified in software. The probe pkcs11 runs it. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "canary.h"
#include "clock.h"

enum { EXIT_SIGNED = 0, EXIT_STEP_FAILED = 1, EXIT_MISUSED = 2 };

static const char usage[] =
    "Usage: tocsin-canary [--certificate FILE] [--mechanism NAME] URI\n"
    "Makes one signature by a key in a PKCS#11 token, verifies it in software, and tells each step with its "
    "time.\n"
    "\n"
    "  URI              "
    "pkcs11:token=LABEL;object=LABEL;id=%01?module-path=/usr/lib/….so&pin-source=/etc/….pin\n"
    "                   (RFC 7512)\n"
    "  --certificate F  the key's certificate, in PEM or DER; otherwise the token's own public key is taken\n"
    "  --mechanism N    such as CKM_RSA_PKCS_PSS; otherwise the first that the token takes\n"
    "  --careful        gives no PIN where the token counts a wrong one\n"
    "  --refused FILE   gives no PIN from this file (as the fact pin-file calls it) unless it has changed\n"
    "\n"
    "The PIN is given once. A wrong one is never tried again: a token locks after a few.\n"
    "Exit: 0 signed, 1 a step failed, 2 called wrongly.\n";

void canary_tell(const struct canary *canary, enum pkcs11_fact fact, const char *value) {
    char line[PKCS11_TEXT_SIZE + 32];
    int size =
        snprintf(line, sizeof line, "%s=%.*s\n", pkcs11_fact_name(fact), (int)PKCS11_TEXT_SIZE - 1, value);
    for (int i = 0; i < size - 1; i++)
        if (line[i] < ' ' || line[i] > '~')
            line[i] = '?';
    (void)!write(canary->facts, line, (size_t)size); /* at once: the next call may be its last */
}

/* What a module prints must not stand among the facts. */
static bool keep_facts_apart(struct canary *canary, struct fault *fault) {
    canary->facts = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (canary->facts < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return fault_set_system(fault, "standard output");
    return true;
}

static bool read_uri(struct canary *canary, const char *text, struct fault *fault) {
    canary->uri = p11_kit_uri_new();
    int result = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, canary->uri);
    if (result != P11_KIT_URI_OK)
        return fault_set(fault, FAULT_USAGE, "no URI of RFC 7512: %s", p11_kit_uri_message(result));
    if (p11_kit_uri_any_unrecognized(canary->uri))
        return fault_set(fault, FAULT_USAGE, "the URI has an attribute that is not known (RFC 7512 2.3)");
    const char *module = p11_kit_uri_get_module_path(canary->uri);
    if (!module || module[0] != '/')
        return fault_set(fault, FAULT_USAGE, "name the module: ?module-path=/usr/lib/softhsm/libsofthsm2.so");
    if (p11_kit_uri_get_pin_value(canary->uri))
        return fault_set(
            fault, FAULT_USAGE,
            "everybody can see a command's words: no pin-value, but pin-source=/etc/tocsin/canary.pin");
    if (!p11_kit_uri_get_attribute(canary->uri, CKA_LABEL) && !p11_kit_uri_get_attribute(canary->uri, CKA_ID))
        return fault_set(fault, FAULT_USAGE, "name the key: object=LABEL, id=%%01, or both");
    return true;
}

static bool read_words(struct canary *canary, int argc, char **argv, struct fault *fault) {
    static const struct option options[] = {{"certificate", required_argument, NULL, 'c'},
                                            {"mechanism", required_argument, NULL, 'm'},
                                            {"careful", no_argument, NULL, 'a'},
                                            {"refused", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    int word;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    while ((word = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (word == 'c')
            canary->certificate = optarg;
        else if (word == 'm')
            canary->mechanism = optarg;
        else if (word == 'a')
            canary->careful = true;
        else if (word == 'r')
            canary->refused = optarg;
        else
            return fault_set(fault, FAULT_USAGE, "see tocsin-canary --help");
    }
    if (optind + 1 != argc)
        return fault_set(fault, FAULT_USAGE, "one URI is needed; see tocsin-canary --help");
    return read_uri(canary, argv[optind], fault);
}

/* Each begins, and ends with its time or with what was in its way; the first that fails is the last. */
static bool run(struct canary *canary) {
    static bool (*const steps[PKCS11_STEPS])(struct canary *, struct fault *) = {
        [PKCS11_LOAD] = canary_load, [PKCS11_OPEN] = canary_open, [PKCS11_LOGIN] = canary_login,
        [PKCS11_FIND] = canary_find, [PKCS11_SIGN] = canary_sign, [PKCS11_VERIFY] = canary_verify};
    char text[PKCS11_TEXT_SIZE];
    for (unsigned step = 0; step < PKCS11_STEPS; step++) {
        struct fault fault = {0};
        if (step == PKCS11_LOGIN && !canary_needs_login(canary))
            continue;
        canary_tell(canary, PKCS11_FACT_STEP, pkcs11_step_name((enum pkcs11_step)step));
        uint64_t begun_us = clock_monotonic_us();
        if (!steps[step](canary, &fault)) {
            char line[FAULT_LINE_SIZE];
            canary_tell(canary, PKCS11_FACT_FAILED, fault_line(&fault, line));
            return false;
        }
        snprintf(text, sizeof text, "%llu", (unsigned long long)(clock_monotonic_us() - begun_us));
        canary_tell(canary, PKCS11_FACT_TOOK, text);
    }
    return true;
}

int main(int argc, char **argv) {
    const struct rlimit none = {0, 0};
    struct canary canary = {.pin = BUFFER(CANARY_PIN_MOST), .facts = -1};
    struct fault fault = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_SIGNED;
    }
    (void)setrlimit(RLIMIT_CORE, &none); /* a module that crashes must not leave the PIN in a file */
    if (!read_words(&canary, argc, argv, &fault) || !keep_facts_apart(&canary, &fault)) {
        fprintf(stderr, "tocsin-canary: %s\n", fault.text);
        p11_kit_uri_free(canary.uri);
        return EXIT_MISUSED;
    }
    bool good = run(&canary);
    canary_finish(&canary);
    p11_kit_uri_free(canary.uri);
    return good ? EXIT_SIGNED : EXIT_STEP_FAILED;
}

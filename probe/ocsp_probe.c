/* An OCSP responder: asked by GET and POST, about a certificate that was issued, one that was revoked, and a serial that
 * never was; by each digest. What a run asks is asked at once. */
#include <stdio.h>
#include <stdlib.h>

#include "certificate_file.h"
#include "encoding.h"
#include "memory.h"
#include "ocsp_ask.h"
#include "probe_kinds.h"
#include "serial_text.h"

#define ISSUERS_MOST 16u
#define CERTIFICATES_MOST 30u /* of a kind: as the settings allow */
#define ASKS_MOST 128u        /* 3 × 30 by one way, 3 × 3 more of the first ones, and one never issued */
#define UNISSUED_SIZE 16u
#define UNISSUED_TRIES 64u

/* Certificates about which the answer is known. */
struct known {
    size_t count;
    struct buffer bytes[CERTIFICATES_MOST];
    struct certificate certificates[CERTIFICATES_MOST];
    const struct certificate *issuers[CERTIFICATES_MOST];
};

struct prepared {
    struct buffer issuer_bytes;
    struct certificate issuers[ISSUERS_MOST];
    size_t issuer_count;
    struct known issued, revoked;
    struct buffer serials; /* one after the other */
    struct slice serial[CERTIFICATES_MOST];
    size_t serial_count;
};

/* One look: what of it is still open. */
struct asking {
    struct probe_look *look;
    size_t count, open;
    struct ocsp_ask *asks[ASKS_MOST];
    struct one {
        struct asking *asking;
        size_t index;
    } ones[ASKS_MOST];
    uint8_t unissued[UNISSUED_SIZE];
};

/* --- files */

static bool read_known(const struct prepared *prepared, const struct settings_strings *files,
                       struct known *known, struct fault *fault) {
    for (; known->count < files->count; known->count++) {
        size_t i = known->count, count;
        const char *path = files->items[i];
        struct certificate *certificate = &known->certificates[i];
        if (!certificate_file_read(path, &known->bytes[i], certificate, 1, &count, fault))
            return false;
        for (size_t j = 0; j < prepared->issuer_count && !known->issuers[i]; j++)
            if (certificate_issued_by(certificate, &prepared->issuers[j]))
                known->issuers[i] = &prepared->issuers[j];
        if (!known->issuers[i]) {
            fault_set(fault, FAULT_USAGE, "is not signed by any certificate in \"issuer\"");
            return fault_place(fault, "%s", path);
        }
    }
    return true;
}

static bool read_serials(struct prepared *prepared, const struct settings_strings *texts,
                         struct fault *fault) {
    size_t begins[CERTIFICATES_MOST + 1] = {0};
    for (size_t i = 0; i < texts->count; i++) {
        CLEANUP_BUFFER struct buffer one = BUFFER(OCSP_SERIAL_MOST);
        if (!serial_text_read(slice_string(texts->items[i]), &one))
            return fault_set(fault, FAULT_USAGE, "serials: '%.80s' is no serial: write 4660, 0x1234 or 12:34",
                             texts->items[i]);
        buffer_append_slice(&prepared->serials, buffer_slice(&one));
        begins[i + 1] = prepared->serials.size;
    }
    prepared->serial_count = texts->count;
    for (size_t i = 0; i < texts->count; i++)
        prepared->serial[i] = slice_make(prepared->serials.data + begins[i], begins[i + 1] - begins[i]);
    return true;
}

static void release_known(struct known *known) {
    for (size_t i = 0; i < CERTIFICATES_MOST; i++)
        buffer_free(&known->bytes[i]);
}

static void release(void *context) {
    struct prepared *prepared = context;
    buffer_free(&prepared->issuer_bytes);
    buffer_free(&prepared->serials);
    release_known(&prepared->issued);
    release_known(&prepared->revoked);
    free(prepared);
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    if (!settings->issuer)
        return fault_set(fault, FAULT_USAGE, "name the file with the CA's certificate: issuer");
    if (!settings->certificates.count && !settings->serials.count && !settings->revoked.count &&
        !settings->unissued)
        return fault_set(fault, FAULT_USAGE, "nothing is asked: name certificates, serials or revoked");
    struct prepared *prepared = memory_new(sizeof *prepared);
    prepared->serials = BUFFER(CERTIFICATES_MOST * OCSP_SERIAL_MOST);
    if (certificate_file_read(settings->issuer, &prepared->issuer_bytes, prepared->issuers, ISSUERS_MOST,
                              &prepared->issuer_count, fault) &&
        read_known(prepared, &settings->certificates, &prepared->issued, fault) &&
        read_known(prepared, &settings->revoked, &prepared->revoked, fault) &&
        read_serials(prepared, &settings->serials, fault)) {
        *ret_prepared = prepared;
        return true;
    }
    release(prepared);
    return false;
}

/* --- asking */

static void end(struct asking *asking) {
    struct probe_look *look = asking->look;
    free(asking);
    probe_look_done(look);
}

static void over(void *context) {
    const struct one *one = context;
    struct asking *asking = one->asking;
    asking->asks[one->index] = NULL;
    if (--asking->open == 0)
        end(asking);
}

static void ask(struct asking *asking, struct ocsp_ask_question *question, const char *about) {
    struct probe_look *look = asking->look;
    if (asking->count == ASKS_MOST)
        return;
    size_t index = asking->count++;
    question->url = look->settings->target;
    question->address = look->address;
    question->nonce = !question->get;
    struct probe_part *part = probe_look_part(look, "%s, %s, %s", question->get ? "GET" : "POST",
                                              question->digest == OCSP_SHA1 ? "sha1" : "sha256", about);
    asking->ones[index] = (struct one){asking, index};
    asking->asks[index] = ocsp_ask_start(look, part, question, over, &asking->ones[index]);
    if (asking->asks[index])
        asking->open++;
}

/* By the first way that the settings name, or by each. */
static void ask_ways(struct asking *asking, struct ocsp_ask_question *question, const char *about, bool all) {
    const struct probe_settings *settings = asking->look->settings;
    static const char *const digests[] = {[OCSP_SHA1] = "sha1", [OCSP_SHA256] = "sha256"};
    bool asked = false;
    for (unsigned digest = 0; digest < sizeof digests / sizeof *digests; digest++) {
        if (!settings_strings_has(&settings->digests, digests[digest]))
            continue;
        question->digest = (enum ocsp_digest)digest;
        for (unsigned get = 0; get < 2; get++)
            if (settings_strings_has(&settings->methods, get ? "get" : "post") && (all || !asked)) {
                asked = true;
                question->get = get;
                ask(asking, question, about);
            }
    }
}

/* All of them in each run: what only one of them shows must be there in the next run, too. The first one by every way. */
static void ask_known(struct asking *asking, const struct known *known, enum ocsp_expected expected,
                      const char *about) {
    for (size_t i = 0; i < known->count; i++) {
        char which[PROBE_WHAT_SIZE], hex[LIVENESS_HEX_SIZE];
        struct ocsp_ask_question question = {
            .issuer = known->issuers[i], .certificate = &known->certificates[i], .expected = expected};
        snprintf(which, sizeof which, "%s %s", about, liveness_hex(known->certificates[i].serial, hex));
        ask_ways(asking, &question, which, i == 0);
    }
}

static void ask_serials(struct asking *asking, const struct prepared *prepared) {
    for (size_t i = 0; i < prepared->serial_count; i++) {
        char which[PROBE_WHAT_SIZE], hex[LIVENESS_HEX_SIZE];
        struct ocsp_ask_question question = {
            .issuer = &prepared->issuers[0], .serial = prepared->serial[i], .expected = OCSP_EXPECT_ISSUED};
        snprintf(which, sizeof which, "serial %s", liveness_hex(prepared->serial[i], hex));
        ask_ways(asking, &question, which, i == 0);
    }
}

/* A serial nobody has, new in each run, so that no cache answers. By GET such that '+' and "//" stand in the path: what
 * careless servers and proxies break while everything else works. */
static void ask_unissued(struct asking *asking, const struct prepared *prepared) {
    const struct probe_settings *settings = asking->look->settings;
    struct ocsp_ask_question question = {.issuer = &prepared->issuers[0],
                                         .serial = slice_make(asking->unissued, UNISSUED_SIZE),
                                         .expected = OCSP_EXPECT_UNISSUED,
                                         .get = settings_strings_has(&settings->methods, "get"),
                                         .awkward = true};
    question.digest = settings_strings_has(&settings->digests, "sha1") ? OCSP_SHA1 : OCSP_SHA256;
    for (unsigned i = 0; i < UNISSUED_TRIES; i++) {
        CLEANUP_BUFFER struct buffer request = BUFFER(OCSP_REQUEST_MOST),
                                     path = BUFFER(2 * OCSP_REQUEST_MOST);
        probe_random(asking->unissued, UNISSUED_SIZE);
        asking->unissued[0] = asking->unissued[0] >> 1 | 1; /* positive, and not 0 */
        memset(asking->unissued + 4, 0xff, 3); /* three bytes of ones hold "//" wherever they stand */
        ocsp_ask_request(&request, &question, SLICE(""));
        ocsp_request_path(&path, buffer_slice(&request), true);
        if (slice_find_byte(buffer_slice(&path), '+') != SIZE_MAX)
            break;
    }
    ask(asking, &question, "never issued");
}

static void begin(struct probe_look *look) {
    const struct prepared *prepared = look->prepared;
    struct asking *asking = memory_new(sizeof *asking);
    asking->look = look;
    look->own = asking;
    asking->open = 1; /* until all are asked */
    ask_known(asking, &prepared->issued, OCSP_EXPECT_GOOD, "issued");
    ask_serials(asking, prepared);
    ask_known(asking, &prepared->revoked, OCSP_EXPECT_REVOKED, "revoked");
    if (look->settings->unissued)
        ask_unissued(asking, prepared);
    if (--asking->open == 0)
        end(asking);
}

static void cancel(struct probe_look *look) {
    struct asking *asking = look->own;
    for (size_t i = 0; i < asking->count; i++)
        ocsp_ask_cancel(asking->asks[i]);
    free(asking);
}

const struct probe_kind probe_kind_ocsp = {
    .kind = LIVENESS_OCSP,
    .about = "a responder says what is known of certificates, in time and signed",
    .target = "http://ocsp.example.org/",
    .addressed = true,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

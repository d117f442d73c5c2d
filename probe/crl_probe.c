/* A CRL: fetched when it has changed, judged as it comes, held against the one before; and some of the serials in it asked
 * of the OCSP responder, which has to say the same.
 *
 * Of each address is remembered what it sent last: in memory what spares a transfer (ETag, times), on disk the state that the
 * next list is held against. */
#include <stdio.h>
#include <stdlib.h>

#include "certificate_file.h"
#include "clock.h"
#include "crl_judge.h"
#include "http_judge.h"
#include "memory.h"
#include "ocsp_ask.h"
#include "probe_kinds.h"
#include "prober.h"

#define ISSUERS_MOST 16u
#define STATE_NAME "crl"
#define STATE_MOST (8u * 1024 * 1024)
#define FIRST 512u
#define TAG_MOST 256u
#define SAMPLES_MOST 100u /* as the settings allow */
#define SAMPLE_US 3600000000u
#define WHOLE_US 3600000000u /* at least so often all of it is fetched, changed or not */

/* What one address sent last. */
struct seen {
    char address[PROBE_ADDRESS_SIZE];
    bool good;                              /* but for its times: a 304 then says everything */
    char tag[TAG_MOST], modified[TAG_MOST]; /* of the headers; empty: none */
    struct liveness_times times;
    bool only_cas;
    uint64_t whole_us; /* when it came */
};

struct prepared {
    struct buffer issuer_bytes, certificate_bytes;
    struct certificate issuers[ISSUERS_MOST], certificate;
    size_t issuer_count;
    bool has_certificate;
    struct seen seen[PROBE_ADDRESSES_MOST];
    struct hash sampled; /* of the list whose serials were asked about */
    uint64_t sampled_us, sample_turn;
    bool
        sample_good; /* all of them; else the same ones are asked again in the next run, or nobody would believe it */
};

struct fetching {
    struct probe_look *look;
    struct probe_part *part;
    struct http_fetch *fetch;
    struct seen *seen;
    struct crl_judge *judge;
    struct crl_state *previous, *state;
    struct buffer first;
    size_t asks, open;
    struct ocsp_ask *ask[SAMPLES_MOST];
    const struct probe_part *samples[SAMPLES_MOST];
    struct one {
        struct fetching *fetching;
        size_t index;
    } ones[SAMPLES_MOST];
};

/* --- files */

static void release(void *context) {
    struct prepared *prepared = context;
    buffer_free(&prepared->issuer_bytes);
    buffer_free(&prepared->certificate_bytes);
    free(prepared);
}

static bool prepare(const struct probe_settings *settings, void **ret_prepared, struct fault *fault) {
    size_t count;
    if (!settings->issuer)
        return fault_set(fault, FAULT_USAGE, "name the file with the CA's certificate: issuer");
    if (settings->certificates.count > 1)
        return fault_set(fault, FAULT_USAGE,
                         "certificates: a CRL is held against the scope of one certificate");
    struct prepared *prepared = memory_new(sizeof *prepared);
    prepared->sample_good = true;
    prepared->has_certificate = settings->certificates.count == 1;
    if (certificate_file_read(settings->issuer, &prepared->issuer_bytes, prepared->issuers, ISSUERS_MOST,
                              &prepared->issuer_count, fault) &&
        (!prepared->has_certificate ||
         certificate_file_read(settings->certificates.items[0], &prepared->certificate_bytes,
                               &prepared->certificate, 1, &count, fault))) {
        *ret_prepared = prepared;
        return true;
    }
    release(prepared);
    return false;
}

/* --- the end of a look */

static void end(struct fetching *fetching) {
    struct probe_look *look = fetching->look;
    crl_judge_destroy(fetching->judge);
    crl_state_destroy(fetching->previous);
    crl_state_destroy(fetching->state);
    buffer_free(&fetching->first);
    free(fetching);
    if (look->own)
        probe_look_done(look);
}

/* --- OCSP must say the same */

static void note_sample(struct fetching *fetching, size_t index) {
    struct prepared *prepared = fetching->look->prepared;
    if (fetching->samples[index]->report.state == LIVENESS_CRITICAL)
        prepared->sample_good = false;
}

static void asked(void *context) {
    const struct one *one = context;
    struct fetching *fetching = one->fetching;
    fetching->ask[one->index] = NULL;
    note_sample(fetching, one->index);
    if (--fetching->open == 0)
        end(fetching);
}

static const struct certificate *signer(const struct prepared *prepared, const struct crl_list *list) {
    for (size_t i = 0; list && i < prepared->issuer_count; i++)
        if (certificate_same_name(list->issuer, prepared->issuers[i].subject))
            return &prepared->issuers[i];
    return &prepared->issuers[0];
}

static bool sampling_due(const struct fetching *fetching, uint64_t now_us) {
    const struct prepared *prepared = fetching->look->prepared;
    const struct crl_facts *facts = crl_state_facts_of(fetching->state);
    return !prepared->sample_good || memcmp(&facts->hash, &prepared->sampled, sizeof facts->hash) != 0 ||
           now_us - prepared->sampled_us >= SAMPLE_US;
}

/* Whether the samples' answers are waited for. */
static bool sample(struct fetching *fetching) {
    struct probe_look *look = fetching->look;
    struct prepared *prepared = look->prepared;
    struct slice serials[SAMPLES_MOST];
    uint64_t now_us = clock_monotonic_us();
    if (!look->settings->ocsp || !fetching->state || !sampling_due(fetching, now_us))
        return false;
    prepared->sampled = crl_state_facts_of(fetching->state)->hash;
    prepared->sampled_us = now_us;
    prepared->sample_turn += prepared->sample_good;
    prepared->sample_good = true;
    fetching->asks =
        crl_state_pick(fetching->state, (size_t)look->settings->samples, prepared->sample_turn, serials);
    fetching->open = 1;
    for (size_t i = 0; i < fetching->asks; i++) {
        char hex[LIVENESS_HEX_SIZE];
        struct ocsp_ask_question question = {.url = look->settings->ocsp,
                                             .nonce = true,
                                             .issuer = signer(prepared, NULL),
                                             .serial = serials[i],
                                             .expected = OCSP_EXPECT_REVOKED};
        struct probe_part *part = probe_look_part(look, "OCSP of revoked %s", liveness_hex(serials[i], hex));
        fetching->ones[i] = (struct one){fetching, i};
        fetching->samples[i] = part;
        fetching->ask[i] = ocsp_ask_start(look, part, &question, asked, &fetching->ones[i]);
        if (fetching->ask[i])
            fetching->open++;
        else
            note_sample(fetching, i);
    }
    return --fetching->open > 0;
}

/* --- the list */

static struct crl_question question_of(const struct fetching *fetching) {
    const struct probe_look *look = fetching->look;
    const struct prepared *prepared = look->prepared;
    return (struct crl_question){
        .issuers = prepared->issuers,
        .issuer_count = prepared->issuer_count,
        .certificate = prepared->has_certificate ? &prepared->certificate : NULL,
        .uri = slice_string(look->settings->uri ? look->settings->uri : look->settings->target),
        .previous = fetching->previous,
        .keep_entries = CRL_STATE_ENTRIES,
        .now_us = clock_wall_us(),
    };
}

/* Only now: most answers are that nothing has changed. */
static void begin_judging(struct fetching *fetching) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(STATE_MOST);
    if (probe_memory_read(fetching->look, STATE_NAME, &bytes))
        fetching->previous = crl_state_read(buffer_slice(&bytes), CRL_STATE_ENTRIES, NULL);
    struct crl_question question = question_of(fetching);
    fetching->judge = crl_judge_create(&question, fetching->look->policy);
}

static bool take(void *context, struct slice piece) {
    struct fetching *fetching = context;
    if (!fetching->judge)
        begin_judging(fetching);
    crl_judge_add(fetching->judge, piece);
    buffer_append_slice(&fetching->first, slice_head(piece, FIRST - fetching->first.size));
    return true;
}

/* Whether all is well but what changes as time goes by. */
static bool good_but_times(const struct liveness_report *report) {
    static const enum liveness_check timely[] = {CHECK_CRL_NEXT_UPDATE_PAST, CHECK_CRL_AGE,
                                                 CHECK_CRL_REFRESH};
    for (size_t i = 0; i < report->count; i++) {
        bool by_time = false;
        for (size_t j = 0; j < sizeof timely / sizeof *timely; j++)
            by_time = by_time || report->findings[i].check == timely[j];
        if (report->findings[i].state >= LIVENESS_WARN && !by_time)
            return false;
    }
    return true;
}

static void copy_header(const struct http_answer *answer, struct slice name, char *to, size_t size) {
    struct slice value = SLICE("");
    if (!http_answer_header(answer, name, &value) || value.size >= size)
        value.size = 0;
    snprintf(to, size, "%.*s", SLICE_ARG(value));
}

/* The new state takes the old one's place, unless the list is older than what was there: that one stays the measure. */
static void remember(struct fetching *fetching) {
    CLEANUP_BUFFER struct buffer bytes = BUFFER(STATE_MOST);
    struct fault fault = {0};
    if (!fetching->state || (fetching->previous && !crl_state_follows(fetching->state, fetching->previous)))
        return;
    if (fetching->previous && memcmp(&crl_state_facts_of(fetching->previous)->hash,
                                     &crl_state_facts_of(fetching->state)->hash, sizeof(struct hash)) == 0)
        return;
    if (crl_state_write(fetching->state, &bytes))
        probe_memory_write(fetching->look, STATE_NAME, buffer_slice(&bytes), &fault);
}

static void judge_whole(struct fetching *fetching, const struct http_fetch_result *result) {
    struct liveness_report *report = &fetching->part->report;
    struct seen *seen = fetching->seen;
    struct http_answer answer;
    if (!fetching->judge)
        begin_judging(fetching);
    crl_judge_end(fetching->judge, report);
    fetching->state = crl_judge_take_state(fetching->judge);
    if (http_answer_read(result->headers, &answer, NULL)) {
        http_judge(&answer, LIVENESS_CRL, buffer_slice(&fetching->first), clock_wall_us(), report);
        copy_header(&answer, SLICE("ETag"), seen->tag, sizeof seen->tag);
        copy_header(&answer, SLICE("Last-Modified"), seen->modified, sizeof seen->modified);
    }
    seen->good = fetching->state && good_but_times(report);
    seen->times = report->times;
    seen->only_cas = crl_judge_only_cas(fetching->judge);
    seen->whole_us = clock_monotonic_us();
    remember(fetching);
}

static void judge_unchanged(struct fetching *fetching) {
    const unsigned not_modified = 304;
    struct liveness_report *report = &fetching->part->report;
    struct crl_question question = question_of(fetching);
    crl_judge_unchanged(&question, fetching->look->policy, &fetching->seen->times, fetching->seen->only_cas,
                        report);
    liveness_check(report, CHECK_HTTP_STATUS, true, "%u", not_modified);
}

static void done(void *context, const struct http_fetch_result *result) {
    static const unsigned not_modified = 304;
    struct fetching *fetching = context;
    fetching->fetch = NULL;
    if (result->failure == HTTP_FETCH_GOOD || result->failure == HTTP_FETCH_FAILED_SIZE) {
        if (result->status == not_modified && fetching->seen->good)
            judge_unchanged(fetching);
        else
            judge_whole(fetching, result);
    }
    http_part_over(fetching->part, fetching->look, result);
    if (!sample(fetching))
        end(fetching);
}

static struct seen *seen_at(struct prepared *prepared, const char *address) {
    size_t i = 0;
    while (i < PROBE_ADDRESSES_MOST - 1 && prepared->seen[i].address[0] &&
           strcmp(prepared->seen[i].address, address) != 0)
        i++;
    if (strcmp(prepared->seen[i].address, address) != 0) {
        prepared->seen[i] = (struct seen){.good = false};
        snprintf(prepared->seen[i].address, sizeof prepared->seen[i].address, "%s", address);
    }
    return &prepared->seen[i];
}

static void begin(struct probe_look *look) {
    static const struct http_fetch_handlers handlers = {take, done};
    struct fetching *fetching = memory_new(sizeof *fetching);
    char tag[TAG_MOST + 32], modified[TAG_MOST + 32];
    const char *headers[4] = {"Accept: application/pkix-crl"};
    size_t count = 1;
    look->own = fetching;
    fetching->look = look;
    fetching->first = BUFFER(FIRST);
    const struct prepared *prepared = look->prepared;
    fetching->seen = seen_at(look->prepared, look->address);
    fetching->part = probe_look_part(look, "%s", "");
    if (fetching->seen->good && prepared->sample_good &&
        clock_monotonic_us() - fetching->seen->whole_us < WHOLE_US) {
        snprintf(tag, sizeof tag, "If-None-Match: %s", fetching->seen->tag);
        snprintf(modified, sizeof modified, "If-Modified-Since: %s", fetching->seen->modified);
        if (fetching->seen->tag[0])
            headers[count++] = tag;
        if (fetching->seen->modified[0])
            headers[count++] = modified;
    }
    headers[count] = NULL;
    const struct http_fetch_request request = {.url = look->settings->target,
                                               .address = look->address,
                                               .headers = headers,
                                               .body_most = CRL_BYTES_MOST};
    fetching->fetch = http_part_start(fetching->part, look, &request, &handlers, fetching);
    if (!fetching->fetch)
        end(fetching);
}

static void cancel(struct probe_look *look) {
    struct fetching *fetching = look->own;
    look->own = NULL;
    if (fetching->fetch)
        http_fetch_cancel(fetching->fetch);
    for (size_t i = 0; i < fetching->asks; i++)
        ocsp_ask_cancel(fetching->ask[i]);
    end(fetching);
}

const struct probe_kind probe_kind_crl = {
    .kind = LIVENESS_CRL,
    .about = "a list of revoked certificates is there, newer than the last one, and whole",
    .target = "http://crl.example.org/class3.crl",
    .addressed = true,
    .prepare = prepare,
    .release = release,
    .begin = begin,
    .cancel = cancel,
};

#include "http_part.h"

#include "prober.h"

/* Which step it hung in, by how far it came. */
static enum probe_phase hung_in(const struct http_fetch_times *times, bool tls) {
    if (!times->connect_us)
        return PHASE_CONNECT;
    if (tls && !times->tls_us)
        return PHASE_TLS;
    return PHASE_BODY;
}

void http_part_over(struct probe_part *part, const struct probe_look *look,
                    const struct http_fetch_result *result) {
    static const enum probe_phase steps[] = {
        [HTTP_FETCH_GOOD] = PROBE_PHASES,
        [HTTP_FETCH_FAILED_NAME] = PHASE_CONNECT,
        [HTTP_FETCH_FAILED_CONNECT] = PHASE_CONNECT,
        [HTTP_FETCH_FAILED_TLS] = PHASE_TLS,
        [HTTP_FETCH_FAILED_ANSWER] = PHASE_BODY,
        [HTTP_FETCH_FAILED_TIME] = PHASE_BODY,
        [HTTP_FETCH_FAILED_SIZE] = PHASE_BODY,
        [HTTP_FETCH_STOPPED] = PROBE_PHASES,
    };
    const struct http_fetch_times *times = &result->times;
    bool late = result->failure == HTTP_FETCH_FAILED_TIME, tls = look->target->tls;
    part->phases_us[PHASE_CONNECT] = times->connect_us;
    part->phases_us[PHASE_TLS] = times->tls_us;
    part->phases_us[PHASE_FIRST] = times->first_us;
    part->phases_us[PHASE_BODY] = times->body_us;
    probe_part_reached(part, tls, late ? hung_in(times, tls) : steps[result->failure], late, result->reason);
    probe_part_over(part, look->settings);
}

struct http_fetch *http_part_start(struct probe_part *part, const struct probe_look *look,
                                   const struct http_fetch_request *request,
                                   const struct http_fetch_handlers *handlers, void *context) {
    struct fault fault = {0};
    struct http_fetch_request whole = *request;
    whole.timeout_us = look->settings->timeout_us;
    whole.authorities_path = look->settings->authorities;
    whole.certificate_path = look->settings->client_certificate;
    whole.key_path = look->settings->client_key;
    struct http_fetch *fetch = http_fetch_start(look->prober->fetcher, &whole, handlers, context, &fault);
    if (!fetch) {
        probe_part_reached(part, false, PHASE_CONNECT, false, fault.text);
        probe_part_over(part, look->settings);
    }
    return fetch;
}

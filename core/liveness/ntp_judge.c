#include "ntp_judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"

#define SECONDS_1900_TO_1970 UINT64_C(2208988800)
#define VERSION 4u
#define MODE_CLIENT 3u
#define MODE_SERVER 4u
#define LEAP_UNKNOWN 3u
#define STRATUM_MOST 15u
#define SECOND_US 1000000

/* Places in the packet. */
enum {
    AT_FLAGS,
    AT_STRATUM,
    AT_ROOT_DELAY = 4,
    AT_ROOT_DISPERSION = 8,
    AT_REFERENCE_ID = 12,
    AT_ORIGIN = 24,
    AT_RECEIVE = 32,
    AT_TRANSMIT = 40
};

void ntp_request_write(uint64_t cookie, uint8_t to[NTP_SIZE]) {
    memset(to, 0, NTP_SIZE);
    to[AT_FLAGS] = VERSION << 3 | MODE_CLIENT;
    bytes_put_u64(to + AT_TRANSMIT, cookie);
}

bool ntp_is_answer(struct slice bytes, uint64_t cookie) {
    return bytes.size >= NTP_SIZE && (bytes.data[AT_FLAGS] & 7u) == MODE_SERVER &&
           bytes_get_u64(bytes.data + AT_ORIGIN) == cookie;
}

/* Seconds since 1900 in the upper half, modulo an era of 136 years. */
static uint64_t timestamp(uint64_t time_us) {
    uint64_t seconds = time_us / SECOND_US + SECONDS_1900_TO_1970;
    return seconds << 32 | ((time_us % SECOND_US) << 32) / SECOND_US;
}

/* a - b; right where both are within 68 years of each other, in whatever era (RFC 5905, 6). */
static int64_t difference_us(uint64_t a, uint64_t b) {
    int64_t units = (int64_t)(a - b), seconds = units >> 32;
    return seconds * SECOND_US + (int64_t)(((uint64_t)units & UINT32_MAX) * SECOND_US >> 32);
}

/* NTP's short format: 16 bits of seconds, 16 of their fraction. */
static uint64_t short_us(const uint8_t *at) {
    return (uint64_t)bytes_get_u32(at) * SECOND_US >> 16;
}

#define AMOUNT_SIZE 64
static const char *amount(uint64_t us, char text[AMOUNT_SIZE]) {
    char span[LIVENESS_SPAN_SIZE];
    us += 500; /* to the nearest millisecond */
    if (us < 60 * (uint64_t)SECOND_US)
        snprintf(text, AMOUNT_SIZE, "%" PRIu64 ".%03" PRIu64 " s", us / SECOND_US, us % SECOND_US / 1000);
    else
        snprintf(text, AMOUNT_SIZE, "%s", liveness_span(us, span));
    return text;
}

static void judge_stratum(struct slice bytes, struct liveness_report *report) {
    unsigned stratum = bytes.data[AT_STRATUM];
    char code[LIVENESS_PLAIN_SIZE];
    if (stratum == 0) /* a kiss: the reference is four letters that say why */
        liveness_check(report, CHECK_NTP_STRATUM, false, "0: the server refuses (%s)",
                       liveness_plain(slice_make(bytes.data + AT_REFERENCE_ID, 4), code));
    else
        liveness_check(report, CHECK_NTP_STRATUM, stratum <= STRATUM_MOST, "%u%s", stratum,
                       stratum > STRATUM_MOST ? ": not synchronized" : "");
}

static void judge_offset(int64_t offset_us, uint64_t delay_us, struct liveness_report *report) {
    static const struct {
        enum liveness_check check;
        enum liveness_parameter bound;
    } steps[] = {{CHECK_NTP_OFFSET, BOUND_NTP_OFFSET}, {CHECK_NTP_OFFSET_MOST, BOUND_NTP_OFFSET_MOST}};
    /* Where the ways there and back differ in length, it is wrong by half the delay at most: what counts is what is sure. */
    uint64_t size = (uint64_t)llabs(offset_us), unsure = delay_us / 2,
             sure = size > unsure ? size - unsure : 0;
    char text[AMOUNT_SIZE], most[AMOUNT_SIZE], margin[AMOUNT_SIZE];
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        uint64_t bound = report->policy->values[steps[i].bound];
        liveness_check(report, steps[i].check, sure <= bound, "%s %s of this host, give or take %s",
                       amount(size, text), offset_us < 0 ? "behind" : "ahead", amount(unsure, margin));
        liveness_due(report, steps[i].check, "within %s", amount(bound, most));
    }
}

void ntp_judge(const struct ntp_exchange *exchange, struct slice bytes, struct liveness_report *report,
               int64_t *ret_offset_us) {
    bool sized = bytes.size >= NTP_SIZE && bytes.size <= NTP_ANSWER_MOST;
    unsigned mode = sized ? bytes.data[AT_FLAGS] & 7u : 0;
    if (!liveness_check(report, CHECK_NTP_ANSWER, sized && mode == MODE_SERVER,
                        sized ? "%zu bytes, mode %u" : "%zu bytes", bytes.size, mode))
        return;
    if (!liveness_check(report, CHECK_NTP_ORIGIN, ntp_is_answer(bytes, exchange->cookie), "%s",
                        ntp_is_answer(bytes, exchange->cookie) ? "as sent"
                                                               : "another: not an answer to what was sent"))
        return;
    judge_stratum(bytes, report);
    unsigned leap = bytes.data[AT_FLAGS] >> 6;
    liveness_check(report, CHECK_NTP_LEAP, leap != LEAP_UNKNOWN, "%u%s", leap,
                   leap == LEAP_UNKNOWN ? ": its clock is not synchronized" : "");
    uint64_t received = bytes_get_u64(bytes.data + AT_RECEIVE),
             transmitted = bytes_get_u64(bytes.data + AT_TRANSMIT);
    int64_t inside_us = difference_us(transmitted, received);
    bool kissed = bytes.data[AT_STRATUM] == 0;
    if (kissed) { /* it need not say more */
        liveness_skip(report, CHECK_NTP_TIMES, "refused");
        return;
    }
    if (!liveness_check(report, CHECK_NTP_TIMES, received && transmitted && inside_us >= 0, "%s",
                        !received || !transmitted ? "a timestamp is missing"
                        : inside_us < 0           ? "transmitted before it was received"
                                                  : "both set"))
        return;
    uint64_t root_us = short_us(bytes.data + AT_ROOT_DELAY) / 2 + short_us(bytes.data + AT_ROOT_DISPERSION),
             most_us = report->policy->values[BOUND_NTP_ROOT_DISTANCE];
    char text[AMOUNT_SIZE], most[AMOUNT_SIZE];
    liveness_check(report, CHECK_NTP_ROOT_DISTANCE, root_us <= most_us, "%s", amount(root_us, text));
    liveness_due(report, CHECK_NTP_ROOT_DISTANCE, "at most %s", amount(most_us, most));
    uint64_t away_us = exchange->received_us - exchange->sent_us;
    uint64_t delay_us = away_us > (uint64_t)inside_us ? away_us - (uint64_t)inside_us : 0;
    int64_t there_us = difference_us(received, timestamp(exchange->sent_us)),
            back_us = difference_us(transmitted, timestamp(exchange->received_us));
    *ret_offset_us = there_us / 2 + back_us / 2; /* neither sum nor half of it can overflow */
    judge_offset(*ret_offset_us, delay_us, report);
}

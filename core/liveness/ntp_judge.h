/* A time server asked and judged (RFC 5905, 7.3 and 8): its clock against ours. Which of both is wrong nobody can say from one
 * answer; several servers tell. */
#ifndef TOCSIN_NTP_JUDGE_H
#define TOCSIN_NTP_JUDGE_H

#include "liveness_report.h"

#define NTP_PORT 123u
#define NTP_SIZE 48u          /* bytes, without extensions and authentication */
#define NTP_ANSWER_MOST 1024u /* bytes */

/* A client's packet, version 4. `cookie` stands as its transmit timestamp and comes back as the origin: chance in the place of
 * our clock, so that nobody who has not seen the packet can answer it, and nobody who has learns our time. */
void ntp_request_write(uint64_t cookie, uint8_t to[NTP_SIZE]);

struct ntp_exchange {
    uint64_t cookie;
    uint64_t sent_us, received_us; /* by our wall clock; the difference by a clock that does not step */
};

/* False: nobody's answer to this packet (another origin, another mode, too short): over UDP anybody may have sent it, so wait on. */
bool ntp_is_answer(struct slice bytes, uint64_t cookie);

/* `ret_offset_us`: how far the server is ahead of us; written where the answer has times. */
void ntp_judge(const struct ntp_exchange *exchange, struct slice bytes, struct liveness_report *report,
               int64_t *ret_offset_us);

#endif

/* The mail (or chat message) about an alert: plain text, readable on a phone, UTF-8 without control
 * characters.
 *
 * Subject: priority mark, class and host first, then what happened. Body: the same in a sentence, how often,
 * since when, how long an outage has lasted, why it has its class, the lines, what to do, how to acknowledge. Lines come from other
 * machines: control characters are replaced, long ones cut with a mark. False when the buffer's limit is
 * passed. */
#ifndef TOCSIN_ALERT_MAIL_H
#define TOCSIN_ALERT_MAIL_H

#include "alert.h"

#define ALERT_MAIL_LINES_MOST 10u
#define ALERT_MAIL_LINE_MOST 400u /* bytes shown of each */

enum alert_mail_kind {
    ALERT_MAIL_NEW,
    ALERT_MAIL_AGAIN,              /* still going on */
    ALERT_MAIL_AGAIN_ACKNOWLEDGED, /* the same, and somebody has acknowledged it */
    ALERT_MAIL_OVER,               /* by itself */
};

struct alert_mail {
    const struct alert *alert;
    const struct slice *lines; /* raw lines of its events, oldest first; may be none */
    size_t line_count;
    enum alert_mail_kind kind;
    uint64_t over_us;        /* of ALERT_MAIL_OVER */
    const char *acknowledge; /* a command or an address; NULL: "tocsin alert ack ID --reason TEXT" */
    const char *site;        /* the site's name; NULL where there is none */
};

/* One line, at most 160 bytes, without a newline: fit for a header once encoded by the sender. */
bool alert_mail_subject(struct buffer *to, const struct alert_mail *mail);
bool alert_mail_body(struct buffer *to, const struct alert_mail *mail);

#endif

/* What a mail server says, judged (RFC 5321 4.2): its greeting, its answer to EHLO, its farewell. No mail is sent. */
#ifndef TOCSIN_SMTP_JUDGE_H
#define TOCSIN_SMTP_JUDGE_H

#include "liveness_report.h"

#define SMTP_PORT 25u
#define SMTP_LINE_MOST 512u  /* bytes, its end included (RFC 5321 4.5.3.1.5) */
#define SMTP_LINES_MOST 128u /* of one reply */

struct smtp_reply {
    unsigned code;      /* 200 to 559 */
    struct slice lines; /* all of them, as they came */
};

enum smtp_read { SMTP_MORE, SMTP_REPLY, SMTP_BROKEN };
/* One reply from the beginning of the bytes. SMTP_BROKEN comes with a fault: it will be no reply, whatever follows. */
enum smtp_read smtp_reply_read(struct slice bytes, struct smtp_reply *ret_reply, struct fault *fault);

/* Whether one of the lines behind the first begins with that word: an extension that is announced. */
bool smtp_reply_announces(const struct smtp_reply *reply, struct slice word);

enum smtp_step { SMTP_BANNER, SMTP_EHLO, SMTP_QUIT, SMTP_STEPS };
/* `starttls`: whether it has to be announced. False: there is nothing to go on with. */
bool smtp_judge(enum smtp_step step, const struct smtp_reply *reply, bool starttls,
                struct liveness_report *report);
void smtp_judge_broken(const struct fault *fault, struct liveness_report *report);

#endif

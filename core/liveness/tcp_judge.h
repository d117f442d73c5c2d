/* Bytes that a port is expected to send. */
#ifndef TOCSIN_TCP_JUDGE_H
#define TOCSIN_TCP_JUDGE_H

#include "liveness_report.h"

#define TCP_ANSWER_MOST 65536u /* bytes that are looked at */
#define TCP_TEXT_MOST 4096u    /* bytes to be sent or expected */

/* Text with \r, \n, \t, \\ and \xHH for bytes that cannot be written. At most TCP_TEXT_MOST bytes. */
bool tcp_text_parse(struct slice text, struct buffer *to, struct fault *fault);

/* Whether it is known by now: found, or not to be found any more. */
bool tcp_answer_known(struct slice expected, struct slice answer);

/* `why`: why no more came: "the server closed", … */
void tcp_judge(struct slice expected, struct slice answer, const char *why, struct liveness_report *report);

#endif

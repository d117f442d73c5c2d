/* An ACME server's first two answers: its directory, and a nonce (RFC 8555 6.5, 7.1.1, 7.2). */
#ifndef TOCSIN_ACME_JUDGE_H
#define TOCSIN_ACME_JUDGE_H

#include "http_judge.h"

#define ACME_URL_MOST 2048u

/* ret_nonce_url gets newNonce, empty where there is none that could be asked. */
void acme_judge_directory(const struct http_answer *answer, struct slice body, struct liveness_report *report,
                          char ret_nonce_url[ACME_URL_MOST]);

/* Of a HEAD or GET to newNonce. `previous`: a nonce that it must not be; empty: none is known. */
void acme_judge_nonce(const struct http_answer *answer, struct slice previous,
                      struct liveness_report *report);

/* The answer's Replay-Nonce. */
bool acme_nonce(const struct http_answer *answer, struct slice *ret_nonce);

#endif

/* Join tokens: a secret that lets a host join, and the collector's key so that the host knows whom it joins.
 *
 * Text: 64 characters of base64 over secret[16] ‖ key hash[32]. At the collector a token is a file named by H(secret),
 * never the secret itself: "HOST EXPIRES_US USES" (HOST "-" where the host names itself). Using it up removes the file,
 * and of two that try at once one succeeds. */
#ifndef TOCSIN_TOKEN_H
#define TOCSIN_TOKEN_H

#include "fault.h"
#include "slice.h"

#define TOKEN_SECRET_SIZE 16u
#define TOKEN_PIN_SIZE 32u
#define TOKEN_TEXT_SIZE 65u
#define TOKEN_LIFE_US (15ull * 60 * 1000000)

struct token {
    uint8_t secret[TOKEN_SECRET_SIZE];
    uint8_t pin[TOKEN_PIN_SIZE]; /* the collector's TLS key hash */
};

/* Makes a token for `host` (NULL: any name) and files it in `folder`. */
bool token_issue(const char *folder, const char *host, uint64_t expires_us, unsigned uses,
                 const uint8_t pin[TOKEN_PIN_SIZE], char ret_text[TOKEN_TEXT_SIZE], struct fault *fault);
bool token_parse(struct slice text, struct token *ret_token, struct fault *fault);

/* Takes one use of the token with this secret. ret_host is the name it is bound to, "" for none. FAULT_AUTH for one that
 * is unknown, used up or expired (which of them stands in the text). */
bool token_redeem(const char *folder, const uint8_t secret[TOKEN_SECRET_SIZE], uint64_t now_us, char ret_host[256],
                  struct fault *fault);

#endif

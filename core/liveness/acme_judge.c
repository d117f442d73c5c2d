#include "acme_judge.h"

#include <stdio.h>

#include "json_document.h"

/* What there has to be; newAuthz is left out by whoever does not offer it, and clients live without keyChange. */
static const char *const resources[] = {"newNonce", "newAccount", "newOrder", "revokeCert"};
#define RESOURCES (sizeof resources / sizeof *resources)

/* What goes into a request as it is. */
static bool is_plain(struct slice text) {
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f)
            return false;
    return text.size > 0;
}

static bool is_https(struct slice url) {
    return url.size > 8 && slice_equal_caseless(slice_head(url, 8), SLICE("https://")) && is_plain(url);
}

static void judge_resources(const struct json_document *document, struct liveness_report *report) {
    char plain[LIVENESS_PLAIN_SIZE];
    struct slice url;
    bool all = true, secure = true;
    for (size_t i = 0; i < RESOURCES; i++) {
        if (!json_document_find_text(document, slice_string(resources[i]), &url))
            all = liveness_check(report, CHECK_ACME_RESOURCES, false, "no %s", resources[i]);
        else if (!is_https(url))
            secure = liveness_check(report, CHECK_ACME_HTTPS, false, "%s: %s", resources[i],
                                    liveness_plain(url, plain));
    }
    if (all)
        liveness_check(report, CHECK_ACME_RESOURCES, true, "all four");
    if (secure)
        liveness_check(report, CHECK_ACME_HTTPS, true, "all of them");
}

void acme_judge_directory(const struct http_answer *answer, struct slice body, struct liveness_report *report,
                          char ret_nonce_url[ACME_URL_MOST]) {
    struct slice url;
    ret_nonce_url[0] = '\0';
    if (!liveness_check(report, CHECK_ACME_STATUS, answer->status == 200, "%u", answer->status))
        return;
    struct json_document *document = json_document_read(body);
    liveness_check(report, CHECK_ACME_DIRECTORY, document != NULL, "%s",
                   document ? "a JSON object" : liveness_body_kind(body));
    if (!document)
        return;
    judge_resources(document, report);
    if (json_document_find_text(document, SLICE("newNonce"), &url) && is_plain(url) &&
        url.size < ACME_URL_MOST)
        snprintf(ret_nonce_url, ACME_URL_MOST, "%.*s", SLICE_ARG(url));
    json_document_destroy(document);
}

bool acme_nonce(const struct http_answer *answer, struct slice *ret_nonce) {
    return http_answer_header(answer, SLICE("replay-nonce"), ret_nonce);
}

/* base64url without padding (RFC 8555 6.5.1; clients ignore what is none). */
static bool is_nonce(struct slice text) {
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i], letter = byte | 0x20;
        if (!(letter >= 'a' && letter <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '_')
            return false;
    }
    return text.size > 0 && text.size % 4 != 1;
}

void acme_judge_nonce(const struct http_answer *answer, struct slice previous,
                      struct liveness_report *report) {
    char plain[LIVENESS_PLAIN_SIZE];
    struct slice nonce = SLICE(""), value;
    if (!liveness_check(report, CHECK_ACME_NONCE_STATUS, answer->status == 200 || answer->status == 204, "%u",
                        answer->status))
        return;
    bool there = acme_nonce(answer, &nonce), again = there && slice_equal(nonce, previous);
    liveness_check(report, CHECK_ACME_NONCE, there && !again && is_nonce(nonce), "%s%s",
                   there ? liveness_plain(nonce, plain) : "none", again ? ", which was given before" : "");
    bool kept_out = http_answer_directive(answer, SLICE("no-store"), &value);
    liveness_check(report, CHECK_ACME_NONCE_KEPT, kept_out, "%s", kept_out ? "no-store" : "it may be kept");
}

#include "search_text.h"

#include <stdio.h>

#include "encoding.h"
#include "event.h"

#define NEAR_US UINT64_C(3600000000) /* a statement and its texts are one commit */

void search_text_question(const struct hash *hash, char ret_expression[SEARCH_TEXT_QUESTION_SIZE]) {
    char hex[2 * HASH_SIZE + 1];
    encoding_hex(hash->bytes, HASH_SIZE, hex);
    snprintf(ret_expression, SEARCH_TEXT_QUESTION_SIZE, "text.hash:%s", hex);
}

bool search_text_take(const Tocsin__EventRow *row, const struct hash *hash, struct buffer *to,
                      uint8_t ret_salt[TEXT_SALT_SIZE]) {
    struct event_field fields[EVENT_FIELDS_MOST];
    struct event_body body;
    uint8_t salt[TEXT_SALT_SIZE];
    if (!event_body_read(slice_make(row->body.data, row->body.len), fields, &body, NULL) ||
        !encoding_unhex(event_body_field(&body, SLICE("text.salt")), salt, sizeof salt))
        return false;
    struct hash found = salted_text(salt, body.raw);
    if (!hash_equal(&found, hash))
        return false;
    if (ret_salt)
        memcpy(ret_salt, salt, sizeof salt);
    buffer_clear(to);
    return buffer_append_slice(to, body.raw);
}

struct asking {
    const struct hash *hash;
    struct buffer *to;
    bool (*stopping)(void *context);
    void *context;
    bool there;
};

static bool give(void *context, const Tocsin__EventRow *row) {
    struct asking *asking = context;
    asking->there = search_text_take(row, asking->hash, asking->to, NULL);
    return !asking->there;
}

static bool is_stopping(void *context) {
    const struct asking *asking = context;
    return asking->stopping && asking->stopping(asking->context);
}

/* True: it was found, or it is not there; the fault says why that is not known. */
static bool look(struct asking *asking, const struct search_ground *ground, const Tocsin__EventQuery *query,
                 struct fault *fault) {
    const struct search_asker asker = {asking, give, is_stopping};
    struct search *search = search_create(ground, query, &asker, fault);
    uint64_t next = 0;
    bool good =
        search && search_stored(search, 0, &next, fault) && (asking->there || search_whole(search, fault));
    search_destroy(search);
    return good;
}

bool search_text(const struct search_ground *ground, const struct hash *hash, uint64_t near_us,
                 bool (*stopping)(void *context), void *context, struct buffer *to, struct fault *fault) {
    char expression[SEARCH_TEXT_QUESTION_SIZE], class_word[] = "journal";
    struct asking asking = {hash, to, stopping, context, false};
    Tocsin__EventQuery query;
    tocsin__event_query__init(&query);
    search_text_question(hash, expression);
    query.expression = expression;
    query.class_ = class_word;
    query.by_ingested = true;
    query.since_us = near_us > NEAR_US ? near_us - NEAR_US : 0;
    query.until_us = near_us + NEAR_US;
    if (!look(&asking, ground, &query, NULL) || !asking.there) {
        query.since_us = query.until_us = 0;
        query.by_ingested = false;
        if (!look(&asking, ground, &query, fault))
            return false;
    }
    if (!asking.there && is_stopping(&asking))
        return fault_set(fault, FAULT_BUSY, "the collector is being stopped");
    return asking.there || fault_set(fault, FAULT_MISSING, "the text is not there any more");
}

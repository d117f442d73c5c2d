#include "witness_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "calendar.h"
#include "encoding.h"
#include "http_client.h"
#include "memory.h"

#define TRIES_MOST 4u /* a witness whose size changes under our eyes more often is asked again later */
#define PAGE_MOST 2200u

struct witness_link {
    char add_page[PAGE_MOST], newest_page[PAGE_MOST];
    struct note_key witness, log;
    struct witness_log_view view;
    struct http_client *client;
    uint64_t known; /* the size that the witness has, as far as is known */
};

struct witness_answer witness_answer_make(void) {
    return (struct witness_answer){.lines = BUFFER(NOTE_MOST), .note = BUFFER(NOTE_MOST)};
}

void witness_answer_free(struct witness_answer *answer) {
    buffer_free(&answer->lines);
    buffer_free(&answer->note);
}

static void make_pages(struct witness_link *link, const char *url) {
    char name[2 * HASH_SIZE + 1];
    size_t size = strlen(url);
    struct hash hash = sha256_of(note_key_name(&link->log));
    encoding_hex(hash.bytes, sizeof hash.bytes, name);
    while (size > 0 && url[size - 1] == '/')
        size--;
    snprintf(link->add_page, sizeof link->add_page, "%.*s/add-checkpoint", (int)size, url);
    snprintf(link->newest_page, sizeof link->newest_page, "%.*s/%s/checkpoint", (int)size, url, name);
}

struct witness_link *witness_link_create(const struct witness_link_settings *settings, struct fault *fault) {
    const struct http_client_settings http = {.authorities_path = settings->authorities_path,
                                              .connect_timeout_us = WITNESS_LINK_CONNECT_US,
                                              .timeout_us = WITNESS_LINK_TIMEOUT_US};
    struct witness_link *link = memory_new(sizeof *link);
    link->witness = *settings->witness;
    link->log = *settings->log;
    link->view = settings->view;
    make_pages(link, settings->url);
    link->client = http_client_create(&http, fault);
    return link->client ? link : witness_link_destroy(link);
}

struct witness_link *witness_link_destroy(struct witness_link *link) {
    if (!link)
        return NULL;
    http_client_destroy(link->client);
    free(link);
    return NULL;
}

/* ---- comparing */

static void cosigned_text(uint64_t time_s, char text[CALENDAR_TEXT_SIZE]) {
    calendar_text(time_s < UINT64_MAX / 1000000 ? time_s * 1000000 : 0, text);
}

/* Of a note that log and witness have signed. */
static enum witness_outcome compare(const struct witness_link *link, const struct checkpoint *theirs,
                                    struct witness_answer *answer, struct slice note, struct fault *fault) {
    char time[CALENDAR_TEXT_SIZE];
    struct hash ours;
    uint64_t size = link->view.size(link->view.context);
    cosigned_text(answer->time_s, time);
    buffer_append_slice(&answer->note, note);
    if (theirs->size > size) {
        fault_set(fault, FAULT_CONFLICT,
                  "it cosigned this log at %" PRIu64 " entries on %s, and here are %" PRIu64 " (entries %" PRIu64
                  " to %" PRIu64 " are missing): an older store was brought back, or another collector runs with "
                  "this log's key",
                  theirs->size, time, size, size, theirs->size - 1);
        return WITNESS_ROLLBACK;
    }
    if (!link->view.root(link->view.context, theirs->size, &ours, fault))
        return WITNESS_FAILED;
    if (hash_equal(&ours, &theirs->root))
        return WITNESS_AGREES;
    fault_set(fault, FAULT_CONFLICT,
              "it cosigned another tree of %" PRIu64
              " entries on %s, signed with this log's key: the log is forked",
              theirs->size, time);
    return WITNESS_FORK;
}

enum witness_outcome witness_link_compare(struct witness_link *link, struct witness_answer *answer,
                                          struct fault *fault) {
    CLEANUP_BUFFER struct buffer note = BUFFER(HTTP_CLIENT_RESPONSE_MOST);
    struct witness_policy policy = {.needed = 1, .count = 1, .witnesses = {link->witness}};
    struct signed_checkpoint read;
    bool permanent;
    answer->size = answer->time_s = 0;
    buffer_clear(&answer->note);
    if (!http_client_get(link->client, link->newest_page, NULL, &note, &permanent, fault)) {
        /* Nothing cosigned yet, or a witness that does not say: then its 409 will. */
        bool silent = http_client_status(link->client) == 404;
        link->known = silent ? 0 : link->known;
        return silent ? WITNESS_AGREES : WITNESS_FAILED;
    }
    if (!checkpoint_read(buffer_slice(&note), &link->log, &policy, &read, fault))
        return WITNESS_FAILED;
    if (!read.cosignatures[0].there) {
        fault_set(fault, FAULT_AUTH, "its newest checkpoint is not cosigned by %.*s",
                  SLICE_ARG(note_key_name(&link->witness)));
        return WITNESS_FAILED;
    }
    answer->size = read.checkpoint.size;
    answer->time_s = read.cosignatures[0].latest_s;
    enum witness_outcome outcome = compare(link, &read.checkpoint, answer, buffer_slice(&note), fault);
    if (outcome == WITNESS_AGREES)
        link->known = answer->size;
    return outcome;
}

/* ---- asking */

static bool post(struct witness_link *link, uint64_t size, struct slice note, struct buffer *response,
                 struct fault *fault) {
    static const char *const headers[] = {"Content-Type: text/plain", NULL};
    CLEANUP_BUFFER struct buffer request = BUFFER(WITNESS_REQUEST_MOST);
    struct merkle_path path = {.count = 0};
    bool permanent;
    if (link->known > 0 && link->known < size &&
        !link->view.proof(link->view.context, link->known, size, &path, fault))
        return false;
    if (!witness_request_write(&request, link->known, path.hashes, path.count, note))
        return fault_set(fault, FAULT_INTERNAL, "the request to the witness cannot be written");
    return http_client_post(link->client, link->add_page, headers, buffer_slice(&request), response,
                            &permanent, fault);
}

static enum witness_outcome take(struct witness_link *link, uint64_t size, struct slice note,
                                 struct slice response, struct witness_answer *answer, struct fault *fault) {
    struct note read;
    if (!note_read(note, &read, fault) ||
        !witness_answer_read(response, read.text, &link->witness, &answer->lines, &answer->time_s, fault))
        return WITNESS_FAILED;
    answer->size = link->known = size;
    return WITNESS_AGREES;
}

/* The witness has more than it is asked for, or says that what it is asked for does not fit. `refused` is what it said. */
static enum witness_outcome look_closer(struct witness_link *link, uint64_t size, const struct fault *refused,
                                        struct witness_answer *answer, struct fault *fault) {
    enum witness_outcome outcome = witness_link_compare(link, answer, fault);
    if (outcome != WITNESS_AGREES)
        return outcome;
    if (answer->size > size) {
        fault_set(fault, FAULT_BUSY, "it has cosigned a newer checkpoint of this log already");
        return WITNESS_AHEAD;
    }
    if (fault)
        *fault = *refused;
    return WITNESS_FAILED;
}

static void explain(unsigned status, struct fault *fault) {
    if (status == WITNESS_UNKNOWN_LOG)
        fault_set(fault, FAULT_USAGE, "it does not know this log: its settings need the log's verifier key");
    else if (status == WITNESS_FORBIDDEN)
        fault_set(fault, FAULT_AUTH, "it knows another key for this log's name");
}

enum witness_outcome witness_link_ask(struct witness_link *link, uint64_t size, struct slice note,
                                      struct witness_answer *answer, struct fault *fault) {
    CLEANUP_BUFFER struct buffer response = BUFFER(HTTP_CLIENT_RESPONSE_MOST);
    for (unsigned i = 0; i < TRIES_MOST; i++) {
        struct fault refused = {0};
        uint64_t theirs;
        if (link->known > size) {
            fault_set(&refused, FAULT_CONFLICT,
                      "it says that it has cosigned this log at %" PRIu64 " entries, and does not show it",
                      link->known);
            return look_closer(link, size, &refused, answer, fault);
        }
        if (post(link, size, note, &response, &refused))
            return take(link, size, note, buffer_slice(&response), answer, fault);
        unsigned status = http_client_status(link->client);
        if (status == WITNESS_INCONSISTENT)
            return look_closer(link, size, &refused, answer, fault);
        if (status != WITNESS_CONFLICT) {
            explain(status, &refused);
            if (fault)
                *fault = refused;
            return WITNESS_FAILED;
        }
        if (!witness_size_read(buffer_slice(&response), &theirs)) {
            fault_set(fault, FAULT_FORMAT, "it answers 409 without a size");
            return WITNESS_FAILED;
        }
        link->known = theirs;
    }
    fault_set(fault, FAULT_BUSY, "it names another size each time");
    return WITNESS_FAILED;
}

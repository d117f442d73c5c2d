#include "witness_pages.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "calendar.h"
#include "clock.h"
#include "encoding.h"
#include "log.h"
#include "memory.h"

static const enum witness_status statuses[WITNESS_PAGES_STATUSES] = {
    WITNESS_COSIGNED, WITNESS_MALFORMED,    WITNESS_FORBIDDEN, WITNESS_UNKNOWN_LOG,
    WITNESS_CONFLICT, WITNESS_INCONSISTENT, WITNESS_LATER};

struct witness_pages {
    struct keeper *keeper;
    struct note_key witness;
    atomic_ullong answers[WITNESS_PAGES_STATUSES];
    atomic_ullong forks;
};

struct witness_pages *witness_pages_create(struct keeper *keeper, const struct note_key *witness) {
    struct witness_pages *pages = memory_new(sizeof *pages);
    pages->keeper = keeper;
    pages->witness = *witness;
    return pages;
}

struct witness_pages *witness_pages_destroy(struct witness_pages *pages) {
    free(pages);
    return NULL;
}

static void say_fault(struct http_answer *answer, const struct fault *fault) {
    unsigned status = fault->code == FAULT_MISSING  ? 404
                      : fault->code == FAULT_FORMAT ? 400
                      : fault->code == FAULT_LIMIT  ? 413
                                                    : 503;
    if (status == 503)
        log_fault(LOG_LEVEL_ERROR, fault, "a request is not answered");
    http_answer_say(answer, status,
                    status == 503 ? "this witness cannot write or read just now" : fault->text);
}

static void add_checkpoint(struct witness_pages *pages, const struct http_request *request,
                           struct http_answer *answer) {
    bool fork;
    enum witness_status status =
        keeper_add_checkpoint(pages->keeper, request->body, clock_wall_us() / 1000000, &answer->body, &fork);
    answer->status = (unsigned)status;
    if (status == WITNESS_CONFLICT)
        answer->type = WITNESS_SIZE_TYPE;
    for (size_t i = 0; i < WITNESS_PAGES_STATUSES; i++)
        if (statuses[i] == status)
            atomic_fetch_add(&pages->answers[i], 1);
    if (fork)
        atomic_fetch_add(&pages->forks, 1);
    if (status == WITNESS_FORBIDDEN || status == WITNESS_INCONSISTENT)
        log_warning("%s asked for a cosignature and got %u: %.*s", request->peer, answer->status,
                    SLICE_ARG(slice_head(buffer_slice(&answer->body), answer->body.size - 1)));
}

static void add_statement(struct witness_pages *pages, struct slice log, const struct http_request *request,
                          struct http_answer *answer) {
    struct fault fault = {0};
    struct hash hash;
    char name[2 * HASH_SIZE + 1];
    if (!keeper_add_statement(pages->keeper, log, request->body, &hash, &fault)) {
        say_fault(answer, &fault);
        return;
    }
    encoding_hex(hash.bytes, sizeof hash.bytes, name);
    log_notice("%s handed over the statement %s", request->peer, name);
    http_answer_say(answer, 201, name);
}

static void front_page(struct witness_pages *pages, struct http_answer *answer) {
    struct buffer *to = &answer->body;
    buffer_append_string(to, "key ");
    note_key_write(to, &pages->witness);
    buffer_append_string(to, "\n");
    for (size_t i = 0; i < keeper_log_count(pages->keeper); i++) {
        struct keeper_log log = keeper_log(pages->keeper, i);
        char time[CALENDAR_TEXT_SIZE] = "never";
        if (log.newest.time_s > 0)
            calendar_text(log.newest.time_s * 1000000, time);
        buffer_printf(to, "log %s %.*s size %" PRIu64 " cosigned %s%s\n", log.name,
                      SLICE_ARG(note_key_name(&log.key)), log.newest.size, time, log.forks ? " FORKED" : "");
    }
    answer->status = 200;
}

/* Behind "/<log>/": "checkpoint", or a shelf and maybe an item of it. */
static bool get_of_log(struct witness_pages *pages, struct slice log, struct slice rest,
                       struct http_answer *answer, struct fault *fault) {
    static const char *const shelves[] = {[KEEPER_FORKS] = "forks", [KEEPER_STATEMENTS] = "statements"};
    if (slice_equal(rest, SLICE("checkpoint")))
        return keeper_newest(pages->keeper, log, &answer->body, fault);
    for (unsigned i = 0; i < 2; i++) {
        struct slice shelf = slice_string(shelves[i]);
        if (slice_equal(rest, shelf))
            return keeper_list(pages->keeper, log, (enum keeper_shelf)i, &answer->body, fault);
        if (slice_starts(rest, shelf) && rest.data[shelf.size] == '/') {
            answer->type = "application/octet-stream";
            return keeper_get(pages->keeper, log, (enum keeper_shelf)i, slice_from(rest, shelf.size + 1),
                              &answer->body, fault);
        }
    }
    return fault_set(fault, FAULT_MISSING, "there is no such page");
}

void witness_pages_handle(void *context, const struct http_request *request, struct http_answer *answer) {
    struct witness_pages *pages = context;
    struct slice path = slice_from(slice_string(request->path), 1);
    bool post = strcmp(request->method, "POST") == 0;
    struct fault fault = {0};
    if (slice_equal(path, SLICE("add-checkpoint"))) {
        if (post)
            add_checkpoint(pages, request, answer);
        else
            http_answer_say(answer, 405, "add-checkpoint is for POST");
        return;
    }
    if (path.size == 0 && !post) {
        front_page(pages, answer);
        return;
    }
    size_t slash = slice_find_byte(path, '/');
    struct slice log = slice_head(path, slash);
    struct slice rest = slash == SIZE_MAX ? SLICE("") : slice_from(path, slash + 1);
    if (post && slice_equal(rest, SLICE("statements")))
        add_statement(pages, log, request, answer);
    else if (post)
        http_answer_say(answer, 404, "there is no such page");
    else if (get_of_log(pages, log, rest, answer, &fault))
        answer->status = 200;
    else
        say_fault(answer, &fault);
}

void witness_pages_counts(struct witness_pages *pages,
                          struct witness_pages_count ret_counts[WITNESS_PAGES_STATUSES],
                          uint64_t *ret_forks) {
    for (size_t i = 0; i < WITNESS_PAGES_STATUSES; i++)
        ret_counts[i] = (struct witness_pages_count){(unsigned)statuses[i], atomic_load(&pages->answers[i])};
    *ret_forks = atomic_load(&pages->forks);
}

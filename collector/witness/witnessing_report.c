#include <inttypes.h>
#include <stdio.h>

#include "calendar.h"
#include "clock.h"
#include "lasting.h"
#include "log.h"
#include "record_json.h"
#include "report.h"
#include "witnessing_inside.h"

#define NOTE_SHOWN_MOST 4096u /* bytes of a note in an event */

/* ---- events */

static void name_of(const struct asked_witness *asked, char ret_name[NOTE_NAME_MOST + 1]) {
    struct slice name = asked ? note_key_name(&asked->key) : SLICE("");
    memcpy(ret_name, name.data, name.size);
    ret_name[name.size] = '\0';
}

/* What lasts from an event on, or ends with it. */
static const struct {
    const char *event;
    uint64_t value;
} lasting[] = {{"witness_failing", 1}, {"witness_down", 1}, {"witness_back", 0}, {"log_unwitnessed", 1}, {"log_witnessed", 0}};

void witnessing_tell(struct witnessing *witnessing, const struct asked_witness *asked, const char *event,
                     const char *sentence) {
    char name[NOTE_NAME_MOST + 1];
    name_of(asked, name);
    struct change *change = change_create();
    const struct report_field fields[] = {{"witness.name", asked ? name : NULL},
                                          {"witness.url", asked ? asked->url : NULL},
                                          {"error.message", asked && *asked->error ? asked->error : NULL},
                                          {NULL, NULL}};
    report_state(change, event, fields, "%s%s%s", asked ? name : "", asked ? ": " : "", sentence);
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++)
        if (strcmp(lasting[i].event, event) == 0)
            lasting_put(change, asked ? "witness" : "quorum", name, lasting[i].value);
    committer_submit(witnessing->committer, change);
}

bool witnessing_was_told(const struct witnessing *witnessing, const struct asked_witness *asked) {
    char name[NOTE_NAME_MOST + 1];
    name_of(asked, name);
    return lasting_get(witnessing->store, asked ? "witness" : "quorum", name) != 0;
}

void witnessing_tell_fork(struct witnessing *witnessing, const struct asked_witness *asked,
                          const struct witness_answer *answer, const char *sentence) {
    char name[NOTE_NAME_MOST + 1], theirs[NOTE_SHOWN_MOST], ours[NOTE_SHOWN_MOST];
    name_of(asked, name);
    snprintf(theirs, sizeof theirs, "%.*s", SLICE_ARG(buffer_slice(&answer->note)));
    snprintf(ours, sizeof ours, "%.*s", SLICE_ARG(buffer_slice(&witnessing->round.note)));
    struct change *change = change_create();
    const struct report_field fields[] = {{"witness.name", name},
                                          {"witness.url", asked->url},
                                          {"error.message", sentence},
                                          {"fork.theirs", *theirs ? theirs : NULL},
                                          {"fork.ours", *ours ? ours : NULL},
                                          {NULL, NULL}};
    report_state(change, "log_forked", fields, "%s: %s", name, sentence);
    committer_submit(witnessing->committer, change);
}

/* ---- settings beside the log's own policy */

const char *witnessing_apart(struct witnessing *witnessing) {
    struct witness_policy logged;
    if (!log_state_begun(witnessing->log) || !log_state_witnesses(witnessing->log, &logged, NULL))
        return NULL;
    pthread_mutex_lock(&witnessing->mutex);
    bool same = witness_policy_same(&witnessing->policy, &logged), none = witnessing->policy.count == 0;
    pthread_mutex_unlock(&witnessing->mutex);
    if (same || (none && logged.needed == 0))
        return NULL;
    if (none)
        return "the log's own policy needs witnesses and collector.yaml names none, so nothing is published: set witnesses "
               "there (`tocsin witnesses` shows them), then `systemctl reload tocsin-collector`";
    return "the witnesses of collector.yaml are not the log's own policy, by which agents and retention go: `tocsin witnesses "
           "propose -o F`, have F signed (tocsin sign F), `tocsin submit F`";
}

/* STORE_MARK: H of both policies that it was told of. */
#define APART_MARK "witness.apart"

void witnessing_tell_apart(struct witnessing *witnessing) {
    const char *apart = witnessing_apart(witnessing);
    CLEANUP_BUFFER struct buffer both = BUFFER(64 * 1024);
    uint8_t told[HASH_SIZE];
    struct witness_policy logged = {.count = 0};
    if (!apart)
        return;
    log_state_witnesses(witnessing->log, &logged, NULL);
    witness_policy_write(&both, &witnessing->policy);
    witness_policy_write(&both, &logged);
    struct hash hash = sha256_of(buffer_slice(&both));
    log_warning("%s", apart);
    if (store_get_fixed(witnessing->store, STORE_MARK, SLICE(APART_MARK), told, sizeof told, NULL) &&
        memcmp(told, hash.bytes, sizeof told) == 0)
        return;
    struct change *change = change_create();
    report_state(change, "witness_policy_apart", NULL, "%s", apart);
    change_put(change, STORE_MARK, SLICE(APART_MARK), hash_slice(&hash));
    committer_submit(witnessing->committer, change);
}

/* ---- status */

static void time_member(struct buffer *to, const char *name, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    if (time_us == 0)
        return;
    calendar_text(time_us, text);
    buffer_printf(to, ",\"%s\":\"%s\"", name, text);
}

static void describe_one(const struct asked_witness *asked, struct buffer *to) {
    static const char *const states[] = {[WITNESS_NEW] = "not asked yet",
                                         [WITNESS_GOOD] = "good",
                                         [WITNESS_FAILING] = "failing",
                                         [WITNESS_LYING] = "forked"};
    buffer_append_string(to, "{\"name\":");
    record_json_string(to, note_key_name(&asked->key));
    buffer_append_string(to, ",\"url\":");
    record_json_string(to, slice_string(asked->url));
    buffer_printf(to, ",\"state\":\"%s\",\"size\":%" PRIu64, states[asked->state], asked->size);
    time_member(to, "cosigned", asked->cosigned_s * 1000000);
    if (*asked->error) {
        buffer_append_string(to, ",\"error\":");
        record_json_string(to, slice_string(asked->error));
    }
    buffer_append_string(to, "}");
}

/* What was published last may be long ago. */
static const char *verdict(const struct witnessing *witnessing) {
    if (witnessing->forked)
        return "FORKED";
    return witnessing->met && !witnessing->told_unwitnessed ? "WITNESSED" : "UNWITNESSED";
}

void witnessing_describe(struct witnessing *witnessing, struct buffer *to) {
    const char *apart = witnessing_apart(witnessing);
    pthread_mutex_lock(&witnessing->mutex);
    buffer_printf(to, "{\"verdict\":\"%s\",\"needed\":%u,\"forked\":%s,\"published\":%" PRIu64,
                  verdict(witnessing), witnessing->needed, witnessing->forked ? "true" : "false",
                  witnessing->published_size);
    time_member(to, "published_at", witnessing->published_us);
    buffer_append_string(to, ",\"apart\":");
    record_json_string(to, slice_string(apart ? apart : ""));
    buffer_append_string(to, ",\"list\":[");
    for (unsigned i = 0; i < witnessing->count; i++) {
        if (i)
            buffer_append_string(to, ",");
        describe_one(witnessing->witnesses[i], to);
    }
    buffer_append_string(to, "]}");
    pthread_mutex_unlock(&witnessing->mutex);
}

struct witnessing_counts witnessing_counts(struct witnessing *witnessing) {
    pthread_mutex_lock(&witnessing->mutex);
    struct witnessing_counts counts = {.witnesses = witnessing->count,
                                       .needed = witnessing->needed,
                                       .cosignatures = witnessing->cosignatures,
                                       .published_size = witnessing->published_size,
                                       .published_us = witnessing->published_us,
                                       .forked = witnessing->forked,
                                       .met = witnessing->met};
    for (unsigned i = 0; i < witnessing->count; i++)
        counts.failing += witnessing->witnesses[i]->state >= WITNESS_FAILING;
    pthread_mutex_unlock(&witnessing->mutex);
    return counts;
}

#include "log_claims.h"

#include <inttypes.h>
#include <stdio.h>

#include "log.h"
#include "report.h"

#define EVIDENCE_MOST 8192u /* bytes of the note in the event */
#define WHAT_TO_DO                                                                                           \
    "Nothing is acknowledged; agents keep what they have. Stop this collector and keep its store as "        \
    "evidence. If it was brought back from a copy, bring the newest one back (with backups: tocsin "         \
    "restore, and --missing-from for what another folder has beyond it; if nobody has it any more: tocsin "   \
    "origin propose); if another collector runs with this log's key, stop it and decide which store is the "  \
    "true one"

/* What contradicts the log counts only with its own signature. */
static enum log_claim judge(struct log_state *log, struct slice note, enum log_claim found,
                            struct fault *sentence) {
    struct signed_checkpoint read;
    struct fault fault = {0};
    if (checkpoint_read(note, log_state_key(log), NULL, &read, &fault))
        return found;
    fault_set(sentence, FAULT_AUTH, "%s", fault.text);
    return LOG_CLAIM_FORGED;
}

enum log_claim log_claim_check(struct log_state *log, struct slice bytes, const char *host,
                               uint64_t *ret_size, struct fault *sentence) {
    struct note note;
    struct checkpoint claimed;
    struct hash root;
    uint64_t size = log_state_size(log);
    *ret_size = 0;
    if (bytes.size == 0)
        return LOG_CLAIM_HOLDS;
    if (!note_read(bytes, &note, sentence) || !checkpoint_text_read(note.text, &claimed, sentence))
        return LOG_CLAIM_FORGED;
    if (!slice_equal(claimed.origin, note_key_name(log_state_key(log)))) {
        fault_set(sentence, FAULT_AUTH, "the note is of another log, %.*s", SLICE_ARG(claimed.origin));
        return LOG_CLAIM_FORGED;
    }
    if (claimed.size > size) {
        fault_set(sentence, FAULT_CONFLICT,
                  "%s shows a checkpoint of %" PRIu64 " entries that this log has signed; here are %" PRIu64
                  ": this store is an older copy",
                  host, claimed.size, size);
        return judge(log, bytes, LOG_CLAIM_ROLLBACK, sentence);
    }
    if (!log_reader_root(log_state_reader(log), claimed.size, &root, sentence) ||
        hash_equal(&root, &claimed.root)) {
        /* What cannot be read here proves nothing: the store's own checks tell of it. */
        *ret_size = claimed.size;
        return LOG_CLAIM_HOLDS;
    }
    fault_set(sentence, FAULT_CONFLICT,
              "%s shows a checkpoint of %" PRIu64
              " entries that this log has signed, and that is another tree than "
              "the one here: an older copy of the store went on, or two collectors share this log's key",
              host, claimed.size);
    return judge(log, bytes, LOG_CLAIM_FORK, sentence);
}

static void stop_acknowledging(struct ingest_common *common, const char *sentence) {
    common->halted = true;
    snprintf(common->halted_why, sizeof common->halted_why, "%s. %s", sentence, WHAT_TO_DO);
    log_error("THE LOG CONTRADICTS ITSELF: %s", common->halted_why);
    log_state_halt(common->settings->log);
}

void log_claims_halt(struct ingest_common *common, enum log_claim claim, const char *host, struct slice note,
                     const char *sentence) {
    if (common->halted)
        return;
    stop_acknowledging(common, sentence);
    struct change *change = change_create();
    char evidence[EVIDENCE_MOST];
    snprintf(evidence, sizeof evidence, "%.*s", SLICE_ARG(note));
    const struct report_field fields[] = {{"host.name", host},
                                          {"error.message", sentence},
                                          {"log.evidence", evidence},
                                          {"log.conflict", claim == LOG_CLAIM_FORK ? "fork" : "rollback"},
                                          {NULL, NULL}};
    change_put(change, STORE_MARK, SLICE(LOG_CONFLICT_MARK), note);
    report_state(change, "log_conflict", fields, "%s", common->halted_why);
    committer_submit(common->settings->committer, change);
}

void log_claims_open(struct ingest_common *common) {
    const struct ingest_settings *settings = common->settings;
    CLEANUP_BUFFER struct buffer note = BUFFER(NOTE_MOST);
    struct fault fault = {0};
    uint64_t size;
    if (!settings->log)
        return;
    common->seen.log = settings->log;
    memcpy(common->seen.key_id, log_state_key(settings->log)->id, sizeof common->seen.key_id);
    if (!store_get_copy(settings->store, STORE_MARK, SLICE(LOG_CONFLICT_MARK), &note, &fault))
        return;
    enum log_claim claim = log_claim_check(settings->log, buffer_slice(&note), "an agent", &size, &fault);
    if (claim == LOG_CLAIM_ROLLBACK || claim == LOG_CLAIM_FORK) {
        stop_acknowledging(common, fault.text);
        return;
    }
    log_notice("the log holds what it was said to contradict: it is acknowledged again");
    struct change *change = change_create();
    change_delete(change, STORE_MARK, SLICE(LOG_CONFLICT_MARK));
    committer_submit(settings->committer, change);
}

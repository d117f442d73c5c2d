#include "watching.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "files.h"
#include "log.h"
#include "memory.h"

#define POLICY_TEXT_MOST (32u + WITNESSES_MOST * (NOTE_VKEY_MOST + 1u))
#define REFUSED_MOST (CHECKPOINT_NOTE_MOST + LOG_WATCH_NOTE_MOST + 4096u)
#define EVIDENCE_MOST 32768u /* bytes of it in an event */

struct watching {
    char *witnesses, *refused;
    void *context;
    void (*tell)(void *context, const char *event, const char *text, struct slice evidence);
    void (*changed)(void *context);
    struct lanes *lanes;
    unsigned collector;
    struct log_watch watch;
    bool has_policy; /* the file is there */
    bool stopped;    /* the file `refused` was there when it was last looked at */
    bool told_unwitnessed;
    struct hash refused_policy; /* that was told */
    uint64_t included[LANES]; /* the next batch that is to be found in the log */
};

/* ---- the policy */

static bool policy_line(struct witness_policy *policy, struct slice line, bool first, struct fault *fault) {
    uint64_t needed;
    if (first) {
        if (!slice_starts(line, SLICE("needed ")) || !slice_decimal(slice_from(line, 7), &needed) ||
            needed > WITNESSES_MOST)
            return fault_set(fault, FAULT_FORMAT, "its first line is not \"needed N\"");
        policy->needed = (uint8_t)needed;
        return true;
    }
    if (policy->count == WITNESSES_MOST)
        return fault_set(fault, FAULT_LIMIT, "it names more than %u witnesses", WITNESSES_MOST);
    return note_key_read(line, &policy->witnesses[policy->count++], fault);
}

static bool read_policy(const char *path, const struct verify_key *log_key, struct witness_policy *ret_policy,
                        struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(POLICY_TEXT_MOST);
    struct witness_policy policy = {0};
    struct slice rest, line;
    bool first = true;
    if (!files_read(path, &text, fault))
        return false;
    for (rest = buffer_slice(&text); note_line(&rest, &line); first = false)
        if (!policy_line(&policy, line, first, fault))
            return fault_place(fault, "%s", path);
    if (rest.size || first)
        return fault_set(fault, FAULT_FORMAT, "%s was cut short", path);
    if (!witness_policy_check(&policy, log_key, fault))
        return fault_place(fault, "%s", path);
    *ret_policy = policy;
    return true;
}

bool watching_keep_policy(const char *witnesses, struct slice bytes, const struct verify_key *log_key,
                          struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(POLICY_TEXT_MOST);
    struct witness_policy policy;
    struct bytes_reader reader = bytes_read(bytes);
    if (bytes.size == 0)
        return files_remove(witnesses, fault);
    if (!witness_policy_read(&reader, &policy, fault) || !witness_policy_check(&policy, log_key, fault))
        return false;
    if (!bytes_read_done(&reader))
        return fault_set(fault, FAULT_FORMAT, "a witness policy with something behind it");
    buffer_printf(&text, "needed %u\n", policy.needed);
    for (size_t i = 0; i < policy.count; i++) {
        note_key_write(&text, &policy.witnesses[i]);
        buffer_append_string(&text, "\n");
    }
    return files_write(witnesses, buffer_slice(&text), 0600, fault);
}

/* False: the policy is not one that this host may follow by itself. Told once as long as it is the same. */
static bool may_follow(struct watching *watching, struct slice bytes) {
    char sentence[FAULT_TEXT_SIZE];
    struct bytes_reader reader = bytes_read(bytes);
    struct witness_policy shown;
    const struct witness_policy *ours = &watching->watch.policy;
    if (!watching->has_policy)
        return true;
    if (bytes.size == 0 || !witness_policy_read(&reader, &shown, NULL) || witness_policy_same(&shown, ours))
        return false;
    if (witness_policy_implies(&shown, ours))
        return true;
    struct hash hash = sha256_of(bytes);
    if (hash_equal(&hash, &watching->refused_policy))
        return false;
    watching->refused_policy = hash;
    snprintf(sentence, sizeof sentence,
             "the collector shows a policy that needs %u of %u witnesses; this host goes by one that needs %u of %u, and follows "
             "none that is weaker. If people signed it (`tocsin witnesses` at the collector), remove %s and restart the agent",
             shown.needed, shown.count, ours->needed, ours->count, watching->witnesses);
    log_warning("%s", sentence);
    watching->tell(watching->context, "witness_policy_unknown", sentence, (struct slice){NULL, 0});
    return false;
}

void watching_take_policy(struct watching *watching, struct slice policy) {
    struct fault fault = {0};
    struct witness_policy read;
    if (!may_follow(watching, policy))
        return;
    if (!watching_keep_policy(watching->witnesses, policy, &watching->watch.log.key, &fault) ||
        !read_policy(watching->witnesses, &watching->watch.log.key, &read, &fault)) {
        log_fault(LOG_LEVEL_WARNING, &fault, "the collector's witness policy is not taken");
        return;
    }
    watching->has_policy = true;
    watching->watch.policy = read;
    log_notice("checkpoints of %.*s need %u of %u witnesses from now on",
               SLICE_ARG(note_key_name(&watching->watch.log)), read.needed, read.count);
}

/* ---- start and stop */

static void stop(struct watching *watching, bool stopped) {
    watching->stopped = stopped;
    lanes_hold(watching->lanes, watching->collector, stopped);
}

static bool begin(struct watching *watching, const struct watching_settings *settings, struct fault *fault) {
    struct verify_key key;
    struct note_key log;
    struct witness_policy policy = {0};
    struct fault local = {0};
    memcpy(key.bytes, settings->log_key, sizeof key.bytes);
    if (!note_key_make(NOTE_KEY_LOG, slice_string(settings->origin), &key, &log, fault))
        return fault_place(fault, "the log's key, as learnt by joining");
    watching->has_policy = files_exists(watching->witnesses);
    if (watching->has_policy && !read_policy(watching->witnesses, &key, &policy, fault))
        return false;
    log_watch_begin(&watching->watch, &log, &policy);
    struct slice note = lanes_seen_note(watching->lanes, watching->collector);
    if (note.size && !log_watch_restore(&watching->watch, note, &local))
        log_fault(LOG_LEVEL_ERROR, &local, "the checkpoint in the spool is not taken for this log's");
    if (watching->watch.verified.size) {
        struct seen_checkpoint seen = log_watch_seen(&watching->watch);
        lanes_seen(watching->lanes, watching->collector, &seen, note);
    }
    stop(watching, files_exists(watching->refused));
    if (watching->stopped)
        log_error("a checkpoint of %s was refused before, and nothing leaves the spool: find out what "
                  "happened to the "
                  "log, then remove %s",
                  settings->origin, watching->refused);
    return true;
}

struct watching *watching_create(const struct watching_settings *settings, struct lanes *lanes,
                                 struct fault *fault) {
    struct watching *watching = memory_new(sizeof *watching);
    watching->witnesses = memory_copy_string(settings->witnesses);
    watching->refused = memory_copy_string(settings->refused);
    watching->context = settings->context;
    watching->tell = settings->tell;
    watching->changed = settings->changed;
    watching->lanes = lanes;
    watching->collector = settings->collector;
    return begin(watching, settings, fault) ? watching : watching_destroy(watching);
}

struct watching *watching_destroy(struct watching *watching) {
    if (watching) {
        memory_cleanup(&watching->witnesses);
        memory_cleanup(&watching->refused);
    }
    free(watching);
    return NULL;
}

bool watching_is_stopped(const struct watching *watching) {
    return watching->stopped;
}

struct slice watching_note(const struct watching *watching) {
    return log_watch_note(&watching->watch);
}

/* A person has acted: the file is gone. */
static void look_for_the_person(struct watching *watching) {
    if (!watching->stopped || files_exists(watching->refused))
        return;
    stop(watching, false);
    log_notice("the refused checkpoint was taken away: checkpoints count again");
    watching->tell(watching->context, "log_accepted",
                   "somebody took the refused checkpoint away: checkpoints count again",
                   (struct slice){NULL, 0});
}

void watching_session(struct watching *watching, const uint64_t proved[LANES]) {
    look_for_the_person(watching);
    log_watch_session(&watching->watch);
    memcpy(watching->included, proved, sizeof watching->included);
}

/* ---- what comes */

void watching_refuse(struct watching *watching, const char *word, const char *reason, struct slice note) {
    CLEANUP_BUFFER struct buffer text = BUFFER(REFUSED_MOST);
    char sentence[FAULT_TEXT_SIZE + 128];
    struct fault fault = {0};
    bool known = watching->stopped;
    stop(watching, true);
    if (known)
        return;
    buffer_printf(&text, "%s: %s\n\nverified before:\n", word, reason);
    buffer_append_slice(&text, watching_note(watching));
    buffer_append_string(&text, "\nrefused:\n");
    buffer_append_slice(&text, note);
    if (!files_write(watching->refused, buffer_slice(&text), 0600, &fault))
        log_fault(LOG_LEVEL_ERROR, &fault, "the refused checkpoint cannot be kept");
    log_error("THE COLLECTOR'S LOG CONTRADICTS ITSELF: %s. Nothing leaves the spool any more. Find out what "
              "happened to "
              "the collector's store, then remove %s",
              reason, watching->refused);
    snprintf(sentence, sizeof sentence, "the collector's log contradicts what this host has verified: %s",
             reason);
    watching->tell(watching->context, "log_contradiction", sentence,
                   slice_head(buffer_slice(&text), EVIDENCE_MOST));
}

static void tell_unwitnessed(struct watching *watching, const struct fault *fault) {
    if (watching->told_unwitnessed)
        return;
    watching->told_unwitnessed = true;
    log_fault(LOG_LEVEL_WARNING, fault, "nothing leaves the spool for now");
    watching->tell(watching->context, "checkpoint_unwitnessed", fault->text, (struct slice){NULL, 0});
}

/* False: an entry that this agent signed is not where the collector says. */
static bool find_included(struct watching *watching, struct slice rest, enum log_news *ret_news,
                          struct fault *fault) {
    struct checkpoint_inclusion inclusion;
    while (checkpoint_message_next(&rest, &inclusion)) {
        uint64_t *next = &watching->included[inclusion.lane];
        struct hash leaf;
        if (inclusion.batch_seq < *next)
            continue;
        *ret_news = LOG_NEWS_MALFORMED;
        if (inclusion.batch_seq > *next)
            return fault_set(fault, FAULT_FORMAT, "batch %" PRIu64 " is proved before batch %" PRIu64,
                             inclusion.batch_seq, *next);
        struct lanes_hello closed;
        lanes_hello(watching->lanes, watching->collector, inclusion.lane, &closed);
        if (inclusion.batch_seq >= closed.batch_seq)
            return fault_set(fault, FAULT_FORMAT, "batch %" PRIu64 " is proved, which was never closed",
                             inclusion.batch_seq);
        enum lanes_found found =
            lanes_leaf(watching->lanes, inclusion.lane, inclusion.batch_seq, &leaf, fault);
        if (found == LANES_FAILED)
            return false;
        *ret_news = LOG_NEWS_FORK;
        /* An entry that was lost here cannot be compared, and nothing of it can be released. */
        if (found == LANES_ITEM &&
            !log_watch_includes(&watching->watch, &leaf, inclusion.log_index, inclusion.path))
            return fault_set(fault, FAULT_CONFLICT,
                             "batch %" PRIu64 " as this host signed it is not entry %" PRIu64 " of the log",
                             inclusion.batch_seq, inclusion.log_index);
        ++*next;
    }
    return true;
}

static void use_verified(struct watching *watching) {
    struct seen_checkpoint seen = log_watch_seen(&watching->watch);
    lanes_seen(watching->lanes, watching->collector, &seen, watching_note(watching));
    for (unsigned lane = 0; lane < LANES; lane++)
        lanes_proved(watching->lanes, watching->collector, (enum lane)lane, watching->included[lane]);
    watching->told_unwitnessed = false;
    watching->changed(watching->context);
}

bool watching_take(struct watching *watching, const struct checkpoint_message *message, uint64_t now_us,
                   struct fault *fault) {
    struct fault local = {0};
    look_for_the_person(watching);
    if (watching->stopped)
        return true;
    const struct log_watch before = watching->watch;
    enum log_news news =
        log_watch_take(&watching->watch, message->note, message->from_size, message->path, now_us, &local);
    bool good = news == LOG_NEWS_VERIFIED || news == LOG_NEWS_UNWITNESSED;
    enum log_news found = news;
    if (good && !find_included(watching, message->inclusions, &found, &local)) {
        good = false;
        news = found;
        watching->watch = before; /* nothing of that tree is believed */
    }
    if (log_news_alarming(news))
        watching_refuse(watching, log_news_word(news), local.text, message->note);
    if (!good)
        return fault_set(fault, local.code, "%s", local.text);
    if (news == LOG_NEWS_VERIFIED)
        use_verified(watching);
    else
        tell_unwitnessed(watching, &local);
    return true;
}

#include "log_watch.h"

#define PATH_MOST 64u

const char *log_news_word(enum log_news news) {
    static const char *const words[] = {"verified", "unwitnessed", "malformed", "forged", "rollback", "fork"};
    return words[news];
}

void log_watch_begin(struct log_watch *watch, const struct note_key *log,
                     const struct witness_policy *policy) {
    *watch = (struct log_watch){.log = *log, .verified.root = merkle_empty(), .follows.root = merkle_empty()};
    if (policy)
        watch->policy = *policy;
}

void log_watch_session(struct log_watch *watch) {
    watch->follows = watch->verified;
}

struct seen_checkpoint log_watch_seen(const struct log_watch *watch) {
    struct seen_checkpoint seen = seen_none();
    if (watch->verified.size == 0)
        return seen;
    memcpy(seen.key_id, watch->log.id, sizeof seen.key_id);
    seen.size = watch->verified.size;
    seen.root = watch->verified.root;
    return seen;
}

/* The key's first signature of the note, as it stands. */
static void keep_signature(struct buffer *to, const struct note *note, const struct note_key *key) {
    for (size_t i = 0; i < note->signature_count; i++) {
        const struct note_signature *signature = &note->signatures[i];
        if (!note_signature_names(signature, key))
            continue;
        buffer_append_string(to, "\xe2\x80\x94 ");
        buffer_append_slice(to, signature->name);
        buffer_append_string(to, " ");
        buffer_append_slice(to, signature->base64);
        buffer_append_string(to, "\n");
        return;
    }
}

static bool keep(struct log_watch *watch, struct slice bytes, const struct checkpoint *checkpoint) {
    struct note note;
    uint8_t memory[LOG_WATCH_NOTE_MOST];
    struct buffer to = {.data = memory, .capacity = sizeof memory, .limit = sizeof memory};
    if (!note_read(bytes, &note, NULL))
        return false;
    buffer_append_slice(&to, note.text);
    buffer_append_string(&to, "\n");
    keep_signature(&to, &note, &watch->log);
    for (size_t i = 0; i < watch->policy.count; i++)
        keep_signature(&to, &note, &watch->policy.witnesses[i]);
    if (to.overflow)
        return false;
    memcpy(watch->note, memory, to.size);
    watch->note_size = to.size;
    watch->verified = (struct log_point){checkpoint->size, checkpoint->root};
    return true;
}

bool log_watch_restore(struct log_watch *watch, struct slice note, struct fault *fault) {
    struct signed_checkpoint read;
    if (!checkpoint_read(note, &watch->log, NULL, &read, fault))
        return false;
    if (!keep(watch, note, &read.checkpoint))
        return fault_set(fault, FAULT_LIMIT, "a note of %zu bytes", note.size);
    log_watch_session(watch);
    return true;
}

/* A copy, because bytes of a message need not be aligned like hashes. */
static size_t path_hashes(struct slice path, struct hash ret_hashes[PATH_MOST]) {
    size_t count = path.size / HASH_SIZE;
    if (path.size % HASH_SIZE || count > PATH_MOST)
        return SIZE_MAX;
    if (path.size)
        memcpy(ret_hashes, path.data, path.size);
    return count;
}

static enum log_news follow(const struct log_watch *watch, const struct checkpoint *checkpoint,
                            uint64_t from_size, struct slice path, struct fault *fault) {
    const struct log_point *before = &watch->follows;
    unsigned long long old = before->size, size = checkpoint->size;
    struct hash hashes[PATH_MOST];
    size_t count = path_hashes(path, hashes);
    if (size < old) {
        fault_set(fault, FAULT_CONFLICT,
                  "the log has signed %llu entries before and shows %llu now: it was rolled back", old, size);
        return LOG_NEWS_ROLLBACK;
    }
    if (size == old && old && !hash_equal(&checkpoint->root, &before->root)) {
        fault_set(fault, FAULT_CONFLICT,
                  "the log has signed two different trees of %llu entries: it was forked", size);
        return LOG_NEWS_FORK;
    }
    if (from_size != old || count == SIZE_MAX) {
        fault_set(fault, FAULT_FORMAT, "a path from %llu entries; %llu were seen last",
                  (unsigned long long)from_size, old);
        return LOG_NEWS_MALFORMED;
    }
    bool good = old == 0 || size == old
                    ? count == 0
                    : merkle_proof_consistent(old, &before->root, size, &checkpoint->root, hashes, count);
    if (good)
        return LOG_NEWS_VERIFIED;
    fault_set(fault, FAULT_CONFLICT,
              "the log's %llu entries are no continuation of the %llu seen before: it was forked", size, old);
    return LOG_NEWS_FORK;
}

enum log_news log_watch_take(struct log_watch *watch, struct slice note, uint64_t from_size,
                             struct slice path, uint64_t now_us, struct fault *fault) {
    struct signed_checkpoint read;
    struct fault local = {0};
    if (!checkpoint_read(note, &watch->log, &watch->policy, &read, &local)) {
        fault_set(fault, local.code, "%s", local.text);
        return local.code == FAULT_AUTH ? LOG_NEWS_FORGED : LOG_NEWS_MALFORMED;
    }
    enum log_news news = follow(watch, &read.checkpoint, from_size, path, fault);
    if (news != LOG_NEWS_VERIFIED)
        return news;
    watch->follows = (struct log_point){read.checkpoint.size, read.checkpoint.root};
    struct quorum quorum = checkpoint_quorum(&read, &watch->policy, now_us);
    if (quorum.met && keep(watch, note, &read.checkpoint))
        return LOG_NEWS_VERIFIED;
    fault_set(fault, FAULT_MISSING, "the checkpoint of %llu entries has %u of the %u witnesses that it needs",
              (unsigned long long)read.checkpoint.size, quorum.counted, watch->policy.needed);
    return LOG_NEWS_UNWITNESSED;
}

bool log_watch_includes(const struct log_watch *watch, const struct hash *leaf, uint64_t log_index,
                        struct slice path) {
    struct hash hashes[PATH_MOST];
    size_t count = path_hashes(path, hashes);
    return count != SIZE_MAX &&
           merkle_proof_included(leaf, log_index, watch->follows.size, hashes, count, &watch->follows.root);
}

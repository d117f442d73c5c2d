#include "log_seen.h"

#include <inttypes.h>

#include "batch_entry.h"
#include "known_note.h"

static bool same_root(const struct hash *root, const struct batch_entry *entry, struct fault *fault) {
    return hash_equal(root, &entry->seen.root) ||
           fault_set(fault, FAULT_CONFLICT,
                     "the entry says that its agent has verified another tree of %" PRIu64
                     " entries than this log has published",
                     entry->seen.size);
}

/* A checkpoint that is not here. */
static bool check_missing(const struct log_seen *seen, const struct batch_entry *entry, struct fault *fault) {
    struct hash root;
    if (known_note_may_miss(log_state_store(seen->log), entry->seen.size))
        return log_reader_root(log_state_reader(seen->log), entry->seen.size, &root, fault) &&
               same_root(&root, entry, fault);
    return fault_set(fault, FAULT_CONFLICT,
                     "the entry says that its agent has verified a checkpoint of %" PRIu64
                     " entries, which this log has never published",
                     entry->seen.size);
}

bool log_seen_check(const struct log_seen *seen, struct slice bytes, struct fault *fault) {
    struct batch_entry entry;
    struct note note;
    struct checkpoint published;
    CLEANUP_BUFFER struct buffer text = BUFFER(NOTE_MOST);
    struct fault local = {0};
    if (!batch_entry_read(bytes, &entry, NULL) || entry.seen.size == 0 ||
        memcmp(entry.seen.key_id, seen->key_id, sizeof seen->key_id) != 0)
        return true; /* none, another log's; what is malformed is refused elsewhere */
    if (!log_checkpoint_get(log_state_store(seen->log), entry.seen.size, &text, &local))
        return local.code == FAULT_MISSING ? check_missing(seen, &entry, fault)
                                           : fault_set(fault, local.code, "%s", local.text);
    return note_read(buffer_slice(&text), &note, fault) && checkpoint_text_read(note.text, &published, fault) &&
           same_root(&published.root, &entry, fault);
}

#include "known_note.h"

#include "bytes.h"
#include "log.h"
#include "log_watch.h"

#define MARK_SIZE 16u

struct window {
    uint64_t above, up_to;
};

static bool read_window(const struct store *store, struct window *ret_window) {
    uint8_t mark[MARK_SIZE];
    if (!store_get_fixed(store, STORE_MARK, SLICE(KNOWN_NOTE_MARK), mark, sizeof mark, NULL))
        return false;
    *ret_window = (struct window){bytes_get_u64(mark), bytes_get_u64(mark + 8)};
    return true;
}

bool known_note_may_miss(const struct store *store, uint64_t size) {
    struct window window;
    return read_window(store, &window) && size > window.above && size < window.up_to;
}

/* From the newest one stored below; together with what was put back before. */
static struct window window_of(const struct store *store, uint64_t size) {
    struct window window = {.up_to = size}, before;
    log_checkpoint_below(store, size, &window.above, NULL, NULL);
    if (!read_window(store, &before))
        return window;
    if (before.above < window.above)
        window.above = before.above;
    if (before.up_to > window.up_to)
        window.up_to = before.up_to;
    return window;
}

/* Cheap, since every HELLO asks: without looking at a signature. */
static bool is_missing(const struct store *store, struct slice bytes) {
    struct note note;
    struct checkpoint claimed;
    struct fault fault = {0};
    CLEANUP_BUFFER struct buffer stored = BUFFER(NOTE_MOST);
    return note_read(bytes, &note, NULL) && checkpoint_text_read(note.text, &claimed, NULL) &&
           claimed.size > 0 && !log_checkpoint_get(store, claimed.size, &stored, &fault) &&
           fault.code == FAULT_MISSING;
}

static bool is_of_this_log(struct log_state *log, const struct witness_policy *policy, struct slice note,
                           uint64_t *ret_size) {
    struct signed_checkpoint read;
    struct hash root;
    if (!checkpoint_read(note, log_state_key(log), policy, &read, NULL) ||
        read.checkpoint.size > log_state_size(log) ||
        !log_reader_root(log_state_reader(log), read.checkpoint.size, &root, NULL))
        return false;
    *ret_size = read.checkpoint.size;
    return hash_equal(&root, &read.checkpoint.root);
}

struct change *known_note_change(struct log_state *log, const struct witness_policy *policy,
                                 struct slice note) {
    const struct store *store = log_state_store(log);
    struct log_watch kept;
    uint8_t key[8], mark[MARK_SIZE];
    uint64_t size;
    log_watch_begin(&kept, log_state_key(log), policy);
    if (!is_missing(store, note) || !is_of_this_log(log, policy, note, &size) ||
        !log_watch_restore(&kept, note, NULL))
        return NULL;
    struct window window = window_of(store, size);
    bytes_put_u64(key, size);
    bytes_put_u64(mark, window.above);
    bytes_put_u64(mark + 8, window.up_to);
    struct change *change = change_create();
    change_put(change, STORE_CHECKPOINT, slice_make(key, sizeof key), log_watch_note(&kept));
    change_put(change, STORE_MARK, SLICE(KNOWN_NOTE_MARK), slice_make(mark, sizeof mark));
    log_notice("the checkpoint of %llu entries is back: it was published, and was missing here",
               (unsigned long long)size);
    return change;
}

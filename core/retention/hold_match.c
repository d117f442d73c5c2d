#include "hold_match.h"

#include "bytes.h"

static bool host_fits(const struct hold *hold, struct slice host) {
    return hold->host.size == 0 || host.data == NULL || slice_equal(hold->host, host);
}

bool hold_could_match(const struct hold *hold, struct slice host, uint8_t class, uint64_t open_us,
                      uint64_t close_us) {
    return class < CLASSES && (hold->classes >> class & 1) && host_fits(hold, host) &&
           open_us <= hold->until_us && close_us >= hold->from_us;
}

bool hold_matches_event(const struct hold *hold, struct slice host, uint8_t class, uint64_t time_us) {
    return hold_could_match(hold, host, class, time_us, time_us);
}

void hold_root_begin(struct hold_root *root) {
    *root = (struct hold_root){.index = 0};
    root->frontier = merkle_frontier_make(root->hashes, HOLD_LEVELS);
}

static bool stands_behind(const struct hold_root *root, uint64_t index, uint8_t class, uint32_t position) {
    if (root->frontier.count == 0 || index != root->index)
        return root->frontier.count == 0 || index > root->index;
    return class != root->class ? class > root->class : position > root->position;
}

bool hold_root_add(struct hold_root *root, uint64_t index, uint8_t class, uint32_t position,
                   const struct hash *event_leaf) {
    if (!stands_behind(root, index, class, position))
        return false;
    uint8_t text[8 + 1 + 4 + HASH_SIZE];
    bytes_put_u64(text, index);
    text[8] = class;
    bytes_put_u32(text + 9, position);
    memcpy(text + 13, event_leaf->bytes, HASH_SIZE);
    struct hash leaf = merkle_leaf(slice_make(text, sizeof text));
    if (!merkle_frontier_add(&root->frontier, &leaf))
        return false;
    root->index = index, root->class = class, root->position = position;
    return true;
}

struct hash hold_root_end(const struct hold_root *root) {
    return merkle_frontier_root(&root->frontier);
}

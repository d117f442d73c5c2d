#include "merkle_proof.h"

static void path_add(struct merkle_path *path, struct hash hash) {
    path->hashes[path->count++] = hash;
}

/* Both recursions are as deep as the tree is high; a path is written from the leaf up. */
static void inclusion(const struct hash *leaves, size_t count, size_t index, struct merkle_path *path) {
    if (count == 1)
        return;
    size_t left = merkle_split(count);
    if (index < left) {
        inclusion(leaves, left, index, path);
        path_add(path, merkle_root(leaves + left, count - left));
    } else {
        inclusion(leaves + left, count - left, index - left, path);
        path_add(path, merkle_root(leaves, left));
    }
}

void merkle_proof_inclusion(const struct hash *leaves, size_t count, size_t index,
                            struct merkle_path *ret_path) {
    ret_path->count = 0;
    inclusion(leaves, count, index, ret_path);
}

/* SUBPROOF of RFC 9162, 2.1.4.1; `whole`: the old tree is one that the verifier has the root of. */
static void consistency(const struct hash *leaves, size_t count, size_t old_count, bool whole,
                        struct merkle_path *path) {
    if (old_count == count) {
        if (!whole)
            path_add(path, merkle_root(leaves, count));
        return;
    }
    size_t left = merkle_split(count);
    if (old_count <= left) {
        consistency(leaves, left, old_count, whole, path);
        path_add(path, merkle_root(leaves + left, count - left));
    } else {
        consistency(leaves + left, count - left, old_count - left, false, path);
        path_add(path, merkle_root(leaves, left));
    }
}

void merkle_proof_consistency(const struct hash *leaves, size_t count, size_t old_count,
                              struct merkle_path *ret_path) {
    ret_path->count = 0;
    consistency(leaves, count, old_count, true, ret_path);
}

/* RFC 9162, 2.1.3.2. */
bool merkle_proof_included(const struct hash *leaf, uint64_t index, uint64_t size, const struct hash *path,
                           size_t path_count, const struct hash *root) {
    if (index >= size)
        return false;
    uint64_t node = index, last = size - 1;
    struct hash running = *leaf;
    for (size_t i = 0; i < path_count; i++) {
        if (last == 0)
            return false;
        if (node & 1 || node == last) {
            running = merkle_node(&path[i], &running);
            while (!(node & 1) && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            running = merkle_node(&running, &path[i]);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && hash_equal(&running, root);
}

/* RFC 9162, 2.1.4.2, for 0 < old_size < size. */
static bool consistent(uint64_t old_size, const struct hash *old_root, uint64_t size, const struct hash *root,
                       const struct hash *path, size_t path_count) {
    uint64_t node = old_size - 1, last = size - 1;
    while (node & 1) {
        node >>= 1;
        last >>= 1;
    }
    /* Where the old tree is a full subtree, its root begins the path and is not sent. */
    bool full = (old_size & (old_size - 1)) == 0;
    size_t next = full ? 0 : 1;
    if (path_count < next + 1)
        return false;
    struct hash before = full ? *old_root : path[0];
    struct hash after = before;
    for (; next < path_count; next++) {
        if (last == 0)
            return false;
        if (node & 1 || node == last) {
            before = merkle_node(&path[next], &before);
            after = merkle_node(&path[next], &after);
            while (!(node & 1) && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            after = merkle_node(&after, &path[next]);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && hash_equal(&before, old_root) && hash_equal(&after, root);
}

bool merkle_proof_consistent(uint64_t old_size, const struct hash *old_root, uint64_t size,
                             const struct hash *root, const struct hash *path, size_t path_count) {
    struct hash empty = merkle_empty();
    if (old_size > size)
        return false;
    if (old_size == size)
        return path_count == 0 && hash_equal(old_root, root);
    /* Everything follows the empty tree, and nothing needs to be shown for it. */
    if (old_size == 0)
        return path_count == 0 && hash_equal(old_root, &empty);
    return consistent(old_size, old_root, size, root, path, path_count);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "encoding.h"
#include "merkle_frontier.h"
#include "merkle_proof.h"

#define MOST 70u

static struct hash numbered_leaf(uint32_t number) {
    return merkle_leaf(slice_make(&number, sizeof number));
}

/* The published test data of Certificate Transparency's reference implementation (RFC 6962). */
static void roots_are_those_of_certificate_transparency(void **state) {
    (void)state;
    static const char *const data[] = {
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
    static const char *const roots[] = {
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    };
    struct hash leaves[8], hashes[4], expected;
    struct merkle_frontier frontier = merkle_frontier_make(hashes, 4);
    for (size_t i = 0; i < 8; i++) {
        uint8_t bytes[16];
        assert_true(encoding_unhex(slice_string(data[i]), bytes, strlen(data[i]) / 2));
        leaves[i] = merkle_leaf(slice_make(bytes, strlen(data[i]) / 2));
        assert_true(merkle_frontier_add(&frontier, &leaves[i]));
        assert_true(encoding_unhex(slice_string(roots[i]), expected.bytes, HASH_SIZE));
        struct hash at_once = merkle_root(leaves, i + 1), running = merkle_frontier_root(&frontier);
        assert_true(hash_equal(&at_once, &expected));
        assert_true(hash_equal(&running, &expected));
    }
    struct hash empty = merkle_empty(), none = merkle_root(NULL, 0), nothing = sha256_of(SLICE(""));
    assert_true(hash_equal(&empty, &nothing));
    assert_true(encoding_unhex(SLICE("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
                               expected.bytes, HASH_SIZE));
    assert_true(hash_equal(&empty, &expected));
    assert_true(hash_equal(&none, &expected));
}

static void a_full_frontier_takes_nothing_more(void **state) {
    (void)state;
    struct hash hashes[3];
    struct merkle_frontier frontier = merkle_frontier_make(hashes, 3);
    struct hash leaf = numbered_leaf(0);
    for (int i = 0; i < 7; i++)
        assert_true(merkle_frontier_add(&frontier, &leaf));
    struct hash before = merkle_frontier_root(&frontier);
    assert_false(merkle_frontier_add(&frontier, &leaf));
    struct hash after = merkle_frontier_root(&frontier);
    assert_int_equal(frontier.count, 7);
    assert_true(hash_equal(&before, &after));
}

static void a_frontier_agrees_with_the_whole_tree_at_every_size(void **state) {
    (void)state;
    struct hash leaves[300], hashes[9];
    struct merkle_frontier frontier = merkle_frontier_make(hashes, 9);
    for (uint32_t i = 0; i < 300; i++) {
        leaves[i] = numbered_leaf(i);
        assert_true(merkle_frontier_add(&frontier, &leaves[i]));
        struct hash whole = merkle_root(leaves, i + 1), running = merkle_frontier_root(&frontier);
        assert_true(hash_equal(&whole, &running));
    }
}

/* One hash more, one less, the root before it, one bit of each: none of them proves anything. */
static void refuses_changed_paths(const struct hash *leaf, uint64_t index, uint64_t size,
                                  struct merkle_path *path, const struct hash *root) {
    path->hashes[path->count] = *root;
    assert_false(merkle_proof_included(leaf, index, size, path->hashes, path->count + 1, root));
    if (path->count)
        assert_false(merkle_proof_included(leaf, index, size, path->hashes, path->count - 1, root));
    for (size_t i = 0; i < path->count; i++) {
        path->hashes[i].bytes[i % HASH_SIZE] ^= 4;
        assert_false(merkle_proof_included(leaf, index, size, path->hashes, path->count, root));
        path->hashes[i].bytes[i % HASH_SIZE] ^= 4;
    }
    memmove(path->hashes + 1, path->hashes, path->count * sizeof *path->hashes);
    path->hashes[0] = *root;
    assert_false(merkle_proof_included(leaf, index, size, path->hashes, path->count + 1, root));
}

static void every_leaf_is_proved_and_nothing_else(void **state) {
    (void)state;
    struct hash leaves[MOST];
    for (uint32_t i = 0; i < MOST; i++)
        leaves[i] = numbered_leaf(i);
    for (size_t size = 1; size <= MOST; size++) {
        struct hash root = merkle_root(leaves, size);
        for (size_t index = 0; index < size; index++) {
            struct merkle_path path;
            merkle_proof_inclusion(leaves, size, index, &path);
            assert_true(merkle_proof_included(&leaves[index], index, size, path.hashes, path.count, &root));
            for (uint64_t other = 0; other <= size; other++)
                if (other != index)
                    assert_false(
                        merkle_proof_included(&leaves[index], other, size, path.hashes, path.count, &root));
            refuses_changed_paths(&leaves[index], index, size, &path, &root);
        }
    }
    struct hash root = merkle_root(leaves, 4);
    assert_false(merkle_proof_included(&leaves[0], 0, 0, NULL, 0, &root));
    /* An inner node is no leaf: its path is that of a smaller tree. */
    struct hash inner = merkle_root(leaves, 2), right = merkle_root(leaves + 2, 2);
    assert_false(merkle_proof_included(&inner, 0, 4, &right, 1, &root));
}

static void refuses_changed_consistency(uint64_t old_size, const struct hash *old_root, uint64_t size,
                                        const struct hash *root, struct merkle_path *path) {
    path->hashes[path->count] = *root;
    assert_false(merkle_proof_consistent(old_size, old_root, size, root, path->hashes, path->count + 1));
    if (path->count)
        assert_false(merkle_proof_consistent(old_size, old_root, size, root, path->hashes, path->count - 1));
    for (size_t i = 0; i < path->count; i++) {
        path->hashes[i].bytes[i % HASH_SIZE] ^= 4;
        assert_false(merkle_proof_consistent(old_size, old_root, size, root, path->hashes, path->count));
        path->hashes[i].bytes[i % HASH_SIZE] ^= 4;
    }
    struct hash other = numbered_leaf(12345);
    assert_false(merkle_proof_consistent(old_size, &other, size, root, path->hashes, path->count));
    assert_false(merkle_proof_consistent(old_size, old_root, size, &other, path->hashes, path->count));
    assert_false(merkle_proof_consistent(size + 1, old_root, size, root, path->hashes, path->count));
}

static void every_tree_follows_from_each_of_its_prefixes(void **state) {
    (void)state;
    struct hash leaves[MOST];
    for (uint32_t i = 0; i < MOST; i++)
        leaves[i] = numbered_leaf(i);
    for (size_t size = 1; size <= MOST; size++) {
        struct hash root = merkle_root(leaves, size);
        for (size_t old = 1; old <= size; old++) {
            struct hash old_root = merkle_root(leaves, old);
            struct merkle_path path;
            merkle_proof_consistency(leaves, size, old, &path);
            assert_true(merkle_proof_consistent(old, &old_root, size, &root, path.hashes, path.count));
            refuses_changed_consistency(old, &old_root, size, &root, &path);
        }
        struct hash empty = merkle_empty();
        assert_true(merkle_proof_consistent(0, &empty, size, &root, NULL, 0));
        assert_false(merkle_proof_consistent(0, &empty, size, &root, &root, 1));
        assert_false(merkle_proof_consistent(0, &root, size, &root, NULL, 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_certificate_transparency),
        cmocka_unit_test(a_full_frontier_takes_nothing_more),
        cmocka_unit_test(a_frontier_agrees_with_the_whole_tree_at_every_size),
        cmocka_unit_test(every_leaf_is_proved_and_nothing_else),
        cmocka_unit_test(every_tree_follows_from_each_of_its_prefixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

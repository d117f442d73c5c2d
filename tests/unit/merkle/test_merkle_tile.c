/* Tiles: where they lie, how they grow, and that roots and proofs from them are those from all leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "memory.h"
#include "merkle_frontier.h"
#include "merkle_tile_proof.h"

static uint64_t random_state = 1;

static uint64_t random_below(uint64_t most) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % most;
}

static struct hash numbered_leaf(uint64_t number) {
    return merkle_leaf(slice_make(&number, sizeof number));
}

/* ---- where tiles lie */

/* The examples of tlog-tiles. */
static void widths_are_those_of_the_specification(void **state) {
    (void)state;
    assert_int_equal(merkle_tile_width(70000, 0, 272), 256);
    assert_int_equal(merkle_tile_width(70000, 0, 273), 112);
    assert_int_equal(merkle_tile_width(70000, 0, 274), 0);
    assert_int_equal(merkle_tile_width(70000, 1, 0), 256);
    assert_int_equal(merkle_tile_width(70000, 1, 1), 17);
    assert_int_equal(merkle_tile_width(70000, 2, 0), 1);
    assert_int_equal(merkle_tile_width(70000, 3, 0), 0);
    assert_int_equal(merkle_tile_width(256, 0, 0), 256);
    assert_int_equal(merkle_tile_width(256, 0, 1), 0);
    assert_int_equal(merkle_tile_width(256, 1, 0), 1);
    assert_int_equal(merkle_tile_width(0, 0, 0), 0);
    assert_int_equal(merkle_tile_width(MERKLE_SIZE_MOST, 7, 0), 127);
    assert_int_equal(merkle_tile_width(MERKLE_SIZE_MOST, 8, 0), 0);
    assert_int_equal(merkle_tile_width(1, 0, UINT64_MAX), 0);
}

static void paths_are_written_and_read(void **state) {
    (void)state;
    static const struct {
        const char *path;
        struct merkle_tile tile;
    } cases[] = {
        {"tile/0/000", {MERKLE_TILE_HASHES, 0, 0, 256}},
        {"tile/0/x001/x234/067", {MERKLE_TILE_HASHES, 0, 1234067, 256}},
        {"tile/1/005.p/1", {MERKLE_TILE_HASHES, 1, 5, 1}},
        {"tile/0/273.p/112", {MERKLE_TILE_HASHES, 0, 273, 112}},
        {"tile/7/000.p/127", {MERKLE_TILE_HASHES, 7, 0, 127}},
        {"tile/entries/x003/057.p/255", {MERKLE_TILE_ENTRIES, 0, 3057, 255}},
        {"tile/entries/x999/999", {MERKLE_TILE_ENTRIES, 0, 999999, 256}},
        {"tile/0/x001/000", {MERKLE_TILE_HASHES, 0, 1000, 256}},
        {"tile/0/x036/x028/x797/x018/x963/967.p/255", {MERKLE_TILE_HASHES, 0, 36028797018963967, 255}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[MERKLE_TILE_PATH_SIZE];
        struct merkle_tile read;
        merkle_tile_path(&cases[i].tile, path);
        assert_string_equal(path, cases[i].path);
        assert_true(merkle_tile_path_read(slice_string(path), &read));
        assert_int_equal(read.kind, cases[i].tile.kind);
        assert_int_equal(read.level, cases[i].tile.level);
        assert_true(read.index == cases[i].tile.index);
        assert_int_equal(read.width, cases[i].tile.width);
    }
}

static void any_other_spelling_of_a_path_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "/tile/0/000",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/00/000",
        "tile/0/x000/001",
        "tile/0/x00/001",
        "tile/0/x001",
        "tile/0/x001/",
        "tile/0/001/002",
        "tile/0/X001/002",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/+1",
        "tile/0/000.p/1/",
        "tile/0/000.p/1 ",
        "tile/0/000/",
        "tile/0/ 00",
        "tile/0/-01",
        "tile/-1/000",
        "tile/8/000",
        "tile/64/000",
        "tile/x/000",
        "tile/data/000",
        "tile/entries",
        "tile/entries/",
        "tile/entries/00a",
        "tile/0/000%2ep/1",
        "tile/../0/000",
        "tile/7/000",
        "tile/7/000.p/128",
        "tile/7/001.p/1",
        "tile/0/x036/x028/x797/x018/x963/967",
        "tile/0/x036/x028/x797/x018/x963/968.p/1",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/x999/999",
    };
    struct merkle_tile tile;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (merkle_tile_path_read(slice_string(bad[i]), &tile))
            fail_msg("taken: %s", bad[i]);
    assert_false(merkle_tile_path_read(SLICE("tile/0/000\0"), &tile));
}

/* ---- a store of full tiles beside a builder, as the collector has it */

#define STORE_TILES 300u

struct store {
    struct merkle_tile_builder *builder;
    uint64_t size;                              /* of the tree that is asked about */
    struct hash (*tiles[3])[MERKLE_TILE_WIDTH]; /* levels 0 to 2 */
    bool have[3][STORE_TILES];
    unsigned reads[MERKLE_TILE_LEVELS];
    unsigned fail_at; /* the read that fails, from 1; 0 for none */
    unsigned total;
};

static void store_make(struct store *store) {
    *store = (struct store){.builder = merkle_tile_builder_create()};
    for (unsigned level = 0; level < 3; level++)
        store->tiles[level] = memory_new_array(STORE_TILES, sizeof *store->tiles[level]);
}

static void store_drop(struct store *store) {
    merkle_tile_builder_destroy(store->builder);
    for (unsigned level = 0; level < 3; level++)
        free(store->tiles[level]);
}

static void store_add(struct store *store, const struct hash *leaf) {
    unsigned filled = merkle_tile_builder_add(store->builder, leaf);
    for (unsigned level = 0; level < filled; level++) {
        struct merkle_tile tile;
        const struct hash *hashes = merkle_tile_builder_tile(store->builder, level, &tile);
        assert_int_equal(tile.width, MERKLE_TILE_WIDTH);
        assert_int_equal(tile.level, level);
        assert_true(tile.index < STORE_TILES);
        assert_false(store->have[level][tile.index]); /* each is filled once */
        store->have[level][tile.index] = true;
        memcpy(store->tiles[level][tile.index], hashes, sizeof store->tiles[level][tile.index]);
    }
}

static bool store_read(void *context, unsigned level, uint64_t index, unsigned width, struct hash *ret_hashes,
                       struct fault *fault) {
    struct store *store = context;
    store->reads[level]++;
    if (++store->total == store->fail_at)
        return fault_set(fault, FAULT_MISSING, "no such tile");
    assert_int_equal(width, store->size ? merkle_tile_width(store->size, level, index) : MERKLE_TILE_WIDTH);
    struct merkle_tile tile;
    const struct hash *hashes = merkle_tile_builder_tile(store->builder, level, &tile);
    if (level < 3 && index < STORE_TILES && store->have[level][index]) {
        hashes = store->tiles[level][index];
    } else {
        assert_true(tile.index == index);
        assert_true(tile.width >= width && width > 0);
    }
    memcpy(ret_hashes, hashes, width * sizeof *hashes);
    return true;
}

static struct merkle_tile_reader store_reader(struct store *store, uint64_t size) {
    store->size = size;
    store->total = 0;
    memset(store->reads, 0, sizeof store->reads);
    return (struct merkle_tile_reader){store, store_read};
}

static void assert_bounded(const struct store *store) {
    for (unsigned level = 0; level < MERKLE_TILE_LEVELS; level++)
        assert_in_range(store->reads[level], 0, 2);
}

static void assert_same_path(const struct merkle_path *a, const struct merkle_path *b) {
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->hashes, b->hashes, a->count * sizeof *a->hashes);
}

static void root_and_proofs_are_those_of(struct store *store, const struct hash *leaves, size_t size) {
    struct merkle_tile_tree *tree = merkle_tile_tree_create(size, store_reader(store, size));
    struct hash root, expected = merkle_root(leaves, size),
                      running = merkle_tile_builder_root(store->builder);
    assert_true(merkle_tile_tree_root(tree, &root, NULL));
    assert_true(hash_equal(&root, &expected));
    if (merkle_tile_builder_size(store->builder) == size)
        assert_true(hash_equal(&running, &expected));
    size_t some[] = {0, size - 1, (size_t)random_below(size)};
    for (size_t i = 0; size > 0 && i < sizeof some / sizeof *some; i++) {
        struct merkle_path made, all;
        assert_true(merkle_tile_tree_inclusion(tree, some[i], &made, NULL));
        merkle_proof_inclusion(leaves, size, some[i], &all);
        assert_same_path(&made, &all);
        assert_true(merkle_tile_tree_consistency(tree, some[i] + 1, &made, NULL));
        merkle_proof_consistency(leaves, size, some[i] + 1, &all);
        assert_same_path(&made, &all);
    }
    merkle_tile_tree_destroy(tree);
}

static void every_small_tree_is_the_one_of_its_leaves(void **state) {
    (void)state;
    struct hash leaves[1040];
    struct store store;
    store_make(&store);
    for (size_t size = 1; size <= 1040; size++) {
        leaves[size - 1] = numbered_leaf(size - 1);
        store_add(&store, &leaves[size - 1]);
        root_and_proofs_are_those_of(&store, leaves, size);
    }
    /* Earlier trees of the same tiles. */
    for (unsigned i = 0; i < 60; i++)
        root_and_proofs_are_those_of(&store, leaves, 1 + (size_t)random_below(1040));
    for (size_t size = 250; size < 262; size++)
        root_and_proofs_are_those_of(&store, leaves, size);
    store_drop(&store);
}

static void the_empty_tree_has_its_root_and_no_leaf(void **state) {
    (void)state;
    struct store store;
    store_make(&store);
    struct merkle_tile_tree *tree = merkle_tile_tree_create(0, store_reader(&store, 0));
    struct hash root, empty = merkle_empty(), running = merkle_tile_builder_root(store.builder);
    struct merkle_path path = {.count = 9};
    struct fault fault = {0};
    assert_true(merkle_tile_tree_root(tree, &root, NULL));
    assert_true(hash_equal(&root, &empty));
    assert_true(hash_equal(&running, &empty));
    assert_false(merkle_tile_tree_inclusion(tree, 0, &path, &fault));
    assert_int_equal(fault.code, FAULT_USAGE);
    assert_false(merkle_tile_tree_consistency(tree, 1, &path, NULL));
    assert_int_equal(path.count, 9);
    assert_true(merkle_tile_tree_consistency(tree, 0, &path, NULL));
    assert_int_equal(path.count, 0);
    merkle_tile_tree_destroy(tree);
    store_drop(&store);
}

/* ---- three levels, with leaves that all differ */

#define LARGE 66500u

static void proofs_of_a_large_tree_verify_and_read_two_tiles_a_level(void **state) {
    (void)state;
    struct store store;
    struct hash edge[20], *roots = memory_new_array(LARGE + 1, sizeof *roots);
    struct merkle_frontier frontier = merkle_frontier_make(edge, 20);
    store_make(&store);
    for (uint64_t i = 0; i < LARGE; i++) {
        struct hash leaf = numbered_leaf(i);
        store_add(&store, &leaf);
        merkle_frontier_add(&frontier, &leaf);
        roots[i + 1] = i % 64 == 0 || i + 100 > LARGE || i == 65535 ? merkle_frontier_root(&frontier) : leaf;
    }
    for (unsigned i = 0; i < 300; i++) {
        uint64_t size = i % 3 == 0 ? LARGE : random_below(LARGE / 64) * 64 + 1, index = random_below(size);
        uint64_t old_size = random_below(size / 64 + 1) * 64 + 1;
        struct merkle_tile_tree *tree = merkle_tile_tree_create(size, store_reader(&store, size));
        struct merkle_path path;
        struct hash leaf = numbered_leaf(index), root;
        assert_true(merkle_tile_tree_inclusion(tree, index, &path, NULL));
        assert_bounded(&store);
        assert_true(merkle_proof_included(&leaf, index, size, path.hashes, path.count, &roots[size]));
        merkle_tile_tree_destroy(tree);
        tree = merkle_tile_tree_create(size, store_reader(&store, size));
        assert_true(merkle_tile_tree_consistency(tree, old_size, &path, NULL));
        assert_bounded(&store);
        assert_true(
            merkle_proof_consistent(old_size, &roots[old_size], size, &roots[size], path.hashes, path.count));
        assert_true(merkle_tile_tree_root(tree, &root, NULL));
        assert_true(hash_equal(&root, &roots[size]));
        merkle_tile_tree_destroy(tree);
    }
    free(roots);
    store_drop(&store);
}

static void a_builder_goes_on_from_full_tiles_and_the_last_leaves(void **state) {
    (void)state;
    static const uint64_t sizes[] = {0, 1, 255, 256, 257, 511, 512, 65535, 65536, 65537, 66000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct store store;
        struct hash last[MERKLE_TILE_WIDTH];
        store_make(&store);
        for (uint64_t leaf = 0; leaf < sizes[i]; leaf++) {
            last[leaf % MERKLE_TILE_WIDTH] = numbered_leaf(leaf);
            store_add(&store, &last[leaf % MERKLE_TILE_WIDTH]);
        }
        struct merkle_tile_builder *again = merkle_tile_builder_create();
        struct merkle_tile_reader reader = store_reader(&store, 0);
        assert_true(merkle_tile_builder_restore(again, sizes[i], &reader, last, NULL));
        for (unsigned level = 0; level < MERKLE_TILE_LEVELS; level++)
            assert_in_range(store.reads[level], 0, 255);
        for (unsigned more = 0; more < 300; more++) {
            struct hash leaf = numbered_leaf(sizes[i] + more);
            struct hash a = merkle_tile_builder_root(store.builder), b = merkle_tile_builder_root(again);
            assert_true(hash_equal(&a, &b));
            assert_int_equal(merkle_tile_builder_add(again, &leaf),
                             merkle_tile_builder_add(store.builder, &leaf));
            if (sizes[i] > 1000 && more == 5)
                break;
        }
        merkle_tile_builder_destroy(again);
        store_drop(&store);
    }
}

static void a_restore_that_fails_changes_nothing(void **state) {
    (void)state;
    struct store store;
    struct hash last[MERKLE_TILE_WIDTH] = {{{0}}};
    struct fault fault = {0};
    store_make(&store);
    for (uint64_t leaf = 0; leaf < 600; leaf++) {
        struct hash hash = numbered_leaf(leaf);
        store_add(&store, &hash);
    }
    struct hash before = merkle_tile_builder_root(store.builder);
    store.fail_at = 2;
    struct merkle_tile_reader reader = store_reader(&store, 0);
    assert_false(merkle_tile_builder_restore(store.builder, 600, &reader, last, &fault));
    assert_int_equal(fault.code, FAULT_MISSING);
    assert_false(merkle_tile_builder_restore(store.builder, 1ull << 63, &reader, last, &fault));
    assert_int_equal(fault.code, FAULT_LIMIT);
    struct hash after = merkle_tile_builder_root(store.builder);
    assert_true(hash_equal(&before, &after));
    store_drop(&store);
}

static void a_tile_that_cannot_be_read_is_said_and_tried_again(void **state) {
    (void)state;
    struct store store;
    store_make(&store);
    for (uint64_t leaf = 0; leaf < 600; leaf++) {
        struct hash hash = numbered_leaf(leaf);
        store_add(&store, &hash);
    }
    for (unsigned fails = 1; fails < 4; fails++) {
        struct merkle_path path = {.count = 77};
        struct fault fault = {0};
        store.fail_at = fails;
        struct merkle_tile_tree *tree = merkle_tile_tree_create(600, store_reader(&store, 600));
        bool good = merkle_tile_tree_inclusion(tree, 3, &path, &fault);
        assert_int_equal(good, store.total < fails);
        if (!good) {
            assert_int_equal(fault.code, FAULT_MISSING);
            assert_int_equal(path.count, 77);
            assert_true(merkle_tile_tree_inclusion(tree, 3, &path, NULL));
        }
        struct hash leaf = numbered_leaf(3), root = merkle_tile_builder_root(store.builder);
        assert_true(merkle_proof_included(&leaf, 3, 600, path.hashes, path.count, &root));
        merkle_tile_tree_destroy(tree);
    }
    store_drop(&store);
}

static void one_bit_of_a_tile_changes_root_and_proofs(void **state) {
    (void)state;
    struct store store;
    store_make(&store);
    for (uint64_t leaf = 0; leaf < 600; leaf++) {
        struct hash hash = numbered_leaf(leaf);
        store_add(&store, &hash);
    }
    struct hash good = merkle_tile_builder_root(store.builder), root, leaf = numbered_leaf(3);
    struct merkle_path path;
    store.tiles[0][0][100].bytes[5] ^= 4;
    /* The root is made of the roots of full tiles, which stand a level higher; the scrub compares both. */
    struct hash scrubbed = merkle_root(store.tiles[0][0], MERKLE_TILE_WIDTH);
    struct merkle_tile above;
    const struct hash *hashes = merkle_tile_builder_tile(store.builder, 1, &above);
    assert_false(hash_equal(&scrubbed, &hashes[0]));
    struct merkle_tile_tree *tree = merkle_tile_tree_create(600, store_reader(&store, 600));
    assert_true(merkle_tile_tree_root(tree, &root, NULL));
    assert_true(hash_equal(&root, &good));
    assert_true(merkle_tile_tree_inclusion(tree, 3, &path, NULL));
    assert_false(merkle_proof_included(&leaf, 3, 600, path.hashes, path.count, &good));
    merkle_tile_tree_destroy(tree);
    store_drop(&store);
}

/* ---- trees larger than any memory: all leaves alike but one */

struct huge {
    uint64_t odd;                       /* the leaf that differs */
    struct hash plain[64], special[64]; /* full subtrees by height, without it and with it */
};

/* special[h] depends on where the odd leaf stands in it. */
static void huge_make(struct huge *huge, uint64_t odd) {
    huge->odd = odd;
    huge->plain[0] = numbered_leaf(0);
    huge->special[0] = numbered_leaf(1);
    for (unsigned height = 1; height < 64; height++) {
        const struct hash *plain = &huge->plain[height - 1], *special = &huge->special[height - 1];
        bool right = odd >> (height - 1) & 1;
        huge->plain[height] = merkle_node(plain, plain);
        huge->special[height] = right ? merkle_node(plain, special) : merkle_node(special, plain);
    }
}

static bool huge_read(void *context, unsigned level, uint64_t index, unsigned width, struct hash *ret_hashes,
                      struct fault *fault) {
    const struct huge *huge = context;
    (void)fault;
    for (unsigned i = 0; i < width; i++) {
        bool here = huge->odd >> 8 * level == index * MERKLE_TILE_WIDTH + i;
        ret_hashes[i] = here ? huge->special[8 * level] : huge->plain[8 * level];
    }
    return true;
}

static struct hash huge_root(const struct huge *huge, uint64_t size) {
    struct hash root = {{0}};
    bool any = false;
    for (unsigned height = 0; height < 63; height++) {
        if (!(size >> height & 1))
            continue;
        uint64_t begin = size >> (height + 1) << (height + 1);
        bool here = huge->odd >= begin && huge->odd - begin < 1ull << height;
        const struct hash *part = here ? &huge->special[height] : &huge->plain[height];
        root = any ? merkle_node(part, &root) : *part;
        any = true;
    }
    return root;
}

static void huge_trees_prove_as_small_ones_do(void **state) {
    (void)state;
    for (unsigned i = 0; i < 120; i++) {
        struct huge huge;
        uint64_t size = i == 0 ? MERKLE_SIZE_MOST : 2 + random_below(MERKLE_SIZE_MOST >> random_below(62));
        huge_make(&huge, i % 4 == 3 ? size - 1 : random_below(size));
        struct merkle_tile_tree *tree =
            merkle_tile_tree_create(size, (struct merkle_tile_reader){&huge, huge_read});
        struct hash expected = huge_root(&huge, size), root;
        assert_true(merkle_tile_tree_root(tree, &root, NULL));
        assert_true(hash_equal(&root, &expected));
        struct merkle_path path;
        assert_true(merkle_tile_tree_inclusion(tree, huge.odd, &path, NULL));
        assert_true(path.count <= 63);
        assert_true(merkle_proof_included(&huge.special[0], huge.odd, size, path.hashes, path.count, &root));
        assert_false(merkle_proof_included(&huge.plain[0], huge.odd, size, path.hashes, path.count, &root));
        uint64_t old_size = i % 5 == 4 ? huge.odd + 1 : 1 + random_below(size);
        struct hash old_root = huge_root(&huge, old_size);
        assert_true(merkle_tile_tree_consistency(tree, old_size, &path, NULL));
        assert_true(path.count <= 64);
        assert_true(merkle_proof_consistent(old_size, &old_root, size, &root, path.hashes, path.count));
        merkle_tile_tree_destroy(tree);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths_are_those_of_the_specification),
        cmocka_unit_test(paths_are_written_and_read),
        cmocka_unit_test(any_other_spelling_of_a_path_is_refused),
        cmocka_unit_test(every_small_tree_is_the_one_of_its_leaves),
        cmocka_unit_test(the_empty_tree_has_its_root_and_no_leaf),
        cmocka_unit_test(proofs_of_a_large_tree_verify_and_read_two_tiles_a_level),
        cmocka_unit_test(a_builder_goes_on_from_full_tiles_and_the_last_leaves),
        cmocka_unit_test(a_restore_that_fails_changes_nothing),
        cmocka_unit_test(a_tile_that_cannot_be_read_is_said_and_tried_again),
        cmocka_unit_test(one_bit_of_a_tile_changes_root_and_proofs),
        cmocka_unit_test(huge_trees_prove_as_small_ones_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

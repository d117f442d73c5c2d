#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bytes.h"
#include "memory.h"

int fixture_folder_make(void **state) {
    const char *base = getenv("TMPDIR");
    char path[FIXTURE_PATH];
    snprintf(path, sizeof path, "%s/store.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(path))
        return -1;
    *state = memory_copy_string(path);
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status;
    (void)walk;
    return kind == FTW_DP ? rmdir(path) : unlink(path);
}

int fixture_folder_remove(void **state) {
    nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    rmdir(*state);
    free(*state);
    return 0;
}

const char *fixture_path(void *const *state, const char *name) {
    static char paths[8][FIXTURE_PATH];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, FIXTURE_PATH, "%s/%s", (const char *)*state, name);
    return path;
}

struct store *fixture_open(const char *path, const struct store_options *options) {
    const struct store_options create = {.create = true};
    struct fault fault = {0};
    char line[FAULT_LINE_SIZE];
    struct store *store = store_open(path, options ? options : &create, &fault);
    if (!store)
        fail_msg("%s", fault_line(&fault, line));
    return store;
}

struct slice fixture_key(uint64_t number, uint8_t at[8]) {
    bytes_put_u64(at, number);
    return slice_make(at, 8);
}

struct slice fixture_value(uint64_t number, size_t size) {
    static uint64_t words[FIXTURE_VALUE_MOST / 8];
    uint64_t x = number * 0x9e3779b97f4a7c15u + 1;
    for (size_t i = 0; i < (size + 7) / 8; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        words[i] = x;
    }
    return slice_make(words, size);
}

bool fixture_commit(struct store *store, uint64_t number, size_t size, bool sync, struct fault *fault) {
    uint8_t key[8];
    struct store_batch *batch = store_batch_create(store);
    store_batch_put(batch, STORE_HOT, fixture_key(number, key), fixture_value(number, size));
    store_batch_put(batch, STORE_MARK, SLICE("next"), slice_make(key, 8));
    bool good = store_commit(store, batch, sync, fault);
    store_batch_destroy(batch);
    return good;
}

bool fixture_has(const struct store *store, uint64_t number, size_t size) {
    uint8_t key[8];
    CLEANUP_STORE_VALUE struct store_value value = {0};
    return store_get(store, STORE_HOT, fixture_key(number, key), &value, NULL) &&
           slice_equal(value.slice, fixture_value(number, size));
}

int64_t fixture_next(const struct store *store) {
    uint8_t number[8];
    return store_get_fixed(store, STORE_MARK, SLICE("next"), number, 8, NULL) ? (int64_t)bytes_get_u64(number)
                                                                              : -1;
}

/* --- The child --- */

#define CHILD_WORD "commit-until-killed"

size_t fixture_child_size(uint64_t number, size_t most) {
    return (size_t)(number * 2654435761u % most) + 1;
}

struct fixture_child fixture_child_start(const char *path, uint64_t first, size_t size,
                                         uint64_t floor_bytes) {
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    char words[3][32];
    snprintf(words[0], 32, "%llu", (unsigned long long)first);
    snprintf(words[1], 32, "%zu", size);
    snprintf(words[2], 32, "%llu", (unsigned long long)floor_bytes);
    /* A fresh program: RocksDB's threads do not come along with a fork. */
    pid_t process = fork();
    if (process == 0) {
        dup2(ends[1], 3);
        execl("/proc/self/exe", "child", CHILD_WORD, path, words[0], words[1], words[2], (char *)NULL);
        _exit(127);
    }
    assert_true(process > 0);
    close(ends[1]);
    return (struct fixture_child){process, ends[0]};
}

void fixture_child_run(int argc, char **argv) {
    if (argc != 6 || strcmp(argv[1], CHILD_WORD) != 0)
        return;
    const struct store_options options = {.create = true, .floor_bytes = strtoull(argv[5], NULL, 10)};
    struct fault fault = {0};
    struct store *store = store_open(argv[2], &options, &fault);
    size_t most = strtoull(argv[4], NULL, 10);
    for (uint64_t number = strtoull(argv[3], NULL, 10); store; number++) {
        if (!fixture_commit(store, number, fixture_child_size(number, most), true, &fault))
            break;
        if (write(3, &number, sizeof number) != sizeof number)
            _exit(4);
    }
    char line[FAULT_LINE_SIZE];
    fprintf(stderr, "child: %s\n", fault_line(&fault, line));
    _exit(3);
}

int fixture_child_wait(struct fixture_child *child, uint64_t first, uint64_t *ret_last) {
    uint64_t number;
    *ret_last = first - 1;
    while (read(child->acknowledgements, &number, sizeof number) == sizeof number) {
        assert_int_equal(number, *ret_last + 1);
        *ret_last = number;
    }
    close(child->acknowledgements);
    int status = 0;
    assert_int_equal(waitpid(child->process, &status, 0), child->process);
    return status;
}

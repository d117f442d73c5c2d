/* A folder that goes away with the test, and keys and values with numbers in them. */
#ifndef STORE_FIXTURE_H
#define STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "store.h"

#define FIXTURE_PATH 512

/* For cmocka: *state is the folder's path. */
int fixture_folder_make(void **state);
int fixture_folder_remove(void **state);

/* "folder/name" in one of a few static buffers. */
const char *fixture_path(void *const *state, const char *name);

/* Opens or fails the test. */
struct store *fixture_open(const char *path, const struct store_options *options);

/* The key of a number; the memory is the caller's. */
struct slice fixture_key(uint64_t number, uint8_t at[8]);
/* A value that the number determines, of `size` bytes, not compressible; good until the next call. */
struct slice fixture_value(uint64_t number, size_t size);
#define FIXTURE_VALUE_MOST (1u << 20)

/* Puts number → value into STORE_HOT and the number under "next" in STORE_MARK, in one commit. */
bool fixture_commit(struct store *store, uint64_t number, size_t size, bool sync, struct fault *fault);
/* Whether the number is there with exactly its value. */
bool fixture_has(const struct store *store, uint64_t number, size_t size);
/* The number under "next"; -1 for none. */
int64_t fixture_next(const struct store *store);

/* --- A child that commits, and says so on a pipe --- */

struct fixture_child {
    int process;
    int acknowledgements; /* u64 numbers as they are, one for each commit */
};

/* Starts this program again with the words; in it, fixture_child_run takes over from main. */
struct fixture_child fixture_child_start(const char *path, uint64_t first, size_t size, uint64_t floor_bytes);
/* In main, first: runs the child if that is what was asked for, and does not come back. It commits numbers from `first`
 * on, with values of up to `size` bytes, until it is killed or a commit fails (exit 3). */
void fixture_child_run(int argc, char **argv);
/* The size of the value that the child gives a number. */
size_t fixture_child_size(uint64_t number, size_t most);
/* Reads acknowledgements until the child has died; returns how it did (waitpid) and the last number, or `first` - 1. */
int fixture_child_wait(struct fixture_child *child, uint64_t first, uint64_t *ret_last);

#endif

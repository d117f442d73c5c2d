/* Changes a stopped collector's store behind its back, as somebody with the disk in hand would; for scenario tests.
 *
 *   store_edit PATH FAMILY flip NEEDLE [BYTE]   flips a bit of the first value that holds NEEDLE: of NEEDLE's first byte,
 *                                               or of byte BYTE of the value (negative: from its end)
 *   store_edit PATH FAMILY delete NEEDLE        deletes the first value that holds NEEDLE (empty: the first there is)
 *   store_edit PATH FAMILY put KEY VALUE        puts a row, both in hexadecimal
 * Prints key and value, as they were, in hexadecimal. Exit: 0 done, 1 not found, 2 anything else. */
#include <rocksdb/c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(const char *error) {
    if (error) {
        fprintf(stderr, "store_edit: %s\n", error);
        exit(2);
    }
}

static void print(const char *bytes, size_t size, const char *end) {
    for (size_t i = 0; i < size; i++)
        printf("%02x", (unsigned char)bytes[i]);
    fputs(end, stdout);
}

/* Over the text itself. */
static size_t unhex(char *text) {
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        text[i] = (char)strtoul(digits, NULL, 16);
    }
    return size;
}

int main(int argc, char **argv) {
    char *error = NULL;
    size_t count = 0, family = 0;
    if (argc < 5)
        return 2;
    rocksdb_options_t *options = rocksdb_options_create();
    char **names = rocksdb_list_column_families(options, argv[1], &count, &error);
    must(error);
    const rocksdb_options_t **all = calloc(count, sizeof *all);
    rocksdb_column_family_handle_t **handles = calloc(count, sizeof *handles);
    for (size_t i = 0; i < count; i++) {
        all[i] = options;
        if (strcmp(names[i], argv[2]) == 0)
            family = i;
    }
    rocksdb_t *store = rocksdb_open_column_families(options, argv[1], (int)count, (const char *const *)names, all, handles, &error);
    must(error);
    rocksdb_readoptions_t *read = rocksdb_readoptions_create();
    rocksdb_writeoptions_t *write = rocksdb_writeoptions_create();
    rocksdb_iterator_t *at = rocksdb_create_iterator_cf(store, read, handles[family]);
    int result = 1;
    if (strcmp(argv[3], "put") == 0 && argc > 5) {
        size_t key_size = unhex(argv[4]), size = unhex(argv[5]);
        rocksdb_put_cf(store, write, handles[family], argv[4], key_size, argv[5], size, &error);
        must(error);
        result = 0;
    }
    for (rocksdb_iter_seek_to_first(at); result && rocksdb_iter_valid(at); rocksdb_iter_next(at)) {
        size_t key_size, size;
        const char *key = rocksdb_iter_key(at, &key_size), *value = rocksdb_iter_value(at, &size);
        const char *found = *argv[4] ? memmem(value, size, argv[4], strlen(argv[4])) : value;
        if (!found)
            continue;
        print(key, key_size, " ");
        print(value, size, "\n");
        if (strcmp(argv[3], "flip") == 0) {
            char *changed = malloc(size);
            long byte = argc > 5 ? atol(argv[5]) : (long)(found - value);
            memcpy(changed, value, size);
            changed[byte < 0 ? (long)size + byte : byte] ^= 1;
            rocksdb_put_cf(store, write, handles[family], key, key_size, changed, size, &error);
            free(changed);
        } else
            rocksdb_delete_cf(store, write, handles[family], key, key_size, &error);
        must(error);
        result = 0;
    }
    rocksdb_iter_destroy(at);
    for (size_t i = 0; i < count; i++)
        rocksdb_column_family_handle_destroy(handles[i]);
    rocksdb_close(store);
    return result;
}

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "store_internal.h"

/* RocksDB's errors are sentences; their beginnings are its codes. */
static enum fault_code code_of(const char *error) {
    static const struct {
        const char *part;
        enum fault_code code;
    } parts[] = {
        {"No space left", FAULT_SPACE},
        {"Disk quota", FAULT_SPACE},
        {"Max allowed space", FAULT_SPACE},
        {"While lock file", FAULT_BUSY},
        {"lock hold by", FAULT_BUSY},
        {"Column families not opened", FAULT_CONFLICT},
        {"Column family not found", FAULT_CONFLICT},
        {"Corruption", FAULT_FORMAT},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(error, parts[i].part))
            return parts[i].code;
    return FAULT_IO;
}

/* The path that begins at `start`. */
static struct slice path_at(const struct store *store, const char *start) {
    size_t size = strlen(store->database);
    while (start[size] && (isalnum((unsigned char)start[size]) || strchr("/._-", start[size])))
        size++;
    while (strchr("._-/", start[size - 1]))
        size--;
    return slice_make(start, size);
}

/* The path of one of RocksDB's files in the sentence; empty where it names none. A table goes before the manifest that
 * it was found by. */
static struct slice file_in(const struct store *store, const char *error) {
    struct slice first = {NULL, 0};
    for (const char *start = error; (start = strstr(start, store->database)); start++) {
        struct slice path = path_at(store, start);
        if (path.size > 4 && memcmp(path.data + path.size - 4, ".sst", 4) == 0)
            return path;
        first = first.size ? first : path;
    }
    return first;
}

bool store_rocks(const struct store *store, char *error, const char *what, struct fault *fault) {
    if (!error)
        return true;
    enum fault_code code = code_of(error);
    struct slice file = file_in(store, error);
    if (strstr(error, "Column families not opened"))
        fault_set(fault, code, "the store was written by a newer version of this program (%s)", error);
    else if (strstr(error, "Column family not found"))
        fault_set(fault, code,
                  "the store was written by an older version of this program: start the collector once");
    else
        fault_set(fault, code, "%s: %s", what, error);
    for (char *c = fault ? fault->text : NULL; c && *c; c++)
        if (*c == '\n')
            *c = ' ';
    if (file.size)
        fault_place(fault, "%.*s", SLICE_ARG(file));
    else if (strstr(error, "CURRENT file"))
        fault_place(fault, "%s/CURRENT", store->database);
    else
        fault_place(fault, "%s", store->path);
    free(error);
    return false;
}

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

/* The path of one of RocksDB's files in the sentence; empty where it names none. */
static struct slice file_in(const struct store *store, const char *error) {
    const char *start = strstr(error, store->database);
    if (!start)
        return slice_make(NULL, 0);
    size_t size = strlen(store->database);
    while (start[size] && (isalnum((unsigned char)start[size]) || strchr("/._-", start[size])))
        size++;
    while (size && strchr("._-/", start[size - 1]))
        size--;
    return slice_make(start, size);
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
    else
        fault_place(fault, "%s", store->path);
    free(error);
    return false;
}

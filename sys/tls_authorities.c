#include "tls_authorities.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory.h"
#include "tls_private.h"

struct tls_authorities_file {
    char *path; /* NULL: the system's */
    struct stat seen;
    X509_STORE *store;
};

struct tls_authorities {
    size_t count, most;
    struct tls_authorities_file files[]; /* what was asked for last stands last */
};

struct tls_authorities *tls_authorities_create(size_t most) {
    struct tls_authorities *authorities =
        memory_new(sizeof *authorities + most * sizeof authorities->files[0]);
    authorities->most = most;
    return authorities;
}

static void tls_authorities_drop(struct tls_authorities *authorities, size_t at) {
    struct tls_authorities_file *file = &authorities->files[at];
    free(file->path);
    X509_STORE_free(file->store);
    memmove(file, file + 1, (--authorities->count - at) * sizeof *file);
}

struct tls_authorities *tls_authorities_destroy(struct tls_authorities *authorities) {
    while (authorities && authorities->count)
        tls_authorities_drop(authorities, authorities->count - 1);
    free(authorities);
    return NULL;
}

static bool tls_authorities_same(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static X509_STORE *tls_authorities_load(const char *path, struct fault *fault) {
    X509_STORE *store = X509_STORE_new();
    bool good = store && (path ? X509_STORE_load_file(store, path) : X509_STORE_set_default_paths(store));
    if (!good) {
        tls_fault(fault, FAULT_FORMAT, "no authorities in PEM can be read");
        fault_place(fault, "%.120s", path ? path : "the system's authorities");
        X509_STORE_free(store);
        return NULL;
    }
    /* What curl does by itself: an intermediate that somebody put there is trusted as well. */
    X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    return store;
}

/* Becomes the last. */
static X509_STORE *tls_authorities_use(struct tls_authorities *authorities, size_t at) {
    struct tls_authorities_file file = authorities->files[at];
    memmove(&authorities->files[at], &authorities->files[at + 1],
            (authorities->count - 1 - at) * sizeof file);
    authorities->files[authorities->count - 1] = file;
    X509_STORE_up_ref(file.store);
    return file.store;
}

X509_STORE *tls_authorities_find(struct tls_authorities *authorities, const char *path, struct fault *fault) {
    struct tls_authorities_file file = {.path = NULL};
    if (path && stat(path, &file.seen) != 0) {
        fault_set_system(fault, "authorities cannot be read");
        fault_place(fault, "%.120s", path);
        return NULL;
    }
    for (size_t i = 0; i < authorities->count; i++) {
        const struct tls_authorities_file *known = &authorities->files[i];
        if (path ? !known->path || strcmp(path, known->path) != 0 : known->path != NULL)
            continue;
        if (tls_authorities_same(&known->seen, &file.seen))
            return tls_authorities_use(authorities, i);
        tls_authorities_drop(authorities, i);
        break;
    }
    file.store = tls_authorities_load(path, fault);
    if (!file.store)
        return NULL;
    file.path = memory_copy_string(path);
    if (authorities->count == authorities->most)
        tls_authorities_drop(authorities, 0);
    authorities->files[authorities->count++] = file;
    return tls_authorities_use(authorities, authorities->count - 1);
}

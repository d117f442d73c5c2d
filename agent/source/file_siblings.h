/* The files that rotation made of a log: NAME.1, NAME-20260101, NAME.2.gz, and with logrotate's `extension` STEM-20260101.log.
 * Looked for in the log's folder and, where its name is a link, in the folder that the link leads to. */
#ifndef TOCSIN_FILE_SIBLINGS_H
#define TOCSIN_FILE_SIBLINGS_H

#include "file_look.h"

#define SIBLINGS_MOST 512u /* names looked at; the rest is not seen */

struct sibling {
    char *name; /* whole path */
    struct file_look look;
    bool compressed;
    bool known_length; /* a .gz tells how long its content is (modulo 4 GiB; of its last member) */
    uint64_t length;
};

struct siblings {
    struct sibling *items; /* oldest birth first, without one oldest writing first */
    size_t count;
};

struct siblings siblings_list(const char *name);
void siblings_free(struct siblings *siblings);
#define CLEANUP_SIBLINGS __attribute__((cleanup(siblings_free)))

/* Opens the file of that identity, whatever its name is now. FILE_LATER where the folder itself is not there or can't be
 * read: then nothing is known. ret_name is the caller's to free. */
enum file_found siblings_find(const char *name, const struct file_identity *identity, int *ret_file,
                              char **ret_name, struct file_look *ret_look);

/* The name ends as a compressor's output does. */
bool siblings_name_compressed(const char *name);
/* `rotated` is what rotation may make of `name`, both whole paths in one folder. */
bool siblings_name_rotated(const char *name, const char *rotated);

#endif

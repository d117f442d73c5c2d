/* `tocsin verify [--trust F]… FILE…`: files that stand alone, of one log or of several. Of a batch that several of them show,
 * all must show the same entry: a host may send to collectors at two sites, and tell each another story. */
#ifndef TOCSIN_VERIFY_FILE_H
#define TOCSIN_VERIFY_FILE_H

#include "command.h"
#include "verify_proof.h"

#define VERIFY_TRUSTS_MOST 8u /* logs */
struct verify_trusts {
    size_t count; /* 0: this site's own */
    const char *paths[VERIFY_TRUSTS_MOST];
};

/* Each file by what it begins with; `entry` is for single proofs. Exit as `verify` does: 1 where any of them is bad, 3 where
 * there is nothing to hold them against. */
int verify_files(const struct command_context *context, const struct verify_trusts *from,
                 const struct verify_entry *entry, size_t count, char *const *files);

#endif

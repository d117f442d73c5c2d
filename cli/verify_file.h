/* `tocsin verify [--trust F] FILE…`: files that stand alone. */
#ifndef TOCSIN_VERIFY_FILE_H
#define TOCSIN_VERIFY_FILE_H

#include "command.h"
#include "verify_proof.h"

/* Each file by what it begins with; `entry` is for single proofs. Exit as `verify` does: 1 where any of them is bad, 3 where there is nothing to hold them
 * against. */
int verify_files(const struct command_context *context, const char *trust_path, const struct verify_entry *entry,
                 size_t count, char *const *files);

#endif

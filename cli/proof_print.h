/* What a proof says, for people or as JSON Lines: `tocsin verify FILE`, excerpt, absence. And the trust that it is held
 * against. */
#ifndef TOCSIN_PROOF_PRINT_H
#define TOCSIN_PROOF_PRINT_H

#include "absence.h"
#include "command.h"
#include "excerpt.h"
#include "sightings.h"

/* From the file; with NULL, what this site holds for true. Neither: FAULT_MISSING, and a sentence that says what to do. */
bool proof_trust(const struct command_context *context, const char *path, struct trust *ret_trust,
                 struct fault *fault);

void proof_print_bad(const struct command_context *context, const char *file, const struct fault *fault);
void proof_print_event(const struct command_context *context, const char *file,
                       const struct excerpt_event *event);
void proof_print_excerpt(const struct command_context *context, const char *file,
                         const struct excerpt_summary *summary);
void proof_print_absence(const struct command_context *context, const char *file,
                         const struct absence *absence);

/* One batch, and two entries for it in two logs (or two proofs). `stream` is its name. */
void proof_print_fork(const struct command_context *context, const char *stream, const struct sighting *first,
                      const struct sighting *second);
/* What comparing several logs came to. */
void proof_print_compared(const struct command_context *context, size_t logs, uint64_t alike, uint64_t forks);

#endif

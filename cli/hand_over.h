/* A statement that the collector does not log, handed to a witness, which keeps and serves it (FORMATS.md, Witnesses): then
 * nobody can say that it was never made. Texts are not handed over, only their hashes within the statement. */
#ifndef TOCSIN_HAND_OVER_H
#define TOCSIN_HAND_OVER_H

#include "statement_file.h"

#define HAND_OVER_PLACE_SIZE 2304u

/* `url` is the witness's; `authorities_path` a PEM file, or NULL for the system's. *ret_place: where it is served. False
 * when the witness has not taken this very statement. */
bool hand_over(const char *url, const char *authorities_path, const struct statement_file *file,
               char ret_place[HAND_OVER_PLACE_SIZE], struct fault *fault);

#endif

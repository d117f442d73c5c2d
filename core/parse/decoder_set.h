/* All decoders, ready to read: by program, then by the first byte of a pattern's text.
 *
 * Where two decoders name one program, the one added later is asked first, and both their services hold. Decoders of
 * every program ("*") are asked when a program's own had nothing to say. Built while decoders are added, only read
 * afterwards. */
#ifndef TOCSIN_DECODER_SET_H
#define TOCSIN_DECODER_SET_H

#include "decoder_file.h"

struct decoder_set;
struct decoder_group;

struct decoder_set *decoder_set_create(const struct symbols *symbols); /* borrows the table */
struct decoder_set *decoder_set_destroy(struct decoder_set *set);      /* returns NULL */

/* Takes the decoder, also on failure. */
bool decoder_set_add(struct decoder_set *set, struct decoder *decoder, size_t patterns_most,
                     struct fault *fault);
size_t decoder_set_patterns(const struct decoder_set *set);

/* The program whose own log a file is, by the decoder that was added last; empty where there is none. */
struct slice decoder_set_program_of(const struct decoder_set *set, struct slice path);

/* The decoders of one program; NULL where there is none of its own. */
const struct decoder_group *decoder_set_group(const struct decoder_set *set, struct slice program);

/* Adds the product, category and services that its decoders give every line. */
void decoder_group_origin(const struct decoder_group *group, struct record *record);

/* Whether some line can come with all three; what is empty may be anything. */
bool decoder_set_gives(const struct decoder_set *set, struct slice product, struct slice category,
                       struct slice service);

/* Adds what the first fitting pattern finds, out of the group (may be NULL) or out of the decoders of every program. */
bool decoder_set_decode(const struct decoder_set *set, const struct decoder_group *group,
                        struct slice message, struct record *record);

#endif

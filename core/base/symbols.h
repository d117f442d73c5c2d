/* Names as small numbers: field names, program names, whatever is compared often.
 *
 * Number 0 means "no such name". A table holds at most SYMBOLS_MOST names; past that symbols_add gives 0 and the caller
 * says so. Names live as long as the table. Names are told apart by case. Not for use by several threads at once while
 * one of them adds; looking up alone is safe. */
#ifndef TOCSIN_SYMBOLS_H
#define TOCSIN_SYMBOLS_H

#include "slice.h"

#define SYMBOLS_MOST 65535

struct symbols;

struct symbols *symbols_create(void);
struct symbols *symbols_destroy(struct symbols *symbols); /* returns NULL */

uint32_t symbols_add(struct symbols *symbols, struct slice name);
uint32_t symbols_find(const struct symbols *symbols, struct slice name);
struct slice symbols_name(const struct symbols *symbols, uint32_t symbol); /* empty for 0 */
uint32_t symbols_count(const struct symbols *symbols); /* the highest number given */

#endif

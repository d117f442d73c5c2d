/* Small things that are kept for whoever asks, each in a file named by its hash: statements that were handed over, and
 * checkpoints that prove a fork. What is full takes nothing more: nobody pushes out what is there.
 *
 * A keepsake is for one thread at a time. Files that have no such name are not looked at. */
#ifndef TOCSIN_KEEPSAKE_H
#define TOCSIN_KEEPSAKE_H

#include "fault.h"
#include "sha256.h"

#define KEEPSAKE_ITEMS_MOST 256u
#define KEEPSAKE_ITEM_MOST (160u * 1024) /* bytes: a note, or a signed statement */

struct buffer;
struct keepsake;

/* `folder` is made at the first item. */
struct keepsake *keepsake_open(const char *folder, struct fault *fault);
struct keepsake *keepsake_close(struct keepsake *keepsake); /* returns NULL */

size_t keepsake_count(const struct keepsake *keepsake);
/* On the disk when it returns. What is there already is fine. FAULT_LIMIT: there is no room. */
bool keepsake_add(struct keepsake *keepsake, struct slice item, struct hash *ret_hash, struct fault *fault);
/* A line an item, in the order in which they came at this run: hash, blank, size. */
void keepsake_list(const struct keepsake *keepsake, struct buffer *to);
/* By its hash in hexadecimal; false with FAULT_MISSING where there is none. */
bool keepsake_get(const struct keepsake *keepsake, struct slice name, struct buffer *to, struct fault *fault);

#endif

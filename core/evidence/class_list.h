/* The classes of a batch with their counts and roots, and the event root over them (log-format: Event leaf).
 *
 *     class list = u8 n ‖ n × (u8 class ‖ u32 count ‖ class root), ascending, no class twice, no count of
 * zero event root = H("tocsin/roots/v1" ‖ class list)
 */
#ifndef TOCSIN_CLASS_LIST_H
#define TOCSIN_CLASS_LIST_H

#include "buffer.h"
#include "class.h"
#include "fault.h"
#include "sha256.h"

#define CLASS_LIST_MOST (1u + CLASS_NUMBERS * 37u) /* bytes */

struct class_list_item {
    uint8_t class;
    uint32_t count;
    struct hash root;
};

struct class_list {
    size_t count;
    struct class_list_item items[CLASS_NUMBERS];
};

/* Writes at most CLASS_LIST_MOST bytes and returns how many. */
size_t class_list_write(const struct class_list *list, uint8_t ret_bytes[CLASS_LIST_MOST]);
/* Strict: the whole slice, ascending, known classes, no count of zero. */
bool class_list_read(struct slice bytes, struct class_list *ret_list, struct fault *fault);

struct hash class_list_event_root(struct slice bytes);     /* of a class list as it is written */
uint64_t class_list_events(const struct class_list *list); /* the sum of its counts */

#endif

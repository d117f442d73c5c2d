/* The running state of one batch that is not closed: for each class its key, salts and tree.
 *
 * Empty it is 150 bytes; a class costs about 1.8 kB from its first event on. The owner keeps none for an idle
 * stream. Checks nothing about order, times or limits: stream_writer and stream_checker do. */
#ifndef TOCSIN_OPEN_BATCH_H
#define TOCSIN_OPEN_BATCH_H

#include "class_list.h"
#include "event.h"
#include "keystream.h"

struct class_key {
    uint8_t class;
    uint8_t key[CLASS_KEY_SIZE];
};

struct open_batch;

struct open_batch *open_batch_create(void);
struct open_batch *open_batch_destroy(struct open_batch *batch); /* returns NULL; wipes the keys */

/* The key of a class, NULL before it has one. All that only read take a NULL batch for an empty one. */
const uint8_t *open_batch_key(const struct open_batch *batch, uint8_t class);
/* Gives a class its key, once, before its first event. class < CLASSES. */
void open_batch_set_key(struct open_batch *batch, uint8_t class, const uint8_t key[CLASS_KEY_SIZE]);

/* Adds the next event and returns its leaf. Its class has a key; at most BATCH_EVENTS_MOST events. */
struct hash open_batch_add(struct open_batch *batch, const struct event *event);

uint32_t open_batch_count(const struct open_batch *batch);
uint64_t open_batch_text(const struct open_batch *batch); /* bytes as an event block */

void open_batch_class_list(const struct open_batch *batch, struct class_list *ret_list);
struct hash open_batch_root(const struct open_batch *batch); /* the running event root */

#endif

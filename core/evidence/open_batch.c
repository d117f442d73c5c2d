#include "open_batch.h"

#include <stdlib.h>

#include "batch_entry.h"
#include "event_leaf.h"
#include "memory.h"
#include "merkle_frontier.h"

#define LEVELS 13u /* 2^13 − 1 leaves, more than BATCH_EVENTS_MOST */
_Static_assert(BATCH_EVENTS_MOST < 1u << LEVELS, "a class tree holds a whole batch");

struct open_class {
    struct keystream *salts;
    struct merkle_frontier tree;
    struct hash hashes[LEVELS];
};

struct open_batch {
    uint64_t text;
    uint32_t count;
    struct open_class *classes[CLASSES]; /* NULL before the class has a key */
};

struct open_batch *open_batch_create(void) {
    return memory_new(sizeof(struct open_batch));
}

struct open_batch *open_batch_destroy(struct open_batch *batch) {
    for (size_t class = 0; batch && class < CLASSES; class ++)
        if (batch->classes[class]) {
            keystream_destroy(batch->classes[class]->salts);
            free(batch->classes[class]);
        }
    free(batch);
    return NULL;
}

const uint8_t *open_batch_key(const struct open_batch *batch, uint8_t class) {
    bool known = batch && class < CLASSES && batch->classes[class];
    return known ? keystream_key(batch->classes[class]->salts) : NULL;
}

void open_batch_set_key(struct open_batch *batch, uint8_t class, const uint8_t key[CLASS_KEY_SIZE]) {
    struct open_class *made = memory_new(sizeof *made);
    made->salts = keystream_create(key);
    made->tree = merkle_frontier_make(made->hashes, LEVELS);
    batch->classes[class] = made;
}

struct hash open_batch_add(struct open_batch *batch, const struct event *event) {
    struct open_class *of = batch->classes[event->class];
    struct hash leaf = event_leaf(keystream_next(of->salts), event);
    merkle_frontier_add(&of->tree, &leaf);
    batch->count++;
    batch->text += EVENT_BLOCK_HEAD + event->body.size;
    return leaf;
}

uint32_t open_batch_count(const struct open_batch *batch) {
    return batch ? batch->count : 0;
}
uint64_t open_batch_text(const struct open_batch *batch) {
    return batch ? batch->text : 0;
}

void open_batch_class_list(const struct open_batch *batch, struct class_list *ret_list) {
    ret_list->count = 0;
    for (unsigned class = 0; batch && class < CLASSES; class ++) {
        const struct open_class *of = batch->classes[class];
        if (of && of->tree.count)
            ret_list->items[ret_list->count++] = (struct class_list_item){
                (uint8_t) class, (uint32_t)of->tree.count, merkle_frontier_root(&of->tree)};
    }
}

struct hash open_batch_root(const struct open_batch *batch) {
    struct class_list list;
    uint8_t bytes[CLASS_LIST_MOST];
    open_batch_class_list(batch, &list);
    return class_list_event_root(slice_make(bytes, class_list_write(&list, bytes)));
}

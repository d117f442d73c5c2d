/* The names behind stream_ids, remembered: looked up in the store once. One thread's. */
#ifndef TOCSIN_STREAM_NAMES_H
#define TOCSIN_STREAM_NAMES_H

#include "class.h"
#include "store.h"

struct stream_name {
    uint8_t id[32];
    char stream[STREAM_NAME_SIZE]; /* HOST or HOST/bulk */
    char host[STREAM_NAME_SIZE];
    char label[STREAM_NAME_SIZE + 16]; /* "<stream>~<8 hex>/": an event's id but for its number */
    size_t label_size;
};

struct stream_names;

struct stream_names *stream_names_create(const struct store *store);
struct stream_names *stream_names_destroy(struct stream_names *names);
/* Never NULL: a stream that the store does not know is called "unknown". Lives as long as `names`. */
const struct stream_name *stream_names_get(struct stream_names *names, const uint8_t stream_id[32]);

#endif

#include "event_leaf.h"

#include "bytes.h"

struct hash event_leaf(const uint8_t salt[SALT_SIZE], const struct event *event) {
    uint8_t head[1 + SALT_SIZE + 8 + 8 + 1];
    head[0] = 0;
    memcpy(head + 1, salt, SALT_SIZE);
    bytes_put_u64(head + 1 + SALT_SIZE, event->seq);
    bytes_put_u64(head + 9 + SALT_SIZE, event->time_us);
    head[17 + SALT_SIZE] = event->class;
    struct sha256 running;
    sha256_begin(&running);
    sha256_add(&running, head, sizeof head);
    sha256_add(&running, event->body.data, event->body.size);
    return sha256_end(&running);
}

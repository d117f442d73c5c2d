/* The salted leaf of one event: H(0x00 ‖ salt ‖ u64 seq ‖ u64 time_us ‖ u8 class ‖ body) (log-format: Event
 * leaf). */
#ifndef TOCSIN_EVENT_LEAF_H
#define TOCSIN_EVENT_LEAF_H

#include "event.h"
#include "keystream.h"
#include "sha256.h"

struct hash event_leaf(const uint8_t salt[SALT_SIZE], const struct event *event);

#endif

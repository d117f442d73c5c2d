/* Channels in memory behind delivery.h: what each is to answer is told, and what it was given is remembered. Linked before
 * the real ones. Any thread. */
#ifndef TOCSIN_FAKE_DELIVERY_H
#define TOCSIN_FAKE_DELIVERY_H

#include "delivery.h"

#define FAKE_CHANNELS_MOST 4u
#define FAKE_SENT_MOST 512u

enum fake_answer { FAKE_TAKES, FAKE_FAILS, FAKE_REFUSES /* for good */, FAKE_WAITS /* until it has another answer */ };

/* Forgets everything; from now on settings name so many channels: "channel0" and on. */
void fake_delivery_reset(size_t channels);
void fake_delivery_answer(size_t channel, enum fake_answer answer);
/* Only notices with this id are answered so; the others are taken. NULL: all. */
void fake_delivery_answer_one(size_t channel, enum fake_answer answer, const char *id);

/* Ids in the order in which they were taken, with a blank behind each. */
const char *fake_delivery_taken(size_t channel, char *to, size_t size);
size_t fake_delivery_taken_count(size_t channel);
size_t fake_delivery_tries(size_t channel);

#endif

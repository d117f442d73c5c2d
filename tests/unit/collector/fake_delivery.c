#include "fake_delivery.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "memory.h"

struct delivery {
    size_t number;
    char name[16];
};

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    size_t count;
    struct {
        enum fake_answer answer;
        char only[64];
        char taken[FAKE_SENT_MOST][64];
        size_t taken_count, tries;
    } channels[FAKE_CHANNELS_MOST];
} fake = {.mutex = PTHREAD_MUTEX_INITIALIZER, .answered = PTHREAD_COND_INITIALIZER};

void fake_delivery_reset(size_t channels) {
    pthread_mutex_lock(&fake.mutex);
    memset(fake.channels, 0, sizeof fake.channels);
    fake.count = channels;
    pthread_mutex_unlock(&fake.mutex);
}

void fake_delivery_answer_one(size_t channel, enum fake_answer answer, const char *id) {
    pthread_mutex_lock(&fake.mutex);
    fake.channels[channel].answer = answer;
    snprintf(fake.channels[channel].only, sizeof fake.channels[channel].only, "%s", id ? id : "");
    pthread_cond_broadcast(&fake.answered);
    pthread_mutex_unlock(&fake.mutex);
}

void fake_delivery_answer(size_t channel, enum fake_answer answer) { fake_delivery_answer_one(channel, answer, NULL); }

const char *fake_delivery_taken(size_t channel, char *to, size_t size) {
    size_t used = 0;
    *to = '\0';
    pthread_mutex_lock(&fake.mutex);
    for (size_t i = 0; i < fake.channels[channel].taken_count && used < size; i++)
        used += (size_t)snprintf(to + used, size - used, "%s ", fake.channels[channel].taken[i]);
    pthread_mutex_unlock(&fake.mutex);
    return to;
}

size_t fake_delivery_taken_count(size_t channel) {
    pthread_mutex_lock(&fake.mutex);
    size_t count = fake.channels[channel].taken_count;
    pthread_mutex_unlock(&fake.mutex);
    return count;
}

size_t fake_delivery_tries(size_t channel) {
    pthread_mutex_lock(&fake.mutex);
    size_t tries = fake.channels[channel].tries;
    pthread_mutex_unlock(&fake.mutex);
    return tries;
}

size_t delivery_count(const struct collector_settings *settings) {
    (void)settings;
    return fake.count;
}

struct delivery *delivery_create(const struct collector_settings *settings, size_t number, struct fault *fault) {
    (void)settings, (void)fault;
    struct delivery *delivery = memory_new(sizeof *delivery);
    delivery->number = number;
    snprintf(delivery->name, sizeof delivery->name, "channel%zu", number);
    return delivery;
}

struct delivery *delivery_destroy(struct delivery *delivery) {
    free(delivery);
    return NULL;
}

const char *delivery_name(const struct delivery *delivery) { return delivery->name; }

bool delivery_send(struct delivery *delivery, const struct notice *notice, bool *ret_permanent, struct fault *fault) {
    pthread_mutex_lock(&fake.mutex);
    size_t number = delivery->number;
    bool asked = !fake.channels[number].only[0] || slice_equal(notice->id, slice_string(fake.channels[number].only));
    fake.channels[number].tries++;
    while (asked && fake.channels[number].answer == FAKE_WAITS)
        pthread_cond_wait(&fake.answered, &fake.mutex);
    enum fake_answer answer = asked ? fake.channels[number].answer : FAKE_TAKES;
    size_t at = fake.channels[number].taken_count;
    if (answer == FAKE_TAKES && at < FAKE_SENT_MOST) {
        snprintf(fake.channels[number].taken[at], sizeof fake.channels[number].taken[at], "%.*s", SLICE_ARG(notice->id));
        fake.channels[number].taken_count++;
    }
    pthread_mutex_unlock(&fake.mutex);
    if (answer == FAKE_TAKES)
        return true;
    *ret_permanent = answer == FAKE_REFUSES;
    return fault_set(fault, FAULT_IO, "the test's channel says no");
}

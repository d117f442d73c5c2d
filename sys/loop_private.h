/* Within sys alone: the loop's insides, shared with the channels. */
#ifndef TOCSIN_LOOP_PRIVATE_H
#define TOCSIN_LOOP_PRIVATE_H

#include <uv.h>

#include "channel.h"
#include "loop.h"

/* Ciphertext of one turn's writing: four records with what TLS 1.3 adds to each, and room for its alerts. */
#define LOOP_CIPHER_SIZE (CHANNEL_READ_MOST + 4u * 1024)

struct loop_later {
    struct loop *loop;
    loop_callback *run;
    void *context;
    struct loop_later *next, **previous; /* in the loop's queue; previous is NULL while not scheduled */
};

struct loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* active while something is to be done later, so that the turn does not wait */
    struct loop_later *later;
    struct loop_later **later_end;
    struct loop_later *running; /* cut off from `later`, being run */
    struct channel *finishing;  /* their callers have let go of them; nobody else knows them */
    struct child *dying;        /* the same, of programs that were killed */
    /* Scratch for whichever channel is at it: nothing stays in here between callbacks. */
    uint8_t received[CHANNEL_READ_MOST];
    uint8_t plain[CHANNEL_READ_MOST];
    uint8_t cipher[LOOP_CIPHER_SIZE];
};

/* The error of a libuv call. */
bool loop_fault(struct fault *fault, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void loop_later_init(struct loop_later *later, struct loop *loop, loop_callback *run, void *context);
void loop_later_cancel(struct loop_later *later);

/* Of channel.c: ends all in loop->finishing at once. */
void channel_drop_finishing(struct loop *loop);

#endif

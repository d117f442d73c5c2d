/* The clocks, all in microseconds. None of these can fail on a Linux that runs the rest. */
#ifndef TOCSIN_CLOCK_H
#define TOCSIN_CLOCK_H

#include "fault.h"

uint64_t clock_wall_us(void);      /* since 1970, UTC; may step */
uint64_t clock_boot_us(void);      /* since boot, time asleep included (CLOCK_BOOTTIME); never steps */
uint64_t clock_monotonic_us(void); /* for measuring spans within this process */

/* This boot's identity, from /proc/sys/kernel/random/boot_id. */
bool clock_boot_id(uint8_t ret_id[16], struct fault *fault);

/* Minutes east of UTC in the host's zone at that time. */
int clock_zone_minutes(uint64_t time_us);

#endif

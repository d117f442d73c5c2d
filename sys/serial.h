/* A serial line: a tty, a USB adapter's, or a pty in its place; 115200 8N1, raw, no flow control.
 *
 * It is had alone: one that another process has open is FAULT_BUSY, and says who, as far as /proc tells this user; and while
 * it is open here no other program that asks (TIOCEXCL, flock) gets it. Modem lines are ignored, and closing hangs nothing up.
 *
 * Callbacks come in the loop's turns, none from inside a function of this file. After `lost` nothing comes any more: a device
 * that went away (an adapter that was pulled out) is a fault, and is opened again by opening it again. The fault's place is
 * the path.
 *
 * Writing is paced: SERIAL_PIECE bytes at a time, and the time that they take on the line between them, for adapters
 * and peers with small buffers. */
#ifndef TOCSIN_SERIAL_H
#define TOCSIN_SERIAL_H

#include "loop.h"
#include "slice.h"

#include <termios.h>

#define SERIAL_PIECE 30u
#define SERIAL_PIECE_US 2700u  /* 30 bytes of 10 bits at 115200 */
#define SERIAL_CLOSE_US 20000u /* how long serial_close waits for the last bytes to leave */

struct serial;

struct serial_handlers {
    void (*bytes)(void *context, struct slice bytes); /* borrowed for the call */
    void (*room)(void *context);                      /* serial_write would take something again */
    void (*lost)(void *context, const struct fault *fault);
};

/* The handlers are borrowed. */
struct serial *serial_open(struct loop *loop, const char *path, const struct serial_handlers *handlers,
                           void *context, struct fault *fault);
/* Puts the line back as it was found. Also from a callback; no other comes after it. NULL. */
struct serial *serial_close(struct serial *serial);

/* Takes the line out of the loop as it is, for somebody without one: a descriptor, which serial_put_back closes. The serial is
 * gone. */
int serial_take_out(struct serial *serial, struct termios *ret_before);
void serial_put_back(int descriptor, const struct termios *before);

/* How many of the bytes were taken, up to SERIAL_PIECE; with fewer than all, `room` comes. */
size_t serial_write(struct serial *serial, struct slice bytes);

#endif

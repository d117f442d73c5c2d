/* Telling the service manager (sd_notify(3)) how this daemon does. Without one all of it does nothing. */
#ifndef TOCSIN_NOTIFY_H
#define TOCSIN_NOTIFY_H

#include <stdint.h>

void notify_ready(void);
void notify_reloading(void); /* notify_ready ends it */
void notify_stopping(void);
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often notify_alive is due: half of what the unit allows, in microseconds; UINT64_MAX where there is no
 * watchdog. */
uint64_t notify_watchdog_us(void);
void notify_alive(void);

#endif

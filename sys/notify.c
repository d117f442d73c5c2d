#include "notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <systemd/sd-daemon.h>

#include "clock.h"

void notify_ready(void) {
    sd_notify(0, "READY=1");
}

void notify_reloading(void) {
    /* systemd.service(5), Type=notify-reload: the time belongs to the message. */
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)clock_monotonic_us());
}

void notify_stopping(void) {
    sd_notify(0, "STOPPING=1");
}

void notify_status(const char *format, ...) {
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (char *at = text; *at; at++)
        if (*at == '\n') /* would begin another field */
            *at = ' ';
    sd_notifyf(0, "STATUS=%s", text);
}

uint64_t notify_watchdog_us(void) {
    uint64_t allowed;
    return sd_watchdog_enabled(0, &allowed) > 0 ? allowed / 2 : UINT64_MAX;
}

void notify_alive(void) {
    sd_notify(0, "WATCHDOG=1");
}

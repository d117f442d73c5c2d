#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "encoding.h"

static uint64_t clock_read(clockid_t which) {
    struct timespec time;
    clock_gettime(which, &time);
    return (uint64_t)time.tv_sec * 1000000u + (uint64_t)time.tv_nsec / 1000u;
}

uint64_t clock_wall_us(void) {
    return clock_read(CLOCK_REALTIME);
}

uint64_t clock_boot_us(void) {
    return clock_read(CLOCK_BOOTTIME);
}

uint64_t clock_monotonic_us(void) {
    return clock_read(CLOCK_MONOTONIC);
}

bool clock_boot_id(uint8_t ret_id[16], struct fault *fault) {
    static const char path[] = "/proc/sys/kernel/random/boot_id";
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        fault_set_system(fault, "cannot be opened");
        return fault_place(fault, "%s", path);
    }
    char text[64];
    ssize_t size = read(descriptor, text, sizeof text);
    close(descriptor);
    char digits[32];
    size_t count = 0;
    for (ssize_t i = 0; i < size && text[i] != '\n'; i++)
        if (text[i] != '-' && count < sizeof digits)
            digits[count++] = text[i];
    uint8_t id[16];
    if (count != sizeof digits || !encoding_unhex(slice_make(digits, sizeof digits), id, sizeof id)) {
        fault_set(fault, FAULT_FORMAT, "is not a UUID");
        return fault_place(fault, "%s", path);
    }
    memcpy(ret_id, id, sizeof id);
    return true;
}

int clock_zone_minutes(uint64_t time_us) {
    time_t seconds = (time_t)(time_us / 1000000u);
    struct tm local;
    return localtime_r(&seconds, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "canary.h"
#include "files.h"

/* "file:/etc/tocsin/canary.pin", with two slashes more or without the scheme; NULL where it is no path. */
static const char *path_of(const struct canary *canary) {
    const char *source = p11_kit_uri_get_pin_source(canary->uri);
    if (strncmp(source, "file:", 5) == 0)
        source += 5;
    if (strncmp(source, "///", 3) == 0)
        source += 2;
    return source[0] == '/' ? source : NULL;
}

bool canary_pin_identity(const struct canary *canary, char ret_identity[CANARY_IDENTITY_SIZE],
                         struct fault *fault) {
    const char *path = path_of(canary);
    struct stat status;
    if (!path)
        return fault_set(fault, FAULT_USAGE, "pin-source must be a file: pin-source=/etc/tocsin/canary.pin");
    if (stat(path, &status) != 0)
        return fault_set_system(fault, "%.200s cannot be looked at", path);
    if (!S_ISREG(status.st_mode))
        return fault_set(fault, FAULT_USAGE, "%.200s is no regular file", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return fault_set(fault, FAULT_AUTH, "%.200s belongs to somebody else: chown it", path);
    if (status.st_mode & (S_IRWXO | S_IWGRP))
        return fault_set(fault, FAULT_AUTH, "others may read or write %.200s: chmod 0640 or 0600", path);
    snprintf(ret_identity, CANARY_IDENTITY_SIZE, "%ju %jd %jd.%09ld", (uintmax_t)status.st_ino,
             (intmax_t)status.st_size, (intmax_t)status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
    return true;
}

bool canary_pin_read(struct canary *canary, struct fault *fault) {
    return files_read_secret(path_of(canary), &canary->pin, fault);
}

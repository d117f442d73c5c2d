#include <sys/stat.h>
#include <unistd.h>

#include "canary.h"
#include "files.h"

static bool check_mode(const char *path, struct fault *fault) {
    struct stat status;
    if (stat(path, &status) != 0)
        return fault_set_system(fault, "%.200s cannot be looked at", path);
    if (!S_ISREG(status.st_mode))
        return fault_set(fault, FAULT_USAGE, "%.200s is no regular file", path);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return fault_set(fault, FAULT_AUTH, "%.200s belongs to somebody else: chown it", path);
    if (status.st_mode & (S_IRWXO | S_IWGRP))
        return fault_set(fault, FAULT_AUTH, "others may read or write %.200s: chmod 0640 or 0600", path);
    return true;
}

bool canary_pin_read(struct canary *canary, struct fault *fault) {
    const char *source = p11_kit_uri_get_pin_source(canary->uri);
    if (!source)
        return true;
    if (strncmp(source, "file:", 5) == 0)
        source += 5;
    if (strncmp(source, "///", 3) == 0)
        source += 2;
    if (source[0] != '/')
        return fault_set(fault, FAULT_USAGE, "pin-source must be a file: pin-source=/etc/tocsin/canary.pin");
    return check_mode(source, fault) && files_read_secret(source, &canary->pin, fault);
}

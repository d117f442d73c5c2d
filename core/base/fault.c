#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In parentheses: not the macros of the same names, which wrap these. */
bool (fault_set)(struct fault *fault, enum fault_code code, const char *format, ...) {
    if (!fault)
        return false;
    fault->code = code;
    fault->system = 0;
    fault->place[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    return false;
}

bool (fault_set_system)(struct fault *fault, const char *format, ...) {
    int error = errno;
    if (!fault)
        return false;
    fault->code = error == ENOSPC || error == EDQUOT ? FAULT_SPACE : error == ENOENT ? FAULT_MISSING : FAULT_IO;
    fault->system = error;
    fault->place[0] = '\0';
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    size_t used = strlen(fault->text);
    char meaning[128];
    snprintf(fault->text + used, sizeof fault->text - used, ": %s", strerror_r(error, meaning, sizeof meaning));
    return false;
}

bool (fault_place)(struct fault *fault, const char *format, ...) {
    if (!fault)
        return false;
    char outer[FAULT_PLACE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(outer, sizeof outer, format, arguments);
    va_end(arguments);
    char whole[2 * FAULT_PLACE_SIZE + 2];
    snprintf(whole, sizeof whole, "%s%s%s", outer, fault->place[0] ? ": " : "", fault->place);
    whole[FAULT_PLACE_SIZE - 1] = '\0';
    memcpy(fault->place, whole, strlen(whole) + 1);
    return false;
}

const char *fault_line(const struct fault *fault, char line[FAULT_LINE_SIZE]) {
    snprintf(line, FAULT_LINE_SIZE, "%s%s%s", fault->place, fault->place[0] ? ": " : "", fault->text);
    return line;
}

const char *fault_word(enum fault_code code) {
    static const char *const words[] = {
        [FAULT_NONE] = "none",       [FAULT_USAGE] = "usage",       [FAULT_FORMAT] = "format",
        [FAULT_LIMIT] = "limit",     [FAULT_AUTH] = "auth",         [FAULT_CONFLICT] = "conflict",
        [FAULT_MISSING] = "missing", [FAULT_SPACE] = "space",       [FAULT_IO] = "io",
        [FAULT_BUSY] = "busy",       [FAULT_INTERNAL] = "internal",
    };
    return words[code];
}

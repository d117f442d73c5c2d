/* The fields that every record may get from the interpreter itself, and their numbers in a table of symbols. */
#ifndef TOCSIN_FIELD_NAMES_H
#define TOCSIN_FIELD_NAMES_H

#include "symbols.h"

enum field_name {
    FIELD_ORIGINAL,
    FIELD_MESSAGE,
    FIELD_SOURCE,
    FIELD_PATH,
    FIELD_HOSTNAME,
    FIELD_PROGRAM,
    FIELD_PID,
    FIELD_COMMAND_LINE,
    FIELD_EXECUTABLE,
    FIELD_USER_ID,
    FIELD_GROUP_ID,
    FIELD_UNIT,
    FIELD_HOST_ID,
    FIELD_BOOT_ID,
    FIELD_LEVEL,
    FIELD_PRIORITY,
    FIELD_FACILITY,
    FIELD_FACILITY_NAME,
    FIELD_SEVERITY,
    FIELD_SEVERITY_NAME,
    FIELD_VERSION,
    FIELD_PROCESS_ID,
    FIELD_MESSAGE_ID,
    FIELD_UPTIME,
    FIELD_PRODUCT,
    FIELD_CATEGORY,
    FIELD_SERVICE,
    FIELD_REPEATED,
    FIELD_NAMES,
};

struct field_names {
    uint32_t symbol[FIELD_NAMES];
};

void field_names_add(struct symbols *symbols, struct field_names *ret_names);

/* "auth", "err" …; empty for a number that has none (RFC 5424, 6.2.1). */
struct slice field_facility_name(unsigned facility);
struct slice field_severity_name(unsigned severity);

/* Names that Tocsin vouches for: no line may bring them itself. */
bool field_name_reserved(struct slice name);

#endif

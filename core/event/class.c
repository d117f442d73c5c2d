#include "class.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum lane lane;
} classes[CLASSES] = {
    [CLASS_JOURNAL] = {"journal", LANE_SECURITY},
    [CLASS_NETWORK] = {"network", LANE_SECURITY},
    [CLASS_SYSTEM] = {"system", LANE_BULK},
    [CLASS_ACCESS] = {"access", LANE_SECURITY},
    [CLASS_APPLICATION] = {"application", LANE_BULK},
    [CLASS_SIGNING] = {"signing", LANE_SECURITY},
    [CLASS_CONFIGURATION] = {"configuration", LANE_SECURITY},
    [CLASS_REPORT] = {"report", LANE_SECURITY},
    [CLASS_ISSUED] = {"issued", LANE_SECURITY},
    [CLASS_REVOCATION] = {"revocation", LANE_SECURITY},
};

const char *class_name(unsigned number) { return number < CLASSES ? classes[number].name : NULL; }

bool class_by_name(struct slice name, enum event_class *ret_class) {
    for (unsigned number = 0; number < CLASSES; number++) {
        if (slice_equal(name, slice_string(classes[number].name))) {
            *ret_class = (enum event_class)number;
            return true;
        }
    }
    return false;
}

enum lane class_lane(enum event_class number) { return classes[number].lane; }

static bool letter_or_digit(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool host_name_good(struct slice name) {
    if (name.size < 1 || name.size > 200 || !letter_or_digit(name.data[0]) ||
        !letter_or_digit(name.data[name.size - 1]))
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!letter_or_digit(name.data[i]) && name.data[i] != '-' && name.data[i] != '.')
            return false;
    return true;
}

bool host_is_collector(struct slice name) { return slice_starts(name, SLICE(HOST_COLLECTOR_PREFIX)); }

bool stream_name_make(struct slice host, enum lane lane, char ret_name[STREAM_NAME_SIZE]) {
    if (!host_name_good(host))
        return false;
    snprintf(ret_name, STREAM_NAME_SIZE, "%.*s%s", SLICE_ARG(host), lane == LANE_BULK ? "/bulk" : "");
    return true;
}

struct slice stream_host(struct slice stream) {
    return slice_head(stream, slice_find_byte(stream, '/'));
}

/* The retention classes and the lanes that carry them (log-format: Streams; Security Manual 4.2.1).
 *
 * A class belongs to one lane; in the other it is refused. A number is never reused: it is signed into every event. */
#ifndef TOCSIN_CLASS_H
#define TOCSIN_CLASS_H

#include "slice.h"

enum event_class {
    CLASS_JOURNAL = 0,       /* Tocsin's own events, decisions, alerts */
    CLASS_NETWORK = 1,       /* anomalous traffic */
    CLASS_SYSTEM = 2,        /* system activity */
    CLASS_ACCESS = 3,        /* login and root */
    CLASS_APPLICATION = 4,   /* certificate, web, mail, database applications */
    CLASS_SIGNING = 5,       /* signing requests */
    CLASS_CONFIGURATION = 6, /* configuration changes */
    CLASS_REPORT = 7,        /* incident reports and their excerpts */
    CLASS_ISSUED = 8,        /* certificates and CRLs issued */
    CLASS_REVOCATION = 9,    /* revocation requests */
};
#define CLASSES 10
#define CLASS_NUMBERS 16 /* what the log's counters have room for */

enum lane {
    LANE_SECURITY = 0, /* stream HOST: never delayed or displaced by the other */
    LANE_BULK = 1,     /* stream HOST/bulk: system, application */
};
#define LANES 2

/* The stream's name is the host's, then "/bulk" for the bulk lane. */
#define STREAM_NAME_SIZE 256

const char *class_name(unsigned number); /* NULL for a number that is no class */
bool class_by_name(struct slice name, enum event_class *ret_class);
enum lane class_lane(enum event_class number);

/* Lower-case letters, digits, hyphens and dots, 1 to 200 of them, beginning and ending with a letter or a digit. */
bool host_name_good(struct slice name);
/* The collector's own stream is of a host of this name; no agent may have one. Its events alone may speak of other hosts
 * in the field host.name. */
#define HOST_COLLECTOR_PREFIX "collector."
bool host_is_collector(struct slice name);

/* Writes the name of a host's stream; false if the host's name is not good. */
bool stream_name_make(struct slice host, enum lane lane, char ret_name[STREAM_NAME_SIZE]);
/* The host of a stream's name: what stands before the lane. */
struct slice stream_host(struct slice stream);

#endif

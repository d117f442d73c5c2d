/* What monitoring plugins print (Monitoring Plugins Development Guidelines, "Plugin Output for Nagios" and "Threshold and
 * Ranges"): a line for people, behind a '|' performance data; more lines, behind another '|' more data. Borrows. */
#ifndef TOCSIN_PLUGIN_OUTPUT_H
#define TOCSIN_PLUGIN_OUTPUT_H

#include "fault.h"
#include "slice.h"

#define PLUGIN_NUMBER_MOST 40u /* letters of a number */

struct plugin_output {
    struct slice line;    /* the first, without the data */
    struct slice data[2]; /* of the first line, of the others; may be empty */
};
struct plugin_output plugin_output_read(struct slice output);

/* "10": outside 0 to 10; "10:": under 10; "~:10": over 10; "10:20": outside; "@10:20": inside, ends included. */
struct plugin_range {
    bool there, inside;
    double from, to;
};
bool plugin_range_read(struct slice text, struct plugin_range *ret_range);
/* False where there is no range. */
bool plugin_range_alerts(const struct plugin_range *range, double value);

struct plugin_value {
    struct slice label; /* without its quotes */
    bool known;         /* false: "U" */
    double value;
    struct slice unit;
    struct plugin_range warn, critical;
};
/* The next of the data, which is moved behind it. False: there are no more, or with a fault, this one is none, and what follows
 * it is the next. */
bool plugin_value_next(struct slice *data, struct plugin_value *ret_value, struct fault *fault);

#endif

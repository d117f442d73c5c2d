/* Alerts about events that go keep their rule, class, counts and ids alone. Private to retention. */
#ifndef TOCSIN_RETENTION_ALERTS_H
#define TOCSIN_RETENTION_ALERTS_H

#include "retention_inside.h"
#include "segment_files.h"

/* Before the key of these segments goes. Every stored alert is looked at. */
bool retention_strip_alerts(const struct retention_task *task, const struct segment_row *rows, size_t count,
                            struct fault *fault);

#endif

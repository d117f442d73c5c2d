/* The daemon's own messages, one line each, on standard error.
 *
 * Under systemd (JOURNAL_STREAM names the descriptor behind stderr) a line starts with "<N>", the syslog
 * priority, and the journal stamps it; elsewhere with an RFC 3339 time and the level's word. Control bytes
 * are shown as "\xNN" and a line is cut at LOG_LINE_MOST, so nothing that a peer sends can forge a second
 * line. The same text is written at most LOG_REPEAT_BURST times within LOG_REPEAT_WINDOW_US; what was left
 * out is told with its number as soon as the window has passed and anything is logged. Thread-safe. The
 * settings are the process's: only main calls log_start. */
#ifndef TOCSIN_LOG_H
#define TOCSIN_LOG_H

#include "fault.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_NOTICE, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

#define LOG_LINE_MOST 1024u
#define LOG_REPEAT_BURST 5u
#define LOG_REPEAT_WINDOW_US 60000000u

/* What is written up to and with `most`; LOG_LEVEL_INFO if never called. */
void log_start(enum log_level most);
/* "error", "warning", "notice", "info", "debug". */
bool log_level_parse(const char *word, enum log_level *ret_level);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The message, then ": ", then the fault's line. */
void log_fault(enum log_level level, const struct fault *fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_write(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif

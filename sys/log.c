#include "log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calendar.h"
#include "clock.h"
#include "encoding.h"
#include "slice.h"

/* Repeats are told by a hash of their text; two that share a slot push each other out, which only shows a
 * line more. */
#define LOG_REPEAT_SLOTS 64u

struct log_repeat {
    uint64_t hash;
    uint64_t since_us;
    unsigned written;
    unsigned left_out;
    enum log_level level;
    char head[96]; /* of the text, to tell what was left out */
};

static struct {
    pthread_mutex_t lock;
    enum log_level most;
    bool journal;
    struct log_repeat repeats[LOG_REPEAT_SLOTS];
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER, .most = LOG_LEVEL_INFO};

static const struct {
    const char *word;
    int priority;
} log_levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},   [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_NOTICE] = {"notice", 5}, [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};
#define LOG_LEVEL_COUNT (sizeof log_levels / sizeof log_levels[0])

/* systemd.exec(5): the variable may be inherited by a process whose stderr goes elsewhere, so both numbers
 * must fit. */
static bool log_is_journal(void) {
    struct slice stream = slice_string(getenv("JOURNAL_STREAM"));
    size_t colon = slice_find_byte(stream, ':');
    struct stat status;
    uint64_t device, inode;
    return colon != SIZE_MAX && slice_decimal(slice_head(stream, colon), &device) &&
           slice_decimal(slice_from(stream, colon + 1), &inode) && fstat(STDERR_FILENO, &status) == 0 &&
           status.st_dev == device && status.st_ino == inode;
}

void log_start(enum log_level most) {
    pthread_mutex_lock(&log_state.lock);
    log_state.most = most;
    log_state.journal = log_is_journal();
    pthread_mutex_unlock(&log_state.lock);
}

bool log_level_parse(const char *word, enum log_level *ret_level) {
    for (size_t i = 0; i < LOG_LEVEL_COUNT; i++)
        if (strcmp(word, log_levels[i].word) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    return false;
}

/* How many bytes of `text` may stand as they are: printable ASCII or a UTF-8 character that is no control (C1). */
static size_t log_printable(const unsigned char *text) {
    if (*text < 0x80)
        return *text >= 0x20 && *text != 0x7f;
    size_t size = *text >= 0xf0 ? 4 : *text >= 0xe0 ? 3 : 2;
    bool is_c1 = *text == 0xc2 && text[1] < 0xa0;
    return !is_c1 && strnlen((const char *)text, size) == size && encoding_is_utf8(slice_make(text, size))
               ? size
               : 0;
}

/* Copies `text` as one printable line. */
static size_t log_escape(const char *text, char *to, size_t size) {
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at && used + 5 < size;) {
        size_t plain = log_printable(at);
        if (plain)
            memcpy(to + used, at, plain);
        used += plain ? plain : (size_t)snprintf(to + used, size - used, "\\x%02x", *at);
        at += plain ? plain : 1;
    }
    to[used] = '\0';
    return used;
}

static void log_put(enum log_level level, const char *text) {
    char line[LOG_LINE_MOST + 64];
    int head;
    if (log_state.journal) {
        head = snprintf(line, sizeof line, "<%d>", log_levels[level].priority);
    } else {
        char time[CALENDAR_TEXT_SIZE];
        calendar_text(clock_wall_us(), time);
        head = snprintf(line, sizeof line, "%s %s: ", time, log_levels[level].word);
    }
    size_t used = (size_t)head;
    used += log_escape(text, line + used, LOG_LINE_MOST);
    line[used++] = '\n';
    /* One write, so that lines of several processes do not mix; a stderr that is gone is nobody's problem. */
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written;
}

static uint64_t log_hash(const char *text) {
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        hash = (hash ^ *at) * 1099511628211u;
    return hash;
}

static void log_tell_left_out(struct log_repeat *repeat) {
    if (repeat->left_out) {
        char text[160];
        snprintf(text, sizeof text, "%u more like this were left out: %s", repeat->left_out, repeat->head);
        log_put(repeat->level, text);
    }
    *repeat = (struct log_repeat){0};
}

/* Whether this text may be written now. */
static bool log_admit(enum log_level level, const char *text) {
    uint64_t now = clock_monotonic_us();
    for (size_t i = 0; i < LOG_REPEAT_SLOTS; i++)
        if (log_state.repeats[i].left_out && now - log_state.repeats[i].since_us > LOG_REPEAT_WINDOW_US)
            log_tell_left_out(&log_state.repeats[i]);
    uint64_t hash = log_hash(text);
    struct log_repeat *repeat = &log_state.repeats[hash % LOG_REPEAT_SLOTS];
    if (repeat->hash != hash || now - repeat->since_us > LOG_REPEAT_WINDOW_US) {
        log_tell_left_out(repeat);
        *repeat = (struct log_repeat){.hash = hash, .since_us = now, .level = level};
        snprintf(repeat->head, sizeof repeat->head, "%s", text);
    }
    if (repeat->written < LOG_REPEAT_BURST) {
        repeat->written++;
        return true;
    }
    repeat->left_out++;
    return false;
}

static void log_text(enum log_level level, const char *text) {
    pthread_mutex_lock(&log_state.lock);
    if (level <= log_state.most && log_admit(level, text))
        log_put(level, text);
    pthread_mutex_unlock(&log_state.lock);
}

void log_write(enum log_level level, const char *format, ...) {
    char text[LOG_LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_text(level, text);
}

void log_fault(enum log_level level, const struct fault *fault, const char *format, ...) {
    char text[LOG_LINE_MOST];
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    char line[FAULT_LINE_SIZE];
    if (used >= 0 && (size_t)used < sizeof text)
        snprintf(text + used, sizeof text - (size_t)used, ": %s", fault_line(fault, line));
    log_text(level, text);
}

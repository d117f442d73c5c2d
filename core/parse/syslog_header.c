#include "syslog_header.h"

#include "line_time.h"

#define PROGRAM_MOST 128u
#define HOST_MOST 255u

static struct slice skip_blanks(struct slice text) {
    while (text.size && text.data[0] == ' ')
        text = slice_from(text, 1);
    return text;
}

/* The run of bytes up to the next blank; *text moves behind that blank. */
static struct slice next_token(struct slice *text) {
    size_t blank = slice_find_byte(*text, ' ');
    struct slice token = slice_head(*text, blank);
    *text = slice_from(*text, blank == SIZE_MAX ? text->size : blank + 1);
    return token;
}

static bool host_good(struct slice host) {
    if (host.size == 0 || host.size > HOST_MOST)
        return false;
    for (size_t i = 0; i < host.size; i++) {
        uint8_t c = host.data[i];
        bool letter = (uint8_t)((c | 0x20) - 'a') < 26;
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_' && c != ':')
            return false;
    }
    return true;
}

/* "program[123]: " or "program: " at the start of the text. False where there is none; then nothing moves. */
static bool take_program(struct slice *text, struct syslog_header *header) {
    size_t size = 0;
    while (size < text->size && size < PROGRAM_MOST && text->data[size] != ' ' && text->data[size] != '[')
        size++;
    if (size == text->size || size == PROGRAM_MOST) /* "program:" alone is a line without text */
        size = size && size == text->size && text->data[size - 1] == ':' ? size : 0;
    if (size == 0)
        return false;
    struct slice rest = slice_from(*text, size);
    if (text->data[size - 1] == ':') {
        if (size == 1)
            return false;
        header->program = slice_head(*text, size - 1);
        *text = skip_blanks(rest);
        return true;
    }
    size_t close = rest.size && rest.data[0] == '[' ? slice_find_byte(slice_head(rest, 64), ']') : SIZE_MAX;
    if (close == SIZE_MAX || close < 2)
        return false;
    struct slice behind = slice_from(rest, close + 1);
    if (behind.size == 0 || behind.data[0] != ':')
        return false;
    header->program = slice_head(*text, size);
    header->process = slice_make(rest.data + 1, close - 1);
    *text = skip_blanks(slice_from(behind, 1));
    return true;
}

/* "[   12.345678] text", as the kernel writes it into its ring. */
static void take_uptime(struct syslog_header *header) {
    struct slice text = header->message;
    if (text.size < 4 || text.data[0] != '[')
        return;
    size_t close = slice_find_byte(slice_head(text, 24), ']');
    if (close == SIZE_MAX)
        return;
    struct slice inside = slice_trim(slice_make(text.data + 1, close - 1));
    for (size_t i = 0; i < inside.size; i++)
        if ((inside.data[i] < '0' || inside.data[i] > '9') && inside.data[i] != '.')
            return;
    if (inside.size == 0)
        return;
    header->uptime = inside;
    header->message = skip_blanks(slice_from(text, close + 1));
}

/* Words that stand where a host would in an application's own log. */
static bool level_word(struct slice word) {
    static const char *const words[] = {"TRACE",   "DEBUG", "INFO",  "NOTICE",   "WARN",
                                        "WARNING", "ERROR", "FATAL", "CRITICAL", "SEVERE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (slice_equal_caseless(word, slice_string(words[i])))
            return true;
    return false;
}

/* "host program[123]: text" or "program[123]: text". */
static bool take_origin(struct slice text, struct syslog_header *header) {
    struct slice rest = text;
    if (take_program(&rest, header)) {
        header->message = rest;
        return true;
    }
    struct slice host = next_token(&rest);
    if (!host_good(host) || host.data[host.size - 1] == ':')
        return false;
    rest = skip_blanks(rest);
    bool program = take_program(&rest, header);
    header->host = host;
    header->message = rest;
    return program;
}

static bool take_priority(struct slice *line, int *ret_priority) {
    uint64_t value;
    size_t close = slice_find_byte(slice_head(*line, 5), '>');
    if (close == SIZE_MAX || !slice_decimal(slice_make(line->data + 1, close - 1), &value) || value > 191)
        return false;
    *ret_priority = (int)value;
    *line = slice_from(*line, close + 1);
    return true;
}

/* Length of one element "[id name="value" …]", 0 where it is malformed. */
static size_t element_length(struct slice text) {
    size_t i = 1;
    bool quoted = false;
    for (; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (c == ']' && !quoted)
            return i > 1 ? i + 1 : 0;
    }
    return 0;
}

static bool take_data(struct slice *text, struct slice *ret_data) {
    struct slice rest = *text;
    if (rest.size && rest.data[0] == '-') {
        *text = slice_from(rest, 1);
        return true;
    }
    while (rest.size && rest.data[0] == '[') {
        size_t size = element_length(rest);
        if (size == 0)
            return false;
        rest = slice_from(rest, size);
    }
    size_t size = text->size - rest.size;
    if (size == 0)
        return false;
    *ret_data = slice_head(*text, size);
    *text = rest;
    return true;
}

static struct slice unless_nil(struct slice value) {
    return value.size == 1 && value.data[0] == '-' ? (struct slice){NULL, 0} : value;
}

static bool parse_5424(struct slice line, int zone_minutes, struct syslog_header *header) {
    struct slice time = next_token(&line);
    size_t size;
    if (!(time.size == 1 && time.data[0] == '-') &&
        (!line_time_prefix(time, zone_minutes, &size, &header->time_us) || size != time.size))
        return false;
    header->version = 1;
    header->host = unless_nil(next_token(&line));
    header->program = unless_nil(next_token(&line));
    header->process = unless_nil(next_token(&line));
    header->message_id = unless_nil(next_token(&line));
    if (!take_data(&line, &header->data) || (line.size && line.data[0] != ' '))
        return false;
    header->message = slice_from(line, 1);
    if (slice_starts(header->message, SLICE("\xef\xbb\xbf")))
        header->message = slice_from(header->message, 3);
    return true;
}

bool syslog_header_parse(struct slice line, uint64_t reference_us, int zone_minutes,
                         struct syslog_header *ret_header) {
    struct syslog_header header = {.priority = -1};
    size_t size;
    if (line.size && line.data[0] == '<' && !take_priority(&line, &header.priority))
        return false;
    bool numbered = header.priority >= 0 && slice_starts(line, SLICE("1 "));
    if (numbered && parse_5424(slice_from(line, 2), zone_minutes, &header)) {
        *ret_header = header;
        return true;
    }
    header = (struct syslog_header){.priority = header.priority};
    bool bsd = line_time_bsd(line, reference_us, zone_minutes, &size, &header.time_us);
    if (!bsd && !line_time_prefix(line, zone_minutes, &size, &header.time_us))
        return false;
    struct slice rest = slice_from(line, size);
    if (rest.size && rest.data[0] != ' ' && bsd)
        return false;
    rest = skip_blanks(rest);
    bool program = take_origin(rest, &header);
    /* An application's own log has the same kind of time, and then a level or anything else. */
    if (!bsd && (!program || level_word(header.host))) {
        header = (struct syslog_header){.priority = header.priority, .time_us = header.time_us};
        header.message = rest;
    } else if (!program && header.host.size == 0)
        header.message = rest;
    if (slice_equal(header.program, SLICE("kernel")))
        take_uptime(&header);
    *ret_header = header;
    return true;
}

bool syslog_data_next(struct slice *rest, struct slice *id, struct slice *ret_name, struct slice *ret_value) {
    struct slice text = skip_blanks(*rest);
    while (text.size && (text.data[0] == '[' || text.data[0] == ']')) {
        if (text.data[0] == '[') {
            size_t size = 1;
            while (size < text.size && text.data[size] != ' ' && text.data[size] != ']')
                size++;
            *id = slice_make(text.data + 1, size - 1);
            text = slice_from(text, size);
        } else
            text = slice_from(text, 1);
        text = skip_blanks(text);
    }
    size_t equals = slice_find(text, SLICE("=\""));
    if (equals == SIZE_MAX)
        return false;
    struct slice value = slice_from(text, equals + 2);
    size_t end = 0;
    while (end < value.size && value.data[end] != '"')
        end += value.data[end] == '\\' ? 2 : 1;
    if (end >= value.size)
        return false;
    *ret_name = slice_head(text, equals);
    *ret_value = slice_head(value, end);
    *rest = slice_from(value, end + 1);
    return true;
}

size_t syslog_data_unescape(struct slice value, uint8_t *to) {
    size_t size = 0;
    for (size_t i = 0; i < value.size; i++) {
        bool escape = value.data[i] == '\\' && i + 1 < value.size &&
                      (value.data[i + 1] == '"' || value.data[i + 1] == '\\' || value.data[i + 1] == ']');
        to[size++] = value.data[escape ? ++i : i];
    }
    return size;
}

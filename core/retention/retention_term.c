#include "retention_term.h"

#include <stdio.h>

#include "calendar.h"

uint64_t retention_months_after(uint64_t since_us, unsigned months) {
    if (since_us == RETENTION_NEVER)
        return RETENTION_NEVER;
    struct calendar_time time = calendar_split(since_us);
    unsigned month = time.month - 1 + months % 12;
    time.year += (int)(months / 12 + month / 12);
    time.month = month % 12 + 1;
    unsigned last = time.year <= 9999 ? calendar_month_days(time.year, time.month) : 0;
    if (time.day > last)
        time.day = last;
    uint64_t after_us = 0;
    return time.year <= 9999 && calendar_join(&time, &after_us) ? after_us : RETENTION_NEVER;
}

uint64_t retention_term_end(struct term term, uint64_t since_us, uint64_t life_end_us) {
    uint64_t from_us = since_us;
    if (term.kind == TERM_INDEFINITE)
        return RETENTION_NEVER;
    if (term.kind == TERM_SYSTEM_LIFE && life_end_us > from_us)
        from_us = life_end_us;
    return retention_months_after(from_us, term.months);
}

void retention_term_text(struct term term, char ret_text[TERM_TEXT_SIZE]) {
    if (term.kind == TERM_INDEFINITE)
        snprintf(ret_text, TERM_TEXT_SIZE, "for ever");
    else if (term.kind == TERM_MONTHS)
        snprintf(ret_text, TERM_TEXT_SIZE, "%u month%s", term.months, term.months == 1 ? "" : "s");
    else if (term.months == 0)
        snprintf(ret_text, TERM_TEXT_SIZE, "system life");
    else
        snprintf(ret_text, TERM_TEXT_SIZE, "system life + %u month%s", term.months,
                 term.months == 1 ? "" : "s");
}

/* Takes blanks, then the word off the front. */
static bool take(struct slice *rest, struct slice word) {
    struct slice at = slice_trim(*rest);
    if (at.size < word.size || !slice_equal_caseless(slice_head(at, word.size), word))
        return false;
    *rest = slice_from(at, word.size);
    return true;
}

static bool take_months(struct slice *rest, uint16_t *ret_months) {
    struct slice at = slice_trim(*rest);
    size_t digits = 0;
    uint64_t number = 0;
    while (digits < at.size && at.data[digits] >= '0' && at.data[digits] <= '9')
        digits++;
    if (!slice_decimal(slice_head(at, digits), &number) || number > UINT16_MAX)
        return false;
    at = slice_from(at, digits);
    bool years = take(&at, SLICE("years")) || take(&at, SLICE("year")) || take(&at, SLICE("y"));
    bool months =
        !years && (take(&at, SLICE("months")) || take(&at, SLICE("month")) || take(&at, SLICE("m")));
    if (years)
        number *= 12;
    if ((!years && !months) || number > UINT16_MAX)
        return false;
    *ret_months = (uint16_t)number;
    *rest = at;
    return true;
}

bool retention_term_parse(struct slice text, struct term *ret_term, struct fault *fault) {
    struct slice rest = text;
    struct term term = {.kind = TERM_MONTHS};
    bool good = true;
    if (take(&rest, SLICE("forever")) || take(&rest, SLICE("for ever")) || take(&rest, SLICE("indefinite")))
        term.kind = TERM_INDEFINITE;
    else if (take(&rest, SLICE("system life")) || take(&rest, SLICE("system-life")) ||
             take(&rest, SLICE("life"))) {
        term.kind = TERM_SYSTEM_LIFE;
        good = !take(&rest, SLICE("+")) || take_months(&rest, &term.months);
    } else
        good = take_months(&rest, &term.months);
    if (!good || slice_trim(rest).size > 0)
        return fault_set(fault, FAULT_USAGE,
                         "'%.*s' is no term; 24m, 2y, life, life+12m and forever are terms", SLICE_ARG(text));
    *ret_term = term;
    return true;
}

#include "pkcs11_facts.h"

#include <stdio.h>

static const char *const step_names[PKCS11_STEPS] = {"load", "open", "login", "find", "sign", "verify"};
static const char *const pin_words[PKCS11_PIN_WORDS] = {"low",    "final",   "locked",
                                                        "change", "refused", "held"};

#define TEXT(member) offsetof(struct pkcs11_facts, member)
static const struct {
    const char *name;
    size_t text; /* its member; 0: no text, the first member is none */
} facts_known[PKCS11_FACTS] = {
    [PKCS11_FACT_STEP] = {"step", 0},
    [PKCS11_FACT_TOOK] = {"took", 0},
    [PKCS11_FACT_FAILED] = {"failed", 0},
    [PKCS11_FACT_TOKEN] = {"token", TEXT(token)},
    [PKCS11_FACT_PIN] = {"pin", 0},
    [PKCS11_FACT_PIN_FILE] = {"pin-file", TEXT(pin_file)},
    [PKCS11_FACT_KEY] = {"key", TEXT(key)},
    [PKCS11_FACT_MECHANISM] = {"mechanism", TEXT(mechanism)},
    [PKCS11_FACT_NONCE] = {"nonce", TEXT(nonce)},
    [PKCS11_FACT_AGAINST] = {"against", TEXT(against)},
};

const char *pkcs11_step_name(enum pkcs11_step step) {
    return step_names[step];
}
const char *pkcs11_fact_name(enum pkcs11_fact fact) {
    return facts_known[fact].name;
}
const char *pkcs11_pin_word(unsigned bit) {
    size_t i = 0;
    while (i < PKCS11_PIN_WORDS - 1 && bit >> i != 1)
        i++;
    return pin_words[i];
}

static bool find(struct slice word, const char *const *words, size_t count, size_t *ret_index) {
    for (size_t i = 0; i < count; i++)
        if (slice_equal(word, slice_string(words[i]))) {
            *ret_index = i;
            return true;
        }
    return false;
}

static void copy(char *to, struct slice from) {
    struct slice head = slice_head(from, PKCS11_TEXT_SIZE - 1);
    for (size_t i = 0; i < head.size; i++)
        to[i] = head.data[i] >= ' ' && head.data[i] <= '~' ? (char)head.data[i] : '?';
    to[head.size] = '\0';
}

/* The step that is under way; NULL between two. */
static bool take_step(struct pkcs11_facts *facts, struct pkcs11_step_facts **now, enum pkcs11_fact fact,
                      struct slice value) {
    size_t step;
    if (fact == PKCS11_FACT_STEP) {
        if (*now || !find(value, step_names, PKCS11_STEPS, &step) ||
            facts->steps[step].progress != PKCS11_NOT_BEGUN)
            return false;
        *now = &facts->steps[step];
        (*now)->progress = PKCS11_BEGUN;
        return true;
    }
    if (!*now)
        return false;
    if (fact == PKCS11_FACT_FAILED) {
        (*now)->progress = PKCS11_FAILED;
        copy((*now)->failed, value);
    } else if (slice_decimal(value, &(*now)->took_us))
        (*now)->progress = PKCS11_DONE;
    else
        return false;
    *now = NULL;
    return true;
}

static bool take(struct pkcs11_facts *facts, struct pkcs11_step_facts **now, struct slice line) {
    size_t equals = slice_find_byte(line, '='), word;
    if (equals == SIZE_MAX)
        return false;
    struct slice name = slice_head(line, equals), value = slice_from(line, equals + 1);
    for (size_t fact = 0; fact < PKCS11_FACTS; fact++) {
        if (!slice_equal(name, slice_string(facts_known[fact].name)))
            continue;
        if (fact == PKCS11_FACT_PIN) {
            if (!find(value, pin_words, PKCS11_PIN_WORDS, &word))
                return false;
            facts->pin |= 1u << word;
            return true;
        }
        if (facts_known[fact].text == 0)
            return take_step(facts, now, (enum pkcs11_fact)fact, value);
        copy((char *)facts + facts_known[fact].text, value);
        return true;
    }
    return false;
}

bool pkcs11_facts_read(struct slice text, struct pkcs11_facts *ret_facts, struct fault *fault) {
    struct pkcs11_facts facts = {.pin = 0};
    struct pkcs11_step_facts *now = NULL;
    size_t number = 1;
    if (text.size > PKCS11_FACTS_MOST)
        return fault_set(fault, FAULT_LIMIT, "%zu bytes of facts; %u are the most", text.size,
                         PKCS11_FACTS_MOST);
    for (struct slice rest = text; rest.size; number++) {
        size_t end = slice_find_byte(rest, '\n');
        if (end == SIZE_MAX)
            break;
        if (!take(&facts, &now, slice_head(rest, end))) {
            char shown[48];
            copy(shown, slice_head(rest, end < sizeof shown - 1 ? end : sizeof shown - 1));
            fault_set(fault, FAULT_FORMAT, "no fact: '%s'", shown);
            return fault_place(fault, "line %zu", number);
        }
        rest = slice_from(rest, end + 1);
    }
    *ret_facts = facts;
    return true;
}

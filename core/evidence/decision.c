#include "decision.h"

#include "payload.h"

static const char *const decision_names[DECISION_KINDS + 1] = {
    [DECISION_ACKNOWLEDGE] = "acknowledge", [DECISION_RECLASSIFY] = "reclassify",
    [DECISION_RESOLVE] = "resolve",         [DECISION_SIGN_OFF] = "sign off",
    [DECISION_SILENCE] = "silence",
};

static const char *const note_names[NOTE_KINDS + 1] = {
    [NOTE_PLAIN] = "note",
    [NOTE_VISIT] = "visit",
    [NOTE_EMERGENCY] = "emergency",
    [NOTE_PASSWORD] = "password",
    [NOTE_BACKUP_VERIFIED] = "backup-verified",
};

const char *decision_name(unsigned kind) {
    return kind <= DECISION_KINDS ? decision_names[kind] : NULL;
}

const char *person_note_name(unsigned kind) {
    return kind <= NOTE_KINDS ? note_names[kind] : NULL;
}

static bool word_good(struct slice word) {
    for (size_t i = 0; i < word.size; i++)
        if (word.data[i] <= ' ' || word.data[i] > '~')
            return false;
    return word.size > 0 && word.size <= DECISION_SUBJECT_MOST;
}

static bool decision_good(const struct decision *decision, struct fault *fault) {
    if (!decision_name(decision->kind))
        return fault_set(fault, FAULT_FORMAT, "a decision of kind %u, which is none",
                         (unsigned)decision->kind);
    if (!word_good(decision->subject))
        return fault_set(fault, FAULT_FORMAT, "the decision does not say what it is about");
    bool valued = decision->kind == DECISION_RECLASSIFY, timed = decision->kind == DECISION_SILENCE;
    if (valued ? !word_good(decision->value) : decision->value.size > 0)
        return fault_set(fault, FAULT_FORMAT, "a reclassification, and nothing else, has a value");
    if (timed != (decision->until_us != 0))
        return fault_set(fault, FAULT_FORMAT, "a silence, and nothing else, has an end");
    return true;
}

bool decision_of_day(const struct decision *decision, uint64_t *ret_day) {
    static const struct slice prefix = {(const uint8_t *)"day-", 4};
    return decision->kind == DECISION_ACKNOWLEDGE && slice_starts(decision->subject, prefix) &&
           slice_decimal(slice_from(decision->subject, prefix.size), ret_day);
}

bool decision_of_alert(const struct decision *decision) {
    uint64_t day;
    return decision->kind <= DECISION_RESOLVE && !decision_of_day(decision, &day);
}

bool decision_write(struct buffer *to, const struct decision *decision) {
    if (!decision_good(decision, NULL))
        return false;
    bytes_write_u8(to, (uint8_t)decision->kind);
    bytes_write_u8(to, (uint8_t)decision->subject.size);
    buffer_append_slice(to, decision->subject);
    bytes_write_u8(to, (uint8_t)decision->value.size);
    buffer_append_slice(to, decision->value);
    bytes_write_u64(to, decision->until_us);
    return buffer_append_slice(to, hash_slice(&decision->reason));
}

bool decision_read(struct slice payload, struct decision *ret_decision, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    unsigned kind = bytes_read_u8(&reader);
    struct decision decision = {.kind = (enum decision_kind)kind};
    decision.subject = bytes_read_raw(&reader, bytes_read_u8(&reader));
    decision.value = bytes_read_raw(&reader, bytes_read_u8(&reader));
    decision.until_us = bytes_read_u64(&reader);
    decision.reason = payload_hash(&reader);
    if (!payload_whole(&reader, "decision", fault) || !decision_good(&decision, fault))
        return false;
    *ret_decision = decision;
    return true;
}

static bool note_good(const struct person_note *note, struct fault *fault) {
    static const struct hash none;
    if (!person_note_name(note->kind))
        return fault_set(fault, FAULT_FORMAT, "a note of kind %u, which is none", (unsigned)note->kind);
    if (note->person_count > NOTE_PEOPLE_MOST)
        return fault_set(fault, FAULT_LIMIT, "a note with %u people; %u are the most", note->person_count,
                         NOTE_PEOPLE_MOST);
    for (size_t i = 1; i < note->person_count; i++)
        if (memcmp(note->people[i - 1].bytes, note->people[i].bytes, HASH_SIZE) >= 0)
            return fault_set(fault, FAULT_FORMAT, "the people of a note do not ascend");
    return !hash_equal(&note->text, &none) || fault_set(fault, FAULT_FORMAT, "the note has no text");
}

bool person_note_write(struct buffer *to, const struct person_note *note) {
    if (!note_good(note, NULL))
        return false;
    bytes_write_u8(to, (uint8_t)note->kind);
    bytes_write_u8(to, note->person_count);
    for (size_t i = 0; i < note->person_count; i++)
        buffer_append_slice(to, hash_slice(&note->people[i]));
    return buffer_append_slice(to, hash_slice(&note->text));
}

bool person_note_read(struct slice payload, struct person_note *ret_note, struct fault *fault) {
    struct bytes_reader reader = bytes_read(payload);
    unsigned kind = bytes_read_u8(&reader);
    struct person_note note = {.kind = (enum note_kind)kind, .person_count = bytes_read_u8(&reader)};
    for (size_t i = 0; i < note.person_count && i < NOTE_PEOPLE_MOST; i++)
        note.people[i] = payload_hash(&reader);
    note.text = payload_hash(&reader);
    if (note.person_count <= NOTE_PEOPLE_MOST && !payload_whole(&reader, "note", fault))
        return false;
    if (!note_good(&note, fault))
        return false;
    *ret_note = note;
    return true;
}

#include "statement_words.h"

#include "agent_enrolment.h"
#include "calendar.h"
#include "decision.h"
#include "encoding.h"
#include "erasure.h"
#include "hold.h"
#include "new_origin.h"
#include "retention_term.h"
#include "statement_type.h"

/* What is being explained. */
struct words {
    struct buffer *to;
    const struct statement_file *file;
    const struct statement_names *names;
    struct fault *fault;
};

#define LINE(words, name, ...)                                                                               \
    (buffer_printf((words)->to, "  %-10s ", name), buffer_printf((words)->to, __VA_ARGS__),                  \
     buffer_append_string((words)->to, "\n"))

static bool unexplained(const struct words *words, const char *what) {
    return fault_set(words->fault, FAULT_MISSING, "the file does not say what the statement means by its %s",
                     what);
}

/* A text may have lines of its own: they are indented, so that none looks like one of ours. */
static void text_line(const struct words *words, const char *name, struct slice text) {
    struct slice rest = text;
    buffer_printf(words->to, "  %-10s \"", name);
    for (;;) {
        size_t end = slice_find_byte(rest, '\n');
        buffer_append_slice(words->to, slice_head(rest, end == SIZE_MAX ? rest.size : end));
        if (end == SIZE_MAX)
            break;
        rest = slice_from(rest, end + 1);
        buffer_append_string(words->to, "\n              ");
    }
    buffer_append_string(words->to, "\"\n");
}

/* A reason: none, or its text. */
static bool salted_line(const struct words *words, const char *name, const struct hash *hash) {
    if (!salted_text_given(hash))
        return true;
    struct slice text = statement_file_text(words->file, hash);
    if (!text.data)
        return unexplained(words, name);
    text_line(words, name, text);
    return true;
}

static bool person_line(const struct words *words, const char *name, const struct hash *id) {
    char hex[2 * HASH_SIZE + 1];
    struct slice text = statement_file_text(words->file, id);
    if (!text.data && words->names)
        text = words->names->person(words->names->context, id);
    if (!text.data)
        return unexplained(words, name);
    encoding_hex(id->bytes, 4, hex);
    LINE(words, name, "%.*s (%s)", SLICE_ARG(text), hex);
    return true;
}

static void time_line(const struct words *words, const char *name, uint64_t time_us) {
    char text[CALENDAR_TEXT_SIZE];
    if (time_us == STATEMENT_EXPIRES_NEVER) {
        LINE(words, name, "no end");
        return;
    }
    calendar_text(time_us, text);
    LINE(words, name, "%s", text);
}

static void hash_line(const struct words *words, const char *name, const struct hash *hash) {
    char hex[2 * HASH_SIZE + 1];
    encoding_hex(hash->bytes, HASH_SIZE, hex);
    LINE(words, name, "%s", hex);
}

static void key_line(const struct words *words, const struct signer_key *key) {
    char hex[2 * SIGNER_KEY_MOST + 1];
    encoding_hex(key->bytes, key->size, hex);
    LINE(words, "key", "%s %s", key->scheme == STATEMENT_WEBAUTHN ? "passkey" : "Ed25519", hex);
}

/* ---- one function a payload */

static bool say_person(const struct words *words, struct slice payload) {
    struct bytes_reader reader = bytes_read(payload);
    struct person person;
    if (!person_read(&reader, &person, words->fault) || !person_line(words, "person", &person.id))
        return false;
    LINE(words, "role", "%s", role_name(person.role));
    for (size_t i = 0; i < person.key_count; i++)
        key_line(words, &person.keys[i]);
    return true;
}

static bool say_person_revocation(const struct words *words, struct slice payload) {
    static const struct hash all;
    struct person_revocation revocation;
    if (!person_revocation_read(payload, &revocation, words->fault) ||
        !person_line(words, "person", &revocation.person))
        return false;
    if (hash_equal(&revocation.key, &all))
        LINE(words, "keys", "all: this person signs nothing from then on");
    else
        hash_line(words, "key's hash", &revocation.key);
    return true;
}

static bool say_agent_revocation(const struct words *words, struct slice payload) {
    struct agent_revocation revocation;
    if (!agent_revocation_read(payload, &revocation, words->fault))
        return false;
    LINE(words, "host", "%.*s", SLICE_ARG(revocation.name));
    LINE(words, "key epoch", "%u, and all that come from it", revocation.epoch);
    hash_line(words, "stream", &revocation.stream);
    return true;
}

static void retention_lines(const struct words *words, const struct retention_policy *policy) {
    LINE(words, "veto", "%u days between an intent to erase and the erasure", policy->veto_days);
    for (unsigned class = 0; class < CLASSES; class ++) {
        char minimum[TERM_TEXT_SIZE], maximum[TERM_TEXT_SIZE];
        if (!policy->classes[class].there) {
            LINE(words, class_name(class), "kept for ever");
            continue;
        }
        retention_term_text(policy->classes[class].minimum, minimum);
        retention_term_text(policy->classes[class].maximum, maximum);
        LINE(words, class_name(class), "at least %s, at most %s", minimum, maximum);
    }
}

static bool say_retention(const struct words *words, struct slice payload) {
    struct bytes_reader reader = bytes_read(payload);
    struct retention_policy policy;
    if (!retention_policy_read(&reader, &policy, words->fault))
        return false;
    retention_lines(words, &policy);
    return true;
}

static bool witness_lines(const struct words *words, const struct witness_policy *policy) {
    LINE(words, "needed", "%u of %u witnesses", policy->needed, policy->count);
    for (size_t i = 0; i < policy->count; i++) {
        CLEANUP_BUFFER struct buffer key = BUFFER(1024);
        if (!note_key_write(&key, &policy->witnesses[i]))
            return unexplained(words, "witness");
        LINE(words, "witness", "%s", buffer_string(&key));
    }
    return true;
}

static bool say_witnesses(const struct words *words, struct slice payload) {
    struct bytes_reader reader = bytes_read(payload);
    struct witness_policy policy;
    return witness_policy_read(&reader, &policy, words->fault) && witness_lines(words, &policy);
}

/* A name may have been lost with the log: then id, role and keys say who it is. */
static void someone_lines(const struct words *words, const struct new_origin *origin, const struct person *person) {
    char id[2 * HASH_SIZE + 1];
    struct slice name = statement_file_text(words->file, &person->id);
    encoding_hex(person->id.bytes, HASH_SIZE, id);
    if (name.data)
        LINE(words, "person", "%.*s (%.8s), %s", SLICE_ARG(name), id, role_name(person->role));
    else
        LINE(words, "person", "whose name is not known here (%s), %s", id, role_name(person->role));
    for (size_t i = 0; i < person->key_count; i++) {
        struct hash hash = signer_key_hash(&person->keys[i]);
        key_line(words, &person->keys[i]);
        for (size_t at = 0; at < origin->single_count; at++)
            if (hash_equal(&origin->singles[at], &hash))
                LINE(words, "", "which one person alone enrolled: SINGLE-CONTROL");
    }
}

static bool say_new_origin(const struct words *words, struct slice payload) {
    struct new_origin origin;
    if (!new_origin_read(payload, &origin, words->fault))
        return false;
    struct hash key = hash_from(origin.before_key.bytes), registrar = hash_from(origin.genesis.registrar.bytes);
    LINE(words, "before it", "%.*s, which does not go on", SLICE_ARG(origin.before));
    hash_line(words, "its key", &key);
    LINE(words, "restored", "%llu entries, %llu of them statements", (unsigned long long)origin.size,
         (unsigned long long)origin.control_count);
    hash_line(words, "their root", &origin.root);
    hash_line(words, "last one", &origin.control_head);
    if (origin.note.size)
        LINE(words, "known", "a checkpoint of %llu entries", (unsigned long long)origin.known_size);
    else
        LINE(words, "known", "no checkpoint of more");
    if (!salted_line(words, "lost", &origin.lost))
        return false;
    for (size_t i = 0; i < origin.genesis.person_count; i++)
        someone_lines(words, &origin, &origin.genesis.people[i]);
    hash_line(words, "registrar", &registrar);
    if (origin.genesis.page.origin.size)
        LINE(words, "passkeys", "on %.*s", SLICE_ARG(origin.genesis.page.origin));
    retention_lines(words, &origin.genesis.retention);
    return witness_lines(words, &origin.genesis.witnesses);
}

static bool say_hold(const struct words *words, struct slice payload) {
    struct hold hold;
    if (!hold_read(payload, &hold, words->fault))
        return false;
    LINE(words, "host", "%.*s", SLICE_ARG(hold.host.size ? hold.host : SLICE("every host")));
    for (unsigned class = 0; class < CLASSES; class ++)
        if (hold.classes >> class & 1)
            LINE(words, "class", "%s", class_name(class));
    if (hold.from_us)
        time_line(words, "from", hold.from_us);
    else
        LINE(words, "from", "the beginning");
    time_line(words, "until", hold.until_us);
    return salted_line(words, "query", &hold.query) && salted_line(words, "reason", &hold.reason);
}

static bool say_hold_release(const struct words *words, struct slice payload) {
    struct hold_release release;
    if (!hold_release_read(payload, &release, words->fault))
        return false;
    LINE(words, "hold", "%llu", (unsigned long long)release.hold);
    return salted_line(words, "reason", &release.reason);
}

static bool say_veto(const struct words *words, struct slice payload) {
    uint64_t erasure;
    if (!erase_reference_read(payload, &erasure, words->fault))
        return false;
    LINE(words, "erasure", "%llu must not be carried out", (unsigned long long)erasure);
    return true;
}

static bool say_early(const struct words *words, struct slice payload) {
    struct early_erasure early;
    if (!early_erasure_read(payload, &early, words->fault))
        return false;
    LINE(words, "class", "%s", class_name(early.range.class));
    LINE(words, "log", "entries %llu to %llu", (unsigned long long)early.range.first,
         (unsigned long long)early.range.last);
    hash_line(words, "key's id", &early.range.key_id);
    LINE(words, "erased", "for good, once its minimum is over, and before its maximum");
    return salted_line(words, "reason", &early.reason);
}

static bool say_decommission(const struct words *words, struct slice payload) {
    struct decommission decommission;
    if (!decommission_read(payload, &decommission, words->fault))
        return false;
    LINE(words, "host", "%.*s: its life is over, terms of system life begin to run",
         SLICE_ARG(decommission.host));
    return salted_line(words, "reason", &decommission.reason);
}

static bool say_registrar(const struct words *words, struct slice payload) {
    if (payload.size != ED25519_PUBLIC_SIZE)
        return unexplained(words, "registrar");
    struct hash key = hash_from(payload.data);
    hash_line(words, "key", &key);
    LINE(words, "enrols", "agents from then on, instead of the one before");
    return true;
}

static bool say_decision(const struct words *words, struct slice payload) {
    struct decision decision;
    if (!decision_read(payload, &decision, words->fault))
        return false;
    LINE(words, "decision", "%s", decision_name(decision.kind));
    LINE(words, "about", "%.*s", SLICE_ARG(decision.subject));
    if (decision.value.size)
        LINE(words, "as", "%.*s", SLICE_ARG(decision.value));
    if (decision.until_us)
        time_line(words, "until", decision.until_us);
    return salted_line(words, "reason", &decision.reason);
}

static bool say_note(const struct words *words, struct slice payload) {
    struct person_note note;
    if (!person_note_read(payload, &note, words->fault))
        return false;
    LINE(words, "kind", "%s", person_note_name(note.kind));
    for (size_t i = 0; i < note.person_count; i++)
        if (!person_line(words, "with", &note.people[i]))
            return false;
    return salted_line(words, "note", &note.text);
}

static const struct {
    uint32_t type;
    const char *title;
    bool (*say)(const struct words *words, struct slice payload);
} table[] = {
    {STATEMENT_PERSON_ENROL, "A person may sign from now on", say_person},
    {STATEMENT_PERSON_REVOKE, "A person's keys end", say_person_revocation},
    {STATEMENT_AGENT_REVOKE, "An agent's key ends", say_agent_revocation},
    {STATEMENT_RETENTION_POLICY, "How long events are kept", say_retention},
    {STATEMENT_WITNESS_POLICY, "Which witnesses count", say_witnesses},
    {STATEMENT_HOLD_PLACE, "A hold: what it matches is not erased", say_hold},
    {STATEMENT_HOLD_RELEASE, "A hold ends", say_hold_release},
    {STATEMENT_ERASE_VETO, "A veto against an erasure", say_veto},
    {STATEMENT_DECOMMISSION, "A host is decommissioned", say_decommission},
    {STATEMENT_DECISION, "A decision about an alert", say_decision},
    {STATEMENT_NOTE, "A note in the event log", say_note},
    {STATEMENT_EARLY_ERASURE, "An erasure before its maximum", say_early},
    {STATEMENT_REGISTRAR, "Another key enrols agents", say_registrar},
    {STATEMENT_NEW_ORIGIN, "Another log takes the place of one that cannot go on", say_new_origin},
};

const char *statement_words_signers(uint32_t type) {
    switch (statement_type_signers(type)) {
    case SIGNERS_GENESIS:
        return "the log and everyone whom it names";
    case SIGNERS_ORIGIN:
        return "the log and two people of different roles";
    case SIGNERS_LOG:
        return "the log";
    case SIGNERS_TWO_PEOPLE:
        return "two people of different roles";
    case SIGNERS_REGISTRAR:
        return "the registrar";
    case SIGNERS_BOTH_KEYS:
        return "the agent's old and new key";
    case SIGNERS_PERSON:
        return "one person";
    case SIGNERS_VETO:
        return "board, monitor or arbitrator";
    case SIGNERS_NONE:
        break;
    }
    return NULL;
}

bool statement_words(struct buffer *to, const struct statement_file *file,
                     const struct statement_names *names, struct fault *fault) {
    const struct statement *statement = &file->statement.statement;
    const struct words words = {to, file, names, fault};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].type != statement->type)
            continue;
        char key[2 * 4 + 1];
        encoding_hex(file->log_key.bytes, 4, key);
        buffer_printf(to, "%s\n", table[i].title);
        LINE(&words, "log", "%.*s (its key begins with %s)", SLICE_ARG(file->origin), key);
        if (!table[i].say(&words, statement->payload))
            return false;
        time_line(&words, "made", statement->made_us);
        time_line(&words, "good until", statement->expires_us);
        LINE(&words, "signed by", "%s; %zu %s so far", statement_words_signers(statement->type),
             file->statement.signature_count,
             file->statement.signature_count == 1 ? "signature" : "signatures");
        return !to->overflow || fault_set(fault, FAULT_LIMIT, "the statement says more than can be shown");
    }
    return fault_set(fault, FAULT_USAGE, "a statement of type %u (%s) is not a person's to sign",
                     statement->type, statement_type_name(statement->type));
}

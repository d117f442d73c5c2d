/* tocsin people: who may sign, and the statements that change it. */
#include <stdio.h>
#include <string.h>

#include "calendar.h"
#include "encoding.h"
#include "key_file.h"
#include "option_words.h"
#include "paper.h"
#include "record_json.h"
#include "site.h"
#include "statement_type.h"

static void print_person(const struct command_context *context, struct control_view *view,
                         const struct view_person *row) {
    char id[9], since[CALENDAR_TEXT_SIZE];
    struct slice name = control_view_text(context, view, &row->person.id, NULL);
    encoding_hex(row->person.id.bytes, 4, id);
    calendar_text(row->enrolled_us, since);
    if (context->json) {
        CLEANUP_BUFFER struct buffer line = BUFFER(8192);
        buffer_printf(&line, "{\"id\":\"%s\",\"name\":", id);
        record_json_string(&line, name.data ? name : SLICE(""));
        buffer_printf(&line, ",\"role\":\"%s\",\"since\":\"%s\",\"live\":%s,\"keys\":[",
                      role_name(row->person.role), since, row->revoked_us ? "false" : "true");
        for (size_t i = 0; i < row->person.key_count; i++) {
            char hex[2 * SIGNER_KEY_MOST + 1];
            encoding_hex(row->person.keys[i].bytes, row->person.keys[i].size, hex);
            buffer_printf(&line, "%s\"%s\"", i ? "," : "", hex);
        }
        buffer_append_string(&line, "]}");
        puts(buffer_string(&line));
        return;
    }
    printf("%s  %-10s %-20.*s since %.10s  %u key%s%s\n", id, role_name(row->person.role),
           SLICE_ARG(name.data ? name : SLICE("(name not known here)")), since, row->person.key_count,
           row->person.key_count == 1 ? "" : "s", row->revoked_us ? ", REVOKED" : "");
}

static int people_list(const struct command_context *context, int argc, char **argv) {
    struct fault fault = {0};
    struct control_view view;
    if (argc > 2)
        return command_usage("people", "'%s' is not expected", argv[2]);
    bool good = control_view_open(context, &view, &fault);
    unsigned roles = 0;
    for (size_t i = 0; good && i < view.person_count; i++) {
        print_person(context, &view, &view.people[i]);
        roles |= view.people[i].revoked_us ? 0 : 1u << view.people[i].person.role;
    }
    if (good && !context->json && (roles & (roles - 1)) == 0)
        printf("SINGLE-CONTROL: all have one role, so one of them signs alone. Next: tocsin people add NAME "
               "--role board -o F\n");
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("people", &fault);
}

/* A key that was given, or that of DATA/people/NAME.key, which is made where it is not there. */
static bool key_for(const struct command_context *context, const char *name, const char *public_hex,
                    const char *key_path, struct signer_key *ret_key, struct fault *fault) {
    char data[FILES_PATH_MOST], folder[FILES_PATH_MOST], path[FILES_PATH_MOST];
    struct verify_key public;
    if (public_hex) {
        if (!encoding_unhex(slice_string(public_hex), public.bytes, sizeof public.bytes))
            return fault_set(fault, FAULT_USAGE,
                             "--public takes the 64 hexadecimal digits of an Ed25519 key");
        *ret_key = signer_key_ed25519(&public);
        return verify_key_check(&public, fault);
    }
    if (!key_path) {
        if (!command_data(context, data, fault) || !site_path(folder, data, SITE_PEOPLE_FOLDER) ||
            !files_make_folder(folder, 0700, fault))
            return false;
        if (!site_person_key(path, data, name))
            return fault_set(fault, FAULT_USAGE,
                             "'%s' is no name for a file: say with --key where the key is to be", name);
        key_path = path;
    }
    struct signing_key *key = key_file_open(key_path, true, fault);
    if (!key)
        return false;
    *ret_key = signer_key_ed25519(signing_key_public(key));
    signing_key_destroy(key);
    if (!context->json)
        printf("The key of %s is in %s: it belongs on a medium of their own.\n\n", name, key_path);
    return true;
}

/* A person who is there already keeps id and role, and gets one more key. False: the fault is set. */
static bool known_person(const struct command_context *context, struct control_view *view, const char *name,
                         struct person *person, uint8_t salt[TEXT_SALT_SIZE], bool *ret_known,
                         struct fault *fault) {
    *ret_known = false;
    for (size_t i = 0; i < view->person_count && !*ret_known; i++) {
        const struct view_person *row = &view->people[i];
        struct slice known = control_view_text(context, view, &row->person.id, salt);
        if (row->revoked_us || !known.data || !slice_equal(known, slice_string(name)))
            continue;
        if (row->person.role != person->role)
            return fault_set(fault, FAULT_USAGE, "%s is there already, as %s; a person has one role", name,
                             role_name(row->person.role));
        *ret_known = true;
    }
    return true;
}

static int people_add(const struct command_context *context, int argc, char **argv) {
    const char *role = NULL, *out = NULL, *public = NULL, *key = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "--role", .value = &role},
                                          {.name = "-o", .value = &out},
                                          {.name = "--public", .value = &public},
                                          {.name = "--key", .value = &key}};
    struct person person = {.key_count = 1};
    struct control_view view;
    struct paper paper;
    struct fault fault = {0};
    if (!option_words_parse("people", argc, argv, 2, options, 4, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !role || !out)
        return command_usage("people", "add takes a name, --role and -o FILE");
    if (!role_by_name(slice_string(role), &person.role))
        return command_usage("people", "'%s' is no role: admin, monitor, board, arbitrator are", role);
    uint8_t salt[TEXT_SALT_SIZE];
    bool known = false;
    paper_begin(&paper);
    bool good = control_view_open(context, &view, &fault) &&
                known_person(context, &view, words.values[0], &person, salt, &known, &fault) &&
                key_for(context, words.values[0], public, key, &person.keys[0], &fault) &&
                paper_text(&paper, words.values[0], known ? salt : NULL, &person.id, &fault) &&
                control_people_may_enrol(control_chain_people(view.chain), &person, &fault) &&
                person_write(&paper.payload, &person) &&
                paper_write(context, &view, &paper, STATEMENT_PERSON_ENROL, out, &fault);
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("people", &fault);
}

/* By name, where names are known, or by the first digits of the id. */
static bool find_person(const struct command_context *context, struct control_view *view, struct slice who,
                        struct hash *ret_id, struct fault *fault) {
    size_t found = 0;
    for (size_t i = 0; i < view->person_count; i++) {
        char id[2 * HASH_SIZE + 1];
        const struct view_person *row = &view->people[i];
        struct slice name = control_view_text(context, view, &row->person.id, NULL);
        encoding_hex(row->person.id.bytes, HASH_SIZE, id);
        if (row->revoked_us)
            continue;
        if ((name.data && slice_equal(name, who)) || (who.size >= 8 && slice_starts(slice_string(id), who))) {
            *ret_id = row->person.id;
            found++;
        }
    }
    return found == 1 || fault_set(fault, FAULT_USAGE,
                                   "%zu people are called '%.*s'; `tocsin people list` shows names and ids",
                                   found, SLICE_ARG(who));
}

static int people_remove(const struct command_context *context, int argc, char **argv) {
    const char *out = NULL;
    struct option_words words;
    const struct option_word options[] = {{.name = "-o", .value = &out}};
    struct person_revocation revocation = {.person = {{0}}};
    struct control_view view;
    struct paper paper;
    struct fault fault = {0};
    uint8_t salt[TEXT_SALT_SIZE];
    if (!option_words_parse("people", argc, argv, 2, options, 1, &words))
        return EXIT_USAGE;
    if (words.count != 1 || !out)
        return command_usage("people", "remove takes a name or an id, and -o FILE");
    paper_begin(&paper);
    bool good = control_view_open(context, &view, &fault) &&
                find_person(context, &view, slice_string(words.values[0]), &revocation.person, &fault) &&
                control_people_may_revoke(control_chain_people(view.chain), &revocation, &fault);
    if (good) {
        /* The name goes with it, so that whoever signs sees who it is. */
        struct hash id;
        struct slice name = control_view_text(context, &view, &revocation.person, salt);
        char text[SALTED_TEXT_MOST + 1];
        snprintf(text, sizeof text, "%.*s", SLICE_ARG(name.data ? name : SLICE("")));
        good = !name.data ? fault_set(&fault, FAULT_MISSING,
                                      "the name behind this id is not known here; start the collector")
                          : paper_text(&paper, text, salt, &id, &fault) &&
                                person_revocation_write(&paper.payload, &revocation) &&
                                paper_write(context, &view, &paper, STATEMENT_PERSON_REVOKE, out, &fault);
    }
    paper_free(&paper);
    control_view_close(&view);
    return good ? EXIT_GOOD : command_fail("people", &fault);
}

int command_people(const struct command_context *context, int argc, char **argv) {
    const char *verb = argc > 1 ? argv[1] : "list";
    if (strcmp(verb, "list") == 0)
        return people_list(context, argc, argv);
    if (strcmp(verb, "add") == 0)
        return people_add(context, argc, argv);
    if (strcmp(verb, "remove") == 0)
        return people_remove(context, argc, argv);
    return command_usage("people", "'%s' is not list, add or remove", verb);
}

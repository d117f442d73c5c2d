#include "control_view.h"

#include <stdlib.h>

#include "bytes.h"
#include "event_print.h"
#include "genesis_file.h"
#include "log_reader.h"
#include "memory.h"
#include "reader.h"
#include "search_text.h"
#include "site.h"
#include "site_events.h"
#include "statement_type.h"

/* ---- folding */

static void add_person(struct control_view *view, const struct person *person, uint64_t time_us) {
    for (size_t i = 0; i < view->person_count; i++) {
        struct person *there = &view->people[i].person;
        if (!hash_equal(&there->id, &person->id))
            continue;
        for (size_t key = 0; key < person->key_count && there->key_count < PERSON_KEYS_MOST; key++)
            there->keys[there->key_count++] = person->keys[key];
        view->people[i].revoked_us = 0;
        return;
    }
    view->people = memory_resize(view->people, view->person_count + 1, sizeof *view->people);
    view->people[view->person_count++] = (struct view_person){*person, time_us, 0};
}

static void revoke_person(struct control_view *view, const struct person_revocation *revocation,
                          uint64_t time_us) {
    static const struct hash all;
    for (size_t i = 0; i < view->person_count; i++)
        if (hash_equal(&view->people[i].person.id, &revocation->person) && hash_equal(&revocation->key, &all))
            view->people[i].revoked_us = time_us;
}

static void take_people(struct control_view *view, const struct control_entry *entry) {
    const struct statement *statement = &entry->statement.statement;
    struct bytes_reader reader = bytes_read(statement->payload);
    struct person person;
    struct person_revocation revocation;
    if (statement->type == STATEMENT_GENESIS || statement->type == STATEMENT_NEW_ORIGIN) {
        const struct genesis *genesis = control_chain_genesis(view->chain);
        for (size_t i = 0; i < genesis->person_count; i++)
            add_person(view, &genesis->people[i], entry->time_us);
    }
    if (statement->type == STATEMENT_PERSON_ENROL && person_read(&reader, &person, NULL))
        add_person(view, &person, entry->time_us);
    if (statement->type == STATEMENT_PERSON_REVOKE &&
        person_revocation_read(statement->payload, &revocation, NULL))
        revoke_person(view, &revocation, entry->time_us);
}

static bool take(void *context, uint64_t index, struct slice bytes, struct fault *fault) {
    struct control_view *view = context;
    struct control_entry entry;
    struct control_verdict verdict;
    if (!control_chain_add(view->chain, bytes, &entry, &verdict, fault))
        return fault_place(fault, "log index %llu", (unsigned long long)index);
    /* What makes no sense in the chain is `verify`'s to tell; here it counts for nothing. */
    (void)retention_ledger_add(view->ledger, index, &entry, &verdict, NULL);
    (void)agent_registry_take(view->registry, &entry, &verdict, index, NULL);
    take_people(view, &entry);
    return true;
}

/* ---- where it is read from */

static bool read_live(const struct command_context *context, struct control_view *view, struct fault *fault) {
    Tocsin__ControlQuery query = TOCSIN__CONTROL_QUERY__INIT;
    Tocsin__Request request = TOCSIN__REQUEST__INIT;
    request.of_case = TOCSIN__REQUEST__OF_CONTROL;
    request.control = &query;
    struct reader *reader = reader_open(context, &request, fault);
    if (!reader)
        return false;
    struct frame frame;
    uint64_t count;
    bool good = true;
    while (good && reader_next(reader, &frame, &count, fault)) {
        Tocsin__StoreRow *row = tocsin__store_row__unpack(NULL, frame.message.size, frame.message.data);
        good =
            row && row->key.len == 8
                ? take(view, bytes_get_u64(row->key.data), slice_make(row->value.data, row->value.len), fault)
                : fault_set(fault, FAULT_IO, "the collector sent a row that cannot be read");
        if (row)
            tocsin__store_row__free_unpacked(row, NULL);
    }
    reader_close(reader);
    view->live = good && fault->code == FAULT_NONE;
    return view->live;
}

static bool read_at_rest(const char *data, struct control_view *view, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct store_options options = {.read_only = true};
    site_path(path, data, SITE_COLLECTOR_STORE);
    struct store *store = store_open(path, &options, fault);
    bool good = store && log_control_walk(store, 0, take, view, fault);
    store_close(store);
    return good;
}

/* As the collector will place it: at ctl_seq 0, at the time of the statement itself. */
static bool read_genesis(const char *data, struct control_view *view, struct fault *fault) {
    char path[FILES_PATH_MOST];
    struct genesis_file file = {.text_count = 0};
    struct signed_statement statement;
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    site_path(path, data, SITE_COLLECTOR_GENESIS);
    bool good =
        genesis_file_read(path, &file, fault) && signed_statement_read(file.statement, &statement, fault);
    if (good)
        control_chain_write_next(view->chain, &statement, statement.statement.made_us, &entry);
    good = good && take(view, 0, buffer_slice(&entry), fault);
    genesis_file_release(&file);
    return good;
}

bool control_view_open(const struct command_context *context, struct control_view *ret_view,
                       struct fault *fault) {
    char data[FILES_PATH_MOST];
    struct fault live = {0}, rest = {0};
    *ret_view = (struct control_view){.chain = control_chain_create(NULL),
                                      .ledger = retention_ledger_create(),
                                      .registry = agent_registry_create()};
    if (read_live(context, ret_view, &live) && control_chain_count(ret_view->chain) > 0)
        return true;
    if (live.code != FAULT_NONE && live.code != FAULT_MISSING) {
        *fault = live;
        return false;
    }
    if (!command_data(context, data, fault))
        return false;
    if (!ret_view->live && read_at_rest(data, ret_view, &rest) && control_chain_count(ret_view->chain) > 0)
        return true;
    if (rest.code != FAULT_NONE && rest.code != FAULT_MISSING) {
        *fault = rest;
        return false;
    }
    return read_genesis(data, ret_view, fault) ||
           fault_place(fault,
                       "the log's control chain (make a site with `tocsin init`, or start the collector)");
}

struct view_name {
    struct hash hash;
    uint8_t salt[TEXT_SALT_SIZE];
    struct buffer text;
    bool there;
};

void control_view_close(struct control_view *view) {
    control_chain_destroy(view->chain);
    retention_ledger_destroy(view->ledger);
    agent_registry_destroy(view->registry);
    for (size_t i = 0; i < view->name_count; i++)
        buffer_free(&view->names[i].text);
    free(view->names);
    free(view->people);
    *view = (struct control_view){.live = false};
}

/* ---- texts */

static bool look_at(void *context, const Tocsin__EventRow *row, bool more) {
    struct view_name *name = context;
    (void)more;
    name->there = search_text_take(row, &name->hash, &name->text, name->salt);
    return !name->there;
}

static void look_up(const struct command_context *context, struct view_name *name) {
    char expression[SEARCH_TEXT_QUESTION_SIZE], class_word[] = "journal";
    struct fault fault = {0};
    uint64_t count;
    search_text_question(&name->hash, expression);
    Tocsin__EventQuery query;
    tocsin__event_query__init(&query);
    query.expression = expression;
    query.class_ = class_word;
    struct knowledge *knowledge = event_print_knowledge(context, false, &fault);
    if (knowledge)
        site_events(context, &query, knowledge, look_at, name, &count, &fault);
    knowledge_destroy(knowledge);
}

struct slice control_view_text(const struct command_context *context, struct control_view *view,
                               const struct hash *hash, uint8_t ret_salt[32]) {
    struct view_name *name = NULL;
    for (size_t i = 0; i < view->name_count; i++)
        if (hash_equal(&view->names[i].hash, hash))
            name = &view->names[i];
    if (!name) {
        view->names = memory_resize(view->names, view->name_count + 1, sizeof *view->names);
        name = &view->names[view->name_count++];
        *name = (struct view_name){.hash = *hash, .text = BUFFER(SALTED_TEXT_MOST)};
        look_up(context, name);
    }
    if (!name->there)
        return slice_make(NULL, 0);
    if (ret_salt)
        memcpy(ret_salt, name->salt, sizeof name->salt);
    return buffer_slice(&name->text);
}

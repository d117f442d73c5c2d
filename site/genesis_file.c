#include "genesis_file.h"

#include "bytes.h"
#include "control_entry.h"
#include "files.h"
#include "genesis.h"
#include "memory.h"
#include "merkle.h"
#include "random.h"
#include "statement_type.h"

#define SALT_SIZE 32u
#define TEXT_MOST (SALT_SIZE + 4096u)

static struct statement_signature sign(const struct signing_key *key, struct slice statement,
                                       uint8_t room[ED25519_SIGNATURE_SIZE]) {
    signing_key_sign(key, statement, room);
    return (struct statement_signature){
        .key = sha256_of(slice_make(signing_key_public(key)->bytes, ED25519_PUBLIC_SIZE)),
        .scheme = STATEMENT_ED25519,
        .bytes = slice_make(room, ED25519_SIGNATURE_SIZE)};
}

static bool write_payload(const struct genesis_plan *plan, const uint8_t salt[SALT_SIZE], struct buffer *to,
                          struct fault *fault) {
    struct genesis genesis = {.origin = plan->origin,
                              .log_key = *signing_key_public(plan->log_key),
                              .registrar = *plan->registrar,
                              .page = {.origin = SLICE("")},
                              .person_count = 1,
                              .retention = *plan->retention};
    genesis.people[0] = (struct person){.id = person_id(salt, plan->person),
                                        .role = ROLE_ADMINISTRATOR,
                                        .key_count = 1,
                                        .keys = {signer_key_ed25519(signing_key_public(plan->person_key))}};
    return genesis_write(to, &genesis) ||
           fault_set(fault, FAULT_USAGE, "a genesis cannot be made of this origin");
}

/* Statement and signatures; and the leaf that it will have. */
static bool write_statement(const struct genesis_plan *plan, struct slice payload, struct buffer *to,
                            struct hash *ret_leaf, struct fault *fault) {
    struct random_source source = random_source_system();
    struct signed_statement signed_statement = {
        .statement = {.log = statement_log(plan->origin, signing_key_public(plan->log_key)),
                      .type = STATEMENT_GENESIS,
                      .made_us = plan->now_us,
                      .expires_us = STATEMENT_EXPIRES_NEVER,
                      .payload = payload},
        .signature_count = 2};
    if (!random_fill(&source, signed_statement.statement.nonce, STATEMENT_NONCE_SIZE, fault))
        return false;
    CLEANUP_BUFFER struct buffer bytes = BUFFER(STATEMENT_HEAD + STATEMENT_PAYLOAD_MOST);
    CLEANUP_BUFFER struct buffer entry = BUFFER(CONTROL_ENTRY_MOST);
    uint8_t signatures[2][ED25519_SIGNATURE_SIZE];
    bool good = statement_write(&bytes, &signed_statement.statement);
    signed_statement.bytes = buffer_slice(&bytes);
    signed_statement.signatures[0] = sign(plan->log_key, signed_statement.bytes, signatures[0]);
    signed_statement.signatures[1] = sign(plan->person_key, signed_statement.bytes, signatures[1]);
    const struct control_entry first = {.time_us = plan->now_us, .statement = signed_statement};
    good = good && signed_statement_write(to, &signed_statement) && control_entry_write(&entry, &first);
    if (!good)
        return fault_set(fault, FAULT_INTERNAL, "the genesis could not be written");
    *ret_leaf = merkle_leaf(buffer_slice(&entry));
    return true;
}

bool genesis_file_make(const char *path, const struct genesis_plan *plan, struct hash *ret_leaf,
                       struct fault *fault) {
    struct random_source source = random_source_system();
    uint8_t salt[SALT_SIZE];
    CLEANUP_BUFFER struct buffer payload = BUFFER(GENESIS_MOST);
    CLEANUP_BUFFER struct buffer statement = BUFFER(GENESIS_FILE_MOST);
    CLEANUP_BUFFER struct buffer text = BUFFER(TEXT_MOST);
    CLEANUP_BUFFER struct buffer file = BUFFER(GENESIS_FILE_MOST);
    struct hash leaf;
    if (!random_fill(&source, salt, sizeof salt, fault) || !write_payload(plan, salt, &payload, fault) ||
        !write_statement(plan, buffer_slice(&payload), &statement, &leaf, fault))
        return false;
    buffer_append(&text, salt, sizeof salt);
    buffer_append_slice(&text, plan->person);
    bytes_write_block(&file, buffer_slice(&statement));
    bytes_write_block(&file, buffer_slice(&text));
    if (!files_write_new(path, buffer_slice(&file), 0600, fault))
        return false;
    *ret_leaf = leaf;
    return true;
}

static bool read_blocks(struct genesis_file *file) {
    struct bytes_reader reader = bytes_read(buffer_slice(&file->bytes));
    file->statement = bytes_read_block(&reader);
    while (!reader.failed && reader.rest.size > 0 && file->text_count < GENESIS_TEXTS_MOST) {
        struct slice text = bytes_read_block(&reader);
        if (text.size < SALT_SIZE || text.size > TEXT_MOST)
            return false;
        file->texts[file->text_count++] = text;
    }
    return bytes_read_done(&reader);
}

bool genesis_file_read(const char *path, struct genesis_file *ret_file, struct fault *fault) {
    *ret_file = (struct genesis_file){.bytes = BUFFER(GENESIS_FILE_MOST)};
    if (!files_read(path, &ret_file->bytes, fault))
        return false;
    return read_blocks(ret_file) ||
           (fault_set(fault, FAULT_FORMAT, "this is no genesis"), fault_place(fault, "%s", path));
}

void genesis_file_release(struct genesis_file *file) {
    buffer_free(&file->bytes);
}

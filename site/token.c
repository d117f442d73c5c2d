#include "token.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encoding.h"
#include "files.h"
#include "random.h"
#include "sha256.h"

static bool path_of(char ret_path[FILES_PATH_MOST], const char *folder, const uint8_t secret[TOKEN_SECRET_SIZE]) {
    struct hash hash = sha256_of(slice_make(secret, TOKEN_SECRET_SIZE));
    char name[2 * 16 + 1];
    encoding_hex(hash.bytes, 16, name);
    return files_path(ret_path, folder, name);
}

static bool write_state(const char *path, const char *host, uint64_t expires_us, unsigned uses, struct fault *fault) {
    char text[320];
    int size = snprintf(text, sizeof text, "%s %" PRIu64 " %u\n", host && *host ? host : "-", expires_us, uses);
    if (size < 0 || (size_t)size >= sizeof text)
        return fault_set(fault, FAULT_LIMIT, "a host's name that is too long");
    return files_write(path, slice_make(text, (size_t)size), 0600, fault);
}

/* root makes a token, the collector, who is another user, takes it: the file belongs to whom the folder belongs. */
static bool give_to_owner(const char *folder, const char *path, struct fault *fault) {
    struct stat owner;
    if (geteuid() != 0)
        return true;
    return (stat(folder, &owner) == 0 && chown(path, owner.st_uid, owner.st_gid) == 0) ||
           fault_set_system(fault, "%s cannot be given to its folder's owner", path);
}

bool token_issue(const char *folder, const char *host, uint64_t expires_us, unsigned uses,
                 const uint8_t pin[TOKEN_PIN_SIZE], char ret_text[TOKEN_TEXT_SIZE], struct fault *fault) {
    uint8_t bytes[TOKEN_SECRET_SIZE + TOKEN_PIN_SIZE];
    struct random_source source = random_source_system();
    if (!random_fill(&source, bytes, TOKEN_SECRET_SIZE, fault))
        return false;
    memcpy(bytes + TOKEN_SECRET_SIZE, pin, TOKEN_PIN_SIZE);
    char path[FILES_PATH_MOST];
    if (!path_of(path, folder, bytes))
        return fault_set(fault, FAULT_LIMIT, "a path that is too long: %s", folder);
    if (!files_make_folder(folder, 0700, fault) || !write_state(path, host, expires_us, uses, fault) ||
        !give_to_owner(folder, path, fault))
        return false;
    uint8_t memory[TOKEN_TEXT_SIZE];
    struct buffer text = {.data = memory, .capacity = sizeof memory, .limit = sizeof memory};
    encoding_base64(&text, slice_make(bytes, sizeof bytes));
    memcpy(ret_text, text.data, text.size);
    ret_text[text.size] = '\0';
    return true;
}

bool token_parse(struct slice text, struct token *ret_token, struct fault *fault) {
    uint8_t memory[64];
    struct buffer bytes = {.data = memory, .capacity = sizeof memory, .limit = sizeof memory};
    if (text.size != TOKEN_TEXT_SIZE - 1 || !encoding_unbase64(&bytes, text) ||
        bytes.size != TOKEN_SECRET_SIZE + TOKEN_PIN_SIZE)
        return fault_set(fault, FAULT_USAGE,
                         "this is no join token (64 characters); copy it whole from `tocsin join-token HOST`");
    memcpy(ret_token->secret, memory, TOKEN_SECRET_SIZE);
    memcpy(ret_token->pin, memory + TOKEN_SECRET_SIZE, TOKEN_PIN_SIZE);
    return true;
}

struct token_state {
    char host[256]; /* "-" for any */
    uint64_t expires_us, uses;
};

/* The word before the next blank or the line's end, taken off. */
static struct slice take_word(struct slice *rest) {
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\n')
        size++;
    struct slice word = slice_head(*rest, size);
    *rest = slice_from(*rest, size + 1);
    return word;
}

static bool read_state(struct slice text, struct token_state *ret_state) {
    struct slice host = take_word(&text), expires = take_word(&text), uses = take_word(&text);
    if (host.size == 0 || host.size >= sizeof ret_state->host || text.size)
        return false;
    snprintf(ret_state->host, sizeof ret_state->host, "%.*s", SLICE_ARG(host));
    return slice_decimal(expires, &ret_state->expires_us) && slice_decimal(uses, &ret_state->uses) &&
           ret_state->uses > 0 && ret_state->uses <= UINT32_MAX;
}

/* Whoever renames the file owns it for the moment: two that redeem at once cannot both. */
bool token_redeem(const char *folder, const uint8_t secret[TOKEN_SECRET_SIZE], uint64_t now_us, char ret_host[256],
                  struct fault *fault) {
    char path[FILES_PATH_MOST], taken[FILES_PATH_MOST];
    if (!path_of(path, folder, secret) || snprintf(taken, sizeof taken, "%s.taken", path) >= (int)sizeof taken)
        return fault_set(fault, FAULT_LIMIT, "a path that is too long: %s", folder);
    if (rename(path, taken) != 0)
        return fault_set(fault, FAULT_AUTH, "the token is unknown or used up: make another with `tocsin join-token`");
    CLEANUP_BUFFER struct buffer text = BUFFER(512);
    struct token_state state;
    if (!files_read(taken, &text, fault))
        return false;
    if (!read_state(buffer_slice(&text), &state))
        return fault_set(fault, FAULT_FORMAT, "the token's file %s cannot be read", taken);
    unlink(taken);
    if (state.expires_us < now_us)
        return fault_set(fault, FAULT_AUTH, "the token has expired: make another with `tocsin join-token`");
    if (state.uses > 1 && !write_state(path, state.host, state.expires_us, (unsigned)state.uses - 1, fault))
        return false;
    snprintf(ret_host, 256, "%s", strcmp(state.host, "-") == 0 ? "" : state.host);
    return true;
}

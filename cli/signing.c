#include "signing.h"

#include <dirent.h>
#include <string.h>

#include "key_file.h"
#include "signer_key.h"
#include "site.h"

/* The only key in DATA/people, where no other was named. */
static bool only_key(const struct command_context *context, char ret_path[FILES_PATH_MOST],
                     struct fault *fault) {
    char data[FILES_PATH_MOST], folder[FILES_PATH_MOST];
    if (!command_data(context, data, fault) || !site_path(folder, data, SITE_PEOPLE_FOLDER))
        return false;
    DIR *directory = opendir(folder);
    size_t found = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread */
    for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        size_t size = strlen(entry->d_name);
        if (size > 4 && strcmp(entry->d_name + size - 4, ".key") == 0 && found++ == 0)
            files_path(ret_path, folder, entry->d_name);
    }
    if (directory)
        closedir(directory);
    return found == 1 || fault_set(fault, FAULT_USAGE, "%s holds %zu keys of people; say with --key FILE which one signs",
                                   folder, found);
}

struct signing_key *signing_key_of(const struct command_context *context, const char *path, struct fault *fault) {
    char only[FILES_PATH_MOST];
    if (!path && !only_key(context, only, fault))
        return NULL;
    return key_file_open(path ? path : only, false, fault);
}

bool signing_add(struct signed_statement *statement, const struct signing_key *key,
                          uint8_t signature[ED25519_SIGNATURE_SIZE], struct fault *fault) {
    struct signer_key public = signer_key_ed25519(signing_key_public(key));
    struct hash name = signer_key_hash(&public);
    for (size_t i = 0; i < statement->signature_count; i++)
        if (hash_equal(&statement->signatures[i].key, &name))
            return fault_set(fault, FAULT_CONFLICT, "this key has signed it already");
    if (statement->signature_count == STATEMENT_SIGNATURES_MOST)
        return fault_set(fault, FAULT_LIMIT, "it has %u signatures, which is the most",
                         STATEMENT_SIGNATURES_MOST);
    signing_key_sign(key, statement->bytes, signature);
    statement->signatures[statement->signature_count++] =
        (struct statement_signature){name, STATEMENT_ED25519, slice_make(signature, ED25519_SIGNATURE_SIZE)};
    return true;
}

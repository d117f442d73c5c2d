#include "site_store.h"

#include "site.h"

void site_sealed_open(const struct command_context *context, struct site_sealed *ret_sealed) {
    char data[FILES_PATH_MOST], folder[FILES_PATH_MOST], store[FILES_PATH_MOST];
    struct site_sealed sealed = {.keys = NULL};
    if (command_data(context, data, &sealed.fault) && site_path(folder, data, SITE_COLLECTOR_FOLDER) &&
        site_path(store, data, SITE_COLLECTOR_STORE))
        sealed.keys = day_keys_open(folder, false, &sealed.fault);
    if (sealed.keys)
        sealed.sealed = sealed_create(store, sealed.keys);
    *ret_sealed = sealed;
}

void site_sealed_close(struct site_sealed *sealed) {
    sealed->sealed = sealed_destroy(sealed->sealed);
    sealed->keys = day_keys_close(sealed->keys);
}

bool site_store_open(const struct command_context *context, struct site_store *ret_store, struct fault *fault) {
    char data[FILES_PATH_MOST], path[FILES_PATH_MOST];
    const struct store_options options = {.read_only = true};
    if (!command_data(context, data, fault) || !site_path(path, data, SITE_COLLECTOR_STORE))
        return false;
    struct site_store store = {.store = store_open(path, &options, fault)};
    if (!store.store)
        return false;
    site_sealed_open(context, &store.sealed);
    *ret_store = store;
    return true;
}

void site_store_close(struct site_store *store) {
    site_sealed_close(&store->sealed);
    store->store = store_close(store->store);
}

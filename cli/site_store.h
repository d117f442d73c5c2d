/* A stopped collector's store and its sealed segments, read and never written: what a command falls back to where no collector
 * answers. */
#ifndef TOCSIN_SITE_STORE_H
#define TOCSIN_SITE_STORE_H

#include "command.h"
#include "sealed.h"

/* Segments and their keys, which whoever asks a live collector may have no right to. */
struct site_sealed {
    struct day_keys *keys; /* NULL: `fault` says why; FAULT_MISSING where nothing was sealed yet */
    struct sealed *sealed; /* NULL with keys */
    struct fault fault;
};

void site_sealed_open(const struct command_context *context, struct site_sealed *ret_sealed);
void site_sealed_close(struct site_sealed *sealed); /* an all-zero one is fine */

struct site_store {
    struct store *store;
    struct site_sealed sealed;
};

/* FAULT_MISSING where there is none, FAULT_BUSY while a collector has it. */
bool site_store_open(const struct command_context *context, struct site_store *ret_store, struct fault *fault);
void site_store_close(struct site_store *store); /* an all-zero one is fine */

#endif

/* witness.yaml as a struct. Reading: settings_start, settings_read for each file, settings_finish,
 * settings_release, all with witness_settings_table() (settings.h). A member's default and meaning stand in
 * the table. */
#ifndef TOCSIN_WITNESS_SETTINGS_H
#define TOCSIN_WITNESS_SETTINGS_H

#include "settings.h"

struct witness_log_settings {
    char *place;
    char *key; /* a verifier key; its name is the origin */
};

struct witness_settings {
    struct settings_address listen;
    char *name; /* NULL: what the host calls itself */
    char *data;
    struct settings_list logs; /* of struct witness_log_settings */
    struct {
        char *certificate, *key; /* PEM; both or none */
    } tls;
    struct settings_address metrics; /* host NULL: none */
};

const struct settings_table *witness_settings_table(void);

#endif

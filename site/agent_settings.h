/* agent.yaml as a struct. Reading: settings_start, settings_read for each file, settings_finish,
 * settings_release, all with agent_settings_table() (settings.h). A member's default and meaning stand in the
 * table. */
#ifndef TOCSIN_AGENT_SETTINGS_H
#define TOCSIN_AGENT_SETTINGS_H

#include "class.h"
#include "probe_settings.h"

/* For agent_source_settings.class: the source gives each event its class (the journal, by facility and unit).
 */
#define AGENT_CLASS_AUTOMATIC CLASSES

/* One of file, journal and command is set. */
struct agent_source_settings {
    char *place; /* "agent.yaml:7:5", for whoever finds later that something is wrong with it */

    char *file;                      /* a path or a glob; one that is not there is waited for */
    struct settings_strings exclude; /* globs of files left out */
    bool from_end;                   /* a file seen for the first time is read from its end */
    struct {
        char *start; /* PCRE2: a line that begins a record; NULL: every line is one */
        uint64_t timeout_us;
    } multiline;

    bool journal;
    struct settings_strings unless; /* the journal is not read while one of these files exists */

    struct settings_strings command; /* argv */
    uint64_t every_us;
    uint64_t timeout_us; /* the command is killed after it */

    unsigned class; /* enum event_class, or AGENT_CLASS_AUTOMATIC */
};

struct agent_settings {
    struct settings_strings collectors; /* each as agent_settings_address takes it */
    char *name;                         /* the host's; NULL: what it calls itself */
    char *data;
    struct settings_list sources; /* of struct agent_source_settings */
    struct settings_list probes;  /* of struct probe_settings */
    struct {
        uint64_t limit; /* bytes */
        char *path;     /* NULL: below data */
    } spool;
    uint64_t heartbeat_us;
    struct {
        uint64_t close_after_us;
    } batch;
    struct settings_address metrics; /* host NULL: none */
};

const struct settings_table *agent_settings_table(void);

/* HOST:PORT as it is written everywhere else, out of what a person wrote: the port where it is left out, the brackets. */
#define AGENT_ADDRESS_SIZE 280u
bool agent_settings_address(const char *text, char ret_address[AGENT_ADDRESS_SIZE], struct fault *fault);

#endif

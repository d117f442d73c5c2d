/* A site on disk: which file is where below its folder. The one place that knows; everything else asks.
 *
 *     SITE/agent.yaml, collector.yaml, view.yaml, witness.yaml   settings, each with NAME.d/(files).yaml merged
 *     DATA/agent/…                                   keys, the collector it belongs to, the spool
 *     DATA/collector/…                               keys, join tokens, the store, the query socket
 *     DATA/before-N/collector/…                      the same of a log whose place another one has taken
 *     DATA/people/NAME.key                           keys of people, mode 0600 in a folder of mode 0700
 *     DATA/witness/…                                 its key, what it cosigned and keeps for each log
 *
 * DATA is SITE/data unless a setting or --data says otherwise. */
#ifndef TOCSIN_SITE_H
#define TOCSIN_SITE_H

#include "fault.h"
#include "files.h"

#define SITE_DEFAULT "/etc/tocsin"

enum site_file {
    SITE_AGENT_FOLDER,
    SITE_AGENT_KEY,        /* the seed of the signing key, 32 bytes in hex */
    SITE_AGENT_NEXT_KEY,   /* of the next epoch, while a rotation is under way (agent_keys.h) */
    SITE_AGENT_NEW_FOLDER, /* the keys with which the host joins again, until it has (anew.h) */
    SITE_AGENT_NEW_KEY,
    SITE_AGENT_ANEW,       /* stands while the spool is of streams that are over (anew.h) */
    SITE_AGENT_COLLECTOR,  /* what the agent learnt by joining (membership.h) */
    /* By collector: site_path_numbered. */
    SITE_AGENT_WITNESSES,   /* whose cosignatures a checkpoint needs (watching.h); not there: nobody's */
    SITE_AGENT_LOG_REFUSED, /* a checkpoint that contradicts the log, until a person removes it (watching.h) */
    SITE_AGENT_JOIN,       /* a join that is still to be done: address and token, two lines */
    SITE_AGENT_SPOOL,
    SITE_AGENT_PROBES, /* what kinds of probes remember from run to run */
    SITE_AGENT_LOCK,
    SITE_COLLECTOR_FOLDER,
    SITE_COLLECTOR_LOG_KEY,
    SITE_COLLECTOR_STREAM_KEY,
    SITE_COLLECTOR_REGISTRAR_KEY, /* enrols agents, and nothing else */
    SITE_COLLECTOR_GENESIS,       /* what the log begins with (genesis_file.h) */
    SITE_COLLECTOR_ORIGIN, /* the log's name, one line */
    SITE_COLLECTOR_NEWER_NOTE, /* of this log, of more than it is or of another one: why a start was refused */
    SITE_COLLECTOR_TOKENS,
    SITE_COLLECTOR_STORE,
    SITE_COLLECTOR_SOCKET,
    SITE_COLLECTOR_LOCK,
    SITE_WITNESS_FOLDER,
    SITE_WITNESS_KEY, /* the seed, 32 bytes in hex */
    SITE_WITNESS_LOGS,
    SITE_WITNESS_LOCK,
    SITE_PEOPLE_FOLDER, /* keys of people, until they take them away: no daemon reads them */
};

/* A path that a person named: below the site unless it is absolute. False where it does not fit. */
bool site_below(char ret_path[FILES_PATH_MOST], const char *site, const char *path);

/* One of an agent's files about a collector, by the number that the membership gives it (membership.h). */
bool site_path_numbered(char ret_path[FILES_PATH_MOST], const char *data, enum site_file file, unsigned number);

/* TLS keys and certificates stand in the two folders themselves (tls_identity.h). */
bool site_path(char ret_path[FILES_PATH_MOST], const char *data, enum site_file file);

/* The key of a person; false for a name that is none: 1 to 64 letters, digits, hyphens, underscores and dots, no dot first. */
#define PERSON_NAME_MOST 64u
bool site_person_key(char ret_path[FILES_PATH_MOST], const char *data, const char *person);

/* What this host calls itself, as a good host name (class.h): lower case, other characters become hyphens. */
void site_host_name(char ret_name[256]);

#endif

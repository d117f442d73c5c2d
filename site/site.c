#include "site.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "class.h"

static const char *const paths[] = {
    [SITE_AGENT_FOLDER] = "agent",
    [SITE_AGENT_KEY] = "agent/sign.key",
    [SITE_AGENT_NEXT_KEY] = "agent/sign.key.next",
    [SITE_AGENT_NEW_FOLDER] = "agent/new",
    [SITE_AGENT_NEW_KEY] = "agent/new/sign.key",
    [SITE_AGENT_ANEW] = "agent/anew",
    [SITE_AGENT_COLLECTOR] = "agent/collector",
    [SITE_AGENT_WITNESSES] = "agent/witnesses",
    [SITE_AGENT_LOG_REFUSED] = "agent/log.refused",
    [SITE_AGENT_JOIN] = "agent/join",
    [SITE_AGENT_SPOOL] = "agent/spool",
    [SITE_AGENT_PROBES] = "agent/probes",
    [SITE_AGENT_LOCK] = "agent/lock",
    [SITE_COLLECTOR_FOLDER] = "collector",
    [SITE_COLLECTOR_LOG_KEY] = "collector/log.key",
    [SITE_COLLECTOR_STREAM_KEY] = "collector/stream.key",
    [SITE_COLLECTOR_REGISTRAR_KEY] = "collector/registrar.key",
    [SITE_COLLECTOR_GENESIS] = "collector/genesis",
    [SITE_COLLECTOR_ORIGIN] = "collector/origin",
    [SITE_COLLECTOR_NEWER_NOTE] = "collector/newer.note",
    [SITE_COLLECTOR_TOKENS] = "collector/tokens",
    [SITE_COLLECTOR_STORE] = "collector/store",
    [SITE_COLLECTOR_SOCKET] = "collector/query.sock",
    [SITE_COLLECTOR_LOCK] = "collector/lock",
    [SITE_WITNESS_FOLDER] = "witness",
    [SITE_WITNESS_KEY] = "witness/witness.key",
    [SITE_WITNESS_LOGS] = "witness/logs",
    [SITE_WITNESS_LOCK] = "witness/lock",
    [SITE_PEOPLE_FOLDER] = "people",
};

bool site_below(char ret_path[FILES_PATH_MOST], const char *site, const char *path) {
    return path[0] == '/' ? (size_t)snprintf(ret_path, FILES_PATH_MOST, "%s", path) < FILES_PATH_MOST
                          : files_path(ret_path, site, path);
}

bool site_path(char ret_path[FILES_PATH_MOST], const char *data, enum site_file file) {
    return files_path(ret_path, data, paths[file]);
}

bool site_path_numbered(char ret_path[FILES_PATH_MOST], const char *data, enum site_file file,
                        unsigned number) {
    char name[64];
    if (number == 0)
        return site_path(ret_path, data, file);
    snprintf(name, sizeof name, "%s-%u", paths[file], number + 1);
    return files_path(ret_path, data, name);
}

bool site_person_key(char ret_path[FILES_PATH_MOST], const char *data, const char *person) {
    char folder[FILES_PATH_MOST], name[PERSON_NAME_MOST + 5];
    size_t size = strlen(person);
    if (size == 0 || size > PERSON_NAME_MOST || person[0] == '.')
        return false;
    for (const char *at = person; *at; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (!letter && *at != '-' && *at != '_' && *at != '.')
            return false;
    }
    snprintf(name, sizeof name, "%s.key", person);
    return site_path(folder, data, SITE_PEOPLE_FOLDER) && files_path(ret_path, folder, name);
}

void site_host_name(char ret_name[256]) {
    char name[200] = "";
    gethostname(name, sizeof name - 1);
    size_t size = 0;
    for (const char *at = name; *at; at++) {
        char c = *at >= 'A' && *at <= 'Z' ? (char)(*at | 0x20) : *at;
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.';
        ret_name[size++] = plain ? c : '-';
    }
    while (size && (ret_name[size - 1] == '-' || ret_name[size - 1] == '.'))
        size--;
    ret_name[size] = '\0';
    if (!host_name_good(slice_make(ret_name, size)))
        snprintf(ret_name, 256, "localhost");
}

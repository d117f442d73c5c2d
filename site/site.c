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
    [SITE_AGENT_LOCK] = "agent/lock",
    [SITE_COLLECTOR_FOLDER] = "collector",
    [SITE_COLLECTOR_LOG_KEY] = "collector/log.key",
    [SITE_COLLECTOR_STREAM_KEY] = "collector/stream.key",
    [SITE_COLLECTOR_ORIGIN] = "collector/origin",
    [SITE_COLLECTOR_TOKENS] = "collector/tokens",
    [SITE_COLLECTOR_STORE] = "collector/store",
    [SITE_COLLECTOR_SOCKET] = "collector/query.sock",
    [SITE_COLLECTOR_LOCK] = "collector/lock",
    [SITE_WITNESS_FOLDER] = "witness",
    [SITE_WITNESS_KEY] = "witness/witness.key",
    [SITE_WITNESS_LOGS] = "witness/logs",
    [SITE_WITNESS_LOCK] = "witness/lock",
};

bool site_path(char ret_path[FILES_PATH_MOST], const char *data, enum site_file file) {
    return files_path(ret_path, data, paths[file]);
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

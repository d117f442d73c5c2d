#include "field_names.h"

static const char *const names[FIELD_NAMES] = {
    [FIELD_ORIGINAL] = "event.original",
    [FIELD_MESSAGE] = "message",
    [FIELD_SOURCE] = "tocsin.source",
    [FIELD_PATH] = "log.file.path",
    [FIELD_HOSTNAME] = "host.hostname",
    [FIELD_PROGRAM] = "process.name",
    [FIELD_PID] = "process.pid",
    [FIELD_COMMAND_LINE] = "process.command_line",
    [FIELD_EXECUTABLE] = "process.executable",
    [FIELD_USER_ID] = "process.user.id",
    [FIELD_GROUP_ID] = "process.group.id",
    [FIELD_UNIT] = "systemd.unit",
    [FIELD_HOST_ID] = "host.id",
    [FIELD_BOOT_ID] = "host.boot.id",
    [FIELD_LEVEL] = "log.level",
    [FIELD_PRIORITY] = "log.syslog.priority",
    [FIELD_FACILITY] = "log.syslog.facility.code",
    [FIELD_FACILITY_NAME] = "log.syslog.facility.name",
    [FIELD_SEVERITY] = "log.syslog.severity.code",
    [FIELD_SEVERITY_NAME] = "log.syslog.severity.name",
    [FIELD_VERSION] = "log.syslog.version",
    [FIELD_PROCESS_ID] = "log.syslog.procid",
    [FIELD_MESSAGE_ID] = "log.syslog.msgid",
    [FIELD_UPTIME] = "kernel.uptime",
    [FIELD_PRODUCT] = "tocsin.product",
    [FIELD_CATEGORY] = "tocsin.category",
    [FIELD_SERVICE] = "tocsin.service",
    [FIELD_REPEATED] = "tocsin.repeated",
};

void field_names_add(struct symbols *symbols, struct field_names *ret_names) {
    for (unsigned i = 0; i < FIELD_NAMES; i++)
        ret_names->symbol[i] = symbols_add(symbols, slice_string(names[i]));
}

struct slice field_facility_name(unsigned facility) {
    static const char *const facilities[] = {"kern",   "user",   "mail",   "daemon", "auth",     "syslog",
                                             "lpr",    "news",   "uucp",   "cron",   "authpriv", "ftp",
                                             "ntp",    "audit",  "alert",  "clock",  "local0",   "local1",
                                             "local2", "local3", "local4", "local5", "local6",   "local7"};
    return slice_string(facility < sizeof facilities / sizeof *facilities ? facilities[facility] : NULL);
}

struct slice field_severity_name(unsigned severity) {
    static const char *const severities[] = {"emerg",   "alert",  "crit", "err",
                                             "warning", "notice", "info", "debug"};
    return slice_string(severity < sizeof severities / sizeof *severities ? severities[severity] : NULL);
}

bool field_name_reserved(struct slice name) {
    static const char *const reserved[] = {"event.original", "event.ingested", "host.name", "log.file.path"};
    /* Product and service too: a line that called itself Tocsin's own could feign a gap or an agent's silence. */
    if (slice_starts(name, SLICE("tocsin.")))
        return true;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (slice_equal(name, slice_string(reserved[i])))
            return true;
    return false;
}

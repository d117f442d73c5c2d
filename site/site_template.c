#include "site_template.h"

#include <stdio.h>

#include "files.h"

static bool write_once(const char *site, const char *name, struct slice text, struct fault *fault) {
    char path[FILES_PATH_MOST];
    if (!files_make_folder(site, 0755, fault))
        return false;
    if (!files_path(path, site, name))
        return fault_set(fault, FAULT_LIMIT, "the site's path is too long");
    return files_exists(path) || files_write(path, text, 0644, fault);
}

bool site_template_agent(const char *site, const char *collector, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(16384);
    buffer_printf(
        &text,
        "# What this host's agent reads and where it sends it. `man tocsin-agent.yaml` lists every setting.\n"
        "# After a change: `tocsin-agent --check`, then `systemctl reload tocsin-agent` (or SIGHUP).\n"
        "collector: \"%s\"\n"
        "\n"
        "# A file that is not there is waited for. The journal is read only while the files that rsyslog\n"
        "# writes are not there: so every line comes once, with rsyslog and without.\n"
        "sources:\n"
        "  - {file: /var/log/auth.log, class: access}\n"
        "  - {file: /var/log/syslog, class: system}\n"
        "  - {file: /var/log/kern.log, class: system}\n"
        "  - {file: /var/log/dpkg.log, class: configuration}\n"
        "  - {journal: true, unless: [/var/log/auth.log, /var/log/syslog]}\n"
        "\n"
        "# What is asked whether it is alive and right, every few seconds. `tocsin probe discover CERT.pem` "
        "writes the\n"
        "# probes of a CA out of one of its certificates; `tocsin probe KIND …` tries one by hand.\n"
        "# probes:\n"
        "#   - {kind: ocsp, target: \"http://ocsp.example.org/\", issuer: ca.pem, certificates: [www.pem]}\n"
        "#   - {kind: crl, target: \"http://crl.example.org/ca.crl\", issuer: ca.pem, ocsp: "
        "\"http://ocsp.example.org/\"}\n",
        collector);
    return write_once(site, "agent.yaml", buffer_slice(&text), fault);
}

/* The name of the file is the address, without what would be trouble in one. */
bool site_template_collector_too(const char *site, const char *collector, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(1024);
    char folder[FILES_PATH_MOST], name[300];
    size_t size = (size_t)snprintf(name, sizeof name, "collector-%.280s", collector);
    for (size_t i = 0; i < size; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '.'))
            name[i] = '-';
    snprintf(name + size, sizeof name - size, ".yaml");
    buffer_printf(
        &text,
        "# One more collector that this host has joined. To leave it: remove this file, then `systemctl "
        "reload tocsin-agent`.\ncollector: \"%s\"\n",
        collector);
    if (!files_path(folder, site, "agent.d"))
        return fault_set(fault, FAULT_LIMIT, "the site's path is too long");
    return write_once(folder, name, buffer_slice(&text), fault);
}

bool site_template_collector(const char *site, const char *listen, struct fault *fault) {
    CLEANUP_BUFFER struct buffer text = BUFFER(16384);
    buffer_printf(&text,
                  "# The collector of this site. `man tocsin-collector.yaml` lists every setting.\n"
                  "# After a change: `tocsin-collector --check`, then `systemctl reload tocsin-collector` "
                  "(or SIGHUP).\n"
                  "listen: \"%s\"\n"
                  "\n"
                  "# Who is told of alerts. Try it with `tocsin test-alert`.\n"
                  "# mail:\n"
                  "#   server: mail.example.org:587\n"
                  "#   from: tocsin@example.org\n"
                  "#   to: [admins@example.org]\n"
                  "# webhooks:\n"
                  "#   - {url: \"https://chat.example.org/hooks/abc\"}\n"
                  "\n"
                  "# Sigma rules of your own, beside the shipped ones:\n"
                  "# rules: [/usr/share/tocsin/rules, %s/rules]\n",
                  listen, site);
    return write_once(site, "collector.yaml", buffer_slice(&text), fault);
}

#include "probe_settings.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "slice.h"

#define MEMBER(member) offsetof(struct probe_settings, member)

/* In the order of their enums. */
static const char *const partial_words[] = {"warn", "critical", NULL};
static const char *const profile_words[] = {"cabf-br", "rfc", NULL};

static const struct settings_row rows[] = {
    {.type = SETTINGS_PLACE, .offset = MEMBER(place)},
    {.path = "kind",
     .type = SETTINGS_WORD,
     .offset = MEMBER(kind),
     .required = true,
     .words = liveness_kind_words,
     .about = "What is asked, and how the answer is judged.",
     .example = "ocsp"},
    {.path = "target",
     .type = SETTINGS_STRING,
     .offset = MEMBER(target),
     .maximum = 2048,
     .about = "Whom it asks: a URL, HOST:PORT, or what else the kind takes. Every address of a name is asked "
              "on its own.",
     .example = "http://ocsp.example.org/"},
    {.path = "name",
     .type = SETTINGS_STRING,
     .offset = MEMBER(name),
     .maximum = PROBE_NAME_MOST,
     .about = "What alerts and reports call it; without it, its kind and target.",
     .example = "class 3 OCSP"},
    {.path = "every",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(every_us),
     .standard = "7s",
     .minimum = 1000000,
     .maximum = 86400000000u * 7,
     .about = "The time from one run to the next, give or take a twentieth. With the retry a failure is sure within 10 seconds."},
    {.path = "retry",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(retry_us),
     .standard = "2s",
     .minimum = 100000,
     .maximum = 86400000000u,
     .about = "The same while a run's outcome differs from what is believed."},
    {.path = "timeout",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(timeout_us),
     .standard = "10s",
     .minimum = 100000,
     .maximum = 3600000000u,
     .about = "How long a whole answer may take (Baseline Requirements 4.10.2: 10 seconds)."},
    {.path = "down_after",
     .type = SETTINGS_UNSIGNED,
     .offset = MEMBER(down_after),
     .standard = "2",
     .minimum = 1,
     .maximum = 1000,
     .about = "Bad runs in a row until it is believed."},
    {.path = "up_after",
     .type = SETTINGS_UNSIGNED,
     .offset = MEMBER(up_after),
     .standard = "2",
     .minimum = 1,
     .maximum = 1000,
     .about = "Good runs in a row until that is believed."},
    {.path = "remind",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(remind_us),
     .standard = "1h",
     .minimum = 1000000,
     .maximum = 86400000000u * 7,
     .about = "What goes on is told again so often."},
    {.path = "recovery",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(recovery_us),
     .standard = "27h",
     .maximum = 86400000000u * 365,
     .about = "In which the service must be back (Security Manual: 27 hours for revocation); 0s where there "
              "is no such bound."},
    {.path = "families",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(families),
     .maximum = 2,
     .about =
         "The families of addresses that the name must have, ipv4 and ipv6; without it, whichever it has.",
     .example = "[ipv4, ipv6]"},
    {.path = "addresses",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(addresses),
     .maximum = PROBE_ADDRESSES_MOST,
     .about =
         "Addresses that are asked instead of those that the name has: each machine behind a balancer, say.",
     .example = "[192.0.2.7, '2001:db8::7']"},
    {.path = "partial",
     .type = SETTINGS_WORD,
     .offset = MEMBER(partial),
     .standard = "warn",
     .words = partial_words,
     .about = "How bad it is when some addresses cannot be reached and all others answer well. A wrong "
              "answer is as bad as "
              "its check says, wherever it comes from."},
    {.path = "profile",
     .type = SETTINGS_WORD,
     .offset = MEMBER(profile),
     .standard = "cabf-br",
     .words = profile_words,
     .about = "Whose rules hold: the CA/Browser Forum's, or the RFCs' alone."},
    {.path = "checks",
     .type = SETTINGS_PAIRS,
     .offset = MEMBER(checks),
     .maximum = 100,
     .about =
         "Checks that are switched off, and numbers that differ, by the names that `tocsin probe` prints.",
     .example = "{ocsp.nonce: off, crl.refresh-most: 26h}"},
    {.path = "authorities",
     .type = SETTINGS_PATH,
     .offset = MEMBER(authorities),
     .about = "The authorities by which https and TLS are verified, in PEM; without it, the system's.",
     .example = "/etc/ssl/certs/ca-certificates.crt"},
    {.path = "client_certificate",
     .type = SETTINGS_PATH,
     .offset = MEMBER(client_certificate),
     .about = "A certificate of ours that is shown where https asks for one, in PEM.",
     .example = "/etc/tocsin/probe.pem"},
    {.path = "client_key",
     .type = SETTINGS_PATH,
     .offset = MEMBER(client_key),
     .about = "Its key; without it, it stands in the same file."},
    {.path = "issuer",
     .type = SETTINGS_PATH,
     .offset = MEMBER(issuer),
     .about =
         "ocsp, crl, tsa: the CA's certificate, in PEM or DER; of a time-stamping authority its own will do.",
     .example = "/etc/tocsin/class3.pem"},
    {.path = "certificates",
     .type = SETTINGS_PATHS,
     .offset = MEMBER(certificates),
     .maximum = 30,
     .about = "ocsp: certificates that were issued, a file each: all of them are asked about, the first one in every way. crl: the one in whose scope the list has to be.",
     .example = "[/etc/tocsin/www.pem]"},
    {.path = "serials",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(serials),
     .maximum = 30,
     .about = "ocsp: serials of certificates that were issued, where their files are not at hand.",
     .example = "[0x1234]"},
    {.path = "revoked",
     .type = SETTINGS_PATHS,
     .offset = MEMBER(revoked),
     .maximum = 30,
     .about = "ocsp: certificates that were revoked, likewise.",
     .example = "[/etc/tocsin/revoked.pem]"},
    {.path = "unissued",
     .type = SETTINGS_BOOL,
     .offset = MEMBER(unissued),
     .standard = "true",
     .about = "ocsp: whether it asks about a serial that was never issued, too: no answer may call it good."},
    {.path = "methods",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(methods),
     .standard = "[get, post]",
     .maximum = 2,
     .about = "ocsp: how it asks. POST has a nonce; GET has none, so that caches can answer."},
    {.path = "digests",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(digests),
     .standard = "[sha1]",
     .maximum = 2,
     .about = "ocsp: the digests by which it names a certificate; few responders know others than sha1 (RFC "
              "5019 2.1.1).",
     .example = "[sha1, sha256]"},
    {.path = "uri",
     .type = SETTINGS_STRING,
     .offset = MEMBER(uri),
     .maximum = 2048,
     .about = "crl: where certificates say that it is, when that is not the target."},
    {.path = "ocsp",
     .type = SETTINGS_STRING,
     .offset = MEMBER(ocsp),
     .maximum = 2048,
     .about =
         "crl: the OCSP responder that has to say the same: some of the revoked serials are asked there.",
     .example = "http://ocsp.example.org/"},
    {.path = "samples",
     .type = SETTINGS_UNSIGNED,
     .offset = MEMBER(samples),
     .standard = "3",
     .minimum = 1,
     .maximum = 100,
     .about = "crl: how many of them, in each run whose CRL is new or an hour old."},
    {.path = "policy",
     .type = SETTINGS_STRING,
     .offset = MEMBER(policy),
     .maximum = 60,
     .about = "tsa: the policy that is asked for, which every token must then have; without it, any.",
     .example = "1.3.6.1.4.1.99999.1"},
    {.path = "mechanism",
     .type = SETTINGS_STRING,
     .offset = MEMBER(mechanism),
     .maximum = 60,
     .about =
         "pkcs11: how the canary signs; without it, by the first mechanism that the token takes for its key.",
     .example = "CKM_SHA256_RSA_PKCS_PSS"},
    {.path = "environment",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(environment),
     .maximum = 64,
     .about = "pkcs11, command, queue: variables that the module or the program needs, beside PATH, LANG and "
              "HOME.",
     .example = "[SOFTHSM2_CONF=/etc/softhsm/softhsm2.conf]"},
    {.path = "device",
     .type = SETTINGS_PATH,
     .offset = MEMBER(device),
     .about = "cacert: the signer's serial line, which nobody else may use: one that has a client is watched "
              "by its log.",
     .example = "/dev/ttyUSB0"},
    {.path = "server_name",
     .type = SETTINGS_STRING,
     .offset = MEMBER(server_name),
     .maximum = 255,
     .about = "tls: the name that the server is asked for and must have, when that is not the target's.",
     .example = "www.example.org"},
    {.path = "alpn",
     .type = SETTINGS_STRING,
     .offset = MEMBER(alpn),
     .maximum = 100,
     .about = "tls: the protocol that is offered, and has to be chosen (ALPN).",
     .example = "h2"},
    {.path = "weak_keys",
     .type = SETTINGS_PATH,
     .offset = MEMBER(weak_keys),
     .about =
         "tls: a list of weak keys, a hash a line: of openssl-blacklist, or SHA-1 and SHA-256 of keys or "
         "moduli.",
     .example = "/usr/share/openssl-blacklist/blacklist.RSA-2048"},
    {.path = "starttls",
     .type = SETTINGS_BOOL,
     .offset = MEMBER(starttls),
     .standard = "false",
     .about = "tls: whether the target is a mail server, where TLS begins by STARTTLS. smtp: whether "
              "STARTTLS has to "
              "be announced."},
    {.path = "old_protocols",
     .type = SETTINGS_BOOL,
     .offset = MEMBER(old_protocols),
     .standard = "false",
     .about = "tls: whether TLS 1.0 and 1.1 are offered alone as well, in a second connection: they have to "
              "be refused."},
    {.path = "preset",
     .type = SETTINGS_STRING,
     .offset = MEMBER(preset),
     .about = "http: a server whose health answer is known: ejbca, signserver, step-ca, cfssl, dogtag. It "
              "also has the path, where the target has none.",
     .example = "ejbca"},
    {.path = "status",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(status),
     .maximum = 20,
     .about = "http: the statuses that are good, 2xx for a hundred of them; without it, 200.",
     .example = "[200, 204]"},
    {.path = "body",
     .type = SETTINGS_STRING,
     .offset = MEMBER(body),
     .about =
         "http: what the whole body is, without the blanks around it; * stands for any text, ? for one byte.",
     .example = "*running*"},
    {.path = "values",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(values),
     .maximum = 16,
     .about = "http: values in a JSON body, each by the names around it joined with dots.",
     .example = "[\"result.healthy=true\"]"},
    {.path = "service",
     .type = SETTINGS_STRING,
     .offset = MEMBER(service),
     .maximum = 200,
     .about = "grpc: the service that is asked about; without it, the server as a whole.",
     .example = "sa.StorageAuthority"},
    {.path = "servers",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(servers),
     .maximum = 16,
     .about = "dns: the name servers, each of which is asked, HOST or HOST:PORT; without it, those that the "
              "resolver names for the zone.",
     .example = "[ns1.example.org, 192.0.2.53]"},
    {.path = "expected_addresses",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(expected_addresses),
     .maximum = 64,
     .about = "dns: the addresses that each of them has to name, and no others; without it, all have to name "
              "the same ones.",
     .example = "[192.0.2.7, '2001:db8::7']"},
    {.path = "resolver",
     .type = SETTINGS_STRING,
     .offset = MEMBER(resolver),
     .maximum = 64,
     .about = "dns: who is asked for the zone's name servers, ADDRESS or ADDRESS:PORT; without it, the "
              "resolvers of /etc/resolv.conf.",
     .example = "192.0.2.53"},
    {.path = "send",
     .type = SETTINGS_STRING,
     .offset = MEMBER(send),
     .maximum = 4096,
     .about = "tcp: what is sent once the connection stands; \\r, \\n, \\t, \\\\ and \\xHH are bytes.",
     .example = "'PING\\r\\n'"},
    {.path = "expect",
     .type = SETTINGS_STRING,
     .offset = MEMBER(expect),
     .maximum = 4096,
     .about = "tcp: what has to come, anywhere in the answer, written the same way; without it, a connection "
              "is all that is due.",
     .example = "'+PONG'"},
    {.path = "command",
     .type = SETTINGS_STRINGS,
     .offset = MEMBER(command),
     .maximum = 200,
     .about =
         "command: a monitoring plugin and its arguments, without a shell; the target, where it has none. "
         "queue: what prints the number.",
     .example = "[check_disk, -w, 20%, -c, 10%, -p, /]"},
    {.path = "user",
     .type = SETTINGS_STRING,
     .offset = MEMBER(user),
     .maximum = 64,
     .about = "command, queue: whom a program runs as. Only root can run it as another one, and has to name "
              "somebody; the packaged agent is tocsin-agent, and can be nobody else.",
     .example = "tocsin-agent"},
    {.path = "age_most",
     .type = SETTINGS_DURATION,
     .offset = MEMBER(age_most_us),
     .maximum = 86400000000u * 3650,
     .about =
         "queue: how old its oldest file may become; a warning comes at half of it, and at three quarters.",
     .example = "1h"},
    {.path = "count_most",
     .type = SETTINGS_UNSIGNED,
     .offset = MEMBER(count_most),
     .about = "queue: the same for the number of files.",
     .example = "100"},
    {.path = "number_most",
     .type = SETTINGS_UNSIGNED,
     .offset = MEMBER(number_most),
     .about = "queue: the same for the number that the command prints.",
     .example = "100"},
};

bool settings_strings_has(const struct settings_strings *strings, const char *word) {
    for (size_t i = 0; i < strings->count; i++)
        if (strcmp(strings->items[i], word) == 0)
            return true;
    return false;
}

bool probe_settings_policy(const struct probe_settings *settings, struct liveness_policy *ret_policy,
                           struct fault *fault) {
    liveness_policy_default(ret_policy, (enum liveness_profile)settings->profile);
    for (size_t i = 0; i < settings->checks.count; i++)
        if (!liveness_policy_set(ret_policy, slice_string(settings->checks.items[i].name),
                                 slice_string(settings->checks.items[i].value), fault))
            return false;
    return true;
}

const char *probe_settings_whom(const struct probe_settings *settings) {
    return settings->target          ? settings->target
           : settings->device        ? settings->device
           : settings->command.count ? settings->command.items[0]
                                     : "";
}

const char *probe_settings_name(const struct probe_settings *settings, char ret_name[PROBE_NAME_SIZE]) {
    const char *whom = probe_settings_whom(settings);
    if (settings->name)
        snprintf(ret_name, PROBE_NAME_SIZE, "%s", settings->name);
    else
        snprintf(ret_name, PROBE_NAME_SIZE, "%s%s%s", liveness_kind_name((enum liveness_kind)settings->kind),
                 *whom ? " " : "", whom);
    return ret_name;
}

struct probe_bounds probe_settings_bounds(const struct probe_settings *settings) {
    return (struct probe_bounds){.every_us = settings->every_us,
                                 .retry_us = settings->retry_us < settings->every_us ? settings->retry_us
                                                                                     : settings->every_us,
                                 .down_after = (unsigned)settings->down_after,
                                 .up_after = (unsigned)settings->up_after,
                                 .remind_us = settings->remind_us,
                                 .recovery_us = settings->recovery_us};
}

static bool words_good(const struct settings_strings *strings, const char *key, const char *const *known,
                       struct fault *fault) {
    for (size_t i = 0; i < strings->count; i++) {
        bool found = false;
        for (size_t j = 0; known[j]; j++)
            found = found || strcmp(strings->items[i], known[j]) == 0;
        if (!found)
            return fault_set(fault, FAULT_USAGE, "%s: '%.40s' is neither %s nor %s", key, strings->items[i],
                             known[0], known[1]);
    }
    return true;
}

static bool address_good(const char *text) {
    uint8_t bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool check(const void *target, struct fault *fault) {
    static const char *const families[] = {"ipv4", "ipv6", NULL}, *const methods[] = {"get", "post", NULL},
                             *const digests[] = {"sha1", "sha256", NULL};
    const struct probe_settings *settings = target;
    struct liveness_policy policy;
    if (settings->kind == LIVENESS_REACH)
        return fault_set(fault, FAULT_USAGE,
                         "kind: reach is what all kinds check; for a bare connection write tcp");
    for (size_t i = 0; i < settings->addresses.count; i++)
        if (!address_good(settings->addresses.items[i]))
            return fault_set(fault, FAULT_USAGE, "addresses: '%.60s' is no address of IPv4 or IPv6",
                             settings->addresses.items[i]);
    return words_good(&settings->families, "families", families, fault) &&
           words_good(&settings->methods, "methods", methods, fault) &&
           words_good(&settings->digests, "digests", digests, fault) &&
           probe_settings_policy(settings, &policy, fault);
}

const struct settings_table probe_settings_items = SETTINGS_TABLE(rows, struct probe_settings, check);

const struct settings_table *probe_settings_table(void) {
    return &probe_settings_items;
}

#include "server_name.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "ip_text.h"
#include "oids.h"

bool server_name_ip(struct slice name, uint8_t ret_bytes[SERVER_NAME_IP_MOST], size_t *ret_size) {
    char text[IP_TEXT_MOST];
    struct slice address = slice_head(name, slice_find_byte(name, '%'));
    if (!ip_text_good(address) || address.size >= sizeof text)
        return false;
    memcpy(text, address.data, address.size);
    text[address.size] = '\0';
    bool six = slice_find_byte(address, ':') != SIZE_MAX;
    *ret_size = six ? 16 : 4;
    return inet_pton(six ? AF_INET6 : AF_INET, text, ret_bytes) == 1;
}

struct der_reader server_name_all(const struct certificate *certificate) {
    struct extension extension;
    struct der_reader none = {SLICE(""), true};
    if (!extension_find(certificate->extensions, OID_SUBJECT_ALT_NAME, &extension))
        return none;
    struct der_reader outer = der_read(extension.value), names = der_enter(&outer, DER_SEQUENCE);
    return der_done(&outer) ? names : none;
}

static struct slice without_dot(struct slice name) {
    return name.size && name.data[name.size - 1] == '.' ? slice_head(name, name.size - 1) : name;
}

static bool matches_dns(struct slice pattern, struct slice name) {
    if (!slice_starts(pattern, SLICE("*.")))
        return name.size && slice_equal_caseless(pattern, name);
    size_t dot = slice_find_byte(name, '.');
    struct slice parent = slice_from(pattern, 2);
    return dot != SIZE_MAX && dot > 0 && slice_find_byte(parent, '.') != SIZE_MAX &&
           slice_equal_caseless(parent, slice_from(name, dot + 1));
}

bool server_name_matches(const struct certificate *certificate, struct slice name) {
    uint8_t ip[SERVER_NAME_IP_MOST];
    size_t ip_size = 0;
    bool is_ip = server_name_ip(name, ip, &ip_size), found = false;
    struct der_reader names = server_name_all(certificate);
    while (der_more(&names)) {
        struct der_element one = der_take_any(&names);
        if (is_ip)
            found |= one.tag == SERVER_NAME_TAG_IP && slice_equal(one.content, slice_make(ip, ip_size));
        else
            found |= one.tag == SERVER_NAME_TAG_DNS && matches_dns(one.content, without_dot(name));
    }
    return found && !names.failed;
}

void server_name_print(const struct der_element *name, char *to, size_t room) {
    char ip[INET6_ADDRSTRLEN] = "?";
    if (name->tag == SERVER_NAME_TAG_IP && (name->content.size == 4 || name->content.size == 16))
        inet_ntop(name->content.size == 4 ? AF_INET : AF_INET6, name->content.data, ip, sizeof ip);
    struct slice text =
        name->tag == SERVER_NAME_TAG_IP ? slice_string(ip) : slice_head(name->content, room - 1);
    for (size_t i = 0; i < text.size; i++)
        to[i] = text.data[i] > ' ' && text.data[i] <= '~' ? (char)text.data[i] : '?';
    to[text.size] = '\0';
}

void server_name_list(const struct certificate *certificate, char ret_text[SERVER_NAME_TEXT]) {
    struct der_reader names = server_name_all(certificate);
    const size_t tail = 24; /* of " and 12345678 more" */
    size_t used = 0, more = 0;
    snprintf(ret_text, SERVER_NAME_TEXT, "%s",
             names.failed ? "no subjectAltName (a common name does not count)"
                          : "neither a name nor an address");
    while (der_more(&names)) {
        char one[64];
        struct der_element element = der_take_any(&names);
        if (element.tag != SERVER_NAME_TAG_DNS && element.tag != SERVER_NAME_TAG_IP)
            continue;
        server_name_print(&element, one, sizeof one);
        if (more || used + strlen(one) + 2 + tail >= SERVER_NAME_TEXT)
            more++;
        else
            used += (size_t)snprintf(ret_text + used, SERVER_NAME_TEXT - used, "%s%s", used ? ", " : "", one);
    }
    if (more)
        snprintf(ret_text + used, SERVER_NAME_TEXT - used, " and %zu more", more);
}

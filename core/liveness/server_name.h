/* Whether a certificate is for the server that was asked for (RFC 9525, which follows RFC 6125).
 *
 * The subjectAltName alone counts, never a common name. A wildcard is the whole left-most label and stands for exactly one;
 * two labels follow it at least. An IP address is held against iPAddress entries alone, byte by byte. */
#ifndef TOCSIN_SERVER_NAME_H
#define TOCSIN_SERVER_NAME_H

#include "certificate.h"

/* "192.0.2.7", "2001:db8::1" (a zone is cut off): its 4 or 16 bytes. */
#define SERVER_NAME_IP_MOST 16u
bool server_name_ip(struct slice name, uint8_t ret_bytes[SERVER_NAME_IP_MOST], size_t *ret_size);

bool server_name_matches(const struct certificate *certificate, struct slice name);

/* The GeneralNames of the subjectAltName, one after the other; failed where there is none that can be read. */
enum { SERVER_NAME_TAG_DNS = DER_PRIMITIVE_0 + 2, SERVER_NAME_TAG_IP = DER_PRIMITIVE_0 + 7 };
struct der_reader server_name_all(const struct certificate *certificate);
/* One of these two kinds, printable. */
void server_name_print(const struct der_element *name, char *to, size_t room);

/* "a.example, *.b.example, 192.0.2.7 and 3 more", or what is wrong with them, for people. */
#define SERVER_NAME_TEXT 120
void server_name_list(const struct certificate *certificate, char ret_text[SERVER_NAME_TEXT]);

#endif

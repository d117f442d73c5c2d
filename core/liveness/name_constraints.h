/* Whether a CA may sign for the names of a server (RFC 5280 4.2.1.10): DNS names and IP addresses, which is what a TLS
 * client compares. Constraints on other kinds of names say nothing here. */
#ifndef TOCSIN_NAME_CONSTRAINTS_H
#define TOCSIN_NAME_CONSTRAINTS_H

#include "certificate.h"

enum name_constraints { NAME_CONSTRAINTS_NONE, NAME_CONSTRAINTS_HOLD, NAME_CONSTRAINTS_BROKEN };

/* ret_name: the first of the leaf's names that is not allowed; no content where the constraints themselves cannot be read. */
enum name_constraints name_constraints_judge(const struct certificate *ca, const struct certificate *leaf,
                                             struct der_element *ret_name);

#endif

/* Whether the payload of a statement has the form that its type asks for, for the types that say nothing about who may sign:
 * holds, erasures, decommissioning, decisions, notes. Types whose payload is not fixed here pass. */
#ifndef TOCSIN_STATEMENT_PAYLOAD_H
#define TOCSIN_STATEMENT_PAYLOAD_H

#include "statement.h"

bool statement_payload_check(uint32_t type, struct slice payload, struct fault *fault);

#endif

/* The types of statements and who signs each (log-format: Statements and control entries). A number is never reused. */
#ifndef TOCSIN_STATEMENT_TYPE_H
#define TOCSIN_STATEMENT_TYPE_H

#include <stdbool.h>
#include <stdint.h>

enum statement_type {
    STATEMENT_GENESIS = 1,
    STATEMENT_DAY_MARK = 2,
    STATEMENT_PERSON_ENROL = 3,
    STATEMENT_PERSON_REVOKE = 4,
    STATEMENT_AGENT_ENROL = 5,
    STATEMENT_AGENT_ROTATE = 6,
    STATEMENT_AGENT_REVOKE = 7,
    STATEMENT_RETENTION_POLICY = 8,
    STATEMENT_WITNESS_POLICY = 9,
    STATEMENT_HOLD_PLACE = 10,
    STATEMENT_HOLD_MATCHED = 11,
    STATEMENT_HOLD_RELEASE = 12,
    STATEMENT_ERASE_INTENT = 13,
    STATEMENT_ERASE_VETO = 14,
    STATEMENT_ERASE_DONE = 15,
    STATEMENT_DECOMMISSION = 16,
    STATEMENT_ORPHAN = 17,
    STATEMENT_DECISION = 18,
    STATEMENT_NOTE = 19,
    STATEMENT_NEW_ORIGIN = 20,
    STATEMENT_FORK = 21,
    STATEMENT_ERASE_BEGUN = 22,
    STATEMENT_MARK = 23,
    STATEMENT_EARLY_ERASURE = 24,
    STATEMENT_REGISTRAR = 25,
};
#define STATEMENT_TYPES 25u /* the highest */

enum statement_signers {
    SIGNERS_NONE,       /* no such type */
    SIGNERS_GENESIS,    /* the log key and every person named */
    SIGNERS_ORIGIN,     /* the log key, and two people of different roles */
    SIGNERS_LOG,        /* the log key */
    SIGNERS_TWO_PEOPLE, /* of different roles, so that one of them is not an administrator */
    SIGNERS_REGISTRAR,  /* and, for a name that exists, one person */
    SIGNERS_BOTH_KEYS,  /* the agent's old and new key */
    SIGNERS_PERSON,     /* one person */
    SIGNERS_VETO,       /* board, monitor or arbitrator */
};

enum statement_signers statement_type_signers(uint32_t type);
const char *statement_type_name(uint32_t type); /* "day mark"; NULL for a number that is none */

#endif

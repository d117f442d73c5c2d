#include "statement_type.h"

#include <stddef.h>

static const struct {
    const char *name;
    enum statement_signers signers;
} types[STATEMENT_TYPES + 1] = {
    [STATEMENT_GENESIS] = {"genesis", SIGNERS_GENESIS},
    [STATEMENT_DAY_MARK] = {"day mark", SIGNERS_LOG},
    [STATEMENT_PERSON_ENROL] = {"person enrol", SIGNERS_TWO_PEOPLE},
    [STATEMENT_PERSON_REVOKE] = {"person revoke", SIGNERS_TWO_PEOPLE},
    [STATEMENT_AGENT_ENROL] = {"agent enrol", SIGNERS_REGISTRAR},
    [STATEMENT_AGENT_ROTATE] = {"agent rotate", SIGNERS_BOTH_KEYS},
    [STATEMENT_AGENT_REVOKE] = {"agent revoke", SIGNERS_PERSON},
    [STATEMENT_RETENTION_POLICY] = {"retention policy", SIGNERS_TWO_PEOPLE},
    [STATEMENT_WITNESS_POLICY] = {"witness policy", SIGNERS_TWO_PEOPLE},
    [STATEMENT_HOLD_PLACE] = {"hold place", SIGNERS_PERSON},
    [STATEMENT_HOLD_MATCHED] = {"hold matched", SIGNERS_LOG},
    [STATEMENT_HOLD_RELEASE] = {"hold release", SIGNERS_TWO_PEOPLE},
    [STATEMENT_ERASE_INTENT] = {"erase intent", SIGNERS_LOG},
    [STATEMENT_ERASE_VETO] = {"erase veto", SIGNERS_VETO},
    [STATEMENT_ERASE_DONE] = {"erase done", SIGNERS_LOG},
    [STATEMENT_DECOMMISSION] = {"decommission", SIGNERS_TWO_PEOPLE},
    [STATEMENT_ORPHAN] = {"orphan", SIGNERS_LOG},
    [STATEMENT_DECISION] = {"decision", SIGNERS_PERSON},
    [STATEMENT_NOTE] = {"note", SIGNERS_PERSON},
    [STATEMENT_NEW_ORIGIN] = {"new origin", SIGNERS_ORIGIN},
    [STATEMENT_FORK] = {"fork", SIGNERS_LOG},
    [STATEMENT_ERASE_BEGUN] = {"erase begun", SIGNERS_LOG},
    [STATEMENT_MARK] = {"mark", SIGNERS_LOG},
    [STATEMENT_EARLY_ERASURE] = {"early erasure", SIGNERS_TWO_PEOPLE},
    [STATEMENT_REGISTRAR] = {"registrar", SIGNERS_TWO_PEOPLE},
};

enum statement_signers statement_type_signers(uint32_t type) {
    return type <= STATEMENT_TYPES ? types[type].signers : SIGNERS_NONE;
}

const char *statement_type_name(uint32_t type) {
    return type <= STATEMENT_TYPES ? types[type].name : NULL;
}

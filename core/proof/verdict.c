#include "verdict.h"

const char *verdict_name(enum verdict verdict) {
    static const char *const names[VERDICTS] = {
        [VERDICT_OPENED] = "OPENED",
        [VERDICT_ALTERED] = "ALTERED",
        [VERDICT_ERASED_LAWFULLY] = "ERASED-LAWFULLY",
        [VERDICT_HELD] = "HELD",
        [VERDICT_MISSING_DECLARED] = "MISSING (declared)",
        [VERDICT_MISSING] = "MISSING",
        [VERDICT_OVER_RETAINED] = "OVER-RETAINED",
    };
    return names[verdict];
}

const char *attestation_name(enum attestation attestation) {
    static const char *const names[ATTESTATIONS] = {
        [ATTESTATION_UNATTESTED] = "UNATTESTED",
        [ATTESTATION_UNWITNESSED] = "UNWITNESSED",
        [ATTESTATION_SELF_CLOCKED] = "SELF-CLOCKED",
        [ATTESTATION_WITNESSED] = "WITNESSED",
    };
    return names[attestation];
}

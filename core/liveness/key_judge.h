/* A certificate's public key judged: its kind and size, and whether others can work out the private one (Baseline
 * Requirements 6.1.1.3, 6.1.5, 6.1.6). Adds the checks tls.key… to a report that has begun. */
#ifndef TOCSIN_KEY_JUDGE_H
#define TOCSIN_KEY_JUDGE_H

#include "certificate.h"
#include "liveness_report.h"
#include "weak_keys.h"

#define KEY_FERMAT_ROUNDS 100u /* Baseline Requirements 6.1.1.3 (5) 3 */

/* `list`: NULL for none. Gives back whether the key is one that can be used and is not known to be anybody's. */
bool key_judge(const struct certificate *certificate, const struct weak_keys *list,
               struct liveness_report *report);

#endif

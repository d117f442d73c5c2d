#include "tls_chain.h"

bool tls_chain_is_same(const struct certificate *a, const struct certificate *b) {
    return slice_equal(a->key, b->key) && certificate_same_name(a->subject, b->subject);
}

bool tls_chain_is_self_signed(const struct certificate *certificate) {
    return slice_equal(certificate->issuer, certificate->subject) &&
           certificate_issued_by(certificate, certificate);
}

const struct certificate *tls_chain_issuer(const struct tls_chain *chain, size_t n) {
    if (n + 1 == chain->needed && chain->anchor)
        return chain->anchor;
    return n + 1 < chain->path_count ? tls_chain_at(chain, n + 1) : NULL;
}

/* ---- the path through what was sent */

static bool is_in_path(const struct tls_chain *chain, size_t place) {
    for (size_t i = 0; i < chain->path_count; i++)
        if (chain->path[i] == place)
            return true;
    return false;
}

/* Who signed the last one of the path; the one sent next is asked first. */
static bool find_next(const struct tls_chain *chain, size_t *ret_place) {
    size_t last = chain->path[chain->path_count - 1];
    for (size_t step = 1; step < chain->count; step++) {
        size_t place = (last + step) % chain->count;
        if (!is_in_path(chain, place) && certificate_issued_by(&chain->sent[last], &chain->sent[place])) {
            *ret_place = place;
            return true;
        }
    }
    return false;
}

static void find_path(struct tls_chain *chain) {
    size_t next = 0;
    do
        chain->path[chain->path_count++] = next;
    while (!tls_chain_is_self_signed(&chain->sent[next]) && find_next(chain, &next));
}

/* ---- anchors */

struct anchors {
    const struct certificate *list;
    size_t count;
    uint64_t now_us;
};

static bool is_valid(const struct certificate *certificate, uint64_t now_us) {
    return now_us >= certificate->not_before_us && now_us <= certificate->not_after_us;
}

/* `by_bytes`: only those whose name is the issuer's byte by byte, or whose key is the certificate's own. */
static const struct certificate *find_anchor(const struct anchors *anchors, const struct certificate *of,
                                             bool by_bytes) {
    const struct certificate *past = NULL;
    for (size_t i = 0; i < anchors->count; i++) {
        const struct certificate *anchor = &anchors->list[i];
        if (by_bytes && !slice_equal(anchor->subject, of->issuer) && !slice_equal(anchor->key, of->key))
            continue;
        if (!tls_chain_is_same(anchor, of) && !certificate_issued_by(of, anchor))
            continue;
        if (is_valid(anchor, anchors->now_us))
            return anchor;
        past = anchor;
    }
    return past;
}

/* Up to the first one that a valid anchor stands behind; else that any anchor does. */
static void find_end_by(struct tls_chain *chain, const struct anchors *anchors, bool by_bytes) {
    for (size_t i = 0; i < chain->path_count; i++) {
        const struct certificate *anchor = find_anchor(anchors, tls_chain_at(chain, i), by_bytes);
        bool valid = anchor && is_valid(anchor, anchors->now_us);
        if (anchor && (valid || !chain->anchor)) {
            chain->anchor = anchor;
            chain->needed = i + 1;
        }
        if (valid)
            return;
    }
}

/* Names by their bytes first: to read those of all anchors takes milliseconds, and is hardly ever needed. */
static void find_end(struct tls_chain *chain, const struct anchors *anchors) {
    chain->needed = chain->path_count;
    find_end_by(chain, anchors, true);
    if (!chain->anchor)
        find_end_by(chain, anchors, false);
}

bool tls_chain_read(const struct slice *certificates, size_t count, const struct certificate *anchors,
                    size_t anchor_count, uint64_t now_us, struct tls_chain *ret_chain, struct fault *fault) {
    struct tls_chain *chain = ret_chain;
    const struct anchors known = {anchors, anchor_count, now_us};
    bool good = true;
    chain->count = chain->path_count = chain->needed = 0;
    chain->anchor = NULL;
    if (count > TLS_CHAIN_MOST)
        good = fault_set(fault, FAULT_LIMIT, "%zu certificates; %u are looked at", count, TLS_CHAIN_MOST);
    for (size_t i = 0; i < count && i < TLS_CHAIN_MOST; i++) {
        if (certificate_read(certificates[i], &chain->sent[chain->count], NULL))
            chain->count++;
        else if (good)
            good = fault_set(fault, FAULT_FORMAT, "the certificate sent as number %zu is none in DER", i + 1);
        if (chain->count == 0) /* without the leaf nothing is a chain */
            return good;
    }
    if (chain->count == 0)
        return fault_set(fault, FAULT_MISSING, "no certificate was sent");
    find_path(chain);
    find_end(chain, &known);
    return good;
}

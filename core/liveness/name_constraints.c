#include "name_constraints.h"

#include "oids.h"
#include "server_name.h"

#define TAG_PERMITTED DER_CONTEXT_0
#define TAG_EXCLUDED (DER_CONTEXT_0 + 1)

/* A constraint stands for the name itself and all below it; some are written with the dot in front. */
static bool within_dns(struct slice name, struct slice constraint) {
    if (constraint.size && constraint.data[0] == '.')
        constraint = slice_from(constraint, 1);
    if (constraint.size == 0 || slice_equal_caseless(name, constraint))
        return true;
    return name.size > constraint.size && name.data[name.size - constraint.size - 1] == '.' &&
           slice_equal_caseless(slice_from(name, name.size - constraint.size), constraint);
}

/* The constraint is an address and its mask. */
static bool within_ip(struct slice address, struct slice constraint) {
    if (constraint.size != 2 * address.size)
        return false;
    for (size_t i = 0; i < address.size; i++)
        if ((address.data[i] ^ constraint.data[i]) & constraint.data[address.size + i])
            return false;
    return true;
}

struct hits {
    bool any; /* constraints for this kind of name */
    bool within, failed;
};

static struct hits look_through(struct slice subtrees, const struct der_element *name) {
    struct hits hits = {.any = false};
    struct der_reader list = der_read(subtrees);
    while (der_more(&list)) {
        struct der_reader subtree = der_enter(&list, DER_SEQUENCE);
        struct der_element base = der_take_any(&subtree);
        if (base.tag != name->tag || subtree.failed)
            continue;
        hits.any = true;
        hits.within |= name->tag == SERVER_NAME_TAG_DNS ? within_dns(name->content, base.content)
                                                        : within_ip(name->content, base.content);
    }
    hits.failed = list.failed;
    return hits;
}

static bool allowed(struct slice permitted, struct slice excluded, const struct der_element *name) {
    struct hits good = look_through(permitted, name), bad = look_through(excluded, name);
    return !good.failed && !bad.failed && !bad.within && (good.within || !good.any);
}

enum name_constraints name_constraints_judge(const struct certificate *ca, const struct certificate *leaf,
                                             struct der_element *ret_name) {
    struct extension extension;
    struct slice permitted = {NULL, 0}, excluded = {NULL, 0};
    *ret_name = (struct der_element){0, SLICE(""), SLICE("")};
    if (!extension_find(ca->extensions, OID_NAME_CONSTRAINTS, &extension))
        return NAME_CONSTRAINTS_NONE;
    struct der_reader outer = der_read(extension.value), parts = der_enter(&outer, DER_SEQUENCE);
    if (der_is(&parts, TAG_PERMITTED))
        permitted = der_take(&parts, TAG_PERMITTED);
    if (der_is(&parts, TAG_EXCLUDED))
        excluded = der_take(&parts, TAG_EXCLUDED);
    if (!der_done(&parts) || !der_done(&outer))
        return NAME_CONSTRAINTS_BROKEN;
    struct der_reader names = server_name_all(leaf);
    while (der_more(&names)) {
        struct der_element name = der_take_any(&names);
        if ((name.tag == SERVER_NAME_TAG_DNS || name.tag == SERVER_NAME_TAG_IP) &&
            !allowed(permitted, excluded, &name)) {
            *ret_name = name;
            return NAME_CONSTRAINTS_BROKEN;
        }
    }
    return NAME_CONSTRAINTS_HOLD;
}

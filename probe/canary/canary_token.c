/* The module, the token, the PIN. */
#include <dlfcn.h>
#include <stdio.h>

#include "canary.h"
#include "memory.h"

#define SLOTS_MOST 256u

/* ---- the module */

bool canary_load(struct canary *canary, struct fault *fault) {
    const char *path = p11_kit_uri_get_module_path(canary->uri);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* stays until the end: its threads may go on */
    if (!module)
        return fault_set(fault, FAULT_MISSING, "%.300s",
                         dlerror()); /* NOLINT(concurrency-mt-unsafe): one thread */
    CK_C_GetFunctionList get;
    void *symbol = dlsym(module, "C_GetFunctionList");
    if (!symbol)
        return fault_set(fault, FAULT_FORMAT, "%.200s is no PKCS#11 module: it has no C_GetFunctionList",
                         path);
    memcpy(&get, &symbol, sizeof get);
    CK_RV error = get(&canary->functions);
    if (error != CKR_OK)
        return canary_refused(fault, "C_GetFunctionList", error);
    error = canary->functions->C_Initialize(NULL);
    if (error != CKR_OK)
        return canary_refused(fault, "C_Initialize", error);
    canary->initialized = true;
    return true;
}

void canary_finish(struct canary *canary) {
    if (canary->has_session)
        canary->functions->C_CloseSession(canary->session); /* logs out, too */
    if (canary->initialized)
        canary->functions->C_Finalize(NULL);
    memory_wipe(canary->pin.data, canary->pin.size);
    buffer_free(&canary->pin);
}

/* ---- the token */

static void label_text(const CK_TOKEN_INFO *token, char text[sizeof token->label + 1]) {
    size_t size = sizeof token->label;
    while (size > 0 && (token->label[size - 1] == ' ' || token->label[size - 1] == '\0'))
        size--;
    memcpy(text, token->label, size);
    text[size] = '\0';
}

static bool slot_fits(struct canary *canary, CK_SLOT_ID slot, const CK_TOKEN_INFO *token) {
    CK_SLOT_INFO info;
    CK_SLOT_ID wanted = p11_kit_uri_get_slot_id(canary->uri);
    return (wanted == (CK_SLOT_ID)-1 || wanted == slot) && p11_kit_uri_match_token_info(canary->uri, token) &&
           canary->functions->C_GetSlotInfo(slot, &info) == CKR_OK &&
           p11_kit_uri_match_slot_info(canary->uri, &info);
}

static bool find_token(struct canary *canary, struct fault *fault) {
    CK_SLOT_ID slots[SLOTS_MOST];
    CK_ULONG count = SLOTS_MOST;
    char others[128] = "", label[sizeof canary->token.label + 1];
    size_t found = 0, told = 0;
    CK_RV error = canary->functions->C_GetSlotList(CK_TRUE, slots, &count);
    if (error != CKR_OK)
        return canary_refused(fault, "C_GetSlotList", error);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO token;
        if (canary->functions->C_GetTokenInfo(slots[i], &token) != CKR_OK)
            continue;
        label_text(&token, label);
        if (slot_fits(canary, slots[i], &token)) {
            canary->slot = slots[i];
            canary->token = token;
            found++;
        } else if (label[0] && told < sizeof others)
            told += (size_t)snprintf(others + told, sizeof others - told, "%s'%s'", told ? ", " : "", label);
    }
    if (found > 1)
        return fault_set(fault, FAULT_CONFLICT, "%zu tokens fit: name its serial, too (serial=…)", found);
    if (found == 0)
        return fault_set(fault, FAULT_MISSING, "no token fits the URI; there is %s",
                         others[0] ? others : "none");
    return true;
}

static void tell_token(const struct canary *canary) {
    static const struct {
        CK_FLAGS flag;
        unsigned bit;
    } flags[] = {{CKF_USER_PIN_COUNT_LOW, PKCS11_PIN_LOW},
                 {CKF_USER_PIN_FINAL_TRY, PKCS11_PIN_FINAL},
                 {CKF_USER_PIN_LOCKED, PKCS11_PIN_LOCKED},
                 {CKF_USER_PIN_TO_BE_CHANGED, PKCS11_PIN_CHANGE}};
    char label[sizeof canary->token.label + 1];
    label_text(&canary->token, label);
    canary_tell(canary, PKCS11_FACT_TOKEN, label);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (canary->token.flags & flags[i].flag)
            canary_tell(canary, PKCS11_FACT_PIN, pkcs11_pin_word(flags[i].bit));
}

bool canary_open(struct canary *canary, struct fault *fault) {
    if (!find_token(canary, fault))
        return false;
    tell_token(canary);
    CK_RV error =
        canary->functions->C_OpenSession(canary->slot, CKF_SERIAL_SESSION, NULL, NULL, &canary->session);
    canary->has_session = error == CKR_OK;
    return canary->has_session || canary_refused(fault, "C_OpenSession", error);
}

/* ---- the PIN */

bool canary_needs_login(const struct canary *canary) {
    return (canary->token.flags & CKF_LOGIN_REQUIRED) != 0 && p11_kit_uri_get_pin_source(canary->uri);
}

static bool hold(struct canary *canary, struct fault *fault, const char *why) {
    canary_tell(canary, PKCS11_FACT_PIN, pkcs11_pin_word(PKCS11_PIN_HELD));
    return fault_set(fault, FAULT_AUTH, "the PIN was not given: %s", why);
}

static bool is_refusal(CK_RV error) {
    static const CK_RV refusals[] = {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE,
                                     CKR_PIN_EXPIRED,   CKR_PIN_LOCKED,  CKR_USER_PIN_NOT_INITIALIZED};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        if (error == refusals[i])
            return true;
    return false;
}

bool canary_login(struct canary *canary, struct fault *fault) {
    CK_FLAGS flags = canary->token.flags;
    char identity[CANARY_IDENTITY_SIZE];
    if (!canary_pin_identity(canary, identity, fault))
        return false;
    canary_tell(canary, PKCS11_FACT_PIN_FILE, identity);
    if (canary->refused && strcmp(canary->refused, identity) == 0)
        return hold(canary, fault, "the token has refused it before; write the right one into its file");
    if (flags & CKF_USER_PIN_LOCKED)
        return hold(canary, fault, "the token is locked; its security officer can unlock it");
    if (flags & CKF_USER_PIN_FINAL_TRY)
        return hold(canary, fault,
                    "one try is left before the token locks; log in by hand with the right one");
    if (canary->careful && (flags & CKF_USER_PIN_COUNT_LOW))
        return hold(
            canary, fault,
            "a login has not come to its end before, and the token counts a wrong PIN; log in by hand");
    if (flags & CKF_PROTECTED_AUTHENTICATION_PATH)
        return hold(canary, fault, "the token takes it at its own pad");
    if (!canary_pin_read(canary, fault))
        return false;
    CK_RV error = canary->functions->C_Login(canary->session, CKU_USER, canary->pin.data, canary->pin.size);
    if (is_refusal(error))
        canary_tell(canary, PKCS11_FACT_PIN, pkcs11_pin_word(PKCS11_PIN_REFUSED));
    return error == CKR_OK || error == CKR_USER_ALREADY_LOGGED_IN || canary_refused(fault, "C_Login", error);
}

/* A PKCS#11 module around SoftHSM's that goes wrong as PKCS11_FAULT says, "FUNCTION=DEED":
 *
 *   C_Login=hang, C_Login=crash, C_Login=count   hangs, crashes, or writes a byte into the file PKCS11_COUNT for each call
 *   C_Sign=hang, crash, slow, wrong, print       slow: a second; wrong: another bit; print: words on standard output, for ever
 *   C_GetTokenInfo=low, final, locked            flags of the PIN
 *   C_Initialize=hang, crash */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CK_FUNCTION_LIST *inner, outer;

static int is(const char *function, const char *deed) {
    const char *fault = getenv("PKCS11_FAULT");
    size_t size = strlen(function);
    return fault && strncmp(fault, function, size) == 0 && fault[size] == '=' && strcmp(fault + size + 1, deed) == 0;
}

static void go_wrong(const char *function) {
    if (is(function, "hang"))
        for (;;)
            pause();
    if (is(function, "crash"))
        abort();
}

static CK_RV initialize(void *arguments) {
    go_wrong("C_Initialize");
    return inner->C_Initialize(arguments);
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
    CK_RV error = inner->C_GetTokenInfo(slot, info);
    info->flags |= is("C_GetTokenInfo", "low")      ? CKF_USER_PIN_COUNT_LOW
                   : is("C_GetTokenInfo", "final")  ? CKF_USER_PIN_FINAL_TRY
                   : is("C_GetTokenInfo", "locked") ? CKF_USER_PIN_LOCKED
                                                    : 0;
    return error;
}

/* Every login is counted: so a test sees how often a PIN was given. */
static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size) {
    const char *count = getenv("PKCS11_COUNT");
    int file = count ? open(count, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
    if (file >= 0 && write(file, "1", 1) == 1)
        close(file);
    go_wrong("C_Login");
    return inner->C_Login(session, user, pin, size);
}

static CK_RV sign(CK_SESSION_HANDLE session, unsigned char *data, CK_ULONG size, unsigned char *signature,
                  CK_ULONG *signature_size) {
    go_wrong("C_Sign");
    if (is("C_Sign", "slow"))
        sleep(1);
    while (is("C_Sign", "print"))
        fprintf(stderr, "a module that talks too much\n");
    CK_RV error = inner->C_Sign(session, data, size, signature, signature_size);
    if (is("C_Sign", "wrong"))
        signature[*signature_size - 1] ^= 1;
    return error;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **ret_list) {
    void *module = dlopen(getenv("PKCS11_MODULE"), RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = (CK_C_GetFunctionList)dlsym(module, "C_GetFunctionList");
    printf("step=hello\n"); /* a module that prints: not among the facts */
    fflush(stdout);
    CK_RV error = get(&inner);
    outer = *inner;
    outer.C_Initialize = initialize;
    outer.C_GetTokenInfo = token_info;
    outer.C_Login = login;
    outer.C_Sign = sign;
    *ret_list = &outer;
    return error;
}

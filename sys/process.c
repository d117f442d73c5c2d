#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slice.h"

bool process_become_user(const char *user, struct fault *fault) {
    errno = 0;
    const struct passwd *entry = getpwnam(user); /* NOLINT(concurrency-mt-unsafe): at the start, alone */
    if (!entry)
        return errno ? fault_set_system(fault, "cannot look up the user \"%s\"", user)
                     : fault_set(fault, FAULT_MISSING, "there is no user \"%s\"", user);
    uid_t id = entry->pw_uid;
    gid_t group = entry->pw_gid;
    if (geteuid() == id && getuid() == id)
        return true;
    if (initgroups(user, group) || setresgid(group, group, group) || setresuid(id, id, id))
        return fault_set_system(fault, "cannot become the user \"%s\"", user);
    if (id != 0 && setuid(0) == 0)
        return fault_set(fault, FAULT_INTERNAL, "root's privileges came back after becoming \"%s\"", user);
    return true;
}

bool process_become_owner(const char *folder, struct fault *fault) {
    struct stat status;
    if (geteuid() != 0 || stat(folder, &status) != 0 || status.st_uid == 0)
        return true;
    if (setgroups(0, NULL) || setresgid(status.st_gid, status.st_gid, status.st_gid) ||
        setresuid(status.st_uid, status.st_uid, status.st_uid))
        return fault_set_system(fault, "cannot become the owner of %s", folder);
    return true;
}

bool process_harden(struct fault *fault) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
        return fault_set_system(fault, "prctl refuses to harden the process");
    return true;
}

void process_be_expendable(void) {
    int file = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
    char text[16] = "";
    if (file < 0)
        return;
    if (read(file, text, sizeof text - 1) > 0 && text[0] == '-')
        (void)!pwrite(file, "0", 1, 0);
    close(file);
}

bool process_end_with_parent(struct fault *fault) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
        return fault_set_system(fault, "prctl refuses to end the process with its parent");
    return true;
}

bool process_beside(const char *name, char ret_path[PROCESS_PATH_MOST]) {
    static const char *const folders[] = {"", "../libexec/tocsin/"};
    char own[PROCESS_PATH_MOST];
    ssize_t size = readlink("/proc/self/exe", own, sizeof own);
    while (size > 0 && own[size - 1] != '/')
        size--;
    for (size_t i = 0; size > 0 && i < sizeof folders / sizeof *folders; i++) {
        int length = snprintf(ret_path, PROCESS_PATH_MOST, "%.*s%s%s", (int)size, own, folders[i], name);
        if (length >= (int)PROCESS_PATH_MOST)
            return false;
        if (access(ret_path, F_OK) == 0)
            break;
    }
    return size > 0;
}

uint64_t process_descriptors_raise(uint64_t count) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    if (limit.rlim_cur < count) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max < count ? limit.rlim_max : count;
        if (setrlimit(RLIMIT_NOFILE, &limit))
            return before;
    }
    return limit.rlim_cur;
}

static uint64_t process_resident(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    char line[128] = "";
    if (!file)
        return 0;
    struct slice numbers = fgets(line, sizeof line, file) ? slice_string(line) : SLICE("");
    fclose(file);
    struct slice rest = slice_from(numbers, slice_find_byte(numbers, ' ') + 1); /* behind the whole size */
    uint64_t resident;
    return slice_decimal(slice_head(rest, slice_find_byte(rest, ' ')), &resident)
               ? resident * (uint64_t)sysconf(_SC_PAGESIZE)
               : 0;
}

/* After process_harden the folder belongs to root. */
#define PROCESS_DESCRIPTORS_TRIED 65536u
static uint64_t process_descriptors_tried(void) {
    uint64_t most = process_descriptors_raise(0), count = 0;
    for (int i = 0; (uint64_t)i < most && i < (int)PROCESS_DESCRIPTORS_TRIED; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static uint64_t process_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return process_descriptors_tried();
    uint64_t count = 0;
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count ? count - 1 : 0; /* without the folder's own */
}

struct process_usage process_usage(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct process_usage){
        .cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
                  (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
        .resident_bytes = process_resident(),
        .descriptors = process_descriptors(),
    };
}

void process_host_name(char ret_name[PROCESS_HOST_SIZE]) {
    if (gethostname(ret_name, PROCESS_HOST_SIZE))
        strcpy(ret_name, "localhost");
    ret_name[PROCESS_HOST_SIZE - 1] = '\0';
}

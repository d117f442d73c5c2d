#include "serial.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "memory.h"

#define READ_MOST 4096u
#define NAME_SIZE 64u
#define HOLDER_SIZE 100u
#define CLOSE_STEP_US 1000u

struct serial {
    int descriptor;
    char *path;
    struct termios before;
    struct loop_watch *watch;
    struct loop_timer *pace;
    const struct serial_handlers *handlers;
    void *context;
    bool wanted; /* somebody waits for room */
    bool full;   /* the kernel took less than was given */
};

/* ---- who else has it */

/* By the names that its descriptors have: looking at what is behind them could wait for a dead file server. */
static bool process_has(const char *process, const char *device) {
    char path[300], behind[PATH_MAX];
    bool has = false;
    snprintf(path, sizeof path, "/proc/%.20s/fd", process);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && !has && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "/proc/%.20s/fd/%.20s", process, entry->d_name);
        ssize_t size = readlink(path, behind, sizeof behind);
        has = size > 0 && slice_equal(slice_make(behind, (size_t)size), slice_string(device));
    }
    if (folder)
        closedir(folder);
    return has;
}

static void process_name(const char *process, char name[NAME_SIZE]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/comm", process);
    snprintf(name, NAME_SIZE, "a process");
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    char line[NAME_SIZE];
    if (fgets(line, sizeof line, file))
        snprintf(name, NAME_SIZE, "%.*s", (int)strcspn(line, "\n"), line);
    fclose(file);
}

/* "perl (process 4711)"; false where nobody else has it, or nobody that this user may look at. */
static bool find_holder(const char *path, char text[HOLDER_SIZE]) {
    char own[24], name[NAME_SIZE], device[PATH_MAX];
    bool found = false;
    snprintf(own, sizeof own, "%ld", (long)getpid());
    DIR *folder = realpath(path, device) ? opendir("/proc") : NULL;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9' || strcmp(entry->d_name, own) == 0)
            continue;
        found = process_has(entry->d_name, device);
        if (found) {
            process_name(entry->d_name, name);
            snprintf(text, HOLDER_SIZE, "%s (process %.20s)", name, entry->d_name);
        }
    }
    if (folder)
        closedir(folder);
    return found;
}

static bool busy(const char *path, struct fault *fault) {
    char holder[HOLDER_SIZE] = "another program";
    find_holder(path, holder);
    return fault_set(fault, FAULT_BUSY, "%s has it open, and a line has one client: watch its log instead",
                     holder);
}

/* ---- opening and closing */

static int open_device(const char *path, struct fault *fault) {
    int descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor >= 0)
        return descriptor;
    if (errno == EBUSY)
        busy(path, fault);
    else if (errno == ENOENT)
        fault_set(fault, FAULT_MISSING,
                  "there is no such device: is the adapter plugged in (/dev/serial/by-id), and may this service see "
                  "devices (tocsin-agent(8))?");
    else if (errno == ENXIO || errno == ENODEV || errno == EIO)
        fault_set(fault, FAULT_MISSING, "nothing is behind this device: is the adapter plugged in?");
    else if (errno == EACCES)
        fault_set(fault, FAULT_AUTH,
                  "this user may not open it: it takes the device's group (ls -l says which)");
    else
        fault_set_system(fault, "cannot be opened");
    return -1;
}

/* Before a single byte is written: whoever else talks on it would be disturbed. */
static bool claim(int descriptor, const char *path, struct fault *fault) {
    char holder[HOLDER_SIZE];
    if (!isatty(descriptor))
        return fault_set(fault, FAULT_USAGE, "this is no serial line: name one such as /dev/ttyUSB0");
    if (flock(descriptor, LOCK_EX | LOCK_NB) || find_holder(path, holder))
        return busy(path, fault);
    if (ioctl(descriptor, TIOCEXCL))
        return fault_set_system(fault, "cannot be had alone");
    return true;
}

static bool configure(int descriptor, struct termios *ret_before, struct fault *fault) {
    struct termios before, raw, now;
    if (tcgetattr(descriptor, &before))
        return fault_set_system(fault, "its settings cannot be read");
    raw = before;
    cfmakeraw(&raw);
    raw.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS | HUPCL);
    raw.c_cflag |= CLOCAL | CREAD;
    raw.c_iflag &= ~(tcflag_t)(IXOFF | IXANY | INPCK);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    cfsetispeed(&raw, B115200);
    cfsetospeed(&raw, B115200);
    if (tcsetattr(descriptor, TCSANOW, &raw))
        return fault_set_system(fault, "it cannot be set to 115200 8N1");
    /* tcsetattr is content with any part of it. */
    if (tcgetattr(descriptor, &now) || cfgetospeed(&now) != B115200 || (now.c_lflag & ICANON)) {
        tcsetattr(descriptor, TCSANOW, &before);
        return fault_set(fault, FAULT_IO, "it does not take 115200 8N1");
    }
    *ret_before = before;
    return true;
}

static void ready(void *context, unsigned events);
static void paced(void *context);

struct serial *serial_open(struct loop *loop, const char *path, const struct serial_handlers *handlers,
                           void *context, struct fault *fault) {
    struct termios before;
    int descriptor = open_device(path, fault);
    if (descriptor < 0 || !claim(descriptor, path, fault) || !configure(descriptor, &before, fault)) {
        if (descriptor >= 0)
            close(descriptor);
        fault_place(fault, "%s", path);
        return NULL;
    }
    struct serial *serial = memory_new(sizeof *serial);
    *serial = (struct serial){.descriptor = descriptor,
                              .path = memory_copy_string(path),
                              .before = before,
                              .handlers = handlers,
                              .context = context};
    serial->pace = loop_timer_create(loop, paced, serial);
    serial->watch = loop_watch_create(loop, descriptor, LOOP_READABLE, ready, serial, fault);
    if (!serial->watch) {
        fault_place(fault, "%s", path);
        return serial_close(serial);
    }
    return serial;
}

/* The speed is not set back under the last byte's feet. What cannot leave is dropped, or close() would wait for it; and only
 * that: flushing a pty takes away what was written and not yet read. */
static void let_out(int descriptor) {
    int left = 0;
    for (unsigned waited = 0; waited < SERIAL_CLOSE_US && ioctl(descriptor, TIOCOUTQ, &left) == 0 && left > 0;
         waited += CLOSE_STEP_US)
        usleep(CLOSE_STEP_US);
    if (left > 0)
        tcflush(descriptor, TCOFLUSH);
}

void serial_put_back(int descriptor, const struct termios *before) {
    let_out(descriptor);
    tcsetattr(descriptor, TCSANOW, before);
    ioctl(descriptor, TIOCNXCL);
    close(descriptor);
}

int serial_take_out(struct serial *serial, struct termios *ret_before) {
    int descriptor = serial->descriptor;
    *ret_before = serial->before;
    loop_watch_destroy(serial->watch);
    loop_timer_destroy(serial->pace);
    free(serial->path);
    free(serial);
    return descriptor;
}

struct serial *serial_close(struct serial *serial) {
    struct termios before;
    if (serial) {
        int descriptor = serial_take_out(serial, &before);
        serial_put_back(descriptor, &before);
    }
    return NULL;
}

/* ---- bytes */

static void lose(struct serial *serial, const char *what) {
    struct fault fault;
    if (errno == EIO || errno == ENXIO || errno == ENODEV)
        fault_set(&fault, FAULT_IO, "the device went away: was the adapter pulled out?");
    else
        fault_set_system(&fault, "%s", what);
    fault_place(&fault, "%s", serial->path);
    serial->watch = loop_watch_destroy(serial->watch);
    loop_timer_stop(serial->pace);
    serial->handlers->lost(serial->context, &fault);
}

static void watch(struct serial *serial) {
    loop_watch_set(serial->watch, LOOP_READABLE | (serial->wanted && serial->full ? LOOP_WRITABLE : 0));
}

/* One callback an event: whoever is called may close it. */
static void ready(void *context, unsigned events) {
    struct serial *serial = context;
    uint8_t bytes[READ_MOST];
    ssize_t got = events & LOOP_READABLE ? read(serial->descriptor, bytes, sizeof bytes) : -1;
    if (!(events & LOOP_READABLE))
        errno = EAGAIN;
    if (got > 0) {
        serial->handlers->bytes(serial->context, slice_make(bytes, (size_t)got));
        return;
    }
    if (got == 0)
        errno = EIO; /* with VMIN 1 that is a line that was hung up */
    if (errno != EAGAIN && errno != EINTR) {
        lose(serial, "cannot be read");
        return;
    }
    if (!(events & LOOP_WRITABLE) || !serial->full)
        return;
    serial->full = false;
    watch(serial);
    paced(serial);
}

static void paced(void *context) {
    struct serial *serial = context;
    if (!serial->wanted || serial->full || loop_timer_is_set(serial->pace))
        return;
    serial->wanted = false;
    serial->handlers->room(serial->context);
}

size_t serial_write(struct serial *serial, struct slice bytes) {
    if (bytes.size == 0 || !serial->watch)
        return 0;
    bool waits = serial->full || loop_timer_is_set(serial->pace);
    struct slice piece = slice_head(bytes, SERIAL_PIECE);
    ssize_t wrote = waits ? 0 : write(serial->descriptor, piece.data, piece.size);
    size_t taken = wrote > 0 ? (size_t)wrote : 0; /* a device that is gone is told by the watch */
    if (!waits) {
        serial->full = taken < piece.size;
        if (taken)
            loop_timer_after(serial->pace, SERIAL_PIECE_US * taken / SERIAL_PIECE);
    }
    serial->wanted = taken < bytes.size;
    watch(serial);
    return taken;
}

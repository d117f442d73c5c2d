"""What the benchmarks share: processes pinned to a core and their cost, certificates, peers' packages, counting lines."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SEQUENCE = re.compile(rb" seq=(\d{7})")


def say(text):
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A program in the foreground, pinned to a core; its cost counts all its threads, and its lives before a kill."""

    def __init__(self, name, command, folder, core=None, environment=None):
        self.name, self.command, self.folder, self.core = name, command, folder, core
        self.environment = dict(os.environ, **(environment or {}))
        self.spent = 0.0
        self.peak_kib = 0
        self.child = None

    def start(self):
        log = open(os.path.join(self.folder, self.name + ".log"), "ab")
        pin = (lambda: os.sched_setaffinity(0, {self.core})) if self.core is not None else None
        self.child = subprocess.Popen(self.command, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                      stdout=log, stderr=log, preexec_fn=pin)
        log.close()
        return self

    def alive(self):
        return self.child is not None and self.child.poll() is None

    def cpu_s(self):
        """User and system seconds so far, over all its lives."""
        try:
            with open(f"/proc/{self.child.pid}/stat", encoding="ascii", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            return self.spent + (int(fields[11]) + int(fields[12])) / TICKS
        except (OSError, AttributeError):
            return self.spent

    def resident_kib(self):
        try:
            with open(f"/proc/{self.child.pid}/status", encoding="ascii", errors="replace") as file:
                status = file.read()
            self.peak_kib = max(self.peak_kib, int(re.search(r"VmHWM:\s+(\d+)", status)[1]))
            return int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        except (OSError, TypeError, AttributeError):
            return 0

    def wakes(self):
        """How often its threads have gone to sleep of their own will."""
        total = 0
        try:
            for task in os.listdir(f"/proc/{self.child.pid}/task"):
                with open(f"/proc/{self.child.pid}/task/{task}/status", encoding="ascii", errors="replace") as file:
                    total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.MULTILINE)[1])
        except (OSError, TypeError):
            pass
        return total

    def stop(self, sign=signal.SIGTERM, patience_s=10):
        if not self.alive():
            return
        self.spent = self.cpu_s()
        self.resident_kib()
        self.child.send_signal(sign)
        try:
            self.child.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def kill(self):
        self.stop(signal.SIGKILL)

    def last_words(self, lines=15):
        with open(os.path.join(self.folder, self.name + ".log"), errors="replace") as file:
            return "".join(file.readlines()[-lines:])


def wait_until(condition, seconds, pause_s=0.02):
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause_s)
    return condition()


def listening(port):
    """Whether somebody listens there; asked of the kernel, because a connection would be an event for the listener."""
    wanted = ":%04X" % port
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as file:
            for row in file.readlines()[1:]:
                fields = row.split()
                if fields[1].endswith(wanted) and fields[3] == "0A":
                    return True
    return False


class Tail:
    """Counts the lines of a growing file without reading anything twice."""

    def __init__(self, path):
        self.path, self.offset, self.lines = path, 0, 0

    def count(self):
        try:
            with open(self.path, "rb", buffering=0) as file:
                file.seek(self.offset)
                while chunk := file.read(1 << 20):
                    self.offset += len(chunk)
                    self.lines += chunk.count(b"\n")
        except FileNotFoundError:
            pass
        return self.lines


def lost_and_doubled(chunks, total):
    """How many of the numbers 0…total-1 are in none of the chunks of whole lines, and how many came again."""
    seen = bytearray(total)
    doubled = 0
    for chunk in chunks:
        for number in SEQUENCE.findall(chunk):
            index = int(number)
            if index < total:
                doubled += seen[index]
                seen[index] = 1
    return total - sum(seen), doubled


def file_chunks(path, lines=20000):
    with open(path, "rb") as file:
        while chunk := file.readlines(lines * 220):
            yield b"".join(chunk)


def floors(work, core, only=None):
    """What the parts cost by themselves on this machine: rows of name, rate, CPU seconds for a million lines."""
    program = os.path.join(work, "floors")
    packages = subprocess.run(["pkg-config", "--cflags", "--libs", "libcrypto", "libssl", "libzstd"], check=True,
                              capture_output=True, text=True).stdout.split()
    subprocess.run(["cc", "-std=gnu17", "-O2", "-Wall", "-o", program, os.path.join(HERE, "floors.c"), *packages,
                    "-lrocksdb", "-lpthread"], check=True)
    sample = os.path.join(work, "sample.log")
    with open(sample, "wb") as file:
        subprocess.run([os.path.join(HERE, "make_log"), "--lines", "40000"], stdout=file, check=True)
    command = ["taskset", "-c", str(core), program, sample, work] + ([only] if only else [])
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split("\t") for line in result.stdout.splitlines()]


def make_certificates(folder):
    """A CA and the two sides' certificates, all EC P-256: ca.pem, NAME.pem, NAME.key for sender and receiver."""
    os.makedirs(folder, exist_ok=True)

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "30", "-subj", "/CN=bench ca",
            "-addext", "basicConstraints=critical,CA:TRUE")
    for name in ("sender", "receiver"):
        with open(os.path.join(folder, name + ".ext"), "w", encoding="ascii") as file:
            file.write(f"subjectAltName=DNS:{name},DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        openssl("req", *new_key, "-keyout", name + ".key", "-out", name + ".csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", name + ".pem", "-days", "30", "-extfile", name + ".ext")


PEERS = {
    "rsyslog": ["rsyslog", "rsyslog-openssl", "rsyslog-relp"],
    "syslog-ng": ["syslog-ng-core"],
    "sec": ["sec"],
    "fail2ban": ["fail2ban", "python3-pyinotify"],
}


def unpack_peers(folder, names):
    """Debian's packages of the peers, unpacked and not installed: rsyslog and syslog-ng conflict, and a benchmark has no
    business changing the machine's logging. Returns the folder that stands for /."""
    root = os.path.join(folder, "root")
    debs = os.path.join(folder, "debs")
    os.makedirs(root, exist_ok=True)
    os.makedirs(debs, exist_ok=True)
    for name in names:
        mark = os.path.join(debs, name + ".done")
        if os.path.exists(mark):
            continue
        say(f"fetching {name}")
        plan = subprocess.run(["apt-get", "install", "-s", "-qq", "--no-install-recommends", *PEERS[name]],
                              capture_output=True, text=True, check=True).stdout
        wanted = sorted(set(re.findall(r"^Inst (\S+)", plan, re.MULTILINE)) | set(PEERS[name]))
        fetched = os.path.join(debs, name)
        os.makedirs(fetched, exist_ok=True)
        subprocess.run(["apt-get", "download", "-qq", *wanted], cwd=fetched, check=True, capture_output=True)
        for deb in os.listdir(fetched):
            subprocess.run(["dpkg", "-x", os.path.join(fetched, deb), root], check=True)
        open(mark, "w", encoding="ascii").close()
    return root


def library_folder(root):
    machine = subprocess.run(["dpkg-architecture", "-qDEB_HOST_MULTIARCH"], capture_output=True, text=True, check=True)
    return os.path.join(root, "usr/lib", machine.stdout.strip())


def peer_environment(root):
    folder = library_folder(root)
    also = os.path.join(root, "lib", os.path.basename(folder))
    return {"LD_LIBRARY_PATH": f"{folder}:{also}:{root}/usr/lib/syslog-ng"}


def remove_folder(folder):
    shutil.rmtree(folder, ignore_errors=True)


def table(head, rows):
    """A table as Markdown has it, aligned for the terminal as well."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)

"""Lines that carry a number each, written to logs at a rate, and found again: every number exactly once."""

import os
import random
import re
import subprocess
import threading
import time

from tocsin_site import BIN, SOURCE, check, wait_until

NUMBER = re.compile(rb" n=(\d{9}) ")
FILLER = "GET /certificates/4711 served to a client that has asked for it politely and at some length"


def seeded(name):
    """Chance that can be had again: TOCSIN_SEED, or a new seed, which is printed."""
    seed = os.environ.get("TOCSIN_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"# {name}: TOCSIN_SEED={seed}", flush=True)
    return random.Random(f"{name} {seed}")


def stamp():
    return time.strftime("%b %e %H:%M:%S", time.localtime())


def numbered(number, text=FILLER, program="app[1234]"):
    return f"{stamp()} ca1 {program}: n={number:09d} {text}"


class Rotating:
    """A log that is rotated as logrotate does it by default: renamed, then made anew. Older ones move up."""

    def __init__(self, path, keep=5):
        self.path, self.keep = path, keep
        self.rotations = 0
        self.file = open(path, "ab", buffering=0)

    def write(self, text):
        self.file.write(text.encode())

    def rotate(self):
        """The file written to stays the old one for a moment, as with every real daemon: its last line comes late."""
        for number in range(self.keep, 0, -1):
            if os.path.exists(f"{self.path}.{number}"):
                os.rename(f"{self.path}.{number}", f"{self.path}.{number + 1}")
        os.rename(self.path, f"{self.path}.1")
        self.rotations += 1

    def reopen(self):
        self.file.close()
        self.file = open(self.path, "ab", buffering=0)

    def close(self):
        self.file.close()


class Writer(threading.Thread):
    """Writes `total` lines at `rate` a second in small pieces, each to the log that `choose` names for its number.
    `line_of` makes the line of a number."""

    def __init__(self, total, rate, write, line_of=numbered, piece=20):
        super().__init__(daemon=True)
        self.total, self.rate, self.write, self.line_of, self.piece = total, rate, write, line_of, piece
        self.written = 0
        self.failure = None

    def run(self):
        try:
            begun = time.monotonic()
            while self.written < self.total:
                upto = min(self.written + self.piece, self.total)
                self.write([self.line_of(number) + "\n" for number in range(self.written, upto)])
                self.written = upto
                ahead = self.written / self.rate - (time.monotonic() - begun)
                if ahead > 0:
                    time.sleep(ahead)
        except Exception as problem:  # pylint: disable=broad-except
            self.failure = problem

    def finish(self):
        self.join()
        if self.failure:
            raise self.failure


def numbers_of(site, expression="n="):
    """How often each number came, as a dictionary; streamed, because there may be millions."""
    command = [os.path.join(BIN, "tocsin"), "--site", site.folder, "query", expression]
    found = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout:
            match = NUMBER.search(line)
            if match:
                number = int(match[1])
                found[number] = found.get(number, 0) + 1
    check(process.returncode == 0, f"tocsin query {expression} ended with {process.returncode}")
    return found


def check_numbers(site, total, known_lost=(), expression="n="):
    """0 … total-1, exactly once each, but for those that are known to be lost."""
    found = numbers_of(site, expression)
    lost = [number for number in range(total) if number not in found and number not in known_lost]
    twice = [number for number, count in found.items() if count > 1]
    strange = [number for number in found if number >= total]
    check(not lost and not twice and not strange,
          f"of {total} lines {len(lost)} are lost {lost[:5]}, {len(twice)} came twice {sorted(twice)[:5]}, "
          f"{len(strange)} were never written {strange[:5]}")


def wait_for_numbers(site, total, timeout=120):
    wait_until(lambda: site.count("n=") >= total, lambda: f"{total} lines stored ({site.count('n=')} are)", timeout, 0.5)


def no_gap(site):
    """Nothing was lost on the way, and nothing says so."""
    gaps = site.query("gap.unit:*")
    check(not gaps, f"gap events: {[gap['event']['original'] for gap in gaps[:3]]}")


def shim(folder, name):
    """Compiles tests/scenario/shims/NAME.c; gives the environment that puts it under a program. With AddressSanitizer
    its own library has to come first."""
    library = os.path.join(folder, name + ".so")
    subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library,
                    os.path.join(SOURCE, "tests", "scenario", "shims", name + ".c"), "-ldl"], check=True)
    needed = subprocess.run(["ldd", os.path.join(BIN, "tocsin-agent")], capture_output=True, text=True, check=True).stdout
    sanitizer = re.search(r"libasan\S* => (\S+)", needed)
    return {"LD_PRELOAD": f"{sanitizer[1]} {library}" if sanitizer else library}

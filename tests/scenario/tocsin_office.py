"""People of a site and what they sign, days that pass at once, and what is left on a disk: for scenarios about statements and
retention."""

import ctypes
import datetime
import json
import os
import time

from tocsin_site import check, wait_until

DAY_S = 86400
SEALED_SOON = "seal:\n  after: 1s\n"


def key(site, name):
    return os.path.join(site.data, "people", name + ".key")


def first_person(site):
    names = [entry[:-4] for entry in os.listdir(os.path.join(site.data, "people")) if entry.endswith(".key")]
    check(len(names) == 1, f"the first person's key: {names}")
    return names[0]


class Office:
    """Who signs, and where their papers lie. `clock`: that of the daemons, which people share."""

    def __init__(self, site, clock=None):
        self.site, self.clock, self.papers = site, clock, 0
        self.admin = first_person(site)

    def now(self):
        offset = self.clock.seconds if self.clock else 0
        moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=offset)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def ask(self, *arguments, **more):
        return self.site.tocsin("--now", self.now(), *arguments, **more)

    def run(self):
        """The nightly job, now."""
        self.ask("retention", "run")
        return True

    def paper(self, *arguments):
        self.papers += 1
        path = os.path.join(self.site.folder, f"paper{self.papers}.txt")
        self.ask(*arguments, "-o", path)
        return path

    def sign(self, path, *names):
        for name in names:
            self.ask("sign", path, "--key", key(self.site, name))

    def submit(self, path, **more):
        return self.ask("submit", path, **more)

    def state(self, path, *names):
        self.sign(path, *names)
        return self.submit(path)

    def enrol_board(self):
        """Bob of the board, enrolled by the first person alone: from then on two sign."""
        self.state(self.paper("people", "add", "bob", "--role", "board"), self.admin)


def go_to(site, clock, seconds):
    """Steps all clocks, and waits until the agent has closed a batch in the new time."""
    def closed():
        status = site.status()
        return status["log"]["size"], sum(lane["closed"] for agent in status["agents"] for lane in agent["lanes"])
    size, batches = closed()
    clock.set(seconds)
    wait_until(lambda: closed()[0] > size + 1 and closed()[1] > batches, "batches of the new time", 120, 0.5)
    time.sleep(1)


def units(site, access_class=None):
    """What `retention status` says of each class and day that is over."""
    rows = [row for row in site._objects("retention", "status", expect=(0, 1)) if "closed" in row]
    return [row for row in rows if access_class in (None, row["class"])]


def states_of(site, access_class):
    """Of the first day that has events of the class."""
    return [row["state"] for row in units(site, access_class)[:1]]


SUDO = "{} alpha sudo: mallory0815 : user NOT in sudoers ; TTY=pts/3 ; PWD=/tmp ; USER=root ; COMMAND=/bin/cat /etc/shadow"


def told_of_mallory(site):
    return [alert for alert in site.alerts() if "mallory0815" in json.dumps(alert)]


def one_day(site, clock, secret, own=None):
    """A day with events of two classes, closed and sealed; then the clock is two days further."""
    access, bulk = site.log("auth.log"), site.log("app.log", "application")
    site.collector.environment, site.agent.daemon.environment = own or clock.environment, clock.environment
    site.start()
    access.write([f"{secret} access {number}" for number in range(39)] + [SUDO.format(time.strftime("%b %d %H:%M:%S"))])
    bulk.write([f"{secret}-other application {number}" for number in range(40)])
    site.wait_for_count(40)
    site.wait_for_count(40, access_class="application")
    check(raw_search(site.data, f"{secret} access".encode()), "the search of raw files finds nothing at all")
    # What the collector says of it is of the same class, and so is to be of the same day.
    wait_until(lambda: told_of_mallory(site), "an alert that names somebody")
    time.sleep(1)
    go_to(site, clock, DAY_S + 60)  # closes the batches: they are of this day
    go_to(site, clock, 2 * DAY_S + 60)
    wait_until(lambda: units(site, "access"), "the day is over", 120, 0.5)


ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_findFrameCompressedSize.restype = ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZSTD.ZSTD_findFrameCompressedSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
ZSTD.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ROOM = 4 << 20


def unpacked(data):
    """The bytes, and whatever zstd frame begins anywhere among them."""
    yield data
    room = ctypes.create_string_buffer(ROOM)
    at = data.find(ZSTD_MAGIC)
    while at >= 0:
        rest = data[at:at + ROOM]
        size = ZSTD.ZSTD_findFrameCompressedSize(rest, len(rest))
        if size <= len(rest):
            got = ZSTD.ZSTD_decompress(room, ROOM, rest, size)
            if got <= ROOM:
                yield room.raw[:got]
        at = data.find(ZSTD_MAGIC, at + 1)


def raw_search(folder, needle):
    """The files below a folder that hold these bytes, as they are or packed."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            try:
                with open(path, "rb") as file:
                    data = file.read()
            except OSError:
                continue
            if any(needle in piece for piece in unpacked(data)):
                found.append(path)
    return found


def nowhere(site, text):
    """The text is in no file of the data folder, soon: the agent's spool lets go of a segment once its collector has it."""
    wait_until(lambda: not raw_search(site.data, text.encode()),
               lambda: f"{text} in {raw_search(site.data, text.encode())}", 60, 1)

"""People of a site and what they sign, and days that pass at once: for scenarios about statements and retention."""

import datetime
import os
import time

from tocsin_site import check, wait_until

DAY_S = 86400


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
    before = site.status()["log"]["size"]
    clock.set(seconds)
    wait_until(lambda: site.status()["log"]["size"] > before + 1, "batches of the new time", 120, 0.5)
    time.sleep(1)


def units(site, access_class=None):
    """What `retention status` says of each class and day that is over."""
    rows = [row for row in site._objects("retention", "status", expect=(0, 1)) if "closed" in row]
    return [row for row in rows if access_class in (None, row["class"])]


def states_of(site, access_class):
    """Of the first day that has events of the class."""
    return [row["state"] for row in units(site, access_class)[:1]]

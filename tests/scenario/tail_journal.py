#!/usr/bin/python3
"""The systemd journal, made by systemd-journal-remote, read by a real agent that is killed in between.

The agent runs in a mount namespace of its own, in which /var/log/journal is the scenario's folder. That takes root.
"""

import os
import struct
import subprocess
import time

from load_lines import check_numbers, no_gap, wait_for_numbers
from tocsin_site import Site, Skipped, check, run, scenario, wait_until

REMOTE = "/lib/systemd/systemd-journal-remote"
BOOT = "0123456789abcdef0123456789abcdef"


class Journal:
    """Journal files of this machine in a folder, and the agent's wrapper that finds them there."""

    def __init__(self, folder):
        if os.geteuid() != 0:
            raise Skipped("only root can give an agent a /var/log of its own")
        if not os.access(REMOTE, os.X_OK):
            raise Skipped("systemd-journal-remote is not installed")
        with open("/etc/machine-id", encoding="ascii") as file:
            self.machine = file.read().strip()
        if not self.machine:
            raise Skipped("this machine has no id")
        self.top = os.path.join(folder, "journal")
        self.folder = os.path.join(self.top, self.machine)
        os.makedirs(self.folder)
        self.wrapper = ("unshare", "--mount", "sh", "-c",
                        'mount -t tmpfs tmpfs /var/log && mkdir /var/log/journal && mount --bind "$1" /var/log/journal '
                        '&& shift && exec "$@"', "sh", self.top)
        self.next = 0
        self.time_us = int(time.time() * 1_000_000)

    def write(self, count, name="system", more=b"", text=""):
        """Appends entries with the next numbers."""
        export = b""
        for number in range(self.next, self.next + count):
            self.time_us += 1000
            export += (f"__REALTIME_TIMESTAMP={self.time_us}\n__MONOTONIC_TIMESTAMP={self.time_us % 10**12}\n"
                       f"_BOOT_ID={BOOT}\n_MACHINE_ID={self.machine}\nSYSLOG_IDENTIFIER=app\nSYSLOG_FACILITY=3\n"
                       f"MESSAGE=app: n={number:09d} {text}\n").encode() + more + b"\n"
        self.next += count
        subprocess.run([REMOTE, "--compress=no", "-o", os.path.join(self.folder, name + ".journal"), "-"], input=export,
                       check=True, capture_output=True)

    def start(self, agent):
        agent.write_settings()
        agent.daemon.start(wrapper=self.wrapper)
        agent.daemon.wait_for_log("connected to")


def journal_site(folder):
    site = Site(folder)
    site.agent.sources.append("{journal: true}")
    return site


@scenario("entries come once, over kills, rotations and a vacuum of what was read")
def _(folder):
    journal = Journal(folder)
    with journal_site(folder) as site:
        site.start_collector()
        journal.write(200)
        journal.start(site.agent)
        wait_for_numbers(site, journal.next)
        for turn in range(3):
            journal.write(50)
            wait_for_numbers(site, journal.next)
            site.agent.kill() if turn % 2 else site.agent.stop()
            journal.write(50)
            archived = os.path.join(journal.folder, f"system@{turn}.journal")
            os.rename(os.path.join(journal.folder, "system.journal"), archived)
            journal.write(50)
            journal.start(site.agent)
            wait_for_numbers(site, journal.next)
            os.remove(archived)
        site.wait_for_signed()
        check_numbers(site, journal.next)
        check(not [gap for gap in site.query("gap.unit:entries") if gap["gap"]["count"] != "unknown"],
              "a gap is told although every entry was read")
        site.check_verified()


@scenario("binary, repeated and huge fields")
def _(folder):
    journal = Journal(folder)
    with journal_site(folder) as site:
        site.start_collector()
        binary = b"BINARY\n" + struct.pack("<Q", 5) + b"a\0\xffb\n\n"
        huge = b"HUGE=" + b"h" * 200_000 + b"\n"
        journal.write(3, more=b"TWICE=one\nTWICE=two\n" + binary + huge)
        journal.write(1, text="long " * 20_000)
        journal.write(3)
        journal.start(site.agent)
        wait_until(lambda: site.count(f"{journal.next - 1:09d}"), "the last entry")
        events = site.query("n=")
        check(sum(1 for event in events if "n=000000000" in event["event"]["original"]) == 1, "an entry came twice")
        long = [event for event in site.query("") if event["event"]["original"].startswith(("app: n=000000003", "long"))
                or "long long" in event["event"]["original"]]
        check(sum(len(event["event"]["original"]) for event in long) >= 100_000, "the long message was cut")
        no_gap(site)
        site.check_verified()


@scenario("entries that were vacuumed before they were read are counted")
def _(folder):
    journal = Journal(folder)
    with journal_site(folder) as site:
        site.start_collector()
        journal.write(100)
        journal.start(site.agent)
        wait_for_numbers(site, 100)
        site.agent.stop()
        os.remove(os.path.join(journal.folder, "system.journal"))
        journal.write(40)
        os.remove(os.path.join(journal.folder, "system.journal"))
        journal.write(60)
        journal.start(site.agent)
        wait_for_numbers(site, 160)
        check_numbers(site, journal.next, known_lost=range(100, 140))
        check(site.query("gap.unit:entries"), "nobody says that entries may be lost")
        site.check_verified()


run()

#!/usr/bin/python3
"""Disks that are full: the spool's, the store's; no inodes; the spool's own quota. All goes on by itself, and nothing that
was acknowledged is lost. The small disks are file systems in memory, mounted for a scenario; that takes root.
"""
# tocsin-test: timeout=900

import contextlib
import os
import random
import time

from load_lines import check_numbers, no_gap, numbered, numbers_of, wait_for_numbers
from tocsin_machine import fill, small_disk
from tocsin_site import SOAK, Site, check, run, scenario, wait_until

MIB = 1 << 20


def noise(chance, size):
    """Text that hardly compresses."""
    return "".join(chance.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", k=size))


class Lines:
    def __init__(self, log, chance=None, size=0):
        self.log, self.chance, self.size = log, chance, size
        self.next = 0

    def write(self, count):
        text = [numbered(number, noise(self.chance, self.size)) if self.size else numbered(number)
                for number in range(self.next, self.next + count)]
        with open(self.log.path, "a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in text))
        self.next += count


def all_there(site, lines):
    wait_for_numbers(site, lines.next)
    site.wait_for_signed()
    check_numbers(site, lines.next)
    no_gap(site)
    site.check_verified()


@scenario("the spool's disk is filled by someone else, and emptied again")
def _(folder):
    with small_disk(os.path.join(folder, "disk"), 48) as disk, Site(folder) as site:
        lines = Lines(site.log("app.log", "application"))
        site.agent.more = f"spool: {{path: {disk}/spool}}\n"
        site.start()
        lines.write(500)
        wait_for_numbers(site, lines.next)
        for _ in range(2):
            filler = fill(disk)
            lines.write(30000)
            site.agent.daemon.wait_for_log("the spool cannot be written")
            check(site.agent.daemon.alive(), "the agent has ended on a full disk")
            os.remove(filler)
            wait_for_numbers(site, lines.next)
        filler = fill(disk)
        lines.write(30000)
        site.agent.kill()
        site.agent.start(connected=False)  # on the full disk
        lines.write(500)
        os.remove(filler)
        all_there(site, lines)


@scenario("the spool fills its disk while the collector is away: it goes on when the collector comes back")
def _(folder):
    with small_disk(os.path.join(folder, "disk"), 24) as disk, Site(folder) as site:
        lines = Lines(site.log("app.log", "application"), random.Random(1), 600)
        site.agent.more = f"spool: {{path: {disk}/spool}}\nbatch: {{close_after: 1s}}\n"
        site.start()
        lines.write(500)
        wait_for_numbers(site, lines.next)
        site.collector.stop()
        lines.write(70000)
        site.agent.daemon.wait_for_log("the spool cannot be written", 120)
        site.start_collector()
        all_there(site, lines)


@scenario("no inodes are left for the spool")
def _(folder):
    with small_disk(os.path.join(folder, "disk"), 64, inodes=64) as disk, Site(folder) as site:
        lines = Lines(site.log("app.log", "application"), random.Random(2), 600)
        site.agent.more = f"spool: {{path: {disk}/spool}}\n"
        site.start()
        lines.write(500)
        wait_for_numbers(site, lines.next)
        taken = []
        with contextlib.suppress(OSError):
            for number in range(100):
                name = os.path.join(disk, f"taken-{number}")
                with open(name, "wb"):
                    taken.append(name)
        check(len(taken) < 100, "the disk has inodes for ever")
        lines.write(30000)  # more than a segment
        site.agent.daemon.wait_for_log("the spool cannot be written", 120)
        for name in taken:
            os.remove(name)
        all_there(site, lines)


@scenario("the spool's quota, with a collector that is away: what is dropped is told, the security lane stays")
def _(folder):
    with Site(folder) as site:
        bulk = Lines(site.log("app.log", "application"), random.Random(3), 900)
        guarded = site.log("auth.log", "access")
        site.agent.more = "spool: {limit: 16M}\nbatch: {close_after: 1s}\n"
        site.start()
        bulk.write(100)
        guarded.write(["first"])
        wait_for_numbers(site, bulk.next)
        site.wait_for_signed()
        time.sleep(1)  # the agent, too, is to know that these are stored: it tells as lost what it drops and does not know of
        site.collector.stop()
        for turn in range(6 if SOAK else 3):
            bulk.write(12000)
            guarded.write([f"access {turn}"])
        seen = []

        def at_rest():
            seen.append(spool_bytes(site))
            return max(seen) > 12 * MIB and len(seen) > 20 and len(set(seen[-20:])) == 1
        wait_until(at_rest, lambda: f"the spool was full and is at rest: {seen[-30:]}", 60, 0.1)
        site.start_collector()
        site.wait_for_lines(guarded.written)
        wait_until(lambda: told_and_stored(site) >= bulk.next, lambda: f"{bulk.next} lines stored or told as lost; "
                   f"{told_and_stored(site)} are", 120, 1)
        site.wait_for_signed()
        found = numbers_of(site)
        check(all(count == 1 for count in found.values()), "a line came twice")
        lost = bulk.next - len(found)
        check(lost > 0, "nothing was dropped: the scenario shows nothing")
        told = told_lost(site)
        check(told == lost, f"{lost} lines are lost, {told} are told as lost")
        check(site.alerts("Log lines were lost"), "no alert about the lines that were lost")
        site.check_verified()


def spool_bytes(site):
    folder = os.path.join(site.agent.data, "agent", "spool")
    return sum(entry.stat().st_size for entry in os.scandir(folder))


def told_lost(site):
    return sum(int(gap["gap"]["count"]) for gap in site.query("gap.unit:events"))


def told_and_stored(site):
    return site.count("n=") + told_lost(site)


@scenario("the collector's disk is full: agents keep what they have, and it goes on by itself")
def _(folder):
    with Site(folder) as site, small_disk(os.path.join(site.data, "collector", "store"), 160) as disk:
        lines = Lines(site.log("app.log", "application"))
        site.start()
        lines.write(1000)
        wait_for_numbers(site, lines.next)
        for killed in (False, True):
            filler = fill(disk, leave=4 * MIB)
            stored = site.count("n=")
            lines.write(20000)
            site.collector.wait_for_log("the disk is full")
            check(site.count("n=") == stored, "something was stored on a full disk")
            check(site.status()["log"]["stalled"], "the status does not say that the disk is full")
            if killed:
                site.collector.kill()
                site.start_collector()
                lines.write(100)
            os.remove(filler)
            wait_for_numbers(site, lines.next)
        all_there(site, lines)
        site.agent.stop()
        site.collector.stop()


@scenario("the collector's disk fills to the last byte")
def _(folder):
    with Site(folder) as site, small_disk(os.path.join(site.data, "collector", "store"), 96) as disk:
        lines = Lines(site.log("app.log", "application"), random.Random(4), 600)
        site.start()
        lines.write(1000)
        wait_for_numbers(site, lines.next)
        filler = fill(disk)
        lines.write(20000)
        wait_until(lambda: not site.collector.alive() or "the disk is full" in site.collector.log(), "the disk is full")
        if not site.collector.alive():
            site.collector.start()
        os.remove(filler)
        wait_until(lambda: site.collector.alive() or site.collector.start(), "the collector runs")
        all_there(site, lines)
        site.agent.stop()
        site.collector.stop()


run()

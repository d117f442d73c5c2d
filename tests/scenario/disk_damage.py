#!/usr/bin/python3
"""Bits that turn, files that are cut or gone: in the spool, in the store. Damage is named; the rest is delivered."""

import glob
import os

from load_lines import check_numbers, numbered, numbers_of, seeded, wait_for_numbers
from tocsin_site import Site, check, run, scenario, wait_until

LINES = 6000


def write(log, first, count):
    with open(log.path, "a", encoding="utf-8") as file:
        file.write("".join(numbered(number) + "\n" for number in range(first, first + count)))


def flip(path, at):
    """Turns a bit of the byte at that place (a share of the file's size)."""
    with open(path, "r+b") as file:
        place = int(os.path.getsize(path) * at)
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 0x10]))


def segments(site):
    folder = os.path.join(site.agent.data, "agent", "spool")
    return sorted((path for path in glob.glob(os.path.join(folder, "*")) if os.path.getsize(path) > 1000),
                  key=os.path.getmtime)


def spool_full_of_lines(site):
    """A spool that holds LINES lines in many records, which the collector has not seen; the agent is stopped."""
    log = site.log("app.log", "application")
    site.start()
    write(log, 0, 100)
    wait_for_numbers(site, 100)
    site.collector.stop()
    size = sum(os.path.getsize(path) for path in segments(site))
    for first in range(100, LINES, 100):
        write(log, first, 100)

        def grown(before=size):
            return sum(os.path.getsize(path) for path in segments(site)) > before
        wait_until(grown, "the lines are in the spool", every=0.002)
        size = sum(os.path.getsize(path) for path in segments(site))
    site.agent.stop()


def told_lost(site):
    """A gap names all that stood behind the damage in its batch; what of it could be read was given anew."""
    return sum(int(gap["gap"]["count"]) for gap in site.query("gap.unit:events")) - site.count("replayed.seq:*")


def rest_is_delivered(site, loss_wanted):
    site.start_collector()
    site.agent.start()
    wait_until(lambda: site.count("n=") + told_lost(site) >= LINES,
               lambda: f"{LINES} lines delivered or told as lost; {site.count('n=')} and {told_lost(site)} are", 60, 0.5)
    site.wait_for_signed()
    found = numbers_of(site)
    check(all(count == 1 for count in found.values()), "a line came twice")
    lost = LINES - len(found)
    check(told_lost(site) == lost, f"{lost} lines are lost, {told_lost(site)} are told as lost")
    check(bool(lost) == loss_wanted, f"{lost} lines are lost")
    check(not lost or site.alerts("Log lines were lost"), "no alert about the lines that were lost")
    check("spool" in site.agent.daemon.log(since_start=True) or not lost, "the agent's log says nothing of the damage")
    site.check_verified()


@scenario("a bit turns in the spool: one record is lost and told, the rest delivered")
def _(folder):
    with Site(folder) as site:
        spool_full_of_lines(site)
        flip(segments(site)[-1], 0.5)
        rest_is_delivered(site, True)


@scenario("the spool's last record is torn: nothing that was synced is lost")
def _(folder):
    with Site(folder) as site:
        spool_full_of_lines(site)
        with open(segments(site)[-1], "ab") as file:
            file.write(b"half of a record that a power cut has left" * 3)
        rest_is_delivered(site, False)


@scenario("the spool is gone: the collector takes it for a copy of the machine, says so, and takes nothing")
def _(folder):
    with Site(folder) as site:
        spool_full_of_lines(site)
        for path in segments(site):
            os.remove(path)
        site.start_collector()
        site.agent.daemon.start()
        site.agent.daemon.wait_for_log("refuses")
        wait_until(lambda: site.states("fork"), "the collector says that it refuses the agent")
        check(site.count("n=") == 100, "something was taken from a stream that forks")
        site.check_verified()


def store_files(site, pattern):
    found = glob.glob(os.path.join(site.data, "collector", "store", "rocksdb", pattern))
    return sorted(found, key=os.path.getsize)


def stored_site(site, noise=0):
    """LINES lines in the store; with much noise in them they go out of its memory into tables."""
    log = site.log("app.log", "application")
    site.start()
    for first in range(0, LINES, 500):
        lines = [numbered(number, os.urandom(noise).hex()) for number in range(first, first + 500)]
        with open(log.path, "a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        wait_for_numbers(site, first + 500)
    site.wait_for_signed()
    site.agent.stop()
    site.collector.kill()


@scenario("a bit turns in the store's write-ahead log: the collector names the file and takes nothing")
def _(folder):
    chance = seeded("wal")
    with Site(folder) as site:
        stored_site(site)
        wal = store_files(site, "*.log")[-1]
        with open(wal, "rb") as file:
            whole = file.read()
        flip(wal, 0.2 + 0.5 * chance.random())
        site.collector.start()
        status = site.collector.wait()
        check(status == 3, f"the collector ended with {status} on a damaged store")
        said = site.collector.log(since_start=True)
        check(os.path.basename(wal) in said, f"the damaged file is not named: {said[-500:]}")
        with open(wal, "wb") as file:  # repaired from a copy
            file.write(whole)
        site.start_collector()
        check_numbers(site, LINES)
        site.check_verified()


@scenario("a bit turns in one of the store's tables: verify names the place, and nothing is taken for good")
def _(folder):
    chance = seeded("table")
    with Site(folder) as site:
        stored_site(site, noise=10_000)
        tables = store_files(site, "*.sst")
        check(tables, "the store has no table yet")
        table = tables[-1]
        flip(table, 0.1 + 0.5 * chance.random())
        text = site.tocsin("verify", expect=(1,))
        check("BAD" in text and os.path.basename(table) in text, f"verify does not name the place: {text[-500:]}")
        print("# " + text.strip()[:300].replace("\n", "\n# "), flush=True)


run()

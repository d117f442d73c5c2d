#!/usr/bin/python3
"""Log entries of closed days stand in columns: who reads, proves, verifies, restores sees no difference; a kill leaves them in the
one form or the other."""
# tocsin-test: timeout=1200

import json
import os
import re
import shutil
import time

from load_lines import seeded
from tocsin_backup import Backup, following, lose
from tocsin_machine import Clock
from tocsin_office import DAY_S, Office, go_to
from tocsin_pages import PAGES, fetch, follow, pages_of, tile_path
from tocsin_site import SOAK, Site, check, run, scenario, wait_until
from tocsin_store import StoreEditor

HOSTS = 3
TILE = 256
SETTINGS = PAGES + "seal: {after: 1s}\n"
PACKED = r"log entries (\d+) to (\d+) went into columns: ([0-9.]+) bytes"


def fill(site, clock, tiles):
    """Batches of several hosts, until the log has so many full tiles."""
    agents = [site.agent, *(site.new_agent(f"host{number}") for number in range(1, HOSTS))]
    logs = []
    for agent in agents:
        agent.more = "batch: {close_after: 1s}\nheartbeat: 10s\n"
        agent.daemon.environment = clock.environment
        logs += [agent.log("auth.log"), agent.log("app.log", "application")]
        agent.start()
    number = 0
    while site.status()["log"]["size"] < tiles * TILE + 20:
        for log in logs:
            log.write([f"line {number} of a day that will be over"])
            number += 1
        time.sleep(0.5)
    for log in logs:
        log.write(["the last line of that day"])
    site.wait_for_count(HOSTS, access_class="access")
    wait_until(lambda: site.count("the last line", "--class", "application") == HOSTS, "the last lines")
    site.wait_for_signed()
    return agents


def packed(site):
    """First and last entry that went into columns since the collector's start, and bytes for each."""
    found = re.findall(PACKED, site.collector.log(since_start=True))
    return (int(found[0][0]), int(found[-1][1]), float(found[-1][2])) if found else None


def rows(editor, family):
    """How many rows the store has of the family."""
    taken = []
    while (row := editor.edit(family, "delete", "", may_miss=True)) is not None:
        taken.append(row)
    for row in taken:
        editor.edit(family, "put", *row)
    return len(taken)


def check_refused(url, size):
    """What is no page, what is not covered, and what would change anything."""
    status, body = fetch(url, tile_path("entries", size // TILE, TILE - 1))
    check(status == 404 and b"checkpoint" in body, f"entries that are not there: {status} {body}")
    for path in ("/", "/checkpoint/", "/tile/0/0", "/tile/0/00000", "/tile/0/000.p/0", "/tile/0/000.p/257", "/tile/8/000", "/tile/-1/000",
                 "/tile/0/999", "/tile/entries/x001/x002/003", "/tile/0/../checkpoint", "/tile/0/%30", "/tile/0/000/", "/tile/" + "0" * 900):
        status, body = fetch(url, path)
        check(status == 404, f"{path}: {status} {body[:80]}")
    check(fetch(url, "/tile/0/000.p/7")[1] == fetch(url, "/tile/0/000")[1][:7 * 32], "a part of a tile that is full by now")
    for method in ("POST", "PUT", "DELETE"):
        status, body = fetch(url, "/checkpoint", method, b"" if method == "POST" else None)
        check(status == 405, f"{method}: {status} {body}")
    check(fetch(url, "/checkpoint", "POST", b"x" * 100000)[0] in (405, 413), "a body")
    check(fetch(url, "/checkpoint", "HEAD") == (200, b""), "HEAD")


def absence(site, begun, ended):
    path = os.path.join(site.folder, "absence")
    text = site.tocsin("absence", "--stream", "host1", "--class", "signing", "--from", begun, "--to", ended, "-o", path)
    os.remove(path)
    return text.splitlines()[:-1]


@scenario("entries of a day that is over go into columns, and nobody who reads, proves, verifies or restores sees a difference")
def _(folder):
    trust, old, new = (os.path.join(folder, name) for name in ("log.trust", "old.excerpt", "new.excerpt"))
    backup = Backup(folder)
    with Site(folder, settings=SETTINGS + backup.settings) as site:
        clock = Clock(folder, "all")
        office = Office(site, clock)
        site.collector.environment = clock.environment
        site.start_collector()
        begun = office.now()
        fill(site, clock, 2)
        ended = office.now()
        backup.keep_key(site)
        wait_until(lambda: following(site), "a backup", 60, 0.5)
        site.tocsin("trust", "export", "-o", trust)
        site.tocsin("excerpt", "of a day", "--class", "access", "-o", old)
        intervals = absence(site, begun, ended)
        read = follow(pages_of(site), site.status()["log_key"])
        before = site.check_verified()["log"]["entries"]
        check(packed(site) is None, "entries are packed before their day is over")
        go_to(site, clock, DAY_S)
        site.collector.stop()
        site.start_collector()
        wait_until(lambda: packed(site), "entries in columns", 60, 0.2)
        first, last, each = packed(site)
        print(f"# entries {first} to {last}: {each} bytes for each", flush=True)
        check(first == 0 and (last + 1) % TILE == 0 and last + 1 >= 2 * TILE, f"{first} to {last} of {before}")
        check(site.check_verified()["log"]["entries"] >= before, "entries are lost")
        site.tocsin("excerpt", "of a day", "--class", "access", "-o", new)
        for path in (old, new):
            summary = json.loads(site.tocsin("--json", "verify", "--trust", trust, path).splitlines()[-1])
            check(summary["altered"] == 0 and summary["events"] == site.count("of a day", "--class", "access"), f"{path}: {summary}")
        followed = follow(pages_of(site), site.status()["log_key"])
        check(followed[:len(read)] == read and len(followed) > len(read), "a monitor is given other entries")
        check_refused(pages_of(site), len(followed))
        again = absence(site, begun, ended)
        check(again == intervals, f"another absence: {again} instead of {intervals}")
        wait_until(lambda: following(site), "the backup follows", 60, 0.5)
        time.sleep(2)
        lose(site)
        print("# " + backup.restore(site.folder).splitlines()[-1], flush=True)
        site.start_collector()
        check(site.check_verified()["log"]["entries"] >= before, "entries are lost in the restored store")
        site.tocsin("backup", os.path.join(folder, "second"))  # of a store that has them in columns: as rows
        wait_until(site.agent_status, "the agent's state")
        site.collector.stop()
        check(site.check_verified()["log"]["entries"] >= before, "at rest")


@scenario("what is changed in columns is found, and the entry named")
def _(folder):
    with Site(folder, settings=SETTINGS) as site:
        clock = Clock(folder, "all")
        site.collector.environment = clock.environment
        site.start_collector()
        fill(site, clock, 1)
        go_to(site, clock, DAY_S)
        site.collector.stop()
        site.start_collector()
        wait_until(lambda: packed(site), "entries in columns", 60, 0.2)
        for agent in site.agents:
            agent.stop()
        site.collector.stop()
        editor = StoreEditor(site)
        check(rows(editor, "entry_block") == 1 and rows(editor, "entry") < 3 * TILE, "rows and blocks")
        block = editor.edit("entry_block", "delete", "")
        editor.edit("entry_block", "put", *block)
        entry = editor.edit("entry", "delete", "")
        editor.edit("entry", "put", *entry)
        editor.check_found([
            ("its head", ("entry_block", "flip", "tocsin/entry/v1", "20"), ["columns", "the block of log entries from 0"]),
            ("a frame", ("entry_block", "flip", "tocsin/entry/v1", "60"), ["log"]),
            ("a signature", ("entry_block", "flip", "tocsin/entry/v1", str(-len(block[1]) // 4)), ["log"]),
            ("the end", ("entry_block", "flip", "tocsin/entry/v1", "-1"), ["log"]),
            ("the whole block", ("entry_block", "delete", ""), ["log entries 0 to"]),
            ("a row over it", ("entry", "put", "0000000000000005", entry[1]), ["tile 0/0", "entry 5"]),
        ])


@scenario("kill -9 of the collector while entries go into columns: the log is good each time")
def _(folder):
    chance = seeded("columns")
    with Site(folder, settings=SETTINGS) as site:
        clock = Clock(folder, "all")
        site.collector.environment = clock.environment
        site.start_collector()
        fill(site, clock, 2)
        for agent in site.agents:
            agent.stop()
        site.collector.stop()
        clock.set(DAY_S)  # the next start marks the day, and packs the one before
        store = os.path.join(site.data, "collector", "store")
        kept = os.path.join(folder, "kept")
        shutil.copytree(store, kept)
        editor = StoreEditor(site)
        entries = site.check_verified()["log"]["entries"]
        after = before = 0
        for kill in range(200 if SOAK else 14):
            if kill % 2 == 0:  # and once more into the same store
                shutil.rmtree(store)
                shutil.copytree(kept, store)
            site.collector.start()
            time.sleep(0.3 + chance.random() * 2)
            site.collector.kill()
            summary = site.check_verified()
            check(summary["log"]["entries"] >= entries, f"kill {kill}: {summary['log']}")
            there = rows(editor, "entry_block") > 0
            after, before = after + there, before + (not there)
        print(f"# {before} kills before the commit, {after} after it", flush=True)
        check(after, "no kill came late enough")
        site.start_collector()
        wait_until(lambda: there or packed(site), "entries in columns", 60, 0.5)
        site.check_verified()


run()

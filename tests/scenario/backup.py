#!/usr/bin/python3
"""Backups: made while the collector runs, followed commit by commit, restored after the collector and its store are gone;
and everything that can be wrong with one.
"""
# tocsin-test: timeout=900

import glob
import os
import shutil
import struct
import subprocess
import time

from load_lines import Writer, check_numbers, numbered, seeded, wait_for_numbers
from tocsin_backup import Backup, flip, following, lose, read_file
from tocsin_machine import Clock, fill, small_disk
from tocsin_site import BIN, SOAK, Site, check, run, scenario, wait_until
from tocsin_witness import settings, witnesses

HOUR_S = 3600
SOON = "seal:\n  after: 1s\n"
CLOSE_SOON = "batch: {close_after: 1s}\n"


@scenario("the collector is lost under load: restored, every line is there once")
def _(folder):
    backup = Backup(folder)
    with Site(folder, settings=backup.settings + SOON) as site:
        log = site.log("app.log", "application")
        lines = 300_000 if SOAK else 40_000
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        writer = Writer(lines, 2000, lambda more: open(log.path, "a", encoding="utf-8").write("".join(more)), numbered)
        writer.start()
        wait_for_numbers(site, lines // 8, 120)
        site.tocsin("backup")
        check(len(backup.sets()) == 2, "no second set was made under load")
        wait_until(lambda: site.count("", "--class", "application") > lines // 2, "half of the lines", 120, 0.5)
        lose(site)
        said = backup.restore(site.folder)
        check("is restored as it was" in said, said)
        site.start_collector()
        writer.finish()
        wait_for_numbers(site, lines, 300)
        check_numbers(site, lines)
        site.wait_for_signed()
        wait_until(lambda: site.check_verified()["segments"] > 0, "something is sealed", 60, 1)
        check(not site.alerts("backup"), "an alert about backups")
        wait_until(lambda: following(site), "commits follow after the restore")


@scenario("what a witness has cosigned comes back: a restored site goes on, an older set is refused")
def _(folder):
    backup = Backup(folder)
    with Site(folder) as site:
        site.agent.more = CLOSE_SOON
        (witness,) = witnesses(site, "w1.example")
        site.write_settings(backup.settings + settings(1, witness))
        log = site.log("app.log", "application")
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        total = 20_000
        writer = Writer(total, 1500, lambda more: open(log.path, "a", encoding="utf-8").write("".join(more)), numbered)
        writer.start()
        for part in range(1, 4):
            wait_for_numbers(site, total * part // 5, 120)
            lose(site)
            backup.restore(site.folder)
            size = witness.size()
            site.start_collector()
            check(site.status()["log"]["size"] >= size > 0, f"the witness has seen {size} entries")
        writer.finish()
        wait_for_numbers(site, total, 200)
        check_numbers(site, total)
        site.check_verified()
        check(not site.alerts("fork") and not site.alerts("rollback"), f"alerts: {site.alerts()}")
        wait_until(lambda: following(site), "commits follow again", 120, 0.5)
        site.tocsin("backup")
        old, old_size = os.path.basename(backup.sets()[-1]), site.status()["log"]["size"]
        log_lines = total
        writer = Writer(200, 1000, lambda more: open(log.path, "a", encoding="utf-8").write("".join(more)),
                        lambda number: numbered(number + log_lines))
        writer.start()
        writer.finish()
        wait_for_numbers(site, total + 200, 60)
        witness.wait_for_size(old_size + 1)
        site.tocsin("backup")
        lose(site)
        # As if the newest set had been lost, and what followed the older one.
        for path in glob.glob(os.path.join(backup.folder, "sets", old, "follow-*")):
            os.remove(path)
        backup.restore(site.folder, "--set", old)
        site.collector.start()
        check(site.collector.wait() != 0, "a collector started over an older log than what was witnessed")
        said = site.collector.log(since_start=True)
        check("w1.example" in said and "Bring back the newer store" in said, f"it does not say what to do: {said}")
        shutil.rmtree(os.path.join(site.data, "collector"))
        os.remove(os.path.join(site.folder, "collector.yaml"))
        backup.restore(site.folder)
        site.start_collector()
        check_numbers(site, total + 200)
        site.check_verified()


@scenario("a stop in order: what was followed goes on in the same set")
def _(folder):
    backup = Backup(folder)
    with Site(folder, settings=backup.settings) as site:
        log = site.log("auth.log")
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        for number in range(3):
            log.write([f"{number} {line}" for line in range(20)])
            site.wait_for_lines(log.written)
            site.collector.stop()
            site.start_collector()
            check(following(site), "nothing is followed right after the start")
        check(len(backup.sets()) == 1 and os.path.exists(backup.newest("follow-000003")), f"sets: {backup.sets()}")
        site.wait_for_signed()
        site.collector.stop()
        shutil.rmtree(os.path.join(site.data, "collector"))
        os.remove(os.path.join(site.folder, "collector.yaml"))
        backup.restore(site.folder)
        site.start_collector()
        site.check_lines(log.written)
        site.check_verified()


def check_as_written(backup):
    """The newest set, as another program reads it."""
    with open(backup.key, encoding="ascii") as file:
        key = bytes.fromhex(file.read())
    base, records, ended = read_file(backup.newest("base"), key)
    about = [record for record in records if record[0] == 6]
    check(ended and base["kind"] == 1 and base["set"] == base["made"] and records[-1:] == about, f"a base: {base}, {about}")
    size, _, sequence = struct.unpack(">QQQ", about[0][3])
    names = [record[2] for record in records if record[0] == 4]
    check(b"collector/log.key" in names and b"collector.yaml" in names and b"collector/day.keys" not in names, f"{names}")
    entries = []
    for path in sorted(glob.glob(os.path.join(backup.folder, "log", "*"))):
        run_of, records, ended = read_file(path, key)
        check(ended and os.path.basename(path) == f"{run_of['set']:020}-{run_of['number']:020}", f"{path}: {run_of}")
        entries += [struct.unpack(">Q", record[2])[0] for record in records if record[:2] == (1, 0)]
    check(entries == list(range(size)) and size > 0, f"log entries {entries}, {size} wanted")
    follow, records, ended = read_file(backup.newest("follow-000000"), key)
    check(ended and follow["kind"] == 3 and follow["set"] == base["made"] and records[-1][0] == 5, f"a follow file: {follow}")
    for before, after, _ in (struct.unpack(">QQQ", record[2]) for record in records if record[0] == 5):
        check(after <= sequence or before == sequence, f"a commit from {before} after {sequence}")
        sequence = max(sequence, after)


@scenario("kill -9 at any moment while backups are made: what comes back is good")
def _(folder):
    backup = Backup(folder)
    chance = seeded("backup kills")
    with Site(folder, settings=backup.settings + SOON) as site:
        site.agent.more = CLOSE_SOON
        log = site.log("app.log", "application")
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        kills = 60 if SOAK else 8
        lines = 1500 * kills
        writer = Writer(lines, 1000, lambda more: open(log.path, "a", encoding="utf-8").write("".join(more)), numbered)
        writer.start()
        for number in range(kills):
            asking = subprocess.Popen([os.path.join(BIN, "tocsin"), "--site", site.folder, "backup"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.6)
            site.collector.kill()
            asking.wait()
            if number % 2:
                shutil.rmtree(os.path.join(site.data, "collector"))
                backup.restore(site.folder, expect=(0, 1))
            site.start_collector()
            time.sleep(chance.random() * 2)
        writer.finish()
        wait_for_numbers(site, lines, 300)
        check_numbers(site, lines)
        wait_until(lambda: following(site), "commits follow", 60, 0.5)
        site.tocsin("backup")
        check(not glob.glob(os.path.join(backup.folder, "sets", "*.making")), "an unfinished set is left")
        site.check_verified()


@scenario("wrong keys, altered and missing files: refused with the place, and nothing is left behind")
def _(folder):
    backup = Backup(folder)
    with Site(folder, settings=backup.settings + SOON) as site:
        log = site.log("auth.log")
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        log.write([f"one {line}" for line in range(100)])
        site.wait_for_lines(log.written)
        site.wait_for_signed()
        site.tocsin("backup")
        wait_until(lambda: site.status()["backup"]["behind_seconds"] == 0, "all is followed")
        site.collector.stop()
        site.agent.stop()
    check_as_written(backup)
    good, place = backup.folder, os.path.join(folder, "damaged")

    def refused(what, damage, words, **options):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(good, place)
        backup.folder = place
        damage()
        new = os.path.join(folder, "new")
        said = backup.restore(new, expect=3, **options)
        backup.folder = good
        check(all(word in said for word in words), f"{what}: {said}")
        check(not os.path.exists(os.path.join(new, "data", "collector", "store")), f"{what}: a store was left")
        shutil.rmtree(new, ignore_errors=True)

    run_path = glob.glob(os.path.join(good, "log", "*"))[0]
    run_name = os.path.basename(run_path)
    wrong = os.path.join(folder, "wrong.key")
    with open(wrong, "w", encoding="ascii") as file:
        file.write("ab" * 32 + "\n")
    refused("another key", lambda: None, ["another key"], key=wrong)
    refused("a base altered", lambda: flip(backup.newest("base"), 400), ["base", "chunk 0 was altered"])
    refused("a base's header altered", lambda: flip(backup.newest("base"), 40), ["base", "chunk 0"])
    refused("a base cut off", lambda: os.truncate(backup.newest("base"), os.path.getsize(backup.newest("base")) - 30),
            ["base", "cut off"])
    refused("a base missing", lambda: os.remove(backup.newest("base")), ["base"])
    refused("the log altered", lambda: flip(os.path.join(place, "log", run_name), -10), [run_name, "altered"])
    refused("the log missing", lambda: shutil.rmtree(os.path.join(place, "log")), ["the backup's log ends at entry 0"])
    refused("another set's follow file", lambda: shutil.copy(os.path.join(backup.sets()[0], "follow-000000"),
                                                             backup.newest("follow-000000")), ["belongs elsewhere"])
    refused("no set at all", lambda: shutil.rmtree(os.path.join(place, "sets")), ["no backup that is whole"])

    # The key is where it was, or has to be named.
    done = subprocess.run([os.path.join(BIN, "tocsin"), "--site", os.path.join(folder, "found"), "restore", good],
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0 and "is restored" in done.stdout, f"{done.stdout}{done.stderr}")
    shutil.move(os.path.join(folder, "site"), os.path.join(folder, "away"))
    done = subprocess.run([os.path.join(BIN, "tocsin"), "--site", os.path.join(folder, "lost"), "restore", good],
                          capture_output=True, text=True, check=False)
    check(done.returncode == 3 and "--key FILE (it was" in done.stderr, f"{done.stdout}{done.stderr}")

    # What was followed may end anywhere: it was being written to. It then goes up to there.
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(good, place)
    backup.folder = place
    size = os.path.getsize(backup.newest("follow-000000"))
    os.truncate(backup.newest("follow-000000"), size - 7)
    said = backup.restore(os.path.join(folder, "new"))
    check("ends in the middle" in said, said)
    # Not twice to the same place.
    said = backup.restore(os.path.join(folder, "new"), expect=3)
    check("is there already" in said, said)
    # An older set, and a name that is none.
    shutil.rmtree(os.path.join(folder, "new"))
    backup.folder = good
    backup.restore(os.path.join(folder, "new"), "--set", os.path.basename(backup.sets()[0]))
    said = backup.restore(os.path.join(folder, "newer"), "--set", "20200101T000000.000000Z", expect=3)
    check("there is no backup" in said, said)


@scenario("a day key is in its own copy before anything is sealed under it, and in no backup")
def _(folder):
    backup = Backup(folder)
    with Site(folder, settings=backup.settings + SOON) as site:
        log = site.log("auth.log")
        site.start()
        wait_until(lambda: following(site), "commits follow")
        backup.keep_key(site)
        log.write([f"sealed {line}" for line in range(200)])
        site.wait_for_lines(log.written)
        segments = os.path.join(site.data, "collector", "store", "segments")
        wait_until(lambda: glob.glob(os.path.join(segments, "access", "*", "*.segment")), "a segment", 120, 0.5)
        copies = os.path.join(backup.folder, "segments")
        wait_until(lambda: glob.glob(os.path.join(copies, "access", "*", "*.segment")), "its copy", 60, 0.5)
        with open(os.path.join(backup.keys, "day.keys"), "rb") as file, \
                open(os.path.join(site.data, "collector", "day.keys"), "rb") as own:
            check(file.read() == own.read(), "the copy of the day keys is another")
        check(not glob.glob(os.path.join(backup.folder, "**", "day.keys"), recursive=True), "day keys in the backup")
        site.tocsin("backup")
        lose(site)
        # Without the keys the segments come back and do not open; with them they do.
        keys, backup.keys = backup.keys, os.path.join(folder, "nothing")
        os.makedirs(backup.keys)
        backup.restore(site.folder, expect=3)
        backup.keys = keys
        backup.restore(site.folder)
        site.start_collector()
        site.check_lines(log.written)
        site.check_verified()
        # A site whose day keys are gone never overwrites the copy with nothing.
        site.collector.stop()
        os.remove(os.path.join(site.data, "collector", "day.keys"))
        site.collector.start()
        check(site.collector.wait() != 0 and "bring them back" in site.collector.log(since_start=True),
              "a collector without its day keys started")
        check(os.path.getsize(os.path.join(backup.keys, "day.keys")) > 60, "the copy was overwritten")


@scenario("a full backup disk: the collector goes on, says so, and the next backup is whole")
def _(folder):
    disk = os.path.join(folder, "disk")
    with small_disk(disk, 16):
        backup = Backup(disk)
        backup.keys = os.path.join(folder, "keys")
        backup.settings = f"backup: {{folder: {backup.folder}, keys: {backup.keys}}}\n"
        backup.key = os.path.join(folder, "kept.key")
        with Site(folder, settings=backup.settings) as site:
            log = site.log("auth.log")
            site.start()
            wait_until(lambda: following(site), "commits follow")
            backup.keep_key(site)
            filler = fill(disk)
            log.write([f"full {line}" for line in range(3000)])
            site.wait_for_lines(log.written)
            wait_until(lambda: not site.status()["backup"]["following"], "it says that nothing is followed")
            site.tocsin("backup", expect=(3,))
            wait_until(lambda: site.states("backup_failed"), "an event", 60, 0.5)
            check(site.status()["backup"]["failure"], "the status says nothing")
            site.check_verified()  # checkpoints are published without it
            os.remove(filler)
            site.tocsin("backup")
            check(following(site), "nothing is followed after there was room again")
            check(not glob.glob(os.path.join(backup.folder, "sets", "*.making")), "an unfinished set is left")
            lose(site)
            backup.restore(site.folder)
            site.start_collector()
            site.check_lines(log.written)
            site.check_verified()


@scenario("no backup for 26 hours is an alert; where none is wanted, nothing nags")
def _(folder):
    backup = Backup(folder)
    with Site(folder, settings=backup.settings) as site:
        clock = Clock(folder, "collector")
        site.collector.environment = clock.environment
        site.start()
        wait_until(lambda: following(site), "commits follow")
        # A disk that is not mounted any more: noticed, and its mount point is no place for backups.
        shutil.rmtree(backup.folder)
        os.mkdir(backup.folder)
        wait_until(lambda: not following(site), "what is followed is gone", 60, 0.5)
        clock.set(HOUR_S)
        wait_until(lambda: "is its disk mounted" in site.status()["backup"]["failure"], "it is told", 60, 0.5)
        check(not os.listdir(backup.folder), f"in the mount point: {os.listdir(backup.folder)}")
        check(site.states("backup_failed"), "a failure is not noted")
        os.rmdir(backup.folder)
        with open(backup.folder, "w", encoding="ascii") as file:
            file.write("no folder\n")
        clock.set(25 * HOUR_S)
        time.sleep(6)
        check(not site.alerts("no fresh backup"), "an alert after 25 hours")
        clock.set(27 * HOUR_S)
        wait_until(lambda: site.alerts("no fresh backup"), "an alert after 26 hours", 60, 0.5)
        check(site.status()["backup"]["overdue"], "the status does not say so")
        os.remove(backup.folder)
        site.tocsin("backup")
        check(not site.status()["backup"]["overdue"], "it stays overdue")
    with Site(os.path.join(folder, "without")) as site:
        clock = Clock(folder, "collector2")
        site.collector.environment = clock.environment
        site.start()
        clock.set(100 * HOUR_S)
        time.sleep(6)
        check("backup" not in site.status(), "a backup's status")
        check(not site.alerts("backup"), "an alert")
        site.tocsin("backup", expect=(3,))
        # By hand it is made all the same, while the collector runs and when it does not.
        site.tocsin("backup", os.path.join(folder, "by-hand"))
        site.collector.stop()
        site.tocsin("backup", os.path.join(folder, "by-hand"))
        said = site.tocsin("restore", os.path.join(folder, "by-hand"), "--list")
        check(len(said.strip().splitlines()) >= 2, said)


run()

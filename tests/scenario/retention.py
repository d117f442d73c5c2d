#!/usr/bin/python3
"""People and statements, and what goes when its time has come: by two people's hands without witnesses, by intent and veto
window with them, never early. Clocks are shifted for the daemons alone (shims/clock_offset.c)."""
# tocsin-test: timeout=900

import glob
import json
import os
import shutil
import subprocess
import time

from load_lines import seeded
from tocsin_backup import Backup
from tocsin_machine import Clock
from tocsin_office import (DAY_S, SEALED_SOON, Office, go_to, key, nowhere, one_day, raw_search, states_of, told_of_mallory, units)
from tocsin_site import BIN, SOAK, Site, check, run, scenario, wait_until
from tocsin_store import StoreEditor
from tocsin_witness import settings, witnesses

ACCESS = "03"  # as the keys of its rows begin


def in_backups(backup, folder, text):
    """The files of all sets, restored, that hold the text; in the backup itself everything is encrypted."""
    found = []
    for each in backup.sets():
        place = os.path.join(folder, "restored")
        backup.restore(place, "--set", os.path.basename(each), expect=(0, 1))
        found += raw_search(place, text.encode())
        shutil.rmtree(place)
    return found + raw_search(backup.folder, text.encode())


@scenario("two people state what one may not, and each statement counts once")
def _(folder):
    with Site(folder) as site:
        site.start()
        office = Office(site)
        people = site._objects("people", "list")
        check([person["role"] for person in people] == ["admin"], f"the first person: {people}")
        office.enrol_board()
        people = site._objects("people", "list")
        check([(person["name"], person["role"]) for person in people] == [(office.admin, "admin"), ("bob", "board")],
              f"people: {people}")
        policy = office.paper("retention", "propose", "access=24m..36m", "--veto", "14")
        shown = office.ask("sign", policy, "--key", key(site, office.admin))
        check("at least 24 months, at most 36 months" in shown and "14 days" in shown, f"what is signed is not said: {shown}")
        office.submit(policy, expect=(2, 3))
        check("two people" in site.errors, f"one administrator alone: {site.errors}")
        wait_until(lambda: site.alerts("statement was refused"), "an alert about the refusal")
        check("6 months" in site.tocsin("retention", "policy"), "a refused policy is in force")
        office.sign(policy, "bob")
        site.tocsin("sign", policy, "--key", key(site, "bob"), expect=(3,))
        check("in the log" in office.submit(policy).lower(), "the policy is not in the log")
        check("24 months" in site.tocsin("retention", "policy"), "the policy is not in force")
        office.submit(policy, expect=(2, 3))
        check("before" in site.errors, f"a statement counted twice: {site.errors}")
        short = site.tocsin("retention", "check", "--standard", "cabf-br", expect=(1,))
        check("access" not in short and "network" in short, f"what falls short: {short}")
        # A hold: one person places it, two release it.
        office.state(office.paper("hold", "place", "--host", site.agent.name, "--class", "access", "--reason", "case 12"),
                     office.admin)
        holds = site._objects("hold", "list")
        check(len(holds) == 1 and holds[0]["held"] and holds[0]["reason"] == "case 12", f"holds: {holds}")
        release = office.paper("hold", "release", str(holds[0]["hold"]), "--reason", "closed")
        office.sign(release, office.admin)
        office.submit(release, expect=(2, 3))
        office.sign(release, "bob")
        office.submit(release)
        check(not site._objects("hold", "list")[0]["held"], "the hold still holds")
        # Who is gone signs nothing.
        office.state(office.paper("people", "remove", "bob"), office.admin, "bob")
        note = office.paper("hold", "place", "--reason", "by nobody")
        office.sign(note, "bob")
        office.submit(note, expect=(2, 3))
        check("revoked" in site.errors, f"a revoked key: {site.errors}")
        site.collector.stop()
        check(len(site._objects("people", "list")) == 2, "the people of a stopped site")
        site.start_collector()
        site.check_verified()


@scenario("without witnesses two people erase by hand, after the minimum, and the text is nowhere any more")
def _(folder):
    secret = "zwieback-4711"
    backup = Backup(folder, every="168h")
    with Site(folder, settings=SEALED_SOON + backup.settings) as site:
        clock = Clock(folder, "all")
        office = Office(site, clock)
        one_day(site, clock, secret)
        backup.keep_key(site)
        check(in_backups(backup, folder, f"{secret} access"), "the search of backups finds nothing at all")
        office.enrol_board()
        check(states_of(site, "access") == ["kept"], f"states: {units(site, 'access')}")
        wait_until(lambda: told_of_mallory(site) and site.alerts("sudo"), "an alert that names somebody")
        day = units(site, "access")[0]["opened"][:10]
        # Two people alone cannot erase before the minimum.
        early = office.paper("retention", "erase", "--class", "access", "--day", day, "--reason", "too early")
        office.state(early, office.admin, "bob")
        office.ask("retention", "run")
        check(states_of(site, "access") == ["kept"], "erased before its minimum")
        # The collector's clock alone reaches nothing.
        site.agent.stop()
        clock.set(3 * 365 * DAY_S)
        office.ask("retention", "run")
        check("erased" not in states_of(site, "access"), "a clock alone erased it")
        wait_until(lambda: site.alerts("clock is ahead"), "an alert about the clock", 120, 0.5)
        clock.set(2 * DAY_S + 120)
        site.agent.start()
        go_to(site, clock, 190 * DAY_S)
        check(states_of(site, "access") == ["free"], f"between minimum and maximum: {units(site, 'access')}")
        # What somebody with the disk in hand may have put aside.
        editor = StoreEditor(site)
        segments = os.path.join(site.data, "collector", "store", "segments", "access")
        kept = os.path.join(folder, "kept")
        wait_until(lambda: os.path.isdir(segments), "the class is sealed", 120, 0.5)
        site.agent.stop()
        site.collector.stop()
        shutil.copytree(segments, kept)
        row = editor.first_row("segment", ACCESS)
        site.start_collector()
        site.agent.start()
        path = office.paper("retention", "erase", "--class", "access", "--day", day, "--reason", "a request")
        office.sign(path, office.admin)
        office.submit(path, expect=(2, 3))
        check(states_of(site, "access") == ["free"], "one administrator alone")
        office.sign(path, "bob")
        office.submit(path)
        wait_until(lambda: office.run() and states_of(site, "access") == ["erased"], "erased", 120, 2)
        check(site.count("", "--class", "access") == 0, "events of an erased class are found")
        check(site.count("", "--class", "application") == 40, "events of another class are gone")
        site.check_verified()
        nowhere(site, f"{secret} access")
        # Nor in a backup: a new one takes the place of those that held it hot, and its key is gone from the keys' copy.
        wait_until(lambda: len(backup.sets()) == 1, lambda: f"one set: {backup.sets()}", 60, 1)
        check(not in_backups(backup, folder, f"{secret} access"), "the text is in a backup")
        check(not glob.glob(os.path.join(backup.folder, "segments", "access", "*", "*")), "a sealed copy is left")
        with open(os.path.join(backup.keys, "day.keys"), "rb") as copy, \
                open(os.path.join(site.data, "collector", "day.keys"), "rb") as own:
            check(copy.read() == own.read(), "the keys' copy is not what the keys are")
        site.collector.stop()
        nowhere(site, f"{secret} access")
        site.start_collector()
        check(states_of(site, "access") == ["erased"], "after a restart")
        summary = site.check_verified()
        check(summary["erased_lawfully"]["events"] > 0 and summary["erased_lawfully"]["unwitnessed"], f"{summary}")
        site.agent.stop()
        site.collector.stop()
        shutil.copytree(kept, segments, dirs_exist_ok=True)
        editor.edit("segment", "put", *row)
        findings, _ = site.verify()
        check([finding for finding in findings if finding["verdict"] == "OVER-RETAINED" and "class access" in finding["place"]],
              f"what came back is not found: {findings}")


class Clocks:
    """The collector's, and everybody else's, stepped together or apart."""

    def __init__(self, folder):
        self.own, self.others = Clock(folder, "own"), Clock(folder, "others")
        self.environment = self.others.environment

    seconds = property(lambda self: self.others.seconds)

    def set(self, seconds):
        self.own.set(seconds)
        self.others.set(seconds)


@scenario("with a witness what is due goes by intent and veto window, and no clock of the collector's hastens it")
def _(folder):
    secret = "knaeckebrot-0815"
    with Site(folder) as site:
        clock = Clocks(folder)
        office = Office(site, clock)
        (witness,) = witnesses(site, "w1.example")
        witness.stop()
        witness.daemon.environment = clock.environment
        witness.start()
        site.write_settings(SEALED_SOON + settings(1, witness))
        one_day(site, clock, secret, clock.own.environment)
        office.enrol_board()
        office.state(office.paper("witnesses", "propose"), office.admin, "bob")
        check(states_of(site, "access") == ["kept"], f"states: {units(site, 'access')}")
        go_to(site, clock, 200 * DAY_S)
        wait_until(lambda: states_of(site, "access") == ["free"], lambda: f"free: {units(site, 'access')}", 60, 1)
        office.ask("retention", "run")
        check(states_of(site, "access") == ["free"], "something is meant to be erased before its maximum")
        clock.own.set(5 * 365 * DAY_S)
        office.ask("retention", "run")
        check(states_of(site, "access") == ["free"], "the collector's clock alone reached a maximum")
        wait_until(lambda: site.alerts("clock is ahead"), "an alert about the clock", 120, 0.5)
        go_to(site, clock, 363 * DAY_S)
        wait_until(lambda: states_of(site, "access") == ["due"], lambda: f"due: {units(site, 'access')}", 60, 1)
        wait_until(lambda: office.run() and states_of(site, "access") == ["intended"], "an intent", 60, 2)
        wait_until(lambda: site.alerts("to be erased"), "an alert about the intent", 120, 0.5)
        # The board stops one of the two.
        intent = units(site, "application")[0]["grounds"]
        veto = office.paper("retention", "veto", str(intent))
        office.sign(veto, office.admin)
        office.submit(veto, expect=(2, 3))
        office.state(office.paper("retention", "veto", str(intent)), "bob")
        go_to(site, clock, 368 * DAY_S)
        office.ask("retention", "run")
        check(states_of(site, "access") == ["intended"], "the veto window was cut short")
        go_to(site, clock, 372 * DAY_S)
        wait_until(lambda: office.run() and states_of(site, "access") == ["erased"],
                   lambda: f"erased: {units(site)}", 120, 2)
        check(states_of(site, "application") == ["vetoed"], f"what was vetoed: {units(site, 'application')}")
        check(site.count("", "--class", "access") == 0 and site.count("", "--class", "application") == 40, "what is left")
        site.agent.stop()
        site.agent.start()  # begins another segment of its spool
        nowhere(site, f"{secret} access")
        # Cosignatures of that time are of the future for anybody else.
        found = [json.loads(line) for line in office.ask("--json", "verify", expect=(1,)).splitlines()]
        check([(line["verdict"], "class application" in line["place"]) for line in found if "kind" not in line] == [("OVER-RETAINED", True)],
              f"what was vetoed, and nothing else, is found: {found}")
        check(found[-1]["erased_lawfully"]["events"] == 40, f"what was erased: {found[-1]}")


@scenario("a kill at any point of an erasure: it is taken up again, and nothing else is gone")
def _(folder):
    secret = "pumpernickel-1234"
    chance = seeded("kills")
    with Site(folder, settings=SEALED_SOON) as site:
        clock = Clock(folder, "all")
        office = Office(site, clock)
        one_day(site, clock, secret)
        office.enrol_board()
        office.state(office.paper("hold", "place", "--host", site.agent.name, "--class", "access", "--until", "2001-01-01",
                                  "--reason", "about nothing that is here"), office.admin)
        office.state(office.paper("hold", "place", "--host", site.agent.name, "--class", "access", "--reason", "all of it"),
                     office.admin)
        go_to(site, clock, 190 * DAY_S)
        day = units(site, "access")[0]["opened"][:10]
        office.state(office.paper("retention", "erase", "--class", "access", "--day", day, "--reason", "a request"),
                     office.admin, "bob")
        for _ in range(60 if SOAK else 12):
            job = subprocess.Popen([os.path.join(BIN, "tocsin"), "--site", site.folder, "retention", "run"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * 0.8)
            site.collector.kill()
            job.wait()
            site.start_collector()
        wait_until(lambda: office.run() and states_of(site, "access") == ["erased"],
                   lambda: f"erased: {units(site)}", 120, 2)
        check(site.count("", "--class", "access") == 0 and site.count("", "--class", "application") == 40, "what is left")
        held = site._objects("hold", "list")[1]["hold"]
        check(len(site._objects("hold", "show", str(held))) == 40, "what the hold keeps")
        site.agent.stop()
        site.agent.start()
        nowhere(site, f"{secret} access")
        summary = site.check_verified()
        check(summary["erased_lawfully"]["events"] == 40, f"{summary}")


@scenario("free space is told long before the floor, and nothing is erased for it")
def _(folder):
    with Site(folder, settings="store: {warn: 900T}\n") as site:
        site.start_collector()
        wait_until(lambda: site.alerts("disk fills up"), "an alert about the disk", 60, 0.5)
        store = site.status()["store"]
        check(store["room"] == "filling" and store["free_bytes"] > store["floor_bytes"], f"the status: {store}")
        check("disk fills up" in site.status()["next"] or "nobody is told" in site.status()["next"], site.status()["next"])
        check("Free on the disk" in site.tocsin("retention", "status"), "the retention status does not say it")
        site.collector.stop()
        site.write_settings("")
        site.start_collector()
        check(site.status()["store"]["room"] == "good", f"{site.status()['store']}")
        check(len(site.states("disk_filling")) == 1, "told again")


run()

#!/usr/bin/python3
"""Kill -9 of the collector across all that the log does to what it holds: lines come in, batches are sealed, checkpoints are
signed, days are erased by two people's word. After each kill the whole store is read, and every hash of it computed again."""
# tocsin-test: timeout=1500

import os
import subprocess
import time

from load_lines import seeded
from tocsin_machine import Clock
from tocsin_office import DAY_S, Office, go_to, units
from tocsin_site import BIN, SOAK, Site, check, run, scenario, wait_until

KILLS = 200 if SOAK else 16
DAYS = 14 if SOAK else 3
LINES = 60  # of each class, each day and each kill
SETTINGS = "checkpoint: {every: 100ms}\nseal: {after: 1s}\n"
ERASED, KEPT = "access", "application"
LATER_S = 200 * DAY_S  # behind the minimum of six months, before the maximum


class Writing:
    """What was written to each log; `old` is of the days that are to be erased."""

    def __init__(self, site):
        self.logs = {ERASED: site.log("auth.log"), KEPT: site.log("app.log", KEPT)}
        self.old = 0

    def write(self, what):
        for name, log in self.logs.items():
            log.write([f"{what} {name} {number}" for number in range(LINES)])


def make_days(site, clock, writing):
    """Days that are over, each with events of both classes; then the clock is behind the minimum."""
    for day in range(DAYS):
        writing.write(f"day {day}")
        site.wait_for_count(LINES * (day + 1))
        site.wait_for_count(LINES * (day + 1), access_class=KEPT)
        go_to(site, clock, DAY_S * day + DAY_S / 2)  # closes the batches of this day
        go_to(site, clock, DAY_S * (day + 1))
    writing.old = LINES * DAYS
    go_to(site, clock, LATER_S)
    wait_until(lambda: len(erasable(site)) >= DAYS, lambda: f"days that are over: {units(site, ERASED)}", 120, 0.5)


def erasable(site):
    return [row for row in units(site, ERASED) if row["state"] == "free"]


def state_next(office):
    """Two people state the erasure of one more day; gives whether there was one."""
    days = erasable(office.site)
    if days:
        office.state(office.paper("retention", "erase", "--class", ERASED, "--day", days[0]["opened"][:10],
                                  "--reason", "its time has come"), office.admin, "bob")
    return bool(days)


@scenario("kill -9 of the collector while it seals, signs checkpoints and erases: the log is good each time, nothing is lost or twice")
def _(folder):
    chance = seeded("kills")
    with Site(folder, settings=SETTINGS) as site:
        site.agent.more = "batch: {close_after: 1s}\n"
        clock = Clock(folder, "all")
        site.collector.environment = site.agent.daemon.environment = clock.environment
        writing, office = Writing(site), Office(site, clock)
        site.start()
        make_days(site, clock, writing)
        office.enrol_board()
        entries = stated = halfway = 0
        for kill in range(KILLS):
            if kill * DAYS >= stated * KILLS:
                stated += state_next(office)
            writing.write(f"kill {kill}")
            stored = site.count("", "--class", KEPT)
            job = subprocess.Popen([os.path.join(BIN, "tocsin"), "--site", site.folder, "retention", "run"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(chance.random() * chance.choice((0.1, 0.5, 2.5)))
            site.collector.kill()
            job.wait()
            summary = site.check_verified()
            check(summary["log"]["entries"] >= entries, f"the log shrank from {entries} entries: {summary}")
            entries = summary["log"]["entries"]
            site.start_collector()
            halfway += any(row["state"] == "begun" for row in units(site, ERASED))
            found = site.count("", "--class", KEPT)
            check(found >= stored, f"{stored} events were stored before kill {kill}, {found} are")
        print(f"# {halfway} kills left an erasure that had begun and was not done", flush=True)
        while state_next(office):
            pass
        wait_until(lambda: office.run() and [row["state"] for row in units(site, ERASED)][:DAYS] == ["erased"] * DAYS,
                   lambda: f"all is erased: {units(site, ERASED)}", 120, 1)
        for name, log in writing.logs.items():
            site.wait_for_lines(log.written[writing.old:] if name == ERASED else log.written, access_class=name, timeout=120)
        site.wait_for_signed()
        summary = site.check_verified()
        check(summary["erased_lawfully"]["events"] >= writing.old, f"what is erased: {summary}")


run()

#!/usr/bin/python3
"""Death and errors at named calls: just before, in the middle of and just after each write, sync, rename and removal.

One site lives through all of them: each time it is given some lines, started, and dies at its next appointed call. At the
end everything that was ever written is there once. shims/disk_calls.c counts the calls and does the deed.
"""
# tocsin-test: timeout=900

import os
import time

from load_lines import check_numbers, no_gap, numbered, seeded, shim, wait_for_numbers
from tocsin_site import SOAK, Site, check, run, scenario, wait_until

DEATHS = ("kill-before", "kill-after", "tear")
LINES_A_LIFE = 300
LIFE_S = 30  # at most: a life in which the appointed call never came is ended
GROUPS = 60  # so many times lines come during a life, a few at a time


class Lines:
    """Numbered lines, a few for each life of a daemon."""

    def __init__(self, site):
        self.log = site.log("app.log", "application")
        self.more = site.log("auth.log", "access")
        self.count = 0

    def write(self, count=LINES_A_LIFE):
        for log in (self.log, self.more):
            log.write([numbered(number) for number in range(self.count, self.count + count // 2)])
            self.count += count // 2


def live_and_die(daemon, done):
    """Until the daemon has died by itself, or `done`; whether it died."""
    until = time.monotonic() + LIFE_S
    while daemon.alive() and time.monotonic() < until and not done():
        time.sleep(0.02)
    died = not daemon.alive()
    daemon.kill()
    return died


def feeding(lines):
    """A few lines at each look; done when there were enough."""
    groups = iter(range(GROUPS))

    def done():
        lines.write(2)
        return next(groups, None) is None
    return done


def plan(first, count, deaths=DEATHS):
    """(call, deed): the calls one after the other from the first on, and the deeds in turn."""
    return [(first + i, deaths[i % len(deaths)]) for i in range(count)]


def all_there(site, lines):
    wait_for_numbers(site, lines.count)
    site.wait_for_signed()
    check_numbers(site, lines.count)
    no_gap(site)
    site.check_verified()


def agent_dies(folder, calls):
    with Site(folder) as site:
        lines = Lines(site)
        environment = shim(folder, "disk_calls")
        site.start()
        site.agent.stop()
        agent = site.agent.daemon
        deaths = 0
        for number, deed in calls:
            lines.write(LINES_A_LIFE - 2 * GROUPS)
            agent.environment = dict(environment, SHIM_BELOW=site.agent.data, SHIM_DO=f"any:{number}:{deed}")
            agent.start()
            deaths += live_and_die(agent, feeding(lines))
        print(f"# {deaths} deaths in {len(calls)} lives", flush=True)
        check(deaths * 2 > len(calls), f"only {deaths} of {len(calls)} appointed calls ever came")
        agent.environment = {}
        lines.write()
        site.agent.start()
        all_there(site, lines)


@scenario("the agent dies at every write, sync and rename of its start")
def _(folder):
    agent_dies(folder, plan(1, 60 if SOAK else 12))


@scenario("the agent dies at any later call")
def _(folder):
    chance = seeded("later calls")
    agent_dies(folder, [(chance.randrange(1, 40), chance.choice(DEATHS)) for _ in range(400 if SOAK else 16)])


@scenario("a write or sync of the spool fails once: the agent goes on, and nothing is lost")
def _(folder):
    with Site(folder) as site:
        lines = Lines(site)
        environment = shim(folder, "disk_calls")
        site.start()
        agent = site.agent.daemon
        count = os.path.join(folder, "calls")
        faults = [(call, number, error) for call in ("sync", "write") for error in ("EIO", "ENOSPC")
                  for number in (range(2, 30) if SOAK else (4,))]
        site.agent.stop()
        for call, number, error in faults:
            agent.environment = dict(environment, SHIM_BELOW=os.path.join(site.agent.data, "agent", "spool"),
                                     SHIM_DO=f"{call}:{number}:{error}", SHIM_COUNT=count)
            agent.start()
            if wait_until(lambda: "is ready" in agent.log(since_start=True) or not agent.alive(), "the agent starts") \
                    and not agent.alive():
                # The appointed call was one of its start: it says so and ends, and is started again, as its unit would.
                check(agent.wait() == 3 and "cannot start" in agent.log(since_start=True), "a start that fails says so")
                agent.environment = {}
                agent.start()
                agent.wait_for_log("is ready")
            for _ in range(number + 1):  # a group each, so that the appointed call comes
                lines.write(20)
                expected = lines.count
                wait_until(lambda: site.count("n=") >= expected,
                           lambda: f"all lines after {call} {number} failed with {error}", 60, 0.05)
            site.agent.stop()
            with open(count, encoding="ascii") as file:
                check(int(file.read()) >= number, f"the {call} that was to fail never came")
        agent.environment = {}
        site.agent.start()
        all_there(site, lines)


def collector_dies(folder, calls):
    with Site(folder) as site:
        lines = Lines(site)
        environment = shim(folder, "disk_calls")
        site.start()
        collector = site.collector
        deaths = 0
        for number, deed in calls:
            collector.stop() if collector.alive() else None
            lines.write()
            store = os.path.join(site.data, "collector", "store")
            collector.environment = dict(environment, SHIM_BELOW=store, SHIM_DO=f"any:{number}:{deed}")
            collector.start()
            expected = lines.count

            def everything():
                return "is ready on" in collector.log(since_start=True) and collector.alive() and stored(site) >= expected
            deaths += live_and_die(collector, everything)
        print(f"# {deaths} deaths in {len(calls)} lives", flush=True)
        check(deaths * 2 > len(calls), f"only {deaths} of {len(calls)} appointed calls ever came")
        collector.environment = {}
        site.start_collector()
        lines.write()
        all_there(site, lines)


def stored(site):
    """How many lines the collector has, or -1 while it cannot be asked because it dies at this very moment."""
    text = site.tocsin("query", "--count", "n=", expect=(0, 1, 2, 3)).strip()
    return int(text) if site.exit_status == 0 and text else -1


@scenario("the collector dies at any write, sync and rename of its store")
def _(folder):
    chance = seeded("store calls")
    early = plan(1, 40 if SOAK else 4)
    late = [(chance.randrange(10, 120), chance.choice(DEATHS)) for _ in range(200 if SOAK else 8)]
    collector_dies(folder, early + late)


@scenario("a write or sync of the store fails: nothing that was acknowledged is lost, and after a start all goes on")
def _(folder):
    chance = seeded("store errors")
    collector_dies(folder, [(chance.randrange(20, 60), error) for error in ("EIO", "ENOSPC") * (20 if SOAK else 2)])


run()

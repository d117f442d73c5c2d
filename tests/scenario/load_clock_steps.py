#!/usr/bin/python3
"""The clock is stepped both ways, at the agent and at the collector: nothing is lost or stops, and the chain says so.

shims/clock_offset.c moves the clock of one process; nothing touches the machine's.
"""

import os
import subprocess

from load_lines import check_numbers, no_gap, numbered, wait_for_numbers
from tocsin_machine import Clock
from tocsin_office import Office
from tocsin_site import Log, Site, Skipped, check, run, scenario, wait_until

DAY_S = 86400
STEPS_S = (DAY_S, -2 * DAY_S, -3600, 3 * DAY_S + 1800, -2, 0)


def write(log, count, state):
    log.write([numbered(number) for number in range(state["next"], state["next"] + count)])
    state["next"] += count
    return state["next"]


@scenario("the agent's clock is stepped a day forth, two back, and so on")
def _(folder):
    with Site(folder) as site:
        clock = Clock(folder, "agent")
        log = site.log("app.log", "application")
        state = {"next": 0}
        site.agent.daemon.environment = clock.environment
        site.start()
        for step in STEPS_S:
            total = write(log, 500, state)
            wait_for_numbers(site, total, 60)
            clock.set(step)
        total = write(log, 500, state)
        wait_for_numbers(site, total, 60)
        site.agent.stop()
        clock.set(-DAY_S)  # while nobody looked
        site.agent.start()
        total = write(log, 500, state)
        wait_for_numbers(site, total, 60)
        site.wait_for_signed()
        check_numbers(site, total)
        no_gap(site)
        check(site.check_verified()["batches"] >= 2 * len(STEPS_S), "a stepped clock makes no break")


@scenario("a file that comes after the clock was set back is found where nothing is watched")
def _(folder):
    with Site(folder) as site:
        clock = Clock(folder, "agent")
        site.agent.follow(os.path.join(folder, "late", "*.log"), "application")
        first = site.log("app.log", "application")
        site.agent.daemon.environment = clock.environment
        site.start_collector()
        site.agent.write_settings()
        # The limit holds in a user namespace of its own: nobody else has fewer watches for it.
        wrapper = ("unshare", "--user", "--map-root-user")
        if subprocess.run([*wrapper, "true"], capture_output=True, check=False).returncode:
            raise Skipped("no user namespace can be made here (the kernel allows none in a chroot)")
        site.agent.daemon.start(wrapper=(*wrapper, "sh", "-c",
                                         'echo 0 >/proc/sys/user/max_inotify_watches && exec "$@"', "sh"))
        site.agent.daemon.wait_for_log("connected to")
        state = {"next": 0}
        total = write(first, 100, state)
        wait_for_numbers(site, total, 60)
        clock.set(-DAY_S)
        os.mkdir(os.path.join(folder, "late"))
        write(Log(os.path.join(folder, "late", "new.log")), 100, state)
        total = write(first, 100, state)
        wait_for_numbers(site, total, 60)
        check_numbers(site, total)


def settle_long_days(site):
    """By the collector's clock there were days without a mark while agents' entries came in: findings, until a person says why."""
    findings, _ = site.verify()
    check(findings and all(finding["place"].startswith("day ") for finding in findings), f"verify finds {findings}")
    office = Office(site)
    for finding in findings:
        office.state(office.paper("retention", "explain", finding["place"][4:], "--reason", "the clock was stepped by a test"),
                     office.admin)
    site.check_verified()


@scenario("the collector's clock is stepped both ways")
def _(folder):
    with Site(folder) as site:
        clock = Clock(folder, "collector")
        log = site.log("app.log", "application")
        state = {"next": 0}
        site.collector.environment = clock.environment
        site.start()
        for step in STEPS_S:
            total = write(log, 500, state)
            wait_for_numbers(site, total, 60)
            clock.set(step)
        total = write(log, 500, state)
        wait_for_numbers(site, total, 60)
        clock.set(-DAY_S)
        site.collector.stop()
        site.start_collector()
        total = write(log, 500, state)
        wait_for_numbers(site, total, 60)
        site.wait_for_signed()
        check_numbers(site, total)
        check(not site.states("agent_silent"), "a step of the clock is not an agent's silence")
        wait_until(lambda: site.agent_status()["state"] == "connected", "the agent is connected", 60)
        settle_long_days(site)


run()

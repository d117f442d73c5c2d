#!/usr/bin/python3
"""Holds: what one matches by host, class, time and query outlives the rest of its batch, and one that comes too late is told."""
# tocsin-test: timeout=900

import datetime
import json
import os
import time

from tocsin_machine import Clock
from tocsin_office import DAY_S, Office, SEALED_SOON, go_to, nowhere, one_day, states_of, units
from tocsin_site import Site, check, run, scenario, wait_until
from tocsin_store import StoreEditor


@scenario("what a hold matches still opens after its batch was erased around it, until the hold is released")
def _(folder):
    with Site(folder, settings=SEALED_SOON) as site:
        clock = Clock(folder, "all")
        office = Office(site, clock)
        site.agent.more = "batch: {close_after: 10m}\n"
        log = site.log("auth.log")
        site.collector.environment = site.agent.daemon.environment = clock.environment
        site.start()
        log.write([f"kept-4711 line {number}" for number in range(20)])
        site.wait_for_count(20)
        time.sleep(2)
        until = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        time.sleep(2)
        log.write([f"gone-0815 line {number}" + (" amber" if number == 7 else "") for number in range(20)])
        site.wait_for_count(40)
        go_to(site, clock, DAY_S + 60)
        go_to(site, clock, 2 * DAY_S + 60)
        wait_until(lambda: units(site, "access"), "the day is over", 120, 0.5)
        office.enrol_board()
        office.state(office.paper("hold", "place", "--host", site.agent.name, "--class", "access", "--until", until,
                                  "--reason", "case 12"), office.admin)
        bad = os.path.join(folder, "bad.txt")
        office.ask("hold", "place", "--query", "(amber", "--reason", "case 13", "-o", bad, expect=(2,))
        check("never closed" in site.errors and not os.path.exists(bad), f"a query that is none: {site.errors}")
        office.state(office.paper("hold", "place", "--class", "access", "--query", "tocsin.class:access amber", "--reason",
                                  "case 13"), office.admin)
        holds = site._objects("hold", "list")
        check([hold["query"] for hold in holds] == ["", "tocsin.class:access amber"], f"the holds' queries: {holds}")
        number, by_query = (str(hold["hold"]) for hold in holds)
        go_to(site, clock, 190 * DAY_S)
        day = units(site, "access")[0]["opened"][:10]
        trust, before = os.path.join(folder, "log.trust"), os.path.join(folder, "before.excerpt")
        office.ask("excerpt", "gone-0815 or kept-4711", "-o", before)
        office.ask("trust", "export", "-o", trust)
        office.state(office.paper("retention", "erase", "--class", "access", "--day", day, "--reason", "a request"),
                     office.admin, "bob")
        wait_until(lambda: states_of(site, "access") == ["held"], lambda: f"held: {units(site, 'access')}", 60, 1)
        wait_until(lambda: office.run() and states_of(site, "access") == ["erased"],
                   lambda: f"erased: {units(site)}", 120, 2)
        check(site.count("", "--class", "access") == 0, "events of an erased class are found")
        held = site._objects("hold", "show", number)
        check([event["event"]["original"] for event in held] == [f"kept-4711 line {number}" for number in range(20)],
              f"what the hold keeps: {held[:3]} … {len(held)}")
        asked = site._objects("hold", "show", by_query)
        check([event["event"]["original"] for event in asked] == ["gone-0815 line 7 amber"], f"what the query finds: {asked}")
        check([event["retention"]["hold"] for event in site.states("hold_matched")] == [number, by_query] and
              "keeps 1 of 40 events" in json.dumps(site.states("hold_matched")), f"{site.states('hold_matched')}")
        # One that comes now is told that it is too late; one on somebody else's events is not.
        office.state(office.paper("hold", "place", "--host", "elsewhere", "--class", "access", "--reason", "case 14"), office.admin)
        office.state(office.paper("hold", "place", "--class", "access", "--reason", "case 15"), office.admin)
        wait_until(lambda: site.alerts("came too late"), "an alert about the late hold", 60, 0.5)
        late = [[(unit["class"], unit["day"], unit["state"]) for unit in hold["late"]] for hold in site._objects("hold", "list")]
        check(late == [[], [], [], [("access", day, "erased")]], f"which hold came too late: {late}")
        check("TOO LATE: hold" in site.tocsin("retention", "status", expect=(0, 1)), "the status does not say it")
        check("TOO LATE for access" in site.tocsin("hold", "list"), "the list does not say it")
        check(len(site.states("hold_late")) == 1, f"told more than once: {site.states('hold_late')}")
        # What was proved before the erasure still is; what is held can be proved now.
        held = os.path.join(folder, "held.excerpt")
        office.ask("excerpt", "--hold", number, "-o", held)
        for path, count in ((before, 40), (held, 20)):
            lines = [json.loads(line) for line in office.ask("--json", "verify", "--trust", trust, path).splitlines()]
            check(lines[-1]["events"] == count and lines[-1]["altered"] == 0, f"{path}: {lines[-1]}")
        # And that nothing was read on another class, over all of that time.
        absence = os.path.join(folder, "quiet.absence")
        office.ask("absence", "--stream", site.agent.name, "--class", "signing", "--from", day, "--to", "now", "-o", absence)
        lines = [json.loads(line) for line in office.ask("--json", "verify", "--trust", trust, absence).splitlines()]
        check(lines[-1]["events"] == 0 and len(lines) > 1, f"{lines[-1]}")
        site.agent.stop()
        site.agent.start()  # begins another segment of its spool
        nowhere(site, "gone-0815 line")
        nowhere(site, "kept-4711 line")  # in the clear
        site.collector.stop()
        editor = StoreEditor(site)
        row = editor.edit("held", "delete", "")
        site.start_collector()
        site.tocsin("hold", "show", number, expect=(1,))
        check("is not here" in site.errors, f"what a hold kept was taken away: {site.errors}")
        check(len(site.states("hold_late")) == 1, "told again after a restart")
        site.collector.stop()
        editor.edit("held", "put", row[0], row[1][:-2] + f"{int(row[1][-2:], 16) ^ 1:02x}")
        site.start_collector()
        site.tocsin("hold", "show", number, expect=(2, 3))
        check("altered" in site.errors, f"what a hold kept was altered: {site.errors}")
        site.collector.stop()
        editor.edit("held", "put", *row)
        site.start_collector()
        check(len(site._objects("hold", "show", number)) == 20, "what the hold keeps, after a restart")
        office.state(office.paper("hold", "release", number, "--reason", "closed"), office.admin, "bob")
        office.ask("retention", "run")
        check(not site._objects("hold", "show", number), "a released hold keeps what it took")
        site.check_verified()


@scenario("a hold whose query was erased keeps all that host, class and time match, and says so")
def _(folder):
    with Site(folder, settings=SEALED_SOON) as site:
        clock = Clock(folder, "all")
        office = Office(site, clock)
        one_day(site, clock, "rye-2718")
        office.enrol_board()
        first = units(site, "access")[0]["opened"][:10]
        office.state(office.paper("hold", "place", "--class", "access", "--query", "nobody-wrote-this", "--reason", "case 12"),
                     office.admin)
        number = str(site._objects("hold", "list")[0]["hold"])
        for days in (3, 4, 800):
            go_to(site, clock, days * DAY_S + 60)
        erase = lambda access_class, day: office.state(
            office.paper("retention", "erase", "--class", access_class, "--day", day, "--reason", "a request"),
            office.admin, "bob")
        gone = lambda access_class, day: [unit["state"] for unit in units(site, access_class) if unit["opened"][:10] == day]
        def old():
            return [unit for unit in units(site, "journal") if unit["closed"] < office.now()[:4]]
        wait_until(lambda: {unit["state"] for unit in old()} == {"free"}, lambda: f"{units(site, 'journal')}", 60, 1)
        for day in [unit["opened"][:10] for unit in old()]:
            erase("journal", day)
            wait_until(lambda day=day: office.run() and gone("journal", day) == ["erased"],
                       lambda: f"{units(site, 'journal')}", 120, 2)
        check("not known here" in site.tocsin("hold", "list"), "the erased query is shown")
        erase("access", first)
        wait_until(lambda: office.run() and gone("access", first) == ["erased"], lambda: f"{units(site, 'access')}", 120, 2)
        check(len(site._objects("hold", "show", number)) == 40, "what is kept where the query is gone")
        # Two years went by between two of its marks, and nothing was taken in: that is said, and is no finding.
        wait_until(lambda: site.alerts("stood still for more than a day"), "an alert about the pause", 60, 0.5)
        check("NOTE day" in site.tocsin("verify") and "collector was down" in site.tocsin("verify"), "verify does not note it")
        wait_until(lambda: site.alerts("keeps more than it asks for"), "an alert about it", 60, 0.5)
        site.check_verified()


run()

#!/usr/bin/python3
"""Silence: an agent that is gone or cannot be heard is told of in time and once, and an idle one is not silent."""

import time

from tocsin_proxy import DOWN, UP, Proxy
from tocsin_site import Site, check, run, scenario, wait_until

SILENT_WITHIN_S = 20


@scenario("a black hole, where everything is swallowed, is noticed, and left")
def _(folder):
    with Site(folder) as site, Proxy(site.port) as proxy:
        site.agent.port = proxy.port
        log = site.log("auth.log")
        site.start()
        log.write(["before"])
        site.wait_for_lines(log.written)
        proxy.black_hole = {UP, DOWN}
        begun = time.monotonic()
        log.write(["into the hole"])
        wait_until(lambda: site.states("agent_silent"), "the collector tells of the silence", SILENT_WITHIN_S + 15)
        check(time.monotonic() - begun < SILENT_WITHIN_S + 2, f"told after {time.monotonic() - begun:.1f} s")
        check(site.agent_status()["state"] == "silent", "the status does not say so")
        wait_until(lambda: site.alerts("A host is silent"), "an alert about the silence")
        site.agent.daemon.wait_for_log("silent for 20 s", 40)
        log.write(["while nobody hears"])
        proxy.black_hole = set()
        site.wait_for_lines(log.written)
        wait_until(lambda: site.states("agent_back"), "the collector tells that the agent is back")
        check(len(site.states("agent_silent")) == 1, "one silence is told more than once")
        site.check_verified()



@scenario("an agent that is killed is told of within 20 s, once, and so is its return")
def _(folder):
    with Site(folder) as site:
        log = site.log("auth.log")
        site.start()
        log.write(["before"])
        site.wait_for_lines(log.written)
        site.agent.kill()
        begun = time.monotonic()
        wait_until(lambda: site.states("agent_silent"), "the silence is told", SILENT_WITHIN_S + 15)
        took = time.monotonic() - begun
        check(took < SILENT_WITHIN_S, f"told after {took:.1f} s")
        log.write(["while it was away"])
        site.agent.start()
        wait_until(lambda: site.states("agent_back"), "the return is told")
        site.wait_for_lines(log.written)
        check(len(site.states("agent_silent")) == 1 and len(site.states("agent_back")) == 1, "told more than once")
        alert = wait_until(lambda: [alert for alert in site.alerts("A host is silent") if alert["status"] == "resolved"],
                           "the alert about the silence is over")
        check(len(site.alerts("A host is silent")) == 1, "one silence is more than one alert")
        check(alert[0]["resolution"]["by"] == "recovery", f"resolved {alert[0]['resolution']}")
        site.check_verified()



@scenario("a silence in which the collector is restarted is told once, and so is its end")
def _(folder):
    with Site(folder) as site:
        site.start()
        site.agent.kill()
        wait_until(lambda: site.states("agent_silent"), "the silence is told", SILENT_WITHIN_S + 15)
        site.collector.stop()
        site.start_collector()
        check(site.agent_status()["state"] == "silent", "the status has forgotten it")
        time.sleep(SILENT_WITHIN_S)
        check(not site.states("agent_back"), "back, and nothing was heard")
        site.agent.start()
        wait_until(lambda: site.states("agent_back"), "the return is told")
        wait_until(lambda: [alert["status"] for alert in site.alerts("A host is silent")] == ["resolved"],
                   lambda: f"one alert, over: {site.alerts('A host is silent')}")
        check(len(site.states("agent_silent")) == 1 and len(site.states("agent_back")) == 1, "told more than once")


@scenario("an idle agent stays connected and signs heartbeats")
def _(folder):
    with Site(folder) as site:
        site.agent.more = "heartbeat: 10s\n"
        site.start()
        connections = site.agent.daemon.log().count("connected to")
        closed = site.agent_status()["lanes"][1]["closed"]
        wait_until(lambda: site.agent_status()["lanes"][1]["closed"] >= closed + 2, "two heartbeats of an idle stream", 60, 0.5)
        check(site.agent.daemon.log().count("connected to") == connections, "an idle agent has connected anew")
        check(not site.states("agent_silent"), "an idle agent counts as silent")
        site.check_verified()



run()

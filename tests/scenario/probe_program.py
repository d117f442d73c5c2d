#!/usr/bin/python3
"""The program that runs an agent's probes: killed, stopped, misled, beside a flood. The agent reads on, every change of a
probe is told once, and no program outlives its agent."""
# tocsin-test: timeout=600

import os
import random
import signal
import subprocess
import time

from tocsin_responder import Responder, closed, reply
from tocsin_site import SOAK, Site, check, run, scenario, wait_until

KILLS = 60 if SOAK else 12
FLOOD = 400_000 if SOAK else 60_000

# Runs in a second, so that much happens between two kills.
FAST = "every: 1s, retry: 100ms, timeout: 2s"


def well(_request):
    return reply(b"ALLOK", "text/plain")


def probing(server, kind="http", more=""):
    return f"probes:\n  - {{kind: {kind}, name: web, target: '{server.url()}', {FAST}{more}}}\n"


def make_certificate(path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=CA",
                    "-keyout", os.devnull, "-out", path], check=True, capture_output=True)


def children(pid):
    """The programs that a process has started: their numbers and names."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            found = [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return []
    return [child for child in found if name_of(child) == "tocsin-prober"]


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None


def gone(pid):
    """Ended; in a container nobody may be there to reap it."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def prober(site):
    return wait_until(lambda: children(site.agent.daemon.pid), "the agent has started its prober")[0]


def changes(site):
    """What was told of the probe, in order."""
    return [event["probe"] for event in site.query("tocsin.event:probe_changed")]


def number_of(event):
    """Its event_seq."""
    return int(event["id"].rsplit("/", 1)[1])


def wait_for_state(site, state):
    wait_until(lambda: (changes(site) or [{}])[-1].get("state") == state, lambda: f"{state} is told: {changes(site)}", 120, 0.3)


def check_chain(told):
    """Each change begins where the one before it ended: none is told twice, none is left out."""
    known = None
    for change in told:
        if change["change"] in ("still", "finding"):
            continue
        check(change.get("from") == known, f"from {change.get('from')} behind {known}: {told}")
        check(change["state"] != known, f"told twice: {told}")
        known = change["state"]


@scenario("prober and agent are killed at random, and each change of a probe is told once")
def _(folder):
    chance = random.Random(os.environ.get("TOCSIN_SEED", "kills"))
    with Responder() as server, Site(folder) as site:
        log = site.log("auth.log")
        server.answer = well
        site.agent.more = probing(server)
        site.start()
        wait_for_state(site, "ok")
        up, programs = True, 0
        for number in range(KILLS):
            if chance.random() < 0.5:
                up = not up
                server.answer = well if up else closed
            time.sleep(chance.random())
            program = (children(site.agent.daemon.pid) or [None])[0]
            log.write([f"line {number}"])
            if chance.random() < 0.5:
                if program:
                    os.kill(program, signal.SIGKILL)
                programs += program is not None
            else:
                site.agent.kill()
                wait_until(lambda: program is None or gone(program), f"the prober {program} ends with its agent")
                site.agent.daemon.start()
            if chance.random() < 0.5:
                wait_for_state(site, "ok" if up else "critical")
        server.answer = well
        wait_for_state(site, "ok")
        site.wait_for_lines(log.written)
        told = changes(site)
        check_chain(told)
        failed = [event for event in site.states("helper_failed") if event["helper"]["reason"] == "signal"]
        print(f"# {len(told)} changes over {KILLS} kills; {len(failed)} of {programs} of the prober alone told")
        check(0 < len(failed) <= programs, f"{len(failed)} of {programs} kills told")
        site.wait_for_signed()
        site.check_verified()


@scenario("a prober that hangs is killed and told, while the agent reads on")
def _(folder):
    with Responder() as server, Site(folder) as site:
        log = site.log("auth.log")
        server.answer = well
        site.agent.more = probing(server)
        site.start()
        wait_for_state(site, "ok")
        program = prober(site)
        os.kill(program, signal.SIGSTOP)
        log.write(["read while the prober hangs"])
        site.wait_for_lines(log.written)
        wait_until(lambda: site.states("helper_failed"), "it is told that the prober hangs", 90, 0.3)
        failed = site.states("helper_failed")[0]
        check(failed["helper"]["reason"] == "silent" and failed["helper"]["name"] == "probe", f"{failed['helper']}")
        check(gone(program), "the one that hung is still there")
        server.answer = closed
        wait_for_state(site, "critical")
        alert = wait_until(lambda: site.alerts("program of the agent"), "an alert")[0]
        check(alert["priority"] in ("today", "review"), f"{alert['priority']}")


@scenario("stopped with SIGTERM to all, as systemd does, the prober ends with its agent and nothing is told as a failure")
def _(folder):
    with Responder() as server, Site(folder) as site:
        server.answer = well
        site.agent.more = probing(server)
        site.start()
        wait_for_state(site, "ok")
        program = prober(site)
        os.kill(program, signal.SIGTERM)
        site.agent.stop()
        check(gone(program), "the prober outlives its agent")
        site.agent.start()
        wait_until(lambda: len(site.states("agent_started")) == 2, "the agent has started again")
        second = prober(site)
        site.agent.daemon.signal(signal.SIGHUP)
        wait_until(lambda: site.states("reloaded"), "the reload")
        check(gone(second), "the prober of before the reload is still there")
        check(prober(site) != second, "no prober was started by the reload")
        server.answer = closed
        wait_for_state(site, "critical")
        check(not site.states("helper_failed"), "a stop or a reload is told as a failure")
        check([change["change"] for change in changes(site)][:2] == ["first", "worse"], f"{changes(site)}")


@scenario("a probe whose file is missing is told and tried again, and logs are read all the same")
def _(folder):
    with Responder() as server, Site(folder) as site:
        log = site.log("auth.log")
        missing = os.path.join(folder, "issuer.pem")
        server.answer = well
        site.agent.more = probing(server, "crl", f", issuer: {missing}")
        site.start()
        log.write(["one"])
        site.wait_for_lines(log.written)
        wait_until(lambda: site.states("helper_failed"), "it is told that there is no such file")
        failed = site.states("helper_failed")[0]
        check(failed["helper"]["reason"] == "refused" and missing in failed["message"], f"{failed['message']}")
        check(not changes(site), f"a probe without its issuer has said something: {changes(site)}")
        make_certificate(missing)
        wait_for_state(site, "critical")  # no CRL is what it finds there


@scenario("a mistake in the probes is told with its place, and a reload with one changes nothing")
def _(folder):
    with Responder() as server, Site(folder) as site:
        server.answer = well
        site.agent.more = probing(server)
        site.start()
        wait_for_state(site, "ok")
        program = prober(site)
        path = os.path.join(site.folder, "agent.yaml")
        with open(path, encoding="utf-8") as file:
            good = file.read()
        for number, (wrong, said) in enumerate((("kind: htpp", "htpp"), ("every: 1ms", "every"), ("checks: {http.nonsense: off}", "http.nonsense"))):
            with open(path, "w", encoding="utf-8") as file:
                file.write(good + f"  - {{kind: http, name: wrong, target: 'http://localhost/', {wrong}}}\n".replace("kind: http, ", "", "kind" in wrong))
            site.agent.daemon.signal(signal.SIGHUP)
            told = wait_until(lambda: site.states("reload_failed")[number:], "an event says that the settings are wrong")[0]
            check("agent.yaml:" in told["message"] and said in told["message"], told["message"])
        check(children(site.agent.daemon.pid) == [program], "a reload that was refused has restarted the prober")
        server.answer = closed
        wait_for_state(site, "critical")


@scenario("a log that is far behind does not keep a probe's alarm waiting")
def _(folder):
    with Responder() as server, Site(folder) as site:
        log = site.log("auth.log")
        log.write([f"{number} " + "x" * 200 for number in range(FLOOD)])
        server.answer = closed
        site.agent.more = probing(server)
        site.start()
        wait_for_state(site, "critical")
        site.wait_for_count(FLOOD, timeout=300)
        told = site.query("tocsin.event:probe_changed")[0]
        last = site.query(f'"{FLOOD - 1} xxx"')[0]
        check(number_of(told) < number_of(last), f"told behind the whole log: {told['id']}, {last['id']}")


run()

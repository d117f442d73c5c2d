#!/usr/bin/python3
"""One agent and the collectors of two sites: each gets everything once, none waits for the other, and a host that tells them
two stories is found by whoever sees both logs.

tocsin-test: timeout=600
"""

import glob
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request

from tocsin_proxy import Proxy
from tocsin_site import BIN, Agent, Site, check, free_port, run, scenario, wait_until

HOST = "signer1"
QUICK = "batch: {close_after: 1s}\nheartbeat: 10s\n"


class TwoSites:
    """Collectors a and b, and one agent that has joined a."""

    def __init__(self, folder):
        self.folder = folder
        self.a, self.b = Site(os.path.join(folder, "a")), Site(os.path.join(folder, "b"))
        self.metrics_port = free_port()

    def __enter__(self):
        self.a.__enter__()
        self.b.__enter__()
        self.a.start_collector()
        self.b.start_collector()
        self.agent = self.a.new_agent(HOST)
        self.agent.more = QUICK + f"metrics: 127.0.0.1:{self.metrics_port}\n"
        return self

    def __exit__(self, *error):
        try:
            self.a.__exit__(*error)
        finally:
            self.b.__exit__(*error)

    def join(self, site, port=None, *options, expect=0):
        """The agent joins one more collector; what was said."""
        done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", self.agent.folder, "--join",
                               f"127.0.0.1:{port or site.port}", "--token", site.token(HOST), *options], capture_output=True,
                              text=True, check=False, timeout=60)
        check(done.returncode == expect, f"joining ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout + done.stderr

    def start(self, *ports):
        self.agent.start(connected=False)
        for port in ports:
            self.agent.daemon.wait_for_log(rf"connected to 127.0.0.1:{port}")

    def metric(self, name, port):
        """The greatest value that the agent shows of a collector."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        found = re.findall(rf'^{name}{{collector="127.0.0.1:{port}"[^}}]*}} (\S+)$', text, re.M)
        check(found, f"no {name} of {port}: {text}")
        return max(float(value) for value in found)

    def wait_for_proofs(self, port):
        """All but what was closed in this moment is in a verified checkpoint there."""
        wait_until(lambda: self.metric("tocsin_agent_unproved_batches", port) == 0, f"{port} has proved everything")

    def segments(self):
        return glob.glob(os.path.join(self.agent.data, "agent", "spool", "*.spool"))


def stored(site):
    return site.lines(HOST)


@scenario("everything comes once to both sites, whichever is killed, cut off or joined later")
def _(folder):
    with TwoSites(folder) as sites, Proxy(sites.b.port) as proxy:
        log = sites.agent.log("auth.log")
        sites.start(sites.a.port)
        log.write([f"before the second {n}" for n in range(50)])
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.agent.stop()
        said = sites.join(sites.b, proxy.port)
        check("sends to 2 collectors" in said, f"joining a second collector says: {said}")
        later = len(log.written)
        sites.start(sites.a.port, proxy.port)
        log.write([f"to both {n}" for n in range(200)])
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.b.wait_for_lines(log.written[later:], host=HOST)

        # One is gone for a while: the other gets everything at once, and this one afterwards.
        sites.b.collector.kill()
        log.write([f"b is dead {n}" for n in range(300)])
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.wait_for_proofs(sites.a.port)
        check(sites.metric("tocsin_agent_unsent_events", proxy.port) >= 300, "b seems to have what it cannot have")
        check(sites.metric("tocsin_agent_connected", proxy.port) == 0, "b seems to be connected")
        # The agent, too, and more comes while it is away.
        sites.agent.kill()
        log.write([f"the agent is dead {n}" for n in range(100)])
        sites.start(sites.a.port)
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.b.start_collector()
        sites.b.wait_for_lines(log.written[later:], host=HOST)

        # Cut in the middle of a run, several times.
        proxy.cuts = iter([{0: 4000 * n} for n in range(1, 6)])
        proxy.cut_all()
        for n in range(20):
            log.write([f"cut {n} {m} {'x' * 200}" for m in range(50)])
            time.sleep(0.05)
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.b.wait_for_lines(log.written[later:], host=HOST)
        sites.a.collector.kill()
        log.write([f"a is dead {n}" for n in range(100)])
        sites.b.wait_for_lines(log.written[later:], host=HOST)
        sites.a.start_collector()
        sites.a.wait_for_lines(log.written, host=HOST)
        for site, port in ((sites.a, sites.a.port), (sites.b, proxy.port)):
            site.wait_for_signed(HOST)
            sites.wait_for_proofs(port)
            site.check_verified()


@scenario("a key is rotated at both, one more site is left by its setting, and it may come back while nothing is lost")
def _(folder):
    with TwoSites(folder) as sites:
        log = sites.agent.log("auth.log")
        sites.start(sites.a.port)
        log.write(["one"])
        sites.a.wait_for_lines(log.written, host=HOST)

        def rotate():
            before = sites.agent.daemon.log().count("the signing key was rotated")
            done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", sites.agent.folder, "--rotate-key"],
                                  capture_output=True, text=True, check=False, timeout=60)
            check(done.returncode == 0, done.stderr)
            wait_until(lambda: sites.agent.daemon.log().count("the signing key was rotated") > before, "the key is rotated")

        rotate()  # so that b begins in an epoch above 0
        sites.agent.stop()
        sites.join(sites.b)
        sites.start(sites.a.port, sites.b.port)
        log.write(["two"])
        sites.b.wait_for_lines(["two"], host=HOST)
        rotate()
        log.write(["three"])
        for site, lines in ((sites.a, log.written), (sites.b, ["two", "three"])):
            site.wait_for_lines(lines, host=HOST)
            site.wait_for_signed(HOST)
        # Left: nothing is kept for it or sent to it, and the other hears of it.
        added = glob.glob(os.path.join(sites.agent.folder, "agent.d", "*.yaml"))
        check(len(added) == 1, f"joining a second collector wrote {added}")
        with open(added[0], encoding="utf-8") as file:
            setting = file.read()
        os.remove(added[0])
        sites.agent.daemon.signal(signal.SIGHUP)
        wait_until(lambda: sites.a.query("tocsin.event:collector_left"), "a hears that b is left")
        log.write(["four"])
        sites.a.wait_for_lines(log.written, host=HOST)
        check(stored(sites.b) == ["two", "three"], "b got what was written after it was left")
        # It comes back under the same key: its log goes on where it ended, or it has to be joined anew.
        sites.agent.stop()
        said = sites.join(sites.b)
        sites.start(sites.a.port, sites.b.port)
        sites.b.wait_for_lines(["two", "three", "four"], host=HOST)
        check(setting.count("collector:") == 1 and "Joined" in said, "the setting or what was said")
        sites.a.check_verified()
        sites.b.check_verified()


@scenario("a collector that was set back stops its own uplink alone")
def _(folder):
    with TwoSites(folder) as sites:
        log = sites.agent.log("auth.log")
        sites.start(sites.a.port)
        sites.agent.stop()
        sites.join(sites.b)
        sites.start(sites.a.port, sites.b.port)
        log.write(["before the copy"])
        sites.b.wait_for_lines(["before the copy"], host=HOST)
        sites.wait_for_proofs(sites.b.port)
        sites.b.collector.stop()
        store, copy = os.path.join(sites.b.data, "collector"), os.path.join(folder, "copy")
        shutil.copytree(store, copy)
        sites.b.start_collector()
        log.write(["after the copy"])
        sites.b.wait_for_lines(log.written, host=HOST)
        material(sites.b, utc(-60), os.path.join(folder, "closed"))  # asks for the batch, and waits for its checkpoint
        sites.wait_for_proofs(sites.b.port)
        sites.b.collector.stop()
        shutil.rmtree(store)
        shutil.copytree(copy, store)
        sites.b.start_collector()
        wait_until(lambda: "CONTRADICTS ITSELF" in sites.b.collector.log(since_start=True) + sites.agent.daemon.log(),
                   "the collector or the agent says that the log was set back")
        wait_until(lambda: sites.metric("tocsin_agent_connected", sites.b.port) == 0, "b's uplink stands still")
        log.write([f"a goes on {n}" for n in range(50)])
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.wait_for_proofs(sites.a.port)
        check(sites.metric("tocsin_agent_unsent_events", sites.b.port) >= 50, "b took what it must not take")
        # Over a restart of the agent, too.
        sites.agent.kill()
        sites.start(sites.a.port)
        log.write(["and on"])
        sites.a.wait_for_lines(log.written, host=HOST)
        check(sites.metric("tocsin_agent_unsent_events", sites.b.port) >= 51, "b took what it must not take")
        sites.a.check_verified()


def utc(offset_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + offset_s))


def material(site, begun, to):
    """What an auditor gets from one site: its trust, and a proof that has every batch of the host."""
    trust, proof = to + ".trust", to + ".absence"
    site.tocsin("trust", "export", "-o", trust)
    site.tocsin("absence", "--stream", HOST, "--class", "signing", "--from", begun, "--to", utc(1), "-o", proof)
    return trust, proof


def verify_both(a, b, expect):
    done = subprocess.run([os.path.join(BIN, "tocsin"), "--json", "verify", "--trust", a[0], "--trust", b[0], a[1], b[1]],
                          capture_output=True, text=True, check=False, timeout=120)
    check(done.returncode == expect, f"verify of both sites ended with {done.returncode}: {done.stdout[-800:]} {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


@scenario("a host that tells two sites two stories is found by whoever sees both logs, and by neither alone")
def _(folder):
    with TwoSites(folder) as sites:
        log = sites.agent.log("auth.log")
        begun = utc(-1)
        sites.start(sites.a.port)
        sites.agent.stop()
        sites.join(sites.b)
        sites.start(sites.a.port, sites.b.port)
        log.write(["the same at both"])
        sites.a.wait_for_lines(log.written, host=HOST)
        sites.b.wait_for_lines(log.written, host=HOST)
        for port in (sites.a.port, sites.b.port):
            sites.wait_for_proofs(port)
        # Honest: what one site shows is what the other shows.
        a, b = (material(site, begun, os.path.join(folder, name)) for site, name in ((sites.a, "a1"), (sites.b, "b1")))
        said = verify_both(a, b, 0)
        check(said[-1]["kind"] == "comparison" and said[-1]["alike"] >= 2, f"nothing is the same at both: {said[-1]}")
        # Now there are two of it, with one key: each sends to one site, and signs something else under the same number.
        sites.agent.stop()
        clone = os.path.join(folder, "clone")
        shutil.copytree(sites.agent.folder, clone)
        for host in (sites.agent.folder, clone):
            shutil.rmtree(os.path.join(host, "agent.d"))
        log.write(["told to a"])
        other = Agent(sites.b, clone, HOST)
        sites.b.agents.append(other)
        other.more = QUICK
        told = other.log("auth.log")
        told.write(["told to b"])
        sites.start(sites.a.port)
        other.start()
        wait_until(lambda: "told to a" in stored(sites.a), "a has its story")
        wait_until(lambda: "told to b" in stored(sites.b), "b has its own")
        check("told to b" not in stored(sites.a) and "told to a" not in stored(sites.b), "the stories are mixed")
        for site in (sites.a, sites.b):
            site.wait_for_signed(HOST)
            site.check_verified()  # each alone is consistent
        a, b = (material(site, begun, os.path.join(folder, name)) for site, name in ((sites.a, "a2"), (sites.b, "b2")))
        said = verify_both(a, b, 1)
        forks = [item for item in said if item.get("verdict") == "FORK"]
        check(forks and all(fork["stream"] == HOST for fork in forks), f"no fork is named: {said}")
        fork = forks[0]
        check(isinstance(fork["batch_seq"], int) and [log["origin"] for log in fork["logs"]] == ["test.example/tocsin"] * 2 and
              all(isinstance(log["index"], int) for log in fork["logs"]), f"the fork does not say where: {fork}")
        text = subprocess.run([os.path.join(BIN, "tocsin"), "verify", "--trust", a[0], "--trust", b[0], a[1], b[1]],
                              capture_output=True, text=True, check=False, timeout=120).stdout
        check(re.search(rf"FORK +{HOST} batch {fork['batch_seq']}: ", text), f"for people: {text}")


run()

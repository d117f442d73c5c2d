#!/usr/bin/python3
"""A machine that is rolled back by a snapshot, or cloned: refused, alarmed, and let in again when it joins anew.

tocsin-test: timeout=300
"""

import os
import shutil
import subprocess

from tocsin_site import BIN, Agent, Log, Site, check, run, scenario, wait_until


def flatten(value, prefix=""):
    out = {}
    for name, inner in value.items():
        out |= flatten(inner, f"{prefix}{name}.") if isinstance(inner, dict) else {prefix + name: inner}
    return out


def wait_until_read(agent):
    """The spool has grown, and grows no more."""
    folder = os.path.join(agent.data, "agent", "spool")

    def size():
        return sum(entry.stat().st_size for entry in os.scandir(folder))

    sizes = [size()]

    def quiet():
        sizes.append(size())
        return sizes[-1] > 6000 and len(sizes) > 5 and len(set(sizes[-5:])) == 1

    wait_until(quiet, "the agent has read everything", every=0.2)


def snapshot(agent, to):
    shutil.copytree(os.path.join(agent.data, "agent"), to)


def roll_back(agent, snapshot_of):
    folder = os.path.join(agent.data, "agent")
    shutil.rmtree(folder)
    shutil.copytree(snapshot_of, folder)


def check_forked(site, agent):
    agent.daemon.wait_for_log("behind what it has sent before|two machines share its key|two different stories")
    wait_until(lambda: site.query(f"tocsin.event:fork and host.name:{agent.name}"), "the fork is an event")
    alert = wait_until(lambda: site.alerts("two different stories"), "the fork is an alert")
    check(len(alert) == 1 and alert[0]["priority"] == "page", f"alerts of a fork: {alert}")
    check(site.agent_status(agent.name)["state"] == "forked", "the status does not say so")


@scenario("an agent rolled back by a snapshot is refused and alarmed, joins anew, and loses no line")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        agent = site.new_agent("signer1")
        log = agent.log("auth.log")
        agent.start()
        log.write([f"before the snapshot {n}" for n in range(20)])
        site.wait_for_lines(log.written, host="signer1")
        site.wait_for_signed("signer1")
        agent.stop()
        snapshot(agent, os.path.join(folder, "snapshot"))
        agent.start()
        log.write([f"after the snapshot {n}" for n in range(20)])
        site.wait_for_lines(log.written, host="signer1")
        known = len(log.written)
        site.wait_for_signed("signer1")
        agent.stop()

        roll_back(agent, os.path.join(folder, "snapshot"))
        log.write([f"after the rollback {n}" for n in range(20)])
        agent.start(connected=False)
        check_forked(site, agent)
        check(site.count("\"after the rollback\"", "--class", "access") == 0, "something of a forked host is stored")

        # Not behind the back of an agent that runs.
        done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", agent.folder, "--join",
                               f"127.0.0.1:{site.port}", "--token", site.token("signer1")], capture_output=True, text=True,
                              check=False, timeout=60)
        check(done.returncode == 3, f"joined while the agent runs: {done.stderr}")
        agent.stop()
        site.join(agent)
        agent.start()
        # Every line is there; those that the old streams held as well say so of themselves, or were read anew.
        wait_until(lambda: {event["event"]["original"] for event in site.query("", "--class", "access", "--host", "signer1")}
                   == set(log.written), "every line is stored", every=0.3)
        wait_until(lambda: site.agent_status("signer1")["state"] == "connected", "it is connected")
        events = [flatten(event) for event in site.query("", "--class", "access", "--host", "signer1")]
        streams = {event["id"].split("/")[0] for event in events}
        check(len(streams) == 2, f"one stream before and one after: {streams}")
        for event in events:
            old = event.get("replayed.stream")
            check(old is None or old in streams, f"a replay of an unknown stream: {event}")
        fresh = [event["event.original"] for event in events if "after the rollback" in event["event.original"]]
        check(len(fresh) == 20, f"{len(fresh)} of 20 lines after the rollback")
        check(len(site.lines("signer1")) <= known + 20 + 20 + 20, "lines came more often than the rollback explains")
        check(not [name for name in os.listdir(os.path.join(agent.data, "agent")) if "before" in name or name in ("new", "anew")],
              "the old spool was left behind")
        log.write(["and it goes on"])
        wait_until(lambda: site.count("\"and it goes on\"", "--host", "signer1") == 1, "a new line")
        check(len(site.query("tocsin.event:agent_rejoined and host.name:signer1")) == 1, "no event says that it joined anew")
        site.wait_for_signed("signer1")
        site.check_verified()


@scenario("what was never sent before a host joined anew comes once, with its old place")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        agent = site.new_agent("signer1")
        log = agent.log("auth.log")
        agent.start()
        log.write(["stored at once"])
        site.wait_for_lines(log.written, host="signer1")
        site.wait_for_signed("signer1")
        log.write(["one more, so that the spool knows what was stored"])
        site.wait_for_lines(log.written, host="signer1")
        site.collector.stop()
        log.write([f"while the collector was away {n}" for n in range(300)])
        wait_until_read(agent)
        agent.stop()
        site.start_collector()
        site.join(agent)
        agent.start()
        site.wait_for_lines(log.written, host="signer1")
        replayed = site.count("replayed.stream:signer1*", "--class", "access")
        check(replayed == 300, f"{replayed} of 300 lines name their old place")
        log.write(["read by the new stream"])
        site.wait_for_lines(log.written, host="signer1")
        check(site.count("replayed.stream:signer1*", "--class", "access") == 300, "a new line names an old place")
        site.wait_for_signed("signer1")
        site.check_verified()


@scenario("a clone that runs beside its original is found, whichever of them comes first")
def _(folder):
    with Site(folder) as site:
        site.start_collector()
        agent = site.new_agent("signer1")
        log = agent.log("auth.log")
        agent.start()
        log.write(["the original"])
        site.wait_for_lines(log.written, host="signer1")
        agent.stop()
        clone_folder = os.path.join(folder, "clone")
        shutil.copytree(agent.folder, clone_folder)
        agent.start()
        log.write(["the original goes on"])
        site.wait_for_lines(log.written, host="signer1")
        site.wait_for_signed("signer1")
        agent.stop()
        clone = Agent(site, clone_folder, "signer1")
        site.agents.append(clone)
        other = Log(os.path.join(clone_folder, "auth.log"))
        clone.follow(other.path)
        other.write(["the clone's own story"])
        clone.start(connected=False)
        check_forked(site, clone)
        # From now on nobody of that name is believed, the original neither: who is it?
        agent.start(connected=False)
        agent.daemon.wait_for_log("two different stories")
        clone.stop()
        agent.stop()
        site.join(agent)
        agent.start()
        clone.start(connected=False)
        clone.daemon.wait_for_log("not enrolled|not connected")
        log.write(["the original, joined anew"])
        wait_until(lambda: site.count("\"joined anew\"", "--class", "access") == 1, "the original goes on")
        check(site.count("clone", "--class", "access") == 0, "the clone's story is stored")
        site.check_verified()


run()

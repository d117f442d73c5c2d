#!/usr/bin/python3
"""CAcert's signer, asked over a pair of ptys by `tocsin probe cacert`: every way in which it fails is told by its own check, and
what was begun is brought to its end, so that no signer dies of having been asked."""

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
import time

from tocsin_signer import Signer, wrong_lengths, wrong_trailer, wrong_xor
from tocsin_site import BIN, check, run, scenario

SECOND = 0.2  # of the signer's
TIMES = {"quiet-first": 0.5, "handshake-within": 10, "confirm-within": 5, "work-within": 10, "answer-within": 5, "gap-most": 2,
         "whole-within": 40, "finish-within": 40, "slow-after": 8}


def words(device, **times):
    told = {**TIMES, **{name.replace("_", "-"): seconds for name, seconds in times.items()}}
    settings = [word for name, seconds in told.items() for word in ("--set", f"cacert.{name}={seconds * SECOND * 1000:.0f}ms")]
    return [os.path.join(BIN, "tocsin"), "probe", "cacert", "--device", device, *settings]


def probe(device, **times):
    """The exit code, what fired and what was seen of it, and the time taken."""
    begun = time.monotonic()
    done = subprocess.run([*words(device, **times), "--json"], capture_output=True, text=True, timeout=120, check=False)
    check(done.returncode in (0, 1), f"{device}: ended with {done.returncode}: {done.stdout}{done.stderr}")
    report = json.loads(done.stdout)
    fired = {one["name"]: one["seen"] for one in report["checks"] if one["state"] in ("warn", "critical")}
    check((done.returncode == 1) == bool(fired), done.stdout)
    return report["state"], fired, time.monotonic() - begun, done.stderr


def told(state, expected, times=None, lives=True, said=None, **faults):
    """A signer with these faults is told by exactly these checks; `lives`: and did not die of it."""
    signer = Signer(SECOND, **faults)
    try:
        seen, fired, _, _ = probe(signer.path, **(times or {}))
        check((seen, set(fired)) == (state, set(expected)), f"{faults}: {seen} {fired}")
        check(not said or any(said in text for text in fired.values()), f"{faults}: {fired}")
        if lives:
            check(not signer.deaths, f"{faults}: it died of {signer.deaths}")
            # The line is left as it was: the next one is answered at once.
            signer.faults.clear()
            seen, fired, _, _ = probe(signer.path)
            check(seen == "ok", f"after {faults}: {fired}, {signer.deaths}")
    finally:
        signer.close()


WELL = "ok", ()
CASES = {
    "one that is well": (*WELL, {}),
    "silence at the handshake, until it is over": ("critical", ["cacert.handshake"], {"mute": 15}),
    "silence at the handshake for good": ("critical", ["cacert.handshake"], {"mute": 999, "times": {"finish_within": 3}, "lives": False,
                                                                        "said": "no answer to the start within 2 s"}),
    "a hang in the work while handshakes answer": ("critical", ["cacert.work"], {"hang": 18, "said": "no answer came within 2 s"}),
    "a hang in the work for good": ("critical", ["cacert.work"], {"hang": 999, "times": {"finish_within": 3}, "lives": False}),
    "one that dies at the handshake": ("critical", ["cacert.handshake"], {"die_at": "start", "times": {"finish_within": 3},
                                                                          "lives": False}),
    "one that dies in its work": ("critical", ["cacert.work"], {"die_at": "work", "times": {"finish_within": 3}, "lives": False}),
    "another byte than the handshake's": ("critical", ["cacert.handshake"], {"garbage": 1, "times": {"finish_within": 3}, "lives": False,
                                                                         "said": "it sent 41"}),
    "an answer that somebody left behind": ("warn", ["cacert.stale"], {"stale": 1}),
    "a request that is asked for again": ("warn", ["cacert.resent"], {"again": 1}),
    "a request that is asked for again for ever": ("critical", ["cacert.confirm", "cacert.resent"], {"again": 99, "lives": False}),
    "a wrong XOR once": ("warn", ["cacert.asked"], {"spoil": (wrong_xor, 1), "said": "check byte"}),
    "a wrong XOR": ("critical", ["cacert.xor", "cacert.asked"], {"spoil": (wrong_xor, 99)}),
    "a wrong trailer": ("critical", ["cacert.trailer", "cacert.asked"], {"spoil": (wrong_trailer, 99), "said": "rie4Ech7"}),
    "lengths that do not fit": ("critical", ["cacert.lengths", "cacert.asked"], {"spoil": (wrong_lengths, 99)}),
    "a gap within the answer": ("warn", ["cacert.gap", "cacert.asked"], {"pause": (3.5, 1)}),
    "an answer that stops in the middle": ("critical", ["cacert.answer", "cacert.gap", "cacert.asked"], {"cut": 99}),
    "an answer that stops once": ("warn", ["cacert.gap", "cacert.asked"], {"cut": 1}),
    "an answer that drips": ("warn", ["cacert.time"], {"drip": 1}),
    "an answer that drips without end": ("critical", ["cacert.answer"], {"drip": 1, "times": {"whole_within": 8}, "said": "drips"}),
    "a line that is never quiet": ("critical", ["cacert.line"], {"noise": 0.2, "lives": False, "said": "never quiet"}),
}


@scenario("each way to fail is told by its own check, and nothing else is")
def each_way(_):
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        cases = {name: pool.submit(told, state, expected, **more) for name, (state, expected, more) in CASES.items()}
    for name, case in cases.items():
        try:
            case.result()
        except Exception as error:
            raise type(error)(f"{name}: {error}") from error


@scenario("one that flaps is critical in every run, and good again when it stays up")
def flapping(_):
    signer = Signer(SECOND, die_at="work")
    try:
        for _ in range(3):
            state, fired, _, _ = probe(signer.path, work_within=3, finish_within=1)
            check(state == "critical", f"{fired}")
        check(len(signer.deaths) >= 3, f"{signer.deaths}")
        signer.faults.clear()
        time.sleep(3 * SECOND)
        state, fired, _, _ = probe(signer.path)
        check(state == "ok", f"{fired} {signer.deaths}")
    finally:
        signer.close()


@scenario("a hang is told when it is one, not when the line is let go, and says what is waited for")
def told_at_once(_):
    signer = Signer(SECOND, hang=25)
    try:
        begun = time.monotonic()
        with subprocess.Popen([*words(signer.path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            first = running.stdout.readline()
            told_after = time.monotonic() - begun
            check("critical" in first, first)
            check("brought to its end" in running.stderr.readline(), "it does not say what it waits for")
            rest = running.stdout.read()
            running.wait(60)
            lasted = time.monotonic() - begun
        check("✗ cacert.work" in rest, rest)
        check(told_after + 5 * SECOND < lasted, f"told after {told_after} s, let go after {lasted} s")
        check(signer.wait_served(1) and not signer.deaths, f"{signer.deaths} {signer.served}")
    finally:
        signer.close()


@scenario("Ctrl-C lets the signer end what it was asked; after a second one a process of its own does")
def interrupted(_):
    for again in (False, True):
        signer = Signer(SECOND, hang=15)
        try:
            with subprocess.Popen(words(signer.path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
                time.sleep(5 * SECOND)
                running.send_signal(signal.SIGINT)
                line = running.stderr.readline()
                check("brought to its end" in line and signer.path in line, line)
                if again:
                    running.send_signal(signal.SIGINT)
                out, _ = running.communicate(timeout=60)
            check(running.returncode == 3 and out == "", f"{running.returncode} {out}")
            check(signer.served == (0 if again else signer.served), "it did not end at once")
            if again:
                _, fired, _, _ = probe(signer.path)
                check("tocsin-line" in fired.get("cacert.device", ""), f"the line is not free yet: {fired}")
            check(signer.wait_served(1, 20), f"it was left half way: {signer.deaths}")
            time.sleep(0.2)
            state, fired, _, _ = probe(signer.path)
            check(state == "ok" and not signer.deaths, f"{fired} {signer.deaths}")
        finally:
            signer.close()


@scenario("a line that another program has is left alone, and the program is named")
def taken(_):
    signer = Signer(SECOND)
    holder = subprocess.Popen([sys.executable, "-c", f"import os, time\nos.open({signer.path!r}, os.O_RDWR | os.O_NOCTTY)\n"
                               "print('open', flush=True)\ntime.sleep(600)"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        _, fired, _, _ = probe(signer.path)
        check(list(fired) == ["cacert.device"] and f"(process {holder.pid})" in fired["cacert.device"], f"{fired}")
        check(not signer.deaths and signer.served == 0, "it was talked to")
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
        signer.close()
    _, fired, _, _ = probe(signer.path)
    check("plugged in" in fired.get("cacert.device", ""), f"{fired}")


@scenario("an adapter that is pulled out is told as that")
def pulled(_):
    signer = Signer(SECOND, hang=999)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(probe, signer.path)
        time.sleep(5 * SECOND)
        signer.close()
        _, fired, _, _ = asked.result()
    check("pulled out" in fired.get("cacert.device", ""), f"{fired}")


run()

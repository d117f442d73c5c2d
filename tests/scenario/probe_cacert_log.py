#!/usr/bin/python3
"""CAcert's signer watched by its client's log, where the line itself must be left alone: whole days of it through `tocsin detect`."""

import datetime
import os
import subprocess

from tocsin_site import BIN, check, run, scenario

DAY = datetime.datetime(2026, 11, 21)
DUE = "Update of the CRL 1 is necessary!"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Client:
    """What the client logs: a loop every 4 s, each with its poll; a look at the CRLs with every hundredth, beginning with the first."""

    def __init__(self):
        self.second, self.lines = 0, []

    def log(self, text, seconds=0):
        self.lines.append(f"{DAY + datetime.timedelta(seconds=self.second):%Y-%m-%d %H:%M:%S} {text}\n")
        self.second += seconds

    def starts(self):
        self.log("Opening Serial interface:")
        self.log("Serial interface opened: Device::SerialPort=HASH(0x55d0c8a9f3a8)")

    def works(self, until, due=()):
        loops = 0
        while self.second < until:
            self.log("Issueing certs ...")
            if loops % 100 == 0:
                self.log("CRL: lastUpdate=Nov 21 00:00:14 2026 GMT")
                if loops in due:
                    self.log(DUE)
            loops += 1
            self.log("NUL Request:")
            self.log("Version: 1 Action: 0 System: 0 Root: 0 Config: 0", 4)

    def fails(self, after, text):
        """At a request, and is started again a second later."""
        self.log("HandleCerts emailcerts", after)
        self.log(text, 1)
        self.starts()


def detect(folder, client):
    """What is said, with the seconds of its lines."""
    os.makedirs(os.path.join(folder, "CommModule"), exist_ok=True)
    path = os.path.join(folder, "CommModule", "logfile2026-11-21.txt")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(client.lines)
    done = subprocess.run([os.path.join(BIN, "tocsin"), "detect", "--rules", os.path.join(TOP, "rules", "signer"), "--decoders",
                           os.path.join(TOP, "rules", "decoders"), path], capture_output=True, text=True, timeout=120, check=False)
    check(done.returncode in (0, 1), done.stderr)
    said = {}
    for line in done.stdout.splitlines():
        when = datetime.datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S")
        said.setdefault(line[19:].strip(), (when - DAY).total_seconds())
    return said


def first(said, title):
    times = [when for text, when in said.items() if title in text]
    check(times, f"not said: {title}; {said}")
    return min(times)


@scenario("of a day on which all is well nothing is said, with a CRL that is refreshed")
def well(folder):
    client = Client()
    client.starts()
    client.works(86000, due=(0,))
    said = detect(folder, client)
    check(not said, f"{said}")


@scenario("a hang on one request is found within minutes, though every start is answered")
def hangs(folder):
    client = Client()
    client.works(36000)
    for _ in range(4):
        client.fails(120, "Error: No Answer received, Timeout.")
    said = detect(folder, client)
    check(first(said, "The signer did not answer a request") - 36000 <= 121, f"{said}")
    check(first(said, "One request hangs the signer") - 36000 <= 250, f"{said}")
    check(not any("is dead" in text for text in said), f"{said}")


@scenario("a dead signer is found within a minute or so")
def dead(folder):
    client = Client()
    client.works(36000)
    for _ in range(8):
        client.fails(20, "Handshake uncompleted. Connection lost2! ")
    said = detect(folder, client)
    check(first(said, "The signer is dead") - 36000 <= 70, f"{said}")


@scenario("a CRL whose refresh fails is told long before it is 26 hours old")
def stale(folder):
    client = Client()
    client.works(36000, due=range(0, 9000, 100))
    said = detect(folder, client)
    check(first(said, "A CRL is not refreshed") <= 7200, f"{said}")
    check(len(said) == 1 or all("not refreshed" in text for text in said), f"{said}")


run()

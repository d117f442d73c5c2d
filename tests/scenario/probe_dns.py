#!/usr/bin/python3
"""Name servers, each on its own: what a zone's servers get wrong, by NSD and by a peer that misbehaves.

tocsin-test: timeout=300
"""

import json
import os
import shutil
import subprocess
import time

from tocsin_peers import TRUNCATED, NamePeer, wire_name, zone
from tocsin_site import BIN, PATIENCE_S, Skipped, check, free_port, run, scenario, wait_until

NAME = "ocsp.example.org"


def probe(*words, servers=(), name=NAME, timeout="3s"):
    """The report, and who failed: {check: {address, …}}."""
    command = [os.path.join(BIN, "tocsin"), "probe", "dns", name, "--json", "--timeout", timeout]
    for server in servers:
        command += ["--servers", str(server)]
    done = subprocess.run(command + list(words), capture_output=True, text=True, timeout=PATIENCE_S + 30, check=False)
    check(done.returncode in (0, 1), f"ended with {done.returncode}: {done.stderr}{done.stdout[-400:]}")
    report = json.loads(done.stdout)
    fired = {}
    for part in report["parts"]:
        for row in part["checks"]:
            if row["state"] in ("warn", "critical"):
                fired.setdefault(row["name"], set()).add(part["address"])
    return report, fired


def seen(report, name):
    return [row["seen"] for part in report["parts"] for row in part["checks"] if row["name"] == name]


class Nsd:
    """A real name server with one zone."""

    def __init__(self, folder, address, port, serial, records):
        self.folder = os.path.join(folder, f"nsd-{address}")
        self.address, self.port, self.serial, self.records = address, port, serial, records

    def __enter__(self):
        os.mkdir(self.folder)
        with open(os.path.join(self.folder, "zone"), "w", encoding="utf-8") as file:
            file.write(f"$ORIGIN example.org.\n$TTL 3600\n@ SOA ns1 hostmaster {self.serial} 3600 900 1209600 300\n"
                       "@ NS ns1\n@ NS ns2\nns1 A 127.0.0.1\nns2 A 127.0.0.2\n" + self.records)
        config = os.path.join(self.folder, "nsd.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"""server:
    ip-address: {self.address}@{self.port}
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    database: ""
    pidfile: "{self.folder}/pid"
    zonelistfile: "{self.folder}/zone.list"
    xfrdfile: "{self.folder}/xfrd.state"
    xfrdir: "{self.folder}"
    server-count: 1
    ipv4-edns-size: 1232
remote-control:
    control-enable: no
zone:
    name: example.org
    zonefile: zone
""")
        self.process = subprocess.Popen([shutil.which("nsd", path=os.environ["PATH"] + ":/usr/sbin"), "-d", "-c", config],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait(self):
        wait_until(lambda: "critical" not in probe(servers=[self], timeout="1s")[0]["state"], "NSD serves the zone", every=0.2)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)

    def __str__(self):
        return f"{self.address}:{self.port}"


def need_nsd():
    if not shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin"):
        raise Skipped("NSD is not installed (and no dependency: its package starts a name server)")


GOOD = "ocsp A 192.0.2.7\nocsp AAAA 2001:db8::7\n"
MANY = "".join(f"big A 192.0.2.{i}\nbig AAAA 2001:db8::{i:x}\n" for i in range(1, 90))


@scenario("real name servers that agree are good, also where an answer needs TCP")
def _(folder):
    need_nsd()
    port = free_port()
    with Nsd(folder, "127.0.0.1", port, 7, GOOD + MANY) as one, Nsd(folder, "127.0.0.2", port, 7, GOOD + MANY) as two:
        report, fired = probe("--expected-addresses", "192.0.2.7", "--expected-addresses", "2001:db8::7", servers=[one, two])
        check(report["state"] == "ok" and not fired, f"{fired}")
        check(seen(report, "dns.serial") == ["7", "7"], f"{seen(report, 'dns.serial')}")
        report, fired = probe(servers=[one, two], name="big.example.org")
        check(report["state"] == "ok" and not fired, f"{fired}")
        check(all(text.endswith("over TCP") or "whole" in text for text in seen(report, "dns.truncated")), "")
        check(report["parts"][0]["phases_ms"]["connect"] > 0, "it was asked over TCP")


@scenario("a real name server that lags, one that differs, and a name that is gone are found")
def _(folder):
    need_nsd()
    port = free_port()
    with Nsd(folder, "127.0.0.1", port, 8, GOOD) as one, Nsd(folder, "127.0.0.2", port, 7, "ocsp A 192.0.2.8\n") as two:
        report, fired = probe(servers=[one, two])
        check(fired.get("dns.serial") == {str(two)}, f"{fired}")
        check(fired.get("dns.same") == {str(one), str(two)}, f"{fired}")
        check(report["state"] == "warn", report["state"])
        report, fired = probe("--expected-addresses", "192.0.2.7", "--expected-addresses", "2001:db8::7", servers=[one, two])
        check(fired.get("dns.expected") == {str(two)} and report["state"] == "critical", f"{fired}")
        report, fired = probe(servers=[one], name="gone.example.org")
        check(set(fired) == {"dns.rcode"} and "NXDOMAIN" in seen(report, "dns.rcode")[0], f"{fired}")
        report, fired = probe(servers=[one], name="other.example")
        check("REFUSED" in seen(report, "dns.rcode")[0], f"{fired}")


@scenario("one name server of several that is dead is told, and how bad that is can be said")
def _(_folder):
    with NamePeer("127.0.0.1") as good:
        dead = f"127.0.0.2:{good.port}"
        report, fired = probe(servers=[good, dead])
        check(fired == {"reach.answer": {dead}}, f"{fired}")
        check(report["state"] == "warn" and report["partial"], report["state"])
        check(probe("--partial", "critical", servers=[good, dead])[0]["state"] == "critical", "")
        check(probe(servers=[dead])[0]["state"] == "critical", "all of them are dead")


@scenario("each way in which a name server answers badly is found by its check")
def _(_folder):
    cases = [
        ("dns.rcode", lambda q: q.reply(rcode="SERVFAIL")),
        ("dns.rcode", lambda q: q.reply(rcode="NXDOMAIN")),
        ("dns.rcode", lambda q: q.reply(rcode="REFUSED", flags=0)),
        ("dns.authoritative", lambda q: zone()(q)[:2] + b"\x80\x00" + zone()(q)[4:]),
        ("dns.address", zone(v4=None, v6=None)),
        ("dns.ttl", zone(ttl=1)),
        ("dns.ttl", zone(ttl=1000000)),
        ("dns.answer", lambda q: q.reply()[:20]),
        ("dns.answer", lambda q: q.reply() + b"\0\0\0"),
        ("dns.answer", lambda q: q.reply()[:6] + b"\0\x01" + q.reply()[8:] + b"\xc0\xff\0\1\0\1\0\0\0\0\0\0"),
    ]
    with NamePeer() as peer:
        for due, answer in cases:
            peer.answer = answer
            report, fired = probe(servers=[peer])
            check(set(fired) == {due}, f"{due} was due, {fired} fired: {seen(report, due)}")


@scenario("what others send in a server's name, and what is lost on the way, changes nothing")
def _(_folder):
    with NamePeer() as peer:
        good = zone()
        peer.answer = lambda q: [q.reply(rcode="NXDOMAIN", ident=q.id ^ 1),
                                 q.reply(rcode="NXDOMAIN", question=wire_name("evil.example.org") + q.question[-4:]),
                                 b"\0", b"", q.message, good(q)]
        report, fired = probe(servers=[peer])
        check(report["state"] == "ok" and not fired, f"{fired}")
        seen_once = set()

        def lossy(query):
            if query.question in seen_once:
                return good(query)
            seen_once.add(query.question)
            return None
        peer.answer = lossy
        report, fired = probe(servers=[peer])
        check(report["state"] == "ok" and not fired, f"{fired}")


@scenario("a truncated answer is asked for over TCP, and a server without TCP is found")
def _(_folder):
    cut = lambda q: q.reply(flags=0x0400 | TRUNCATED)
    with NamePeer(answer=cut, over_tcp=zone()) as peer:
        report, fired = probe(servers=[peer])
        check(report["state"] == "ok" and not fired, f"{fired}")
        for over_tcp, due in ((lambda q: None, "dns.truncated"), (cut, "dns.truncated"),
                              (lambda q: q.reply(rcode="SERVFAIL"), "dns.rcode"),
                              (lambda q: q.reply(ident=q.id ^ 1), "dns.answer"), (lambda q: b"", "dns.answer")):
            peer.over_tcp = over_tcp
            report, fired = probe(servers=[peer])
            check(set(fired) == {due}, f"{due} was due, {fired} fired")
    with NamePeer(answer=cut) as peer:
        report, fired = probe(servers=[peer])
        check(set(fired) == {"dns.truncated"} and "TCP" in seen(report, "dns.truncated")[0], f"{fired}")


@scenario("a server that is silent is late, and holds back nobody")
def _(_folder):
    with NamePeer("127.0.0.1") as good, NamePeer("127.0.0.2", answer=lambda q: None) as silent:
        begun = time.monotonic()
        report, fired = probe(servers=[good, silent], timeout="1s")
        check(fired == {"reach.time": {str(silent)}}, f"{fired}")
        check(len(silent.came) == 9, f"three questions, three times each: {len(silent.came)}")
        check(time.monotonic() - begun < PATIENCE_S, "it gave up")
        check(report["parts"][0]["timing_ms"] < report["parts"][1]["timing_ms"], "the other was done before")


@scenario("the name servers are those that the resolver names for the zone above")
def _(_folder):
    def resolver(query):
        if query.name == "example.org" and query.type == "NS":
            return query.reply([("NS", wire_name("127.0.0.77")), ("NS", wire_name("nowhere.invalid"))], flags=0x0180)
        return query.reply(flags=0x0180, rcode="NXDOMAIN")
    try:
        with NamePeer("127.0.0.77", port=53) as server, NamePeer(answer=resolver) as peer:
            report, fired = probe("--resolver", str(peer))
            check(fired == {"reach.name": {""}}, f"{fired}")
            check(report["partial"] and report["parts"][1]["what"] == "nowhere.invalid", f"{report['parts'][1]}")
            check([q for q in server.came if wire_name("ocsp.example.org") in q] and
                  any(q[12:].startswith(wire_name("example.org") + b"\0\6") for q in server.came), "the zone's SOA was asked for")
            peer.answer = lambda q: q.reply([("NS", wire_name("127.0.0.77"))], flags=0x0180) if q.name == "example.org" else q.reply()
            report, fired = probe("--resolver", str(peer))
            check(set(fired) == {"dns.servers"}, f"one name server alone: {fired}")
            for answer, why in ((lambda q: q.reply(rcode="SERVFAIL"), "error"), (lambda q: q.reply(), "none in any zone"),
                                (lambda q: None, "three datagrams")):
                peer.answer = answer
                report, fired = probe("--resolver", str(peer), timeout="1s")
                check(set(fired) == {"reach.name"} and why in seen(report, "reach.name")[0], f"{why}: {seen(report, 'reach.name')}")
    except PermissionError as error:
        raise Skipped("only root can serve at port 53") from error


@scenario("settings that cannot be are refused with what to write")
def _(_folder):
    for words, says in ((("a b",), "is no name"), ((NAME, "--servers", "http://x/"), "192.0.2.53"),
                        ((NAME, "--resolver", "ns.example.org"), "must be an address"),
                        ((NAME, "--expected-addresses", "x"), "no address"), ((), "ocsp.example.org")):
        done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", "dns", *words], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False)
        check(done.returncode > 1 and says in done.stderr, f"{words}: {done.stderr}")


run()

#!/usr/bin/python3
"""From what a probe says to alerts that people trust: one for an outage, told again while it goes on, over by itself.

The events come from an agent in Python, so that hours pass at once, but in the last two; what probes themselves find is
tested elsewhere.
"""

import threading
import time
import urllib.request
from datetime import datetime, timezone

from tocsin_responder import Responder, reply
from tocsin_sinks import MailSink, WebhookSink
from tocsin_site import Site, check, free_port, run, scenario, wait_until
from tocsin_store import StoreEditor
from tocsin_wire import EVENTS, JOURNAL, PART, PING, SYSTEM, Connection, Host, encode, state

HOUR_S = 3600
RECOVERY_S = 27 * HOUR_S
OCSP, CRL = "The OCSP responder does not answer right", "The CRL is not right"
WARNS, HALF = "A service is not as it should be", "Half of the time for recovery is used"
TOGETHER = "Several services of one kind went down together"


def moment(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class ProbingHost:
    """An agent that is connected, says that it lives, and tells of its probes. `ahead`: seconds that its clock is ahead."""

    def __init__(self, site, name="probe1"):
        self.site, self.ahead, self.ended = site, 0, threading.Event()
        self.host, self.lock, self.begun = Host(name), threading.Lock(), {}
        self.host.join(site)
        self.wire = None
        self.connect()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def connect(self):
        with self.lock:
            self.wire = Connection(self.site.port, self.host)
            self.wire.greet()

    def live(self):
        while not self.ended.wait(3):
            with self.lock:
                try:
                    self.wire.send(PING, encode((1, 0)))
                except OSError:
                    pass  # the collector is away; the test connects again

    def send(self, access_class, text, fields):
        name = next(value for key, value in fields if key == "probe.name")
        stream = self.host.streams[access_class == SYSTEM]
        stream.ahead_us = self.ahead * 1_000_000
        with self.lock:
            self.wire.send(EVENTS, stream.events([(access_class, state("probe:" + name, text, fields))]))
            self.wire.send(PART, stream.part())

    def ran(self, name, kind, target, outcome, took_ms=7):
        self.send(SYSTEM, f"{kind} of {target}: {outcome}",
                  [("tocsin.event", "probe_result"), ("probe.name", name), ("probe.kind", kind), ("probe.target", target),
                   ("probe.state", outcome), ("probe.took_ms", str(took_ms))])

    def changed(self, change, outcome, name="ocsp", kind="ocsp", target="http://ocsp.test.example/", checks=("reach.connect",)):
        now = time.time() + self.ahead
        fields = [("tocsin.event", "probe_changed"), ("probe.name", name), ("probe.kind", kind), ("probe.target", target),
                  ("probe.change", change), ("probe.state", outcome), ("probe.since", moment(now))]
        if outcome == "critical":
            self.begun.setdefault(name, now)
        if name in self.begun:
            lasted = int(now - self.begun[name])
            fields += [("probe.outage.start", moment(self.begun[name])), ("probe.outage.duration_s", str(lasted)),
                       ("probe.outage.used_percent", str(100 * lasted // RECOVERY_S))]
        if outcome != "critical":
            self.begun.pop(name, None)
        if outcome != "ok":
            fields += [("probe.check", check_name) for check_name in checks]
        self.send(JOURNAL, f"{kind} of {target} is {outcome} ({change})", fields)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        self.wire.close()


def only(site, title, status):
    """The one alert of that title, once it stands so."""
    return wait_until(lambda: next((alert for alert in site.alerts(title) if alert["status"] == status), None),
                      lambda: f"'{title}' is {status}, not {[alert['status'] for alert in site.alerts(title)]}")


def subjects(mail, *words):
    return [subject for subject in mail.subjects() if all(word in subject for word in words)]


def wait_for_mails(mail, count, *words):
    wait_until(lambda: len(subjects(mail, *words)) >= count, lambda: f"{count} mails with {words}, not {mail.subjects()}")
    time.sleep(0.5)
    check(len(subjects(mail, *words)) == count, f"{mail.subjects()}")


@scenario("an outage is one alert at a time, told again while it lasts, and over with its figures, across a kill")
def _(folder):
    port = free_port()
    with MailSink(folder) as mail, WebhookSink() as hook, \
            Site(folder, f"metrics: 127.0.0.1:{port}\n", mail, [hook]) as site:
        site.start_collector()
        with ProbingHost(site) as probing:
            probing.ran("ocsp", "ocsp", "http://ocsp.test.example/", "ok")
            wait_until(lambda: [probe["state"] for probe in site.status()["probes"]] == ["ok"], "the status shows the probe")
            probing.changed("worse", "warn", checks=["ocsp.this_update_old"])
            warning = only(site, WARNS, "open")
            check(warning["priority"] == "today", f"a warning is a {warning['priority']}")
            written = time.time()
            probing.changed("worse", "critical")
            alert = only(site, OCSP, "open")
            wait_for_mails(mail, 1, OCSP)
            print(f"# event to mail: {1000 * (mail.messages[-1][0] - written):.0f} ms")
            check(alert["severity"] == "1" and alert["priority"] == "page", f"{alert['severity']} {alert['priority']}")
            check("revocation" in alert["why"], f"why: {alert['why']}")
            check(alert["outage"]["used_percent"] == 0, f"{alert['outage']}")
            check(alert["entity"] == {"host": {"name": "probe1"}, "probe": {"name": "ocsp"}}, f"about {alert['entity']}")
            ended = only(site, WARNS, "resolved")["resolution"]
            check(ended["by"] == "replaced" and ended["replaced_by"] == alert["id"], f"{ended}")
            probe = site.status()["probes"][0]
            check(probe["state"] == "critical" and probe["checks"] == "reach.connect", f"the status says {probe}")
            page = site.tocsin("status")
            check("critical  ocsp http://ocsp.test.example/ from probe1, since" in page, page)
            labels = 'host="probe1",probe="ocsp",kind="ocsp",target="http://ocsp.test.example/"'
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
                metrics = answer.read().decode()
            check(f"tocsin_probe_state{{{labels}}} 3" in metrics and f"tocsin_probe_took_seconds{{{labels}}} 0.007" in metrics,
                  [line for line in metrics.splitlines() if "probe" in line])
            probing.changed("finding", "critical", checks=["reach.connect", "reach.name"])
            probing.ahead = HOUR_S
            probing.changed("still", "critical")
            wait_for_mails(mail, 1, OCSP, "still going on, for 1 h")
            check(len(site.alerts(OCSP)) == 1 and site.alerts(OCSP)[0]["count"] == 3, "the reminder is a second alert")
            probing.ahead = 14 * HOUR_S
            probing.changed("still", "critical")
            half = only(site, HALF, "open")
            check(half["outage"]["used_percent"] == 51, f"{half['outage']}")
            check(only(site, OCSP, "resolved")["resolution"]["replaced_by"] == half["id"], "the first one is still open")
            site.collector.kill()
            site.start_collector()
            probing.connect()
            wait_until(lambda: site.status()["probes"][0]["state"] == "critical", "the status knows it after the restart")
            probing.ahead = 15 * HOUR_S
            probing.changed("recovered", "ok")
            over = only(site, HALF, "resolved")
            check(over["resolution"]["by"] == "recovery" and over["id"] == half["id"], f"{over['resolution']}")
            outage = over["resolution"]["outage"]
            check(outage["start"] == alert["outage"]["start"] and outage["used_percent"] == 55
                  and abs(outage["duration_s"] - 15 * HOUR_S) < 60, f"{outage}")
            wait_for_mails(mail, 1, "over: ", HALF, "after 15 h")
            wait_until(lambda: [post for _, _, post in hook.posts if post["status"] == "resolved"], "a post that it is over")
            check(len(subjects(mail, "over: ")) == 1, f"{mail.subjects()}")
            left = [alert for alert in site.alerts() if alert["status"] == "open" and "probe" in alert["entity"]]
            check(not left, f"left open: {left}")
            text = site.tocsin("alerts")
            check("resolved by recovery: A service is good again" in text and "55 % of the time for recovery" in text, text)
            check(site.status()["probes"][0]["state"] == "ok", "the status does not know of the recovery")
            probing.changed("worse", "critical")
            check(only(site, OCSP, "open")["id"] != alert["id"], "the next outage is the one before")
            site.check_verified()


@scenario("what a person puts away comes back while the fault goes on")
def _(folder):
    with MailSink(folder) as mail, Site(folder, mail=mail) as site:
        site.start_collector()
        with ProbingHost(site) as probing:
            probing.changed("worse", "critical", "crl", "crl", "http://crl.test.example/")
            first = only(site, CRL, "open")
            wait_for_mails(mail, 1, CRL)
            site.tocsin("alert", "resolve", first["id"], "--reason", "it looks well to me")
            probing.ahead = HOUR_S
            probing.changed("still", "critical", "crl", "crl", "http://crl.test.example/")
            second = only(site, CRL, "open")
            check(second["id"] != first["id"] and second["outage"]["start"] == first["outage"]["start"], f"{second}")
            wait_for_mails(mail, 2, CRL)
            site.tocsin("alert", "ack", second["id"], "--reason", "bob drives there")
            probing.ahead = 2 * HOUR_S
            probing.changed("still", "critical", "crl", "crl", "http://crl.test.example/")
            wait_until(lambda: only(site, CRL, "acknowledged")["count"] == 2, "the reminder is counted")
            time.sleep(0.5)
            check(len(subjects(mail, CRL)) == 2, f"what was acknowledged is told at once: {mail.subjects()}")
            probing.ahead = 13 * HOUR_S
            probing.changed("still", "critical", "crl", "crl", "http://crl.test.example/")
            wait_for_mails(mail, 1, CRL, "acknowledged, and still going on")
            site.tocsin("alert", "resolve", second["id"], "--reason", "it should be good by now")
            probing.changed("recovered", "ok", "crl", "crl", "http://crl.test.example/")
            wait_until(lambda: site.status()["probes"][0]["state"] == "ok", "the recovery is known")
            time.sleep(0.5)
            check(not subjects(mail, "over: "), f"the end is told of what a person has resolved: {mail.subjects()}")
            site.check_verified()


@scenario("services that go down together are one alert of a higher class, until one is back")
def _(folder):
    with MailSink(folder) as mail, Site(folder, mail=mail) as site:
        site.start_collector()
        with ProbingHost(site) as probing:
            for site_name in ("a", "b"):
                probing.changed("worse", "critical", f"ocsp {site_name}", "ocsp", f"http://{site_name}.test.example/")
            both = only(site, TOGETHER, "open")
            check(both["severity"] == "4" and both["priority"] == "page", f"{both['severity']} {both['priority']}")
            check(len(both["events"]) == 2 and len(site.alerts(OCSP)) == 2, f"{both}")
            probing.ahead = HOUR_S
            probing.changed("recovered", "ok", "ocsp b", "ocsp", "http://b.test.example/")
            only(site, TOGETHER, "resolved")
            check(sorted(alert["status"] for alert in site.alerts(OCSP)) == ["open", "resolved"], "each has its own alert")
            wait_for_mails(mail, 1, "over: [4]", TOGETHER)
        site.collector.stop()
        StoreEditor(site).check_found([
            ("how an alert ended", ["alert", "flip", '"by":"recovery"'], ["alert", "its end is not what"]),
            ("that it ended", ["alert", "delete", '"by":"recovery"'], ["the alerts", "MISSING"]),
            ("an end of no alert", ["alert", "put", "72" + "30" * 32, "00"], ["alert 000", "MISSING"])])

def serving(port):
    """A service, which is killed at the end of the `with`."""
    responder = Responder("127.0.0.1", port=port)
    responder.answer = lambda request: reply(b"fine", "text/plain")
    return responder


def probes(*ports):
    """Further lines of agent.yaml: asked every 3 s, and back is due within 100 s, so that seconds are percents."""
    return "probes:\n" + "".join(f'  - {{kind: http, name: web{at}, target: "http://127.0.0.1:{port}/", every: 3s, retry: 1s, '
                                 'remind: 6s, recovery: 100s}\n' for at, port in enumerate(ports))


def wait_for_probes(site, *states):
    wait_until(lambda: sorted(probe["state"] for probe in site.status()["probes"]) == sorted(states),
               lambda: f"probes that are {states}, not {site.status()['probes']}")


SERVICE = "A service does not answer right"


@scenario("a service that is killed pages, comes back when it is put away, and is over when it is started again")
def _(folder):
    port = free_port()
    with MailSink(folder) as mail, Site(folder, mail=mail) as site:
        site.agent.more = probes(port)
        with serving(port):
            site.start()
            wait_for_probes(site, "ok")
        killed = time.time()
        wait_until(lambda: subjects(mail, "! ", SERVICE), lambda: f"a mail about it, not only {mail.subjects()}")
        print(f"# kill to mail, asked every 3 s and again after 1 s: {mail.messages[-1][0] - killed:.1f} s")
        first = only(site, SERVICE, "open")
        check(first["entity"]["probe"] == {"name": "web0"}, f"about {first['entity']}")
        site.tocsin("alert", "resolve", first["id"], "--reason", "nobody uses it")
        second = only(site, SERVICE, "open")
        check(second["id"] != first["id"] and second["outage"]["start"] == first["outage"]["start"], f"{second}")
        wait_for_mails(mail, 2, "! ", SERVICE)
        with serving(port):
            over = wait_until(lambda: [alert for alert in site.alerts(SERVICE) if "resolution" in alert], "its end")[0]
        outage = over["resolution"]["outage"]
        check(over["id"] == second["id"] and over["resolution"]["by"] == "recovery", f"{over['resolution']}")
        check(outage["start"] == first["outage"]["start"] and outage["duration_s"] == outage["used_percent"] > 5, f"{outage}")
        wait_for_mails(mail, 1, "over: ", SERVICE)


@scenario("both sites of a service are gone at once: one alert of a higher class beside their own, until one is back")
def _(folder):
    ports = [free_port(), free_port()]
    with Site(folder) as site:
        site.agent.more = probes(*ports)
        with serving(ports[0]), serving(ports[1]):
            site.start()
            wait_for_probes(site, "ok", "ok")
        both = only(site, TOGETHER, "open")
        check(both["severity"] == "4" and len(both["events"]) == 2, f"{both}")
        wait_for_probes(site, "critical", "critical")
        with serving(ports[1]):
            wait_for_probes(site, "critical", "ok")
            only(site, TOGETHER, "resolved")
            check(sorted(alert["status"] for alert in site.alerts(SERVICE)) == ["open", "resolved"], "their own alerts")
        site.check_verified()


run()

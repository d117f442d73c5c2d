#!/usr/bin/python3
"""What went wrong at real CAs, played by a server that misbehaves: each is found by the check that is about it.

The numbers are those of the list of failures that the probes were written against; tests/CAUGHT.md says where each of
them is tested.
"""

import base64
import datetime
import json
import os
import pwd
import signal
import subprocess
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from tocsin_ca import Ca
from tocsin_responder import Responder, closed, reply, silent
from tocsin_site import BIN, SOURCE, Site, check, free_port, run, scenario, wait_until

OCSP = "application/ocsp-response"
CRL = "application/pkix-crl"
HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)


def probe(ca, kind, target, *words, expect=None):
    """The report, and who failed: {(check): {"address what", …}}."""
    done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", kind, target, "--issuer", "ca.pem", "--json", *words],
                          cwd=ca.folder, capture_output=True, text=True, timeout=120, check=False)
    check(done.returncode in (0, 1), f"ended with {done.returncode}: {done.stderr}{done.stdout[-400:]}")
    report = json.loads(done.stdout)
    fired = {}
    for part in report["parts"]:
        for row in part["checks"]:
            if row["state"] in ("warn", "critical"):
                fired.setdefault(row["name"], set()).add(f"{part['address']} {part['what']}".strip())
    if expect is not None:
        check(sorted(fired) == sorted(expect), f"fired {json.dumps({k: sorted(v) for k, v in fired.items()})}, expected {sorted(expect)}")
    return report, fired


def at(address, server):
    return f"[{address}]:{server.port}" if ":" in address else f"{address}:{server.port}"


class Teller:
    """An OCSP responder by python3-cryptography, each of whose answers can be bent."""

    def __init__(self, ca, signer="responder"):
        self.ca = ca
        self.issuer = self.certificate("ca")
        self.responder = self.certificate(signer)
        self.key = self.load(f"{signer}.key")
        self.known = {self.certificate(name).serial_number: name for name in ("one", "two", "three")}
        self.revoked = {}  # serial: reason
        self.age, self.valid = HOUR, 3 * DAY
        self.digest = hashes.SHA1()
        self.unknown_good = False
        self.about = None  # answers about this one, whoever was asked about

    def load(self, name):
        with open(os.path.join(self.ca.folder, name), "rb") as file:
            return serialization.load_pem_private_key(file.read(), None)

    def certificate(self, name):
        with open(os.path.join(self.ca.folder, f"{name}.pem"), "rb") as file:
            return x509.load_pem_x509_certificate(file.read())

    def request(self, request):
        if request.method == "POST":
            return ocsp.load_der_ocsp_request(request.body)
        return ocsp.load_der_ocsp_request(base64.b64decode(urllib.parse.unquote(request.path)[1:], validate=True))

    def bearer(self, serial):
        """A certificate with that serial, issued or not: the library answers about certificates alone."""
        if serial in self.known:
            return self.certificate(self.known[serial])
        ca_key = self.load("ca.key")
        return (x509.CertificateBuilder().subject_name(self.issuer.subject).issuer_name(self.issuer.subject)
                .public_key(ca_key.public_key()).serial_number(serial).not_valid_before(now() - DAY)
                .not_valid_after(now() + DAY).sign(ca_key, hashes.SHA256()))

    def response(self, request):
        question = self.request(request)
        serial = question.serial_number
        if serial not in self.known and not self.unknown_good:
            return ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED).public_bytes(
                serialization.Encoding.DER)
        if self.about:
            serial = self.certificate(self.about).serial_number
        this_update = now() - self.age
        status = ocsp.OCSPCertStatus.REVOKED if serial in self.revoked else ocsp.OCSPCertStatus.GOOD
        builder = ocsp.OCSPResponseBuilder().add_response(
            self.bearer(serial), self.issuer, question.hash_algorithm, status, this_update, this_update + self.valid,
            this_update - HOUR if serial in self.revoked else None, self.revoked.get(serial))
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder).certificates([self.responder])
        for extension in question.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def __call__(self, request):
        return reply(self.response(request), OCSP)


def prepared(folder):
    ca = Ca(folder)
    return ca, Teller(ca)


@scenario("a responder and a list that are well give no finding, from every address and by every way of asking")
def _(folder):
    ca, teller = prepared(folder)
    ca.ca("-revoke", "two.pem", "-crl_reason", "keyCompromise")
    ca.crl("good.crl")
    teller.revoked[teller.certificate("two").serial_number] = x509.ReasonFlags.key_compromise
    with Responder("127.0.0.1", "127.0.0.2", "::1") as server:
        server.answer = teller
        words = ("--addresses", "127.0.0.1", "--addresses", "127.0.0.2", "--addresses", "::1")
        report, _ = probe(ca, "ocsp", server.url(), "--certificates", "one.pem", "--revoked", "two.pem", "--digests", "sha1",
                          "--digests", "sha256", *words, expect=())
        check(report["state"] == "ok" and not report["partial"], f"{report['state']}")
        check(len(report["parts"]) == 3 * 9, f"{len(report['parts'])} parts: two methods, two digests, two serials, one never issued")
        awkward = [r.path for r in server.requests if r.method == "GET" and "//" in r.path and "+" in r.path]
        check(len(awkward) == 3, f"{len(awkward)} requests had // and + in their path")
        nonces = {r.body[-32:] for r in server.requests if r.method == "POST"}
        check(len(nonces) >= 12, "each nonce is sent once")
        server.answer = lambda request: teller(request) if request.method == "POST" else reply(read(ca, "good.crl"), CRL)
        server.requests.clear()
        report, _ = probe(ca, "crl", server.url("/a.crl"), "--ocsp", server.url(), *words[:2], expect=())
        check([r.method for r in server.requests] == ["GET", "POST"], "the revoked serial was asked of the responder")


def read(ca, name):
    with open(os.path.join(ca.folder, name), "rb") as file:
        return file.read()


@scenario("openssl ocsp itself is a peer")
def _(folder):
    ca = Ca(folder)
    ca.ca("-revoke", "two.pem", "-crl_reason", "superseded")
    port = free_port()
    with subprocess.Popen(["openssl", "ocsp", "-port", str(port), "-index", "index.txt", "-CA", "ca.pem", "-rsigner", "responder.pem",
                           "-rkey", "responder.key", "-ndays", "3"], cwd=folder, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as peer:
        try:
            words = ("ocsp", f"http://127.0.0.1:{port}/", "--certificates", "one.pem", "--revoked", "two.pem")
            wait_until(lambda: "reach.connect" not in probe(ca, *words)[1], "openssl ocsp listens", every=0.3)
            probe(ca, *words, expect=())
            probe(ca, "ocsp", f"http://127.0.0.1:{port}/", "--revoked", "one.pem", expect=("ocsp.status-expected",))
        finally:
            peer.kill()


@scenario("1, 6, 16: both sites gone; one address dead, silent, stale, or of one family: which one it is")
def _(folder):
    ca, teller = prepared(folder)
    stale = Teller(ca)
    stale.age, stale.valid = 5 * DAY, 4 * DAY
    every = ("--addresses", "127.0.0.1", "--addresses", "127.0.0.2", "--addresses", "::1")
    ask = ("--certificates", "one.pem", "--timeout", "1s", "--methods", "get")
    with Responder("127.0.0.1", "::1") as server:
        server.answer = teller
        report, fired = probe(ca, "ocsp", server.url(), *ask, *every, expect=("reach.connect",))
        check(report["state"] == "warn" and report["partial"], "some can't be reached, others answer well")
        check(all(who.startswith("127.0.0.2") for who in fired["reach.connect"]), f"{fired}")
        report, _ = probe(ca, "ocsp", server.url(), *ask, *every, "--partial", "critical")
        check(report["state"] == "critical", "as the settings say")
        server.at["::1"] = silent
        report, fired = probe(ca, "ocsp", server.url(), *ask, "--addresses", "127.0.0.1", "--addresses", "::1", expect=("reach.time",))
        check(report["partial"] and all(who.startswith("[::1]") for who in fired["reach.time"]), f"{fired}")
        server.at["::1"] = stale
        report, fired = probe(ca, "ocsp", server.url(), *ask, "--addresses", "127.0.0.1", "--addresses", "::1")
        check(report["state"] == "critical" and not report["partial"], "a wrong answer is no matter of reaching it")
        check(all(who.startswith("[::1]") for who in fired["ocsp.next-update-past"]), f"{fired}")
    report, fired = probe(ca, "ocsp", server.url(), *ask, *every, expect=("reach.connect",))
    check(report["state"] == "critical" and not report["partial"], "all of them are gone")
    report, fired = probe(ca, "ocsp", "http://localhost:1/", *ask, "--families", "ipv4", "--families", "ipv6")
    check(report["state"] == "critical", f"{fired}")


@scenario("9: a name that is no name")
def _(folder):
    ca = Ca(folder)
    report, _ = probe(ca, "crl", "http://no-such-name.invalid/a.crl", expect=("reach.name",))
    check(report["state"] == "critical", report["state"])


@scenario("2, 3, 7: what ages is told of long before it is past its end")
def _(folder):
    ca, teller = prepared(folder)
    with Responder() as server:
        server.answer = teller

        def asked(age, valid):
            teller.age, teller.valid = age, valid
            return probe(ca, "ocsp", server.url(), "--certificates", "one.pem", "--unissued", "false")

        report, fired = asked(4 * DAY + HOUR, 7 * DAY)
        check(set(fired) == {"ocsp.refresh"} and report["state"] == "warn", f"older than 4 days: {fired}")
        report, fired = asked(6 * DAY, 7 * DAY)
        check({"ocsp.age", "ocsp.refresh"} == set(fired) and report["state"] == "warn", f"{fired}")
        report, fired = asked(7 * DAY + HOUR, 7 * DAY)
        check("ocsp.next-update-past" in fired and report["state"] == "critical", f"{fired}")
        _, fired = asked(HOUR, 11 * DAY)
        check(set(fired) == {"ocsp.validity-long"}, f"{fired}")
        _, fired = asked(HOUR, 7 * HOUR)
        check("ocsp.validity-short" in fired, f"{fired}")
        for begin, end, names in ((-1, 6, ()), (-6, 1, {"crl.age"}), (-8, -1, {"crl.age", "crl.next-update-past", "crl.refresh"})):
            ca.ca("-gencrl", "-crl_lastupdate", ca.stamp(begin), "-crl_nextupdate", ca.stamp(end), "-out", "crl.pem")
            ca.openssl("crl", "-in", "crl.pem", "-outform", "DER", "-out", "aged.crl")
            server.answer = lambda _: reply(read(ca, "aged.crl"), CRL)
            _, fired = probe(ca, "crl", server.url("/a.crl"))
            check(set(names) == set(fired), f"{begin} to {end}: {fired}")


@scenario("4, 10, 17, 19: what comes is no answer, or comes too slowly, or under a wrong name")
def _(folder):
    ca, teller = prepared(folder)
    ca.crl("good.crl")
    html = b"<html><head><title>It works</title></head></html>"
    with Responder() as server:

        def crl(answer, *words):
            server.answer = answer
            return probe(ca, "crl", server.url("/a.crl"), *words)[1]

        def responder(answer, *words):
            server.answer = answer
            return probe(ca, "ocsp", server.url(), "--certificates", "one.pem", "--methods", "get", "--unissued", "false", *words)[1]

        check({"ocsp.body", "http.body"} <= set(responder(lambda _: reply(b"0", OCSP))), "one byte")
        check("ocsp.body" in responder(lambda _: reply(b"", OCSP)), "nothing")
        check({"crl.body", "http.body"} <= set(crl(lambda _: reply(html, CRL))), "HTML as a CRL")
        check({"crl.body", "http.status"} <= set(crl(lambda _: reply(html, "text/html", "404 Not Found"))), "404")
        check("http.content-type" in crl(lambda _: reply(read(ca, "good.crl"), "text/plain")), "a wrong type")
        check("http.no-store" in responder(lambda r: reply(teller.response(r), OCSP, Cache_Control="no-store")), "no-store")
        check(set(responder(closed)) == {"reach.answer"}, "closed without a word")

        def drip(_):
            whole = reply(read(ca, "good.crl"), CRL)
            for i in range(0, len(whole), 8):
                yield whole[i:i + 8]
                yield 0.2

        check(set(crl(drip, "--timeout", "1500ms")) == {"reach.time"}, "a drip is over at the limit")

        def half(_):
            whole = reply(read(ca, "good.crl"), CRL)
            yield whole[:-10]

        check(set(crl(half)) == {"reach.answer"}, f"half of it: {crl(half)}")
        check("reach.slow" in crl(lambda _: iter((0.3, reply(read(ca, "good.crl"), CRL))), "--set", "reach.slow-after=100ms"), "slow")
        check("reach.answer" in crl(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n"), "no HTTP at all")


@scenario("5, 8, 11, 13, 18: unknown for what was issued, good for what never was, another's answer, a responder that ends")
def _(folder):
    ca, teller = prepared(folder)
    other_folder = os.path.join(folder, "other")
    os.mkdir(other_folder)
    other = Ca(other_folder)
    other.openssl("req", "-x509", "-key", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Other CA", "-addext",
                  "keyUsage=critical,keyCertSign,cRLSign")
    with Responder() as server:
        server.answer = teller

        def asked(*words):
            return probe(ca, "ocsp", server.url(), *words)[1]

        del teller.known[teller.certificate("two").serial_number]
        fired = asked("--certificates", "two.pem")
        check({"ocsp.status", "ocsp.authoritative"} <= set(fired), f"unauthorized for an issued one: {fired}")
        for _ in range(2):  # in every run, not by chance in some
            fired = asked("--certificates", "one.pem", "--certificates", "three.pem", "--certificates", "two.pem")
            check({"ocsp.status", "ocsp.authoritative"} == set(fired) and len(fired["ocsp.status"]) == 1, f"one of several: {fired}")
        teller.unknown_good = True
        fired = asked("--certificates", "one.pem")
        check(fired.get("ocsp.unissued-good") and all("never issued" in who for who in fired["ocsp.unissued-good"]), f"{fired}")
        teller.unknown_good = False
        teller.about = "three"
        fired = asked("--certificates", "one.pem")
        check("ocsp.cert-id" in fired, f"a cache that answers about another one: {fired}")
        teller.about = None
        teller.valid = 9 * DAY
        ca.openssl("req", "-new", "-key", "responder.key", "-out", "short.csr", "-subj", "/CN=short")
        ca.ca("-extensions", "responder", "-in", "short.csr", "-out", "short.pem", "-notext", "-startdate", ca.stamp(-30), "-enddate",
              ca.stamp(5))
        os.link(os.path.join(folder, "responder.key"), os.path.join(folder, "short.key"))
        server.answer = Teller(ca, "short")
        server.answer.valid = 9 * DAY
        check("ocsp.certificate-ends" in asked("--certificates", "one.pem"), "a responder that ends before nextUpdate")
        other.crl("good.crl")
        server.answer = lambda _: reply(read(other, "good.crl"), CRL)
        fired = probe(ca, "crl", server.url("/a.crl"))[1]
        check({"crl.issuer", "crl.signature"} <= set(fired), f"a CRL of another CA: {fired}")
        server.answer = Teller(ca, "server")
        check("ocsp.delegate-purpose" in asked("--certificates", "one.pem"), "a responder that may not")


@scenario("12: GET with // and + in its path is broken, POST works")
def _(folder):
    ca, teller = prepared(folder)
    with Responder() as server:
        for breaks, name in ((lambda path: "//" in path, "//"), (lambda path: "+" in path, "+")):
            server.answer = lambda request: (reply(b"no such page", "text/html", "404 Not Found")
                                             if request.method == "GET" and breaks(request.path) else teller(request))
            report, fired = probe(ca, "ocsp", server.url(), "--certificates", "one.pem")
            check("http.status" in fired, f"{name}: {fired}")
            check(all("GET" in who and "never issued" in who for who in fired["http.status"]), f"{name}: {fired}")
            check(report["state"] == "critical", report["state"])


@scenario("14: a wrong reason; OCSP and CRL that do not say the same")
def _(folder):
    ca, teller = prepared(folder)
    ca.ca("-revoke", "two.pem", "-crl_reason", "keyCompromise")
    ca.crl("two.crl")
    with Responder() as server:
        teller.revoked[teller.certificate("two").serial_number] = x509.ReasonFlags.certificate_hold
        server.answer = teller
        fired = probe(ca, "ocsp", server.url(), "--revoked", "two.pem")[1]
        check("ocsp.reason" in fired, f"{fired}")
        teller.revoked.clear()
        server.answer = lambda request: teller(request) if request.method == "POST" else reply(read(ca, "two.crl"), CRL)
        report, fired = probe(ca, "crl", server.url("/a.crl"), "--ocsp", server.url())
        check(report["state"] == "critical" and all("OCSP of revoked 1001" in who for who in fired["ocsp.status-expected"]), f"{fired}")


@scenario("15, 14: held against the list before: a number that falls, other bytes under it, half the size, entries gone")
def _(folder):
    ca = Ca(folder)
    ca.crl("empty.crl")
    for name in ("one", "two", "three"):
        ca.ca("-revoke", f"{name}.pem", "-crl_reason", "superseded")
    ca.crl("three.crl")
    with Responder() as server:

        def fetch(name):
            server.answer = lambda _: reply(read(ca, name), CRL)
            return probe(ca, "crl", server.url("/a.crl"), "--memory", "memory", "--set", "crl.older=off")[1]

        check(not fetch("empty.crl") and not fetch("three.crl") and not fetch("three.crl"), "they follow each other")
        fired = fetch("empty.crl")
        check({"crl.number-falls", "crl.entries-gone"} <= set(fired), f"{fired}")
        with open(os.path.join(folder, "crlnumber"), "w", encoding="ascii") as file:
            file.write("1001\n")
        ca.crl("same.crl", days=6)
        fired = fetch("same.crl")
        check("crl.number-same" in fired, f"{fired}")


@scenario("19: from the future, by the key before, without nocheck")
def _(folder):
    ca, teller = prepared(folder)
    with Responder() as server:
        server.answer = teller
        teller.age = -HOUR
        fired = probe(ca, "ocsp", server.url(), "--certificates", "one.pem")[1]
        check("ocsp.this-update-future" in fired, f"{fired}")
        ca.crl("good.crl")
        ca.openssl("req", "-x509", *ca.key("ca"), "-out", "ca.pem", "-days", "3650", "-subj", "/CN=Test CA", "-addext",
                   "keyUsage=critical,keyCertSign,cRLSign")
        server.answer = lambda _: reply(read(ca, "good.crl"), CRL)
        fired = probe(ca, "crl", server.url("/a.crl"))[1]
        check("crl.signature" in fired, f"signed with the key before: {fired}")


@scenario("an agent: an unchanged list is not sent again; a serial that OCSP does not call revoked is asked about until it is believed")
def _(folder):
    os.mkdir(os.path.join(folder, "ca"))
    ca, teller = prepared(os.path.join(folder, "ca"))
    ca.ca("-revoke", "two.pem", "-crl_reason", "keyCompromise")
    ca.crl("two.crl")
    with Site(folder) as site, Responder() as server:
        unchanged = []

        def answer(request):
            if request.method == "POST":
                return teller(request)
            if request.headers.get("if-none-match") == '"one"':
                unchanged.append(request)
                return b"HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\nConnection: close\r\n\r\n"
            return reply(read(ca, "two.crl"), CRL, ETag='"one"')

        server.answer = answer
        teller.revoked[teller.certificate("two").serial_number] = x509.ReasonFlags.key_compromise
        site.agent.more = (f"probes:\n  - {{kind: crl, name: list, target: 'http://127.0.0.1:{server.port}/a.crl', ocsp: '{server.url()}', "
                           f"issuer: {ca.folder}/ca.pem, every: 1s, retry: 200ms}}\n")
        site.start()
        wait_until(lambda: len(unchanged) > 2, "runs that get nothing new")
        told = site.tocsin("query", "tocsin.event:probe_changed").strip().splitlines()
        check(len(told) == 1 and "list is ok" in told[0], f"{told}")
        teller.revoked.clear()
        ca.crl("two.crl")
        server.answer = lambda request: teller(request) if request.method == "POST" else reply(read(ca, "two.crl"), CRL, ETag='"two"')
        wait_until(lambda: site.tocsin("query", "--count", "probe.change:worse").strip() == "1", "the two do not agree")
        line = site.tocsin("query", "probe.change:worse")
        check("OCSP of revoked 1001 ocsp.status-expected: seen good, due revoked" in line, line)
        teller.revoked[teller.certificate("two").serial_number] = x509.ReasonFlags.key_compromise
        wait_until(lambda: site.tocsin("query", "--count", "probe.change:recovered").strip() == "1", "they agree again")
        site.check_verified()


@scenario("a probe that is taken out of the settings takes its alert with it, also when it was the last")
def _(folder):
    with Site(folder) as site:
        line = "  - {{kind: tcp, name: {}, target: '127.0.0.1:1', every: 1s, retry: 200ms}}\n"
        site.agent.more = "probes:\n" + line.format("one") + line.format("two")
        site.start()
        wait_until(lambda: site.tocsin("query", "--count", "probe.change:worse").strip() == "2", "both are critical")
        for left in (line.format("two"), ""):
            site.agent.more = "probes:\n" + left if left else ""
            site.agent.write_settings()
            site.agent.daemon.signal(signal.SIGHUP)
            gone = "one" if left else "two"
            wait_until(lambda name=gone: f"{name} is no longer probed" in site.tocsin("query", "tocsin.event:probe_removed"),
                       f"{gone} is told to be gone")
        wait_until(lambda: site.tocsin("alerts").count("resolved by recovery: A service is no longer probed") == 2,
                   lambda: f"alerts end: {site.tocsin('alerts')}")
        wait_until(lambda: "PROBES" not in site.tocsin("status"), "status names them no more")


@scenario("discover writes the probes that a certificate asks for, into a folder that is not there yet, and they are good")
def _(folder):
    ca = Ca(folder)
    with open(os.path.join(folder, "ext"), "w", encoding="ascii") as file:
        file.write("authorityInfoAccess=OCSP;URI:http://ocsp.test/,caIssuers;URI:http://ca.test/ca.pem\n"
                   "crlDistributionPoints=URI:http://crl.test/a.crl?x={y},URI:ldap://x/y\n")
    ca.ca("-in", "one.csr", "-out", "full.pem", "-notext", "-extfile", "ext")

    def discover(*words):
        return subprocess.run([os.path.join(BIN, "tocsin"), "probe", "discover", *words], cwd=folder, capture_output=True, text=True,
                              timeout=60, check=False)

    done = discover("full.pem", "--issuer", "ca.pem", "-o", "agent.d/probes.yaml")
    check(done.returncode == 0, done.stderr)
    with open(os.path.join(folder, "agent.yaml"), "w", encoding="ascii") as file:
        file.write("collector: 127.0.0.1\n")
    done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", folder, "--check"], capture_output=True, text=True, timeout=60,
                          check=False)
    check(done.returncode == 0 and "probe OCSP of Test CA, every" in done.stdout and "probe CRL of Test CA, every" in done.stdout,
          f"{done.stdout}{done.stderr}")
    with open(os.path.join(folder, "agent.d", "probes.yaml"), encoding="utf-8") as file:
        text = file.read()
    check("target: 'http://crl.test/a.crl?x={y}'" in text and "# crl: ldap://x/y is not asked" in text, text)
    done = discover("full.pem")
    check("said to be at http://ca.test/ca.pem" in done.stdout, done.stdout)
    for words, says in ((("one.pem",), "neither an OCSP responder nor a CRL"), (("full.pem", "--issuer", "two.pem"), "has not signed"),
                        (("ca.key",), "ca.key"), ((), "takes one file"),
                        (("full.pem", "-o", "agent.d/probes.yaml"), "agent.d/probes.yaml")):
        done = discover(*words)
        check(done.returncode >= 2 and says in done.stderr, f"{words}: {done.returncode} {done.stderr}")


@scenario("the example of a small CA is good as it stands")
def _(folder):
    ca = Ca(folder)
    for name, like in (("www", "one"), ("revoked", "two")):
        os.link(os.path.join(folder, f"{like}.pem"), os.path.join(folder, f"{name}.pem"))
    os.mkdir(os.path.join(folder, "agent.d"))
    with open(os.path.join(folder, "agent.yaml"), "w", encoding="ascii") as file:
        file.write("collector: 127.0.0.1\n")
    with open(os.path.join(SOURCE, "deploy", "examples", "small-ca.yaml"), encoding="utf-8") as example:
        text = example.read().replace("user: tocsin-agent", f"user: {pwd.getpwuid(os.geteuid()).pw_name}")
    commented = [line.split("#", 1)[1].strip() for line in text.splitlines() if line.startswith("  # - {")]
    with open(os.path.join(folder, "agent.d", "probes.yaml"), "w", encoding="utf-8") as file:
        file.write(text + "".join(f"  {line}\n" for line in commented if "pkcs11" not in line))
    done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", ca.folder, "--check"], capture_output=True, text=True,
                          timeout=60, check=False)
    probes = [line for line in done.stdout.splitlines() if line.startswith("probe ")]
    check(done.returncode == 0 and len(probes) == 11 + 4, f"{done.stdout}{done.stderr}")


run()

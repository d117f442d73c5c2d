#!/usr/bin/python3
"""A time-stamping authority, `openssl ts` behind a server that misbehaves, asked by `tocsin probe tsa`; and its answers in
files, judged with no network."""

import hashlib
import json
import os
import struct
import subprocess

from load_lines import shim
from tocsin_ca import Ca
from tocsin_responder import Responder, closed, reply
from tocsin_site import BIN, check, run, scenario

TYPE = "application/timestamp-reply"
SETTINGS = """
[tsa]
default_tsa = one
[one]
serial = ./tsa.serial
signer_cert = ./{signer}.pem
certs = ./{certs}.pem
signer_key = ./{signer}.key
signer_digest = {digest}
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.2
digests = sha256, sha512
accuracy = secs:1
clock_precision_digits = 3
ess_cert_id_alg = sha256
tsa_name = {named}
"""
KINDS = {"tsa": "critical, timeStamping", "uncritical": "timeStamping", "both": "critical, timeStamping, codeSigning"}


class Authority(Ca):
    """A CA with signers of time stamps: a good one, and such as may not."""

    def __init__(self, folder):
        super().__init__(folder)
        self.write("tsa.serial", b"01\n")
        for name, purpose in KINDS.items():
            self.issue(name, purpose)

    def write(self, name, content):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(content)

    def read(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def issue(self, name, purpose, days=365):
        self.write("extensions", f"keyUsage = critical, digitalSignature\nextendedKeyUsage = {purpose}\n".encode())
        self.openssl("req", "-new", *self.key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self.ca("-extfile", "extensions", "-in", f"{name}.csr", "-out", f"{name}.pem", "-notext", "-days", str(days))

    def answer(self, query, signer="tsa", certs="ca", digest="sha256", named="yes", env=None):
        """What openssl ts answers."""
        self.write("ts.cnf", SETTINGS.format(signer=signer, certs=certs, digest=digest, named=named).encode())
        self.write("query", query)
        done = subprocess.run(["openssl", "ts", "-reply", "-config", "ts.cnf", "-queryfile", "query", "-out", "answer"],
                              cwd=self.folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 0, f"openssl ts -reply: {done.stderr}")
        return self.read("answer")

    def signed_again(self, query, signer):
        """The same time stamp, signed by openssl cms: another maker, who asks nothing of its signer."""
        self.answer(query, named="no")
        self.openssl("ts", "-reply", "-in", "answer", "-token_out", "-out", "token")
        self.openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info")
        self.openssl("cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-cades", "-econtent_type", "1.2.840.113549.1.9.16.1.4",
                     "-md", "sha256", "-signer", f"{signer}.pem", "-inkey", f"{signer}.key", "-in", "info", "-outform", "DER", "-out", "token")
        self.openssl("ts", "-reply", "-in", "token", "-token_in", "-out", "answer")
        return self.read("answer")


def probe(ca, server, *words, issuer="ca.pem"):
    done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", "tsa", server.url(), "--issuer", issuer, "--json", *words],
                          cwd=ca.folder, capture_output=True, text=True, timeout=120, check=False)
    check(done.returncode in (0, 1), f"ended with {done.returncode}: {done.stderr}{done.stdout[-400:]}")
    report = json.loads(done.stdout)
    fired = {row["name"]: row["seen"] for part in report["parts"] for row in part["checks"] if row["state"] in ("warn", "critical")}
    return report, fired


def off_by(ca, name, seconds):
    """The environment of a program whose clock is off."""
    ca.write(name, struct.pack("=q", seconds * 1_000_000))
    library = shim(ca.folder, "clock_offset")["LD_PRELOAD"].split()[-1]  # openssl has no sanitizer that must come first
    return {"LD_PRELOAD": library, "SHIM_CLOCK": os.path.join(ca.folder, name)}


@scenario("what openssl ts stamps is good, with its chain or without, and by another maker")
def _(folder):
    ca = Authority(folder)
    with Responder() as server:
        for answer in (ca.answer, lambda query: ca.answer(query, named="no"), lambda query: ca.answer(query, digest="sha512"),
                       lambda query: ca.signed_again(query, "tsa")):
            server.answer = lambda request, answer=answer: reply(answer(request.body), TYPE)
            report, fired = probe(ca, server)
            check(not fired and report["state"] == "ok" and report["verdict"] == "good", f"{report['state']}: {fired}")
        check(server.requests[0].headers["content-type"] == "application/timestamp-query", f"{server.requests[0].headers}")
        bodies = {request.body for request in server.requests}
        check(len(bodies) == len(server.requests), "each run asks about something new")
        server.answer = lambda request: reply(ca.answer(request.body), TYPE)
        report, fired = probe(ca, server, "--policy", "1.2.3.4.2")
        check(not fired, f"a policy that it has: {fired}")
        report, fired = probe(ca, server, "--policy", "1.2.3.4.3")
        check("unacceptedPolicy" in fired["tsa.status"], f"a policy that it does not have: {fired}")
        report, fired = probe(ca, server, issuer="tsa.pem")
        check(not fired, f"trusted by its own certificate: {fired}")


@scenario("a wrong nonce, another hash, an old time stamp, another signer: each is told by its check")
def _(folder):
    ca = Authority(folder)
    os.mkdir(os.path.join(folder, "other"))
    other = Authority(os.path.join(folder, "other"))
    behind, ahead = off_by(ca, "behind", -3600), off_by(ca, "ahead", 10)

    def changed(query, at):
        return query[:at] + bytes([query[at] ^ 1]) + query[at + 1:]

    with Responder() as server:

        def asked(answer, *words):
            server.answer = lambda request: reply(answer(request.body), TYPE)
            return probe(ca, server, *words)[1]

        # the request ends in the nonce's eight bytes and certReq's three; the hash stands before the nonce's header
        check(set(asked(lambda query: ca.answer(changed(query, len(query) - 4)))) == {"tsa.nonce"}, "another nonce")
        check(set(asked(lambda query: ca.answer(changed(query, len(query) - 14)))) == {"tsa.imprint"}, "another hash")
        first = []

        def again(query):
            first[:] = first or [ca.answer(query)]
            return first[0]

        check(not asked(again), "the first one is good")
        check({"tsa.nonce", "tsa.imprint"} <= set(asked(again)), "what was stamped before comes from a cache")
        fired = asked(lambda query: ca.answer(query, env=behind))
        check({"tsa.time", "tsa.clock"} <= set(fired) and "behind the clock" in fired["tsa.time"], f"an hour behind: {fired}")
        fired = asked(lambda query: ca.answer(query, env=ahead))
        check(set(fired) == {"tsa.clock"} and "ahead of the clock" in fired["tsa.clock"], f"ten seconds ahead: {fired}")
        check(not asked(lambda query: ca.answer(query, env=ahead), "--set", "tsa.clock-warn=20s"), "a bound that was set")
        check("tsa.issuer" in asked(other.answer), "another authority of the same name")
        check("tsa.signature-digest" in asked(lambda query: ca.answer(query, digest="sha1")), "SHA-1")
        for signer, name in (("uncritical", "tsa.purpose-critical"), ("both", "tsa.purpose")):
            check(set(asked(lambda query, signer=signer: ca.signed_again(query, signer))) == {name}, f"{signer}: {name}")
        check("tsa.purpose" in asked(lambda query: ca.signed_again(query, "server")), "a server's certificate")
        ca.issue("short", KINDS["tsa"], days=20)
        check(set(asked(lambda query: ca.answer(query, signer="short"))) == {"tsa.certificate-ends"}, "it ends in 20 days")


@scenario("what comes is no time stamp: a byte, HTML, a refusal, an error, nothing")
def _(folder):
    ca = Authority(folder)
    with Responder() as server:

        def asked(answer):
            server.answer = answer
            return probe(ca, server)[1]

        check({"tsa.body", "http.body"} <= set(asked(lambda _: reply(b"0", TYPE))), "one byte")
        fired = asked(lambda _: reply(b"<html><body>It works</body></html>", "text/html"))
        check({"tsa.body", "http.content-type"} <= set(fired) and "HTML" in fired["tsa.body"], f"HTML: {fired}")
        check("http.status" in asked(lambda _: reply(b"", TYPE, "503 Service Unavailable")), "503")
        refusal = bytes.fromhex("30153013020102300a0c086e6f20636c6f636b03020102")  # rejection, "no clock", a failure
        fired = asked(lambda _: reply(refusal, TYPE))
        check(set(fired) == {"tsa.status"} and "rejection (2)" in fired["tsa.status"] and "no clock" in fired["tsa.status"], f"{fired}")
        check("no token" in asked(lambda _: reply(bytes.fromhex("30053003020100"), TYPE))["tsa.token"], "granted, with nothing")
        check(set(asked(closed)) == {"reach.answer"}, "closed without a word")
        check("tsa.body" in asked(lambda request: reply(ca.answer(request.body)[:-3], TYPE)), "cut off")
        check("tsa.body" in asked(lambda request: reply(ca.answer(request.body) + b"\n", TYPE)), "more behind it")


@scenario("time stamps in files are judged by what was asked, at any time")
def _(folder):
    ca = Authority(folder)
    ca.write("data", b"to be kept")
    ca.openssl("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "asked.tsq")
    ca.write("good.tsr", ca.answer(ca.read("asked.tsq")))
    digest = hashlib.sha256(b"to be kept").hexdigest()

    def judged(*words, code=0):
        done = ca.run("tsa", "--response", "good.tsr", *words)
        check(done.returncode == code, f"{words}: ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    check("tsa good.tsr: good; ok" in judged("--query", "asked.tsq"), "by the request")
    check("tsa good.tsr: good; ok" in judged("--digest", digest), "by the hash")
    check("tsa good.tsr: good; ok" in judged("--digest", digest, "--policy", "1.2.3.4.1"), "by the policy")
    check("✗ tsa.policy" in judged("--digest", digest, "--policy", "1.2.3.4.2", code=1), "of another policy")
    check("✗ tsa.nonce" in judged("--digest", digest, "--nonce", "ff00", code=1), "with another nonce")
    check("✗ tsa.imprint" in judged("--digest", digest[:-1] + ("0" if digest[-1] != "0" else "1"), code=1), "of something else")
    text = judged("--query", "asked.tsq", "--now", "2036-01-01T00:00Z", code=1)
    check("✗ tsa.time" in text and "✗ tsa.certificate-life" in text, text)
    for words, hint in (((), "--query F, or --digest H"), (("--digest", "12"), "SHA-256"), (("--query", "data"), "openssl ts -query"),
                        (("--digest", digest, "--policy", "x"), "1.3.6.1"), (("--digest", digest, "--nonce", "zz"), "hexadecimal"),
                        (("--digest", digest, "--expect", "good"), "is for OCSP"), (("--digest", digest, "--cert", "one.pem"), "is for")):
        check(hint in judged(*words, code=2), f"{words}: no hint '{hint}'")


run()

#!/usr/bin/python3
"""A canary signature by a key in SoftHSM, asked for by `tocsin probe pkcs11`; and every way in which a module, a token, a PIN
and a key can fail (shims/pkcs11_module.c stands between)."""

import glob
import json
import os
import shutil
import subprocess
import time

from tocsin_site import BIN, SOURCE, Site, Skipped, check, run, scenario, wait_until

MODULES = ("/usr/lib/softhsm/libsofthsm2.so", *glob.glob("/usr/lib/*/softhsm/libsofthsm2.so"))
KEYS = {"rsa": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"), "ec": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        "p384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"), "ed": ("-algorithm", "ED25519")}
PIN = "314159"


class Token:
    """A SoftHSM of its own, with a key of each kind."""

    def __init__(self, folder, *keys):
        self.folder = folder
        self.module = next((path for path in MODULES if os.path.exists(path)), None)
        if not self.module or not shutil.which("softhsm2-util"):
            raise Skipped("SoftHSM is not there: deploy/dependencies test")
        os.makedirs(self.path("tokens"))
        self.write("softhsm2.conf", f"directories.tokendir = {self.path('tokens')}\nlog.level = ERROR\n")
        self.write("pin", PIN + "\n")
        self.softhsm("--init-token", "--free", "--label", "CA 1", "--pin", PIN, "--so-pin", "271828")
        for number, name in enumerate(keys or ("ec",), 1):
            self.key(name, f"{number:02d}")
        self.shim = self.path("pkcs11_module.so")
        flags = subprocess.run(["pkg-config", "--cflags", "p11-kit-1"], capture_output=True, text=True, check=True).stdout.split()
        subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", *flags, "-o", self.shim,
                        os.path.join(SOURCE, "tests/scenario/shims/pkcs11_module.c"), "-ldl"], check=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o600):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def softhsm(self, *words):
        done = subprocess.run(["softhsm2-util", *words], env={**os.environ, "SOFTHSM2_CONF": self.path("softhsm2.conf")},
                              capture_output=True, text=True, timeout=60, check=False)
        check(done.returncode == 0, f"softhsm2-util {words}: {done.stdout}{done.stderr}")

    def key(self, name, number):
        subprocess.run(["openssl", "genpkey", *KEYS[name], "-out", self.path(f"{name}.key")], check=True, capture_output=True, timeout=60)
        self.softhsm("--import", self.path(f"{name}.key"), "--token", "CA 1", "--label", name, "--id", number, "--pin", PIN)

    def uri(self, key="ec", token="CA%201", module=None, pin="pin"):
        source = f"&pin-source={self.path(pin)}" if pin else ""
        return f"pkcs11:token={token};object={key}?module-path={module or self.shim}{source}"

    def environment(self, fault):
        wanted = {"SOFTHSM2_CONF": self.path("softhsm2.conf"), "PKCS11_MODULE": self.module, "PKCS11_COUNT": self.path("logins")}
        return {**wanted, "PKCS11_FAULT": fault} if fault else wanted

    def run(self, uri, *words, fault=None):
        given = [word for name, value in self.environment(fault).items() for word in ("--environment", f"{name}={value}")]
        return subprocess.run([os.path.join(BIN, "tocsin"), "probe", "pkcs11", uri, "--json", *given, *words], cwd=self.folder,
                              capture_output=True, text=True, timeout=120, check=False)

    def probe(self, *words, fault=None, **uri):
        """The report, what fired with what was seen, and everything that was seen."""
        done = self.run(self.uri(**uri), *words, fault=fault)
        check(done.returncode in (0, 1), f"ended with {done.returncode}: {done.stderr}{done.stdout[-400:]}")
        report = json.loads(done.stdout)
        rows = {row["name"]: row for row in report["parts"][0]["checks"]}
        fired = {name: row["seen"] for name, row in rows.items() if row["state"] in ("warn", "critical")}
        return report, fired, {name: row["seen"] for name, row in rows.items()}

    def logins(self):
        return os.path.getsize(self.path("logins")) if os.path.exists(self.path("logins")) else 0


@scenario("keys of every kind sign, and their signatures hold in software")
def _(folder):
    token = Token(folder, *KEYS)
    mechanisms = {"rsa": "CKM_RSA_PKCS", "ec": "CKM_ECDSA", "p384": "CKM_ECDSA", "ed": "CKM_EDDSA"}
    for key, mechanism in mechanisms.items():
        report, fired, seen = token.probe(key=key)
        check(not fired and report["state"] == "ok" and report["verdict"] == "good", f"{key}: {fired}")
        check(mechanism in seen["pkcs11.sign"] and "CA 1" in seen["pkcs11.token"] and f"'{key}'" in seen["pkcs11.key"], f"{key}: {seen}")
    for mechanism in ("CKM_SHA256_RSA_PKCS", "CKM_RSA_PKCS_PSS", "CKM_SHA256_RSA_PKCS_PSS"):
        _, fired, seen = token.probe("--mechanism", mechanism, key="rsa")
        check(not fired and mechanism in seen["pkcs11.sign"], f"{mechanism}: {fired} {seen}")
    check("CKR_MECHANISM_INVALID" in token.probe("--mechanism", "CKM_ECDSA", key="rsa")[1]["pkcs11.sign"], "a mechanism of other keys")
    report, fired, seen = token.probe(module=token.module)
    check(not fired, f"the module itself: {fired}")
    for key in ("ec", "rsa"):
        subprocess.run(["openssl", "req", "-x509", "-new", "-key", f"{key}.key", "-out", f"{key}.pem", "-subj", "/CN=canary"], cwd=folder,
                       check=True, capture_output=True, timeout=60)
    _, fired, seen = token.probe("--certificates", "ec.pem")
    check(not fired and "the given certificate" in seen["pkcs11.signature"], f"by its certificate: {fired} {seen}")
    check(set(token.probe("--certificates", "rsa.pem")[1]) == {"pkcs11.signature"}, "by another key's certificate")
    done = token.run(token.uri(), "--certificates", "softhsm2.conf")
    check(done.returncode == 2 and "no certificate" in done.stderr, f"no certificate: {done.returncode} {done.stderr}")


@scenario("a module that hangs, crashes, floods, is slow or signs wrongly: where it did so is told")
def _(folder):
    token = Token(folder)
    for call, step in (("C_Initialize", "module"), ("C_Login", "pin"), ("C_Sign", "sign")):
        began = time.monotonic()
        _, fired, _ = token.probe("--timeout", "2s", fault=f"{call}=hang")
        check("hung, killed after" in fired[f"pkcs11.{step}"] and "pkcs11.program" in fired, f"{call} hangs: {fired}")
        check(time.monotonic() - began < 30, "a module that hangs holds nobody up")
        _, fired, _ = token.probe(fault=f"{call}=crash")
        check("crashed by signal 6, SIGABRT in it" == fired[f"pkcs11.{step}"] and "pkcs11.program" in fired, f"{call} crashes: {fired}")
    left = subprocess.run(["pgrep", "-f", f"tocsin-canary .*{folder}"], capture_output=True, text=True, check=False).stdout
    check(not left, f"nobody is left behind: {left}")
    check("wrote too much" in token.probe(fault="C_Sign=print")[1]["pkcs11.sign"], "a module that talks without end")
    _, fired, _ = token.probe(fault="C_Sign=slow")
    check(set(fired) == {"pkcs11.slow"}, f"slow: {fired}")
    _, fired, _ = token.probe("--set", "pkcs11.sign-most=900ms", fault="C_Sign=slow")
    check({"pkcs11.slow", "pkcs11.time"} <= set(fired), f"too slow: {fired}")
    report, fired, _ = token.probe(fault="C_Sign=wrong")
    check(set(fired) == {"pkcs11.signature"} and report["verdict"] == "unusable", f"a wrong signature: {fired}")


@scenario("a wrong PIN is given once, and not again until its file changes")
def _(folder):
    token = Token(folder)
    token.write("pin", "999999\n")

    def probe():
        return token.probe("--memory", "memory")[1]

    fired = probe()
    check("CKR_PIN_INCORRECT" in fired["pkcs11.pin"] and token.logins() == 1, f"refused: {fired}")
    for _ in range(3):
        fired = probe()
        check("refused it before" in fired["pkcs11.pin"], f"held: {fired}")
    check(token.logins() == 1, f"it was given {token.logins()} times")
    token.write("pin", "888888\n")
    check("CKR_PIN_INCORRECT" in probe()["pkcs11.pin"] and token.logins() == 2, "another wrong one")
    check("refused it before" in probe()["pkcs11.pin"] and token.logins() == 2, "is held, too")
    token.write("pin", PIN + "\n")
    fired = probe()
    check(set(fired) == {"pkcs11.pin-tries"} and token.logins() == 3, f"the right one; the token tells of the wrong ones: {fired}")
    check(not probe() and token.logins() == 4, "and all is well again")


@scenario("a PIN is never the one that locks the token, nor one that others can read")
def _(folder):
    token = Token(folder)
    for flag, told in (("final", "one try is left"), ("locked", "the token is locked")):
        _, fired, _ = token.probe(fault=f"C_GetTokenInfo={flag}")
        check(set(fired) == {"pkcs11.pin", "pkcs11.pin-tries"} and told in fired["pkcs11.pin"], f"{flag}: {fired}")
        check(token.logins() == 0, f"{flag}: it was given all the same")
    _, fired, _ = token.probe(fault="C_GetTokenInfo=low")
    check(set(fired) == {"pkcs11.pin-tries"} and token.logins() == 1, f"low: {fired}")
    careful = subprocess.run([os.path.join(BIN, "tocsin-canary"), "--careful", token.uri()], capture_output=True, text=True, timeout=60,
                             env={**os.environ, **token.environment("C_GetTokenInfo=low")}, check=False)
    check(careful.returncode == 1 and "pin=held" in careful.stdout and token.logins() == 1, f"after a login without an end: {careful.stdout}")
    token.write("open", PIN + "\n", 0o644)
    token.write("empty", "")
    for pin, told in (("open", "chmod 0640 or 0600"), ("empty", "empty"), ("missing", "No such file"), ("tokens", "no regular file")):
        _, fired, _ = token.probe(pin=pin)
        check(set(fired) == {"pkcs11.pin"} and told in fired["pkcs11.pin"], f"{pin}: {fired}")
    check(token.logins() == 1, "none of them was given")


@scenario("no module, no token, no key, no PIN: each is told with what is there instead")
def _(folder):
    token = Token(folder)
    cases = (("module", "No such file", {"module": "/nowhere.so"}), ("module", "no C_GetFunctionList", {"module": "/lib/x86_64-linux-gnu/libz.so.1"}),
             ("token", "there is 'CA 1'", {"token": "CA%202"}), ("key", "there are others", {"key": "nobody"}),
             ("key", "pin-source", {"pin": None}))
    for name, told, uri in cases:
        if uri.get("module", "").endswith("libz.so.1") and not os.path.exists(uri["module"]):
            continue  # another architecture
        report, fired, _ = token.probe(**uri)
        check(set(fired) == {f"pkcs11.{name}"} and told in fired[f"pkcs11.{name}"], f"{uri}: {fired}")
        check(report["state"] == "critical", report["state"])
    shutil.rmtree(token.path("tokens"))
    os.mkdir(token.path("tokens"))
    check("there is none" in token.probe()[1]["pkcs11.token"], "the token was taken away")
    for uri, hint in (("http://ca/", "pkcs11:"), ("pkcs11:token=x;object=y", "module-path"), (token.uri() + "&pin-value=1", "pin-source"),
                      (token.uri().replace("object=ec", "type=private"), "object=LABEL"), (token.uri().replace("token=", "colour="), "not known")):
        done = token.run(uri)
        check(done.returncode == 1 and hint in done.stdout, f"{uri}: {done.returncode} {done.stdout}{done.stderr}")


@scenario("an agent gives a wrong PIN once, whatever becomes of the agent")
def _(folder):
    token = Token(folder)
    token.write("pin", "999999\n")
    environment = [f"{name}={value}" for name, value in token.environment(None).items()]
    probe = {"kind": "pkcs11", "name": "signer", "target": token.uri(), "every": "1s", "retry": "1s", "environment": environment}
    with Site(folder) as site:
        site.agent.more = "probes:\n  - " + json.dumps(probe) + "\n"

        def runs(more, state):
            wanted = site.count("tocsin.event:probe_result") + more
            wait_until(lambda: site.count("tocsin.event:probe_result") >= wanted, "runs of the probe")
            wait_until(lambda: site.count(f"tocsin.event:probe_changed probe.state:{state}"), f"that it is {state}")

        site.start()
        runs(4, "critical")
        check(token.logins() == 1, f"it was given {token.logins()} times")
        site.agent.kill()
        site.agent.start()
        runs(3, "critical")
        check(token.logins() == 1, f"after a crash it was given {token.logins()} times")
        token.write("pin", PIN + "\n")
        runs(3, "ok")
        check(token.logins() >= 2, "the right one was given")


run()

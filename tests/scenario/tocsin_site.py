"""A site of real processes for scenario tests: collector, agents, command line, and the lines that tests/run reads.

    from tocsin_site import Site, scenario, check, wait_until, run

    @scenario("a line arrives once")
    def _(folder):
        with Site(folder) as site:
            log = site.log("auth.log")
            site.start()
            log.write(["one"])
            site.wait_for_lines(["one"])
            site.check_verified()

    run()

A scenario is a function of an empty folder; it fails by raising (check and wait_until do). `run` prints a line for each,
and after a failure the ends of the daemons' logs. Arguments on the command line choose scenarios by part of their name.
Settings: TOCSIN_BIN, TOCSIN_SOURCE, TOCSIN_SCRATCH, TOCSIN_SOAK (tests/suite.py).
"""

import collections
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.environ.get("TOCSIN_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("TOCSIN_BIN") or os.path.join(SOURCE, "build", "dev", "bin")
SOAK = os.environ.get("TOCSIN_SOAK", "0") == "1"

PATIENCE_S = 60  # for what takes a moment on an idle machine: sanitizers and a busy one are slow
TAIL_LINES = 25
SHOWN = 5


class Failure(Exception):
    """What a scenario found wrong."""


class Skipped(Exception):
    """Why a scenario cannot be played on this machine."""


def check(condition, text):
    if not condition:
        raise Failure(text)


def wait_until(predicate, what, timeout=PATIENCE_S, every=0.05):
    """Returns the first value of `predicate` that is true; fails after `timeout` seconds with `what` and the last one."""
    until = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > until:
            raise Failure(f"not within {timeout} s: {what() if callable(what) else what} (last: {value!r:.200})")
        time.sleep(every)


def free_port():
    """A port of loopback that nobody uses, outside the range from which the kernel gives clients theirs."""
    for _ in range(200):
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failure("no free port")


def host_name():
    """What tocsin takes this host's name to be (site.h)."""
    name = re.sub(r"[^a-z0-9.]", "-", socket.gethostname().lower()).strip("-.")
    return name or "localhost"


def difference(expected, found):
    """None when both hold the same things equally often, else what is missing and what is too much."""
    expected, found = collections.Counter(expected), collections.Counter(found)
    if expected == found:
        return None
    missing, surplus = expected - found, found - expected
    shown = [f"{sum(missing.values())} missing, {sum(surplus.values())} too many"]
    shown += [f"missing {count} × {line[:100]!r}" for line, count in missing.most_common(SHOWN)]
    shown += [f"too many {count} × {line[:100]!r}" for line, count in surplus.most_common(SHOWN)]
    return "; ".join(shown)


class Daemon:
    """One program, started as often as wanted; what it says goes to one file."""

    SANITIZER = re.compile(r"ERROR: \w*Sanitizer|: runtime error: |SUMMARY: \w*Sanitizer")

    def __init__(self, name, command, log_path, environment=None):
        self.name, self.command, self.log_path = name, command, log_path
        self.environment = environment or {}
        self.process = None
        self.starts = 0

    def start(self, *arguments, wrapper=()):
        check(not self.alive(), f"{self.name} runs already")
        self.starts += 1
        self.seen = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*wrapper, *self.command, *arguments], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=dict(os.environ, **self.environment))
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    def log(self, since_start=False):
        """What it has said, or only since its last start."""
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as file:
                if since_start:
                    file.seek(self.seen)
                return file.read()
        except FileNotFoundError:
            return ""

    def wait_for_log(self, pattern, timeout=PATIENCE_S):
        def found():
            match = re.search(pattern, self.log(since_start=True))
            if not match and not self.alive():
                raise Failure(f"{self.name} ended with {self.process.returncode} before it said {pattern!r}")
            return match
        return wait_until(found, f"{self.name} says {pattern!r}", timeout)

    def wait(self, timeout=PATIENCE_S):
        """Its exit status."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} has not ended within {timeout} s") from None

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, timeout=PATIENCE_S):
        """In order; it must end with 0."""
        if not self.alive():
            return
        self.process.terminate()
        status = self.wait(timeout)
        check(status == 0, f"{self.name} ended with {status} on SIGTERM")

    def kill(self):
        """As a power cut would, but for what the kernel has been given."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def memory_kib(self, what="VmRSS"):
        """Resident memory now, or "VmHWM": the most so far."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"{what}:\s+(\d+) kB", file.read())[1])

    def check_clean(self):
        match = self.SANITIZER.search(self.log())
        check(not match, f"{self.name} has a sanitizer's report: {match[0] if match else ''}")


class Log:
    """A file that an agent follows."""

    def __init__(self, path):
        self.path = path
        self.written = []  # in order, as text without newlines

    def write(self, lines):
        self.written += lines
        with open(self.path, "a", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            file.write("".join(line + "\n" for line in lines))


class Agent:
    """A host with its own settings and data; of its site's folder, or of one of its own that has joined by a token."""

    def __init__(self, site, folder, name, port=None):
        self.site, self.folder, self.name = site, folder, name
        self.port = port or site.port  # another one: a proxy in between
        self.sources = []
        self.more = ""  # further lines of agent.yaml
        self.daemon = Daemon(f"agent {name}", [os.path.join(BIN, "tocsin-agent"), "--site", folder],
                             os.path.join(folder, "agent.log"))

    data = property(lambda self: os.path.join(self.folder, "data"))

    def follow(self, path, access_class="access", extra=""):
        """Adds a file to the sources; to be called before `start`."""
        self.sources.append(f"{{file: {json.dumps(path)}, class: {access_class}{', ' + extra if extra else ''}}}")

    def log(self, name, access_class="access"):
        """A new file that is followed."""
        log = Log(os.path.join(self.folder, name))
        self.follow(log.path, access_class)
        return log

    def write_settings(self):
        with open(os.path.join(self.folder, "agent.yaml"), "w", encoding="utf-8") as file:
            file.write(f"collector: 127.0.0.1:{self.port}\nname: {self.name}\n")
            file.write("sources:\n" + "".join(f"  - {source}\n" for source in self.sources) if self.sources
                       else "sources: []\n")
            file.write(self.more)

    def start(self, connected=True):
        self.write_settings()
        self.daemon.start()
        self.daemon.wait_for_log(r"connected to" if connected else r"is ready")
        return self

    def stop(self):
        self.daemon.stop()

    def kill(self):
        self.daemon.kill()


class Site:
    """A collector with the agent of its own host, and others that joined. Leaves no process behind (`with`)."""

    def __init__(self, folder, settings="", mail=None, webhooks=(), rules=None):
        self.folder = os.path.join(folder, "site")
        self.port = free_port()
        self.tocsin("init", self.folder, "--listen", f"127.0.0.1:{self.port}", "--name", "test.example/tocsin")
        self.collector = Daemon("collector", [os.path.join(BIN, "tocsin-collector"), "--site", self.folder],
                                os.path.join(self.folder, "collector.log"))
        self.agent = Agent(self, self.folder, host_name())
        self.agents = [self.agent]
        self.others = []  # further daemons that end with the site
        self.write_settings(settings, mail, webhooks, rules)

    data = property(lambda self: os.path.join(self.folder, "data"))

    def write_settings(self, settings="", mail=None, webhooks=(), rules=None):
        """collector.yaml: the port, channels (objects with `settings`, see tocsin_sinks.py), rules, further lines."""
        with open(os.path.join(self.folder, "collector.yaml"), "w", encoding="utf-8") as file:
            file.write(f"listen: 127.0.0.1:{self.port}\n")
            if mail:
                file.write("mail: " + json.dumps(mail.settings) + "\n")
            if webhooks:
                file.write("webhooks: " + json.dumps([hook.settings for hook in webhooks]) + "\n")
            if rules is not None:
                file.write("rules: " + json.dumps(rules) + "\n")
            file.write(settings)

    # ---- life

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                for daemon in reversed(self.daemons()):
                    daemon.stop()
                for daemon in self.daemons():
                    daemon.check_clean()
        except Failure:
            self.show_logs()
            raise
        finally:
            for daemon in self.daemons():
                daemon.kill()
            if isinstance(error, Exception):
                self.show_logs()

    def daemons(self):
        return [*self.others, self.collector, *(agent.daemon for agent in self.agents)]

    def start(self):
        self.start_collector()
        self.agent.start()
        return self

    def start_collector(self, **arguments):
        self.collector.start(**arguments)
        self.collector.wait_for_log(r"is ready on")
        return self

    def new_agent(self, name, port=None):
        """Another host, joined by a token; not started yet."""
        folder = os.path.join(os.path.dirname(self.folder), name)
        os.makedirs(folder)
        agent = Agent(self, folder, name, port)
        self.agents.append(agent)
        self.join(agent)
        return agent

    def join(self, agent, token=None):
        token = token or self.token(agent.name)
        agent.write_settings()
        done = subprocess.run([os.path.join(BIN, "tocsin-agent"), "--site", agent.folder, "--name", agent.name, "--join",
                               f"127.0.0.1:{agent.port}", "--token", token], capture_output=True, text=True, check=False,
                              timeout=PATIENCE_S)
        check(done.returncode == 0, f"{agent.name} cannot join: {done.stderr}")

    def show_logs(self):
        for daemon in self.daemons():
            lines = daemon.log().splitlines()
            if lines:
                print(f"# ---- {daemon.name}, its last lines of {len(lines)}")
                print("".join(f"# {line[:400]}\n" for line in lines[-TAIL_LINES:]), end="", flush=True)

    def log(self, name, access_class="access"):
        """A new file that this host's agent follows; before `start`."""
        return self.agent.log(name, access_class)

    # ---- asking

    def tocsin(self, *arguments, expect=(0,), timeout=300):
        """Runs the command line; gives its standard output."""
        done = subprocess.run([os.path.join(BIN, "tocsin"), "--site", self.folder, *arguments], capture_output=True,
                              timeout=timeout, check=False)
        self.errors = done.stderr.decode(errors="replace")
        check(done.returncode in expect,
              f"tocsin {' '.join(arguments)} ended with {done.returncode}: {self.errors or done.stdout[-2000:]}")
        self.exit_status = done.returncode
        return done.stdout.decode("utf-8", "surrogateescape")

    def _objects(self, *arguments, **more):
        return [json.loads(line) for line in self.tocsin("--json", *arguments, **more).splitlines()]

    def query(self, expression="", *options):
        return self._objects("query", *([expression] if expression else []), *options)

    def count(self, expression="", *options):
        return int(self.tocsin("query", "--count", *([expression] if expression else []), *options))

    def states(self, event):
        """Events that agents or the collector report themselves: "agent_silent" and the like."""
        return self.query(f"tocsin.event:{event}")

    def alerts(self, title=None):
        """Alerts whose rule's title contains `title`."""
        return [alert for alert in self._objects("alerts") if title is None or title in alert["rule"]["title"]]

    def status(self):
        return self._objects("status")[0]

    def agent_status(self, name=None):
        name = name or self.agent.name
        return next((agent for agent in self.status()["agents"] if agent["name"] == name), None)

    def token(self, host, *options):
        return self.tocsin("join-token", host, *options).strip()

    def verify(self):
        """What `tocsin verify` finds, and its summary: ([finding], summary)."""
        objects = self._objects("verify", expect=(0, 1))
        summary = next(item for item in objects if item.get("kind") == "summary")
        findings = [item for item in objects if "kind" not in item and item["verdict"] != "UNATTESTED"]
        check((self.exit_status == 1) == bool(findings), f"verify ended with {self.exit_status} and found {findings}")
        return findings, summary

    # ---- what is often checked

    def lines(self, host=None, access_class="access"):
        """The stored raw lines of a class, in order."""
        options = ["--class", access_class] + (["--host", host] if host else [])
        return [event["event"]["original"] for event in self.query("", *options)]

    def wait_for_count(self, count, host=None, access_class="access", timeout=PATIENCE_S):
        options = ["--class", access_class] + (["--host", host] if host else [])
        wait_until(lambda: self.count("", *options) >= count, f"{count} events of class {access_class}", timeout, 0.2)

    def wait_for_lines(self, expected, host=None, access_class="access", timeout=PATIENCE_S):
        """Every line exactly once, however long they took up to `timeout`."""
        self.wait_for_count(len(expected), host, access_class, timeout)
        self.check_lines(expected, host, access_class)

    def check_lines(self, expected, host=None, access_class="access"):
        wrong = difference(expected, self.lines(host, access_class))
        check(not wrong, f"lines: {wrong}")

    def wait_for_signed(self, name=None, timeout=PATIENCE_S):
        """All that is stored of an agent is covered by verified signatures."""
        def signed():
            lanes = self.agent_status(name)["lanes"]
            return all(lane["stored"] == lane["attested"] for lane in lanes)
        wait_until(signed, "everything stored is signed", timeout, 0.2)

    def check_verified(self):
        """Signatures, chains and roots hold over the whole store."""
        findings, summary = self.verify()
        check(not findings, f"verify: {findings[:SHOWN]}")
        return summary


# ---- scenarios

_scenarios = []


def scenario(name, soak=False):
    """Marks a function of a folder; `soak`: only in the long tier."""
    def add(function):
        _scenarios.append((name, function, soak))
        return function
    return add


def _reason(error):
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:600]


def _say(line):
    print(line, flush=True)


def run():
    """Runs what `scenario` has marked, in order, and ends the program."""
    wanted = sys.argv[1:]
    failed = 0
    scratch = os.environ.get("TOCSIN_SCRATCH")
    # Short: a UNIX socket's path has 107 bytes at most.
    top = scratch or tempfile.mkdtemp(prefix="tocsin-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for number, (name, function, soak) in enumerate(_scenarios, 1):
        if wanted and not any(word in name for word in wanted):
            continue
        if soak and not SOAK:
            _say(f"skip {name} - only with --soak")
            continue
        folder = os.path.join(top, f"c{number}")
        os.makedirs(folder)
        begun = time.monotonic()
        try:
            function(folder)
            _say(f"ok {name}")
        except Skipped as reason:
            _say(f"skip {name} - {_reason(reason)}")
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            if not isinstance(error, Failure):
                print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            _say(f"not ok {name} - {_reason(error)}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
        print(f"# {time.monotonic() - begun:.1f} s: {name}", flush=True)
    if not scratch and not failed:
        shutil.rmtree(top, ignore_errors=True)
    sys.exit(1 if failed else 0)

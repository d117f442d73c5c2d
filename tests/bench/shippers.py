"""The shippers that tests/bench/run measures: each writes its settings and names its two processes.

A shipper has: name; prepare(); receiver and sender (workbench.Process); ready(); seen() and settled() while it runs;
received(), the lines that are there; chunks(), what they are. `place_log` puts the log where the sender looks for it.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request

from workbench import Process, SOURCE, Tail, file_chunks, free_port, library_folder, listening, peer_environment


class Shipper:
    def __init__(self, folder, core, certificates, root):
        self.folder, self.core, self.certificates, self.root = folder, core, certificates, root
        self.log = os.path.join(folder, "in.log")
        self.out = os.path.join(folder, "out.log")
        self.port = free_port()
        self.tail = Tail(self.out)
        os.makedirs(folder, exist_ok=True)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def certificate(self, name):
        return os.path.join(self.certificates, name)

    def place_log(self, log):
        os.link(log, self.log)

    def ready(self):
        return listening(self.port)

    def received(self):
        return self.tail.count()

    def seen(self):
        """How far it is, for whom a count that is cheap is enough."""
        return self.received()

    def settled(self, total):
        return self.received() >= total

    def chunks(self):
        return file_chunks(self.out)


class Rsyslog(Shipper):
    name = "rsyslog TLS"
    queue = ""
    state = ""

    def process(self, role, conf):
        modules = os.path.join(library_folder(self.root), "rsyslog")
        command = [os.path.join(self.root, "usr/sbin/rsyslogd"), "-n", "-f", conf, "-i", f"{self.folder}/{role}.pid",
                   "-M", modules]
        return Process(role, command, self.folder, self.core, peer_environment(self.root))

    def prepare(self):
        for role in ("sender", "receiver"):
            os.makedirs(os.path.join(self.folder, "work-" + role), exist_ok=True)
        self.receiver = self.process("receiver", self.write("receiver.conf", self.receiver_settings()))
        self.sender = self.process("sender", self.write("sender.conf", self.sender_settings()))

    def head(self, role):
        return f'''global(workDirectory="{self.folder}/work-{role}" maxMessageSize="64k" net.enableDNS="off"
    defaultNetstreamDriver="ossl" defaultNetstreamDriverCAFile="{self.certificate("ca.pem")}"
    defaultNetstreamDriverCertFile="{self.certificate(role + ".pem")}"
    defaultNetstreamDriverKeyFile="{self.certificate(role + ".key")}")
'''

    def input(self):
        return f'''module(load="imfile" mode="inotify")
input(type="imfile" file="{self.log}" tag="bench:" {self.state})
'''

    def output(self):
        return f'''template(name="line" type="string" string="%msg%\\n")
action(type="omfile" file="{self.out}" template="line")
'''

    def sender_settings(self):
        return self.head("sender") + self.input() + f'''
action(type="omfwd" target="127.0.0.1" port="{self.port}" protocol="tcp" streamDriver="ossl" streamDriverMode="1"
    streamDriverAuthMode="x509/name" streamDriverPermittedPeers="receiver" action.resumeRetryCount="-1"
    action.resumeInterval="1" {self.queue})
'''

    def receiver_settings(self):
        return self.head("receiver") + f'''module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1"
    streamDriver.authMode="x509/name" permittedPeer="sender")
input(type="imtcp" address="127.0.0.1" port="{self.port}")
''' + self.output()


class RsyslogDisk(Rsyslog):
    name = "rsyslog TLS, disk-assisted, state kept"
    queue = 'queue.type="LinkedList" queue.filename="forward" queue.saveOnShutdown="on" queue.maxDiskSpace="2g"'
    state = 'persistStateInterval="1000"'


class RsyslogRelp(Rsyslog):
    name = "rsyslog RELP (TLS), window 10,000"

    def tls(self, role, peer):
        return f'''tls="on" tls.caCert="{self.certificate("ca.pem")}" tls.myCert="{self.certificate(role + ".pem")}"
    tls.myPrivKey="{self.certificate(role + ".key")}" tls.authMode="name" tls.permittedPeer=["{peer}"]'''

    def sender_settings(self):
        return self.head("sender") + self.input() + f'''
module(load="omrelp" tls.tlslib="openssl")
action(type="omrelp" target="127.0.0.1" port="{self.port}" windowSize="10000" {self.tls("sender", "receiver")}
    action.resumeRetryCount="-1" action.resumeInterval="1")
'''

    def receiver_settings(self):
        return self.head("receiver") + f'''module(load="imrelp" tls.tlslib="openssl")
input(type="imrelp" address="127.0.0.1" port="{self.port}" {self.tls("receiver", "sender")})
''' + self.output()


class SyslogNg(Shipper):
    name = "syslog-ng TLS"
    buffer = ""

    def process(self, role, conf):
        command = [os.path.join(self.root, "usr/sbin/syslog-ng"), "-F", "--no-caps", "-f", conf,
                   "--module-path", os.path.join(self.root, "usr/lib/syslog-ng/3.38"),
                   "--persist-file", f"{self.folder}/{role}.persist", "--pidfile", f"{self.folder}/{role}.pid",
                   "--control", f"{self.folder}/{role}.ctl"]
        return Process(role, command, self.folder, self.core, peer_environment(self.root))

    def tls(self, role):
        return f'''tls(ca-file("{self.certificate("ca.pem")}") cert-file("{self.certificate(role + ".pem")}")
        key-file("{self.certificate(role + ".key")}") peer-verify(required-trusted) ssl-version("tlsv1_3"))'''

    def prepare(self):
        head = "@version: 3.38\noptions { stats-freq(0); use-dns(no); dns-cache(no); };\n"
        self.receiver = self.process("receiver", self.write("receiver.conf", head + f'''
source s {{ network(ip("127.0.0.1") port({self.port}) transport("tls") flags(no-parse) max-connections(10)
    log-iw-size(10000) {self.tls("receiver").replace('ssl-version("tlsv1_3")', "")}); }};
destination d {{ file("{self.out}" template("$MSG\\n")); }};
log {{ source(s); destination(d); flags(flow-control); }};
'''))
        self.sender = self.process("sender", self.write("sender.conf", head + f'''
source s {{ file("{self.log}" follow-freq(1) flags(no-parse) read-old-records(yes)); }};
destination d {{ network("127.0.0.1" port({self.port}) transport("tls") template("$MSG\\n") time-reopen(1)
    {self.buffer} {self.tls("sender").replace('ssl-version("tlsv1_3")', "")}); }};
log {{ source(s); destination(d); flags(flow-control); }};
'''))


class SyslogNgReliable(SyslogNg):
    name = "syslog-ng TLS, reliable disk buffer"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.buffer = f'''disk-buffer(reliable(yes) disk-buf-size(1073741824) mem-buf-size(16777216)
        dir("{self.folder}"))'''


class Tocsin(Shipper):
    name = "Tocsin"

    def program(self, name):
        path = os.path.join(os.environ.get("TOCSIN_BIN", os.path.join(SOURCE, "build/release/bin")), name)
        if not os.path.exists(path):
            sys.exit(f"{path} is not there: `cmake --workflow --preset release` builds it, or TOCSIN_BIN names another folder")
        return path

    def prepare(self):
        self.site = os.path.join(self.folder, "site")
        self.quiet([self.program("tocsin"), "init", self.site, "--listen", f"127.0.0.1:{self.port}"])
        self.metrics = {"collector": free_port(), "agent": free_port()}
        self.forget_sources()
        self.settings = {
            "collector": {"metrics": f"127.0.0.1:{self.metrics['collector']}"},
            "agent": {"metrics": f"127.0.0.1:{self.metrics['agent']}", "sources": [{"file": self.log, "class": "access"}]},
        }
        self.write_settings()
        self.make_processes()

    def make_processes(self):
        self.receiver = Process("receiver", [self.program("tocsin-collector"), "--site", self.site], self.folder, self.core)
        self.sender = Process("sender", [self.program("tocsin-agent"), "--site", self.site], self.folder, self.core)

    def take_up(self):
        """A site that an earlier run left."""
        self.site = os.path.join(self.folder, "site")
        with open(os.path.join(self.site, "collector.d/bench.yaml"), encoding="utf-8") as file:
            self.metrics = {"collector": int(json.load(file)["metrics"].rpartition(":")[2])}
        with open(os.path.join(self.site, "collector.yaml"), encoding="utf-8") as file:
            self.port = int(re.search(r"^listen:.*:(\d+)", file.read(), re.MULTILINE)[1])
        self.make_processes()

    def write_settings(self):
        """JSON is YAML."""
        for daemon, settings in self.settings.items():
            self.write(f"site/{daemon}.d/bench.yaml", json.dumps(settings) + "\n")

    def forget_sources(self):
        """What else this machine writes has no place in the count."""
        path = os.path.join(self.site, "agent.yaml")
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
        kept, skipping = [], False
        for line in lines:
            if line.startswith("sources:"):
                skipping = True
            elif skipping and line[:1] not in (" ", "-", "#", ""):
                skipping = False
            if not skipping:
                kept.append(line)
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(kept) + "\n")

    @staticmethod
    def quiet(command):
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip() or result.stdout.strip()}")
        return result.stdout

    def query(self, *words):
        return [self.program("tocsin"), "query", "--site", self.site, "--class", "access", *words]

    def metric(self, daemon, name):
        """The sum of a metric over its labels; None while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics[daemon]}/metrics", timeout=5) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return None
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def seen(self):
        """Lines that the rules have seen since the collector's start: cheap to ask, which a search is not."""
        count = self.metric("collector", "tocsin_detected_events_total")
        return int(count or 0)

    def settled(self, total):
        """Whether all of it is through: sent, stored, and seen by the rules."""
        return (self.seen() >= total and self.metric("agent", "tocsin_agent_unsent_events") == 0
                and self.metric("collector", "tocsin_detection_behind_rows") == 0)

    def received(self):
        result = subprocess.run(self.query("--count"), capture_output=True, text=True)
        return int(result.stdout) if result.returncode == 0 and result.stdout.strip().isdigit() else 0

    def chunks(self):
        """The raw lines, each once: fields that were read out of a line repeat parts of it."""
        with subprocess.Popen(self.query("--json", "--limit", "0"), stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL) as query:
            while rows := query.stdout.readlines(1 << 22):
                yield "\n".join(original(json.loads(row)) for row in rows).encode()


def original(row):
    """A line with a field of its own called "event" leaves no room for ECS's nested one: then the name is dotted."""
    return row["event.original"] if "event.original" in row else row["event"]["original"]


class TocsinSlowDisk(Tocsin):
    """On a disk whose every sync takes 5 ms longer, as most do."""

    name = "Tocsin, each sync 5 ms longer"

    def prepare(self):
        super().prepare()
        library = os.path.join(self.folder, "slow_sync.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", library, os.path.join(SOURCE, "tests/bench/slow_sync.c"),
                        "-ldl"], check=True)
        for process in (self.receiver, self.sender):
            process.environment.update(LD_PRELOAD=library, SLOW_SYNC_MS="5")


ALL = (Tocsin, TocsinSlowDisk, Rsyslog, RsyslogDisk, RsyslogRelp, SyslogNg, SyslogNgReliable)

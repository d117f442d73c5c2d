#!/usr/bin/python3
"""Clocks, mail servers, ports, plugins and queues, each as it should be and as it should not.

tocsin-test: timeout=300
"""

import json
import os
import pwd
import shutil
import subprocess
import time

from tocsin_peers import TalkPeer, TimePeer, ntp
from tocsin_site import BIN, PATIENCE_S, Skipped, check, free_port, run, scenario, wait_until

PLUGINS = "/usr/lib/nagios/plugins"
ROOT = os.geteuid() == 0
USER = "nobody" if ROOT else pwd.getpwuid(os.geteuid()).pw_name


def probe(kind, *words, expect=None, timeout="3s", exit_codes=(0, 1)):
    """The report; `expect` are the names of the checks that have to fail."""
    done = subprocess.run([os.path.join(BIN, "tocsin"), "probe", kind, *words, "--json", "--timeout", timeout],
                          capture_output=True, text=True, timeout=PATIENCE_S + 30, check=False)
    check(done.returncode in exit_codes, f"ended with {done.returncode}: {done.stderr}{done.stdout[-400:]}")
    if done.returncode > 1:
        return done.stderr
    report = json.loads(done.stdout)
    fired = sorted({row["name"] for part in report["parts"] for row in part["checks"] if row["state"] in ("warn", "critical")})
    if expect is not None:
        check(fired == sorted(expect), f"{words}: {fired} fired, {expect} was due: {seen(report, fired[0]) if fired else ''}")
    return report


def seen(report, name):
    return next((row["seen"] for part in report["parts"] for row in part["checks"] if row["name"] == name), "")


# --- clocks

@scenario("each way in which a time server can be wrong is found by its check")
def _(_folder):
    cases = [(ntp(), ()), (ntp(ahead=0.5), ()), (ntp(ahead=3), ("ntp.offset",)), (ntp(ahead=-3), ("ntp.offset",)),
             (ntp(ahead=20), ("ntp.offset", "ntp.offset-most")), (ntp(ahead=-86400 * 4000), ("ntp.offset", "ntp.offset-most")),
             (ntp(stratum=16), ("ntp.stratum",)), (ntp(stratum=0, kiss=b"DENY"), ("ntp.stratum",)), (ntp(leap=3), ("ntp.leap",)),
             (ntp(dispersion=2), ("ntp.root-distance",)),
             (lambda packet: ntp()(packet)[:40] + bytes(8), ("ntp.times",)),
             (lambda packet: None, ("reach.time",)),
             (lambda packet: packet, ("reach.time",)),  # mode 3: its own question back
             (ntp(origin=bytes(8)), ("reach.time",)),  # nobody's answer
             (lambda packet: [b"", b"x" * 48, ntp(origin=bytes(8), ahead=99)(packet), ntp()(packet)], ())]
    with TimePeer(None) as peer:
        for answer, due in cases:
            peer.answer = answer
            probe("ntp", str(peer), expect=due, timeout="600ms")
        peer.answer = ntp(ahead=3)
        report = probe("ntp", str(peer), "--set", "ntp.offset-critical=2s", expect=("ntp.offset", "ntp.offset-most"))
        ahead = seen(report, "ntp.offset")
        check(abs(float(ahead.split()[0]) - 3) < 1 and " s ahead of " in ahead, ahead)
        peer.came.clear()
        lost = []
        peer.answer = lambda packet: ntp()(packet) if len(peer.came) > 2 else lost.append(packet)
        probe("ntp", str(peer), expect=())
        check(len(set(lost)) == 2, "two were lost, and each try has another cookie")
    probe("ntp", str(peer), expect=("reach.answer",))


@scenario("a real time server is judged by what it says of itself")
def _(folder):
    chronyd = shutil.which("chronyd", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if not chronyd or not ROOT:
        raise Skipped("chrony is not installed (and no dependency: it takes over the clock), or this is not root")
    port = free_port()
    for line, due in (("local stratum 8", ()), ("", ("ntp.leap", "ntp.stratum", "ntp.root-distance"))):
        config = os.path.join(folder, "chrony.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"port {port}\nallow all\nbindaddress 127.0.0.1\ncmdport 0\npidfile {folder}/chrony.pid\n"
                       f"bindcmdaddress /\n{line}\n")
        process = subprocess.Popen([chronyd, "-x", "-d", "-u", "root", "-f", config], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        try:
            def fired():
                report = probe("ntp", f"127.0.0.1:{port}", timeout="500ms")
                return {row["name"] for row in report["parts"][0]["checks"] if row["state"] in ("warn", "critical")}
            wait_until(lambda: not any(name.startswith("reach.") for name in fired()), "chronyd answers", every=0.2)
            if due:
                check(fired() & set(due), f"not synchronized: {fired()}")
            else:
                wait_until(lambda: not fired(), f"chronyd is its own reference: {fired()}", every=0.2)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


# --- mail servers

EHLO = b"250-mx.example.org\r\n250-PIPELINING\r\n250 STARTTLS\r\n"


@scenario("each way in which a mail server can be wrong is found by its check")
def _(_folder):
    bye = [None, b"221 bye\r\n"]
    cases = [([b"220 mx ESMTP\r\n", None, EHLO, *bye], ()),
             ([b"220-mx\r\n", 0.1, b"220 ES", 0.1, b"MTP\r\n", None, EHLO, *bye], ()),
             ([b"554 no\r\n", *bye], ("smtp.banner",)),
             ([b"220 mx\r\n", None, b"250 mx\r\n", *bye], ("smtp.starttls",)),
             ([b"220 mx\r\n", None, b"502 what?\r\n", *bye], ("smtp.ehlo",)),
             ([b"220 mx\r\n", None, EHLO, None, b"500 what?\r\n"], ("smtp.quit",)),
             ([b"220 mx\r\n", None, EHLO, None], ("smtp.quit",)),
             ([b"220 mx\r\n", None, EHLO, None, "stay"], ("smtp.quit", "reach.time")),
             ([b"SSH-2.0-OpenSSH_9.2\r\n", "stay"], ("smtp.reply",)),
             ([b"220 " + b"a" * 600 + b"\r\n", "stay"], ("smtp.reply",)),
             ([b"220-a\r\n" * 20000, "stay"], ("smtp.reply",)),
             ([], ("reach.answer",)), ([b"220 mx"], ("reach.answer",)), ([b"220 mx\r\n", None], ("reach.answer",)),
             (["stay"], ("reach.time",)), ([b"2", 0.4, b"2", 0.4, b"0", "stay"], ("reach.time",))]
    with TalkPeer([]) as peer:
        for script, due in cases:
            peer.script = script
            probe("smtp", str(peer), "--starttls", "true", expect=due, timeout="800ms")
        peer.script = [b"220 mx\r\n", None, b"250 mx\r\n", *bye]
        probe("smtp", str(peer), expect=())
        check(peer.came[-2].startswith(b"EHLO ") and peer.came[-1] == b"QUIT\r\n", f"{peer.came[-2:]}")
    probe("smtp", str(peer), expect=("reach.connect",))


@scenario("a real mail server is good, and gets no mail")
def _(_folder):
    port = free_port()
    server = subprocess.Popen(["/usr/bin/python3", "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        wait_until(lambda: server.poll() is not None or probe("smtp", f"127.0.0.1:{port}")["state"] == "ok", "it listens", every=0.2)
        if server.poll() is not None:
            raise Skipped("python3-aiosmtpd is not installed")
        probe("smtp", f"127.0.0.1:{port}", expect=())
        probe("smtp", f"127.0.0.1:{port}", "--starttls", "true", expect=("smtp.starttls",))
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE_S)
    check("---- MESSAGE" not in server.stdout.read(), "no mail came")


# --- ports

@scenario("a port is connected to, and has to say what is expected")
def _(_folder):
    with TalkPeer([None, b"+PO", 0.1, b"NG\r\n", "stay"]) as peer:
        ping = ("--send", "PING\\r\\n", "--expect", "+PONG\\r\\n")
        report = probe("tcp", str(peer), expect=())
        check([row["name"] for row in report["parts"][0]["checks"] if row["name"].startswith("reach")][0] == "reach.connect", "")
        report = probe("tcp", str(peer), *ping, expect=())
        check(b"PING\r\n" in peer.came and report["parts"][0]["phases_ms"]["first"] > 0, f"{peer.came}")
        for script, due in (([None, b"-ERR\r\n"], ("tcp.expect",)), ([None, b"-ERR\r\n", "stay"], ("tcp.expect", "reach.time")),
                            ([b"x" * 100000, "stay"], ("tcp.expect",)), ([None], ("reach.answer",)), (["stay"], ("reach.time",))):
            peer.script = script
            probe("tcp", str(peer), *ping, expect=due, timeout="1s")
        check("backslash" in probe("tcp", str(peer), "--expect", "a\\q", exit_codes=(2,)), "")
    check("needs a port" in probe("tcp", "127.0.0.1", exit_codes=(2,)), "")


# --- plugins

def script(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)
    return path


def open_to_all(folder):
    """Another user has to get in."""
    while folder != "/" and os.stat(folder).st_uid == os.geteuid():
        os.chmod(folder, os.stat(folder).st_mode | 0o055)
        folder = os.path.dirname(folder)
        if folder == "/tmp":
            break


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return ") Z " not in file.read()
    except FileNotFoundError:
        return False


@scenario("a plugin's status, line and numbers are its answer")
def _(folder):
    open_to_all(folder)
    for text, due in (("echo 'OK - fine | time=0.2s;1;2;0'", ()), ("echo 'WARNING - hm'; exit 1", ("command.warning",)),
                      ("echo 'CRITICAL - no'; exit 2", ("command.critical",)), ("echo 'UNKNOWN - ?'; exit 3", ("command.unknown",)),
                      ("echo 'OK | time=3s;1;2'", ("command.ranges",)), ("echo 'OK | time='", ("command.performance",)),
                      ("exit 0", ("command.output",)), ("echo why >&2; exit 2", ("command.critical", "command.output")),
                      ("kill -SEGV $$", ("command.end",))):
        report = probe("command", script(folder, "plugin", text), "--user", USER, expect=due)
    report = probe("command", script(folder, "plugin", "echo why >&2; exit 2"), "--user", USER)
    check("why" in seen(report, "command.critical"), seen(report, "command.critical"))


@scenario("a plugin that hangs, forks or floods is ended with all that it started")
def _(folder):
    open_to_all(folder)
    pids = os.path.join(folder, "pids")
    for name, text, due in (("hangs", "trap '' TERM; sleep 1000 & echo $! >> pids; wait", ("command.end",)),
                            ("forks", "for i in 1 2 3 4 5; do sleep 1000 & echo $! >> pids; done; echo OK", ()),
                            ("floods", "sleep 1000 & echo $! >> pids; yes", ("command.end",)),
                            ("whispers", "sleep 1000 & echo $! >> pids; yes >&2", ("command.end",))):
        with open(pids, "w", encoding="utf-8"):
            os.chmod(pids, 0o666)
        plugin = script(folder, name, text.replace(">> pids", f">> {pids}"))
        report = probe("command", plugin, "--user", USER, timeout="1s", expect=due if name != "hangs" else None)
        if name == "hangs":
            check("killed" in seen(report, "command.end"), f"{report}")
        with open(pids, encoding="utf-8") as file:
            started = file.read().split()
        check(started, "it started what was to be ended")
        wait_until(lambda: not any(alive(pid) for pid in started), f"{name}: what it started is gone")


@scenario("a plugin gets nothing but what it needs, and is nobody but its user")
def _(folder):
    open_to_all(folder)
    if not ROOT:
        raise Skipped("only root can run a program as another user")
    os.environ["TOCSIN_TEST_SECRET"] = "x"
    plugin = script(folder, "who", "echo \"$(id -un) $(id -Gn) $(env | sort | tr '\\n' ' ')\"")
    report = probe("command", plugin, "--user", "nobody", "--environment", "MORE=1")
    line = seen(report, "command.output")
    check(line.startswith("nobody nogroup HOME=") and "SECRET" not in line and "MORE=1" in line, line)
    check("name whom the command runs as" in probe("command", plugin, exit_codes=(2, 3)), "")
    check("no user" in probe("command", plugin, "--user", "no-such-user", exit_codes=(2, 3)), "")
    report = probe("command", os.path.join(folder, "absent"), "--user", "nobody", expect=("command.start",))
    check("No such file" in seen(report, "command.start"), seen(report, "command.start"))
    plain = script(folder, "plain", "echo OK")
    os.chmod(plain, 0o644)
    report = probe("command", plain, "--user", "nobody", expect=("command.start",))
    check("Permission denied" in seen(report, "command.start"), seen(report, "command.start"))


@scenario("real plugins are run by their bare names")
def _(_folder):
    if not os.path.exists(os.path.join(PLUGINS, "check_dummy")):
        raise Skipped("monitoring-plugins-basic is not installed")
    for status, due in ((0, ()), (1, ("command.warning",)), (2, ("command.critical",)), (3, ("command.unknown",))):
        probe("command", "--command", "check_dummy", "--command", str(status), "--command", "from here", "--user", USER, expect=due)
    report = probe("command", "--command", "check_procs", "--command", "-w", "--command", "100000", "--user", USER, expect=())
    check("values" in seen(report, "command.performance"), seen(report, "command.performance"))


# --- queues

@scenario("a queue warns long before its bound, and a folder that cannot be read is no empty queue")
def _(folder):
    queue = os.path.join(folder, "queue")
    os.mkdir(queue)
    target = os.path.join(queue, "*.csr")
    words = (target, "--age-most", "1h", "--count-most", "8")
    probe("queue", *words, expect=())
    for name in ("old.txt", ".old.csr"):
        with open(os.path.join(queue, name), "w", encoding="utf-8"):
            os.utime(os.path.join(queue, name), (0, 0))
    os.mkdir(os.path.join(queue, "folder.csr"))
    os.symlink("/nowhere", os.path.join(queue, "link.csr"))
    probe("queue", *words, expect=())  # none of these is the queue's
    oldest = os.path.join(queue, "a.csr")
    with open(oldest, "w", encoding="utf-8"):
        pass
    for minutes, due in ((0, ()), (-60, ()), (31, ("queue.age-rising",)), (46, ("queue.age-rising", "queue.age-high")),
                         (61, ("queue.age-rising", "queue.age-high", "queue.age"))):
        os.utime(oldest, (time.time() - 60 * minutes,) * 2)
        report = probe("queue", *words, expect=due)
    check("a.csr, the oldest of 1" in seen(report, "queue.age"), seen(report, "queue.age"))
    os.utime(oldest)
    for i in range(7):
        with open(os.path.join(queue, f"{i}.csr"), "w", encoding="utf-8"):
            pass
    probe("queue", *words, expect=("queue.count", "queue.count-rising", "queue.count-high"))
    report = probe("queue", os.path.join(folder, "absent"), "--age-most", "1h", expect=("queue.read",))
    check("No such file" in seen(report, "queue.read"), seen(report, "queue.read"))
    for bad, says in (((target,), "age_most"), (("relative/*", "--age-most", "1h"), "name a folder"),
                      ((os.path.join(folder, "*", "x"), "--age-most", "1h"), "only the last part"), ((), "age_most")):
        check(says in probe("queue", *bad, exit_codes=(2, 3)), f"{bad}")


@scenario("a queue's number is what a command prints")
def _(folder):
    open_to_all(folder)
    for text, due in (("echo ' 3'", ()), ("echo 5", ("queue.number-rising",)), ("echo 10", ("queue.number", "queue.number-high", "queue.number-rising")),
                      ("echo many", ("queue.read",)), ("echo 3; exit 1", ("queue.read",)), (":", ("queue.read",)),
                      ("yes 1", ("command.end",))):
        probe("queue", "--command", script(folder, "count", text), "--number-most", "10", "--user", USER, expect=due)
    check("number_most" in probe("queue", "--command", "true", "--user", USER, exit_codes=(2, 3)), "")


run()

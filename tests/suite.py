"""Runs the test programs of a build and the scenario tests, and counts every single case.

A test program says what it did in lines on its standard output:

    ok NAME          not ok NAME - reason          skip NAME - reason

(cmocka's TAP counts as well.) One that prints no such line is one case of its own, decided by its exit status; one that
fails without saying which case did so counts as a failed case.

Scenario tests are the executable files in tests/scenario. They run with
    TOCSIN_BIN      the folder of the built programs        TOCSIN_SOURCE   the source tree
    TOCSIN_SCRATCH  an empty folder of their own            TOCSIN_SOAK     1 for the long tier, otherwise 0
and may ask for something in a comment near their top: "tocsin-test: alone" (nothing beside it, because it measures
time), "soak" (only in the long tier), "timeout=SECONDS" (default 600). A process that one leaves behind is killed and
is a failure.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TAIL_LINES = 40
UNIT_TIMEOUT_S = 300
SCENARIO_TIMEOUT_S = 600
SOAK_TIMEOUT_S = 4 * 3600
SHOWN_FAILURES = 50

SKIPPED = re.compile(r"^(?:not ok|ok) \d+ #\s*SKIP\s*(?P<name>.*)$|^skip (?P<plain>.*)$", re.IGNORECASE)
FAILED = re.compile(r"^not ok (?:\d+ - |\d+ )?(?P<name>.*)$")
PASSED = re.compile(r"^ok (?:\d+ - |\d+ )?(?P<name>.*)$")


class Program:
    """What one test program printed, and what became of it."""

    def __init__(self, name):
        self.name = name
        self.lines = []
        self.passed, self.failed, self.skipped = [], [], []

    def take(self, line):
        self.lines.append(line)
        if match := SKIPPED.match(line):
            self.skipped.append(match["name"] or match["plain"])
        elif match := FAILED.match(line):
            self.failed.append(match["name"])
        elif match := PASSED.match(line):
            self.passed.append(match["name"])

    def finish(self, good, how):
        if good and not (self.passed or self.failed or self.skipped):
            self.passed.append(self.name)
        if not good and not self.failed:
            self.failed.append(f"{self.name} - {how}")


class Report:
    """Prints progress, and the sum at the end. Called from several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.programs = []

    def add(self, program, seconds, place):
        with self.lock:
            self.programs.append(program)
            counts = [f"{len(program.passed)} passed"]
            if program.failed:
                counts.append(f"{len(program.failed)} FAILED")
            if program.skipped:
                counts.append(f"{len(program.skipped)} skipped")
            print(f"{place:>9}  {program.name}: {', '.join(counts)} ({seconds:.1f} s)", flush=True)
            for name in program.skipped:
                print(f"           skipped: {name}")
            if program.failed:
                for line in program.lines[-TAIL_LINES:]:
                    print(f"           | {line}")
                for name in program.failed:
                    print(f"           not ok {name}", flush=True)

    def sum(self):
        passed, failed, skipped = (
            sum(len(getattr(program, kind)) for program in self.programs) for kind in ("passed", "failed", "skipped")
        )
        if failed:
            print("\nFailed:")
            shown = [(p.name, name) for p in self.programs for name in p.failed][:SHOWN_FAILURES]
            for program, name in shown:
                print(f"  {program}: {name}")
        print(f"{passed} passed, {failed} failed, {skipped} skipped", flush=True)
        return 1 if failed or not passed else 0


OUTPUT = re.compile(r"^(\d+): (?!Test command:|Working Directory:|Environment variables:|Test timeout)(.*)$")
STARTED = re.compile(r"^\s+Start\s+(\d+): (\S+)")
ENDED = re.compile(r"^\s*(\d+/\d+) Test\s+#(\d+): (\S+) \.*\s*(.*?)\s+([\d.]+) sec")


def run_units(arguments, report):
    """ctest says what runs and when it is done; its output is told apart by the test's number."""
    command = ["ctest", "-V", "--no-tests=ignore", "-j", str(arguments.jobs), "--timeout",
               str(SOAK_TIMEOUT_S if arguments.soak else UNIT_TIMEOUT_S)]
    if arguments.only:
        command += ["-R", re.escape(arguments.only)]
    environment = dict(os.environ, **settings(arguments), CMOCKA_MESSAGE_OUTPUT="TAP")
    ctest = subprocess.Popen(command, cwd=arguments.build, env=environment, text=True, errors="replace",
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    programs = {}
    with open(os.path.join(arguments.build, "tests-run.log"), "w", encoding="utf-8") as log:
        for line in ctest.stdout:
            log.write(line)
            line = line.rstrip("\n")
            if match := STARTED.match(line):
                programs[match[1]] = Program(match[2])
            elif (match := OUTPUT.match(line)) and match[1] in programs:
                programs[match[1]].take(match[2])
            elif (match := ENDED.match(line)) and match[2] in programs:
                program = programs.pop(match[2])
                program.finish(match[4] == "Passed", match[4].strip("* "))
                report.add(program, float(match[5]), match[1])
    ctest.wait()
    for program in programs.values():
        program.finish(False, "ctest ended before it did")
        report.add(program, 0, "?")


def settings(arguments):
    return {
        "TOCSIN_BIN": os.path.join(arguments.build, "bin"),
        "TOCSIN_SOURCE": arguments.source,
        "TOCSIN_SOAK": "1" if arguments.soak else "0",
        "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "detect_leaks=1:strict_string_checks=1"),
        "UBSAN_OPTIONS": os.environ.get("UBSAN_OPTIONS", "print_stacktrace=1"),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Debian's modules (aiosmtpd, cryptography) belong to Debian's Python.
        "PATH": "/usr/bin:" + os.environ.get("PATH", "/bin:/usr/sbin:/sbin"),
    }


class Scenario:
    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, errors="replace") as file:
            head = "".join(file.readline() for _ in range(40))
        wishes = " ".join(re.findall(r"tocsin-test: (.*)", head)).split()
        self.alone = "alone" in wishes
        self.soak = "soak" in wishes
        self.timeout = next((int(word[8:]) for word in wishes if word.startswith("timeout=")), SCENARIO_TIMEOUT_S)


def processes_with(mark):
    """The processes whose environment holds the mark: a daemon that left its parent and its group keeps that."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                if mark in file.read().split(b"\0"):
                    found.append(int(pid))
        except OSError:
            continue
    return found


def kill_left_behind(scratch):
    mark = b"TOCSIN_SCRATCH=" + os.fsencode(scratch)
    left = processes_with(mark)
    for _ in range(10):
        pids = processes_with(mark)
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    return left


def run_scenario(arguments, report, scenario, place):
    program = Program("scenario/" + scenario.name)
    begun = time.monotonic()
    if scenario.soak and not arguments.soak:
        program.take(f"skip {scenario.name} - only with --soak")
        report.add(program, 0, place)
        return
    scratch = tempfile.mkdtemp(prefix=f"tocsin-{scenario.name}-")
    environment = dict(os.environ, **settings(arguments), TOCSIN_SCRATCH=scratch)
    timeout = SOAK_TIMEOUT_S if arguments.soak else scenario.timeout
    timed_out = threading.Event()
    process = subprocess.Popen([scenario.path], cwd=scratch, env=environment, text=True, errors="replace",
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def stop():
        timed_out.set()
        kill_left_behind(scratch)

    timer = threading.Timer(timeout, stop)
    timer.start()
    # The program's own end counts, not that of the pipe, which a daemon left behind may hold open.
    reader = threading.Thread(target=lambda: [program.take(line.rstrip("\n")) for line in process.stdout], daemon=True)
    reader.start()
    status = process.wait()
    timer.cancel()
    left = [] if timed_out.is_set() else kill_left_behind(scratch)
    reader.join(timeout=10)
    if timed_out.is_set():
        program.failed.append(f"{program.name} - not done after {timeout} s")
    elif left:
        program.failed.append(f"{program.name} - left {len(left)} processes behind")
    program.finish(status == 0, f"exit status {status}")
    if program.failed and arguments.keep:
        print(f"           kept: {scratch}")
    else:
        shutil.rmtree(scratch, ignore_errors=True)
    report.add(program, time.monotonic() - begun, place)


def is_script(path):
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def run_scenarios(arguments, report):
    folder = os.path.join(arguments.source, "tests", "scenario")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = [os.path.join(folder, name) for name in names if not name.startswith((".", "_"))]
    forgotten = [path for path in paths if is_script(path) and not os.access(path, os.X_OK)]
    if forgotten:
        sys.exit(f"tests/run: not run, since nobody may execute it: chmod +x {' '.join(forgotten)}")
    scenarios = [Scenario(path) for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)]
    scenarios = [scenario for scenario in scenarios if arguments.only in "scenario/" + scenario.name]
    together = [scenario for scenario in scenarios if not scenario.alone]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for done in [pool.submit(run_scenario, arguments, report, scenario, f"{index}/{len(scenarios)}")
                     for index, scenario in enumerate(together, 1)]:
            done.result()
    for index, scenario in enumerate((scenario for scenario in scenarios if scenario.alone), len(together) + 1):
        run_scenario(arguments, report, scenario, f"{index}/{len(scenarios)}")


def main():
    parser = argparse.ArgumentParser(prog="tests/run")
    parser.add_argument("--build", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", metavar="NAME", help="only tests whose name contains NAME")
    parser.add_argument("--soak", action="store_true", help="the long tier as well")
    parser.add_argument("--keep", action="store_true", help="keep the folders of failed scenario tests")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4), help="so many at a time")
    arguments = parser.parse_args()
    arguments.build = os.path.abspath(arguments.build)
    arguments.source = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    report = Report()
    run_units(arguments, report)
    run_scenarios(arguments, report)
    return report.sum()


if __name__ == "__main__":
    sys.exit(main())

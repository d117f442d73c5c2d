#!/usr/bin/python3
"""`tocsin rules check` and `tocsin rules test` over a folder of one's own."""

import json
import os
import subprocess

from tocsin_site import BIN, check, run, scenario

GOOD = """title: {title}
logsource: {{product: linux, service: sshd}}
detection:
  selection: {{message|contains: {text}}}
  condition: selection
"""


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def rules(*words, expect):
    done = subprocess.run([os.path.join(BIN, "tocsin"), "rules", *words], capture_output=True, text=True, check=False)
    check(done.returncode == expect, f"{words}: exit {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def check_json(*words, expect):
    return [json.loads(line) for line in rules("check", "--json", *words, expect=expect).splitlines()]


@scenario("every document is told: what loads, what does not and why, what is needless or can never match")
def _(folder):
    write(folder, "a.yml", GOOD.format(title="Wide", text="Accepted"))
    write(folder, "b/narrow.yaml", GOOD.format(title="Narrow", text="Accepted password"))
    write(folder, "b/bad.yml", GOOD.format(title="Bad", text="x").replace("contains", "contians"))
    write(folder, "c.yml", GOOD.format(title="Elsewhere", text="y").replace("linux", "windows"))
    write(folder, "d.yml", "vars: {Servers: [a]}\n---\n" + GOOD.format(title="Waits", text="z").replace(
        "message|contains: z", "host.name|expand: '%Servers%'"))
    write(folder, "notes.txt", "no rule")
    lines = {line["title"] or line["kind"]: line for line in check_json(folder, expect=1)}
    check(set(lines) == {"Wide", "Narrow", "Bad", "Elsewhere", "Waits", "placeholders"}, f"told: {sorted(lines)}")
    for line in lines.values():
        check({"file", "id", "loaded", "reason", "line", "column", "kind", "title"} <= set(line), f"members: {line}")
        check(line["loaded"] == (line["title"] != "Bad"), f"{line}")
    bad = lines["Bad"]
    check(bad["reason"] == "unknown modifier 'contians'" and (bad["line"], bad["column"]) == (4, 15), f"{bad}")
    check(bad["file"].endswith("b/bad.yml") and bad["hint"], f"{bad}")
    check(lines["Narrow"]["covered_by"] == lines["Wide"]["id"] or lines["Narrow"]["covered_by"].endswith("a.yml#1"),
          f"{lines['Narrow']}")
    check("covered_by" not in lines["Wide"], f"{lines['Wide']}")
    check(not lines["Elsewhere"]["can_match"] and lines["Wide"]["can_match"], "who can match")
    text = rules("check", folder, expect=1)
    for words in ("refused", "bad.yml:4:15: unknown modifier 'contians'", "4 rules load, 1 are refused",
                  "1 of them can never match here", "windows sshd", "matched by 'Wide'"):
        check(words in text, f"not told: {words}: {text}")
    check("Waits" in rules("list", folder, expect=1), "list names those in order")
    os.remove(os.path.join(folder, "b/bad.yml"))
    check_json(folder, expect=0)


@scenario("samples are run: what is not said, what is too much, and who never speaks")
def _(folder):
    write(folder, "a.yml", GOOD.format(title="Login", text="Accepted"))
    line = "Nov 21 18:44:00 alpha sshd[1]: Accepted password for root from 192.0.2.7 port 1 ssh2"
    good = f"- matches: [Login]\n  lines: ['{line}']\n- matches: []\n  lines: ['{line.replace('Accepted', 'Failed')}']\n"
    check("no sample makes it speak" in rules("test", folder, expect=1), "untried")
    write(folder, "a.samples", good)
    check("2 samples are right, 0 are wrong; 1 rules, 0 of them untried" in rules("test", folder, expect=0), "good")
    rules("test", os.path.join(folder, "a.yml"), expect=0)
    write(folder, "a.samples", good.replace("matches: []", "matches: [Other]").replace("[Login]", "[]"))
    text = rules("test", folder, expect=1)
    check("a.samples:1\n         too much: Login" in text and "a.samples:3\n         not said: Other" in text, text)
    told = [json.loads(line) for line in rules("test", "--json", folder, expect=1).splitlines()]
    check([line["good"] for line in told] == [False, False], f"{told}")
    check(told[0]["beyond"] == ["Login"] and told[1]["missing"] == ["Other"], f"{told}")
    write(folder, "a.samples", "- matches: [Login]\n  lines: ['{\"tocsin\": {\"product\": \"linux\", \"service\": \"sshd\"}, "
                               "\"message\": \"x Accepted\"}']\n  format: jsonl\n")
    rules("test", folder, expect=0)
    for text, words in (("- a", "a.samples:1:3: a sample is a map"), ("a: 1", "a.samples:1:1: a file of samples is a list"),
                        ("- {matches: [], lines: [a], kind: sate}", "a.samples:1: kind is line, state or gap")):
        write(folder, "a.samples", text)
        check(words in rules("test", folder, expect=2), f"not told: {words}")


@scenario("what cannot be done is told with its reason")
def _(folder):
    rules("check", os.path.join(folder, "gone"), expect=3)
    rules("chck", expect=2)
    rules(expect=2)
    check("there is no rule in this file" in rules("check", write(folder, "empty.yml", "# nothing\n"), expect=1), "empty")
    rules("check", expect=0)
    rules("test", expect=0)


run()

#!/usr/bin/python3
"""The engine against a slow evaluator of its own making: the same matches of every rule on every event, with and without
the prefilter; on generated rules, and on those of a folder named by TOCSIN_SIGMA_RULES (a checkout of SigmaHQ/sigma)."""
# tocsin-test: timeout=1800

import os
import random
import re
import subprocess
from collections import Counter

try:
    import re._parser as sre_parse
except ImportError:
    import sre_parse

from tocsin_sigma import Rule, Unsupported, load
from tocsin_site import BIN, SOAK, Skipped, check, run, scenario

WORDS = ["a", "B", "cmd", "/etc/passwd", " -x ", "root", "ä", "42", "é*", ".", "\\", "C:\\Temp"]


def sample_of_expression(chance, parsed):
    """A text that fits a regular expression, often."""
    made = ""
    for kind, value in parsed:
        name = str(kind)
        if name == "LITERAL":
            made += chr(value)
        elif name in ("ANY", "NOT_LITERAL", "CATEGORY"):
            made += chance.choice("aZ3-ä")
        elif name == "IN":
            choice = chance.choice(value)
            made += chr(choice[1]) if str(choice[0]) == "LITERAL" else \
                chr(chance.randint(*choice[1])) if str(choice[0]) == "RANGE" else chance.choice("a3 _.")
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            for _ in range(chance.randint(value[0], min(value[1], value[0] + 2))):
                made += sample_of_expression(chance, value[2])
        elif name == "SUBPATTERN":
            made += sample_of_expression(chance, value[3])
        elif name == "BRANCH":
            made += sample_of_expression(chance, chance.choice(value[1]))
    return made


def sample_of(chance, item):
    """A value that one of the item's tests would like; None for none at all."""
    kind, what = chance.choice(item.tests)
    if kind == "text":
        filled = {"*": lambda: chance.choice(["", *WORDS]).encode(), "?": lambda: chance.choice("xä").encode()}
        return b"".join(token[1] if token[0] == "c" else filled[token[0]]() for token in chance.choice(what)).decode(
            errors="ignore")
    if kind == "re":
        return chance.choice(["", "x "]) + sample_of_expression(chance, sre_parse.parse(what.pattern))
    if kind == "cidr":
        return str(what[min(chance.randrange(4), what.num_addresses - 1)])
    if kind == "exists":
        return "x" if what else None
    return None if kind in ("null", "fieldref") else str(what + chance.choice([-1, -0.5, 0, 0.5, 1]))


def spoil(chance, value):
    """Near, and often not the same."""
    at = chance.randrange(len(value) + 1)
    return chance.choice([value.swapcase(), value[:at] + value[at + 1:], value[:at] + chance.choice("x\\ *-ä\n") + value[at:],
                          value + " ", "", value[::-1]])


def event_of(chance, rule):
    event = {f"tocsin.{part}": [value] for part, value in rule.source.items() if value and chance.random() < 0.97}
    for name, selection in rule.selections.items():
        excludes = name.startswith(("filter", "excl", "_"))
        if chance.random() < (0.85 if excludes else 0.15):
            continue
        for item in chance.choice(selection.parts):
            value = sample_of(chance, item)
            if value is None and chance.random() < 0.7:
                continue
            if value is not None and chance.random() < 0.2:
                value = spoil(chance, value)
            values = event.setdefault(item.field or "message", [])
            if item.field and "all" not in item.modifiers:
                values.append(value)
            else:
                event[item.field or "message"] = [chance.choice(["", " "]).join([*(v for v in values if v), value or ""])]
    if chance.random() < 0.1 and event:
        event.pop(chance.choice(list(event)))
    if chance.random() < 0.2:
        name = chance.choice(list(event) or ["f"])
        event.setdefault(name, []).append(chance.choice([*WORDS, None]))
    return event


def escape(text):
    return re.sub(r"[\x00-\x1f%=\x7f]", lambda match: f"%{ord(match.group()):02x}", text)


def written(event):
    return "\t".join(escape(name) + ("" if value is None else "=" + escape(value))
                     for name, values in event.items() for value in values)


def engine(folder, rules, events, *words):
    path = os.path.join(folder, "events")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(written(event) + "\n" for event in events)
    done = subprocess.run([os.path.join(BIN, "rule_matrix"), *words, rules, path], capture_output=True, text=True, check=False)
    check(done.returncode == 0, done.stderr)
    return {(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in done.stdout.splitlines()}


def read_rules(paths):
    """Those that the evaluator can read, by "file:line", and why not the others."""
    rules, refused = {}, Counter()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line, document in load(file.read()):
                try:
                    rules[f"{path}:{line}"] = Rule(document)
                except Unsupported as reason:
                    refused[str(reason)[:40]] += 1
    return rules, refused


def compare(folder, where, rules, events):
    found = engine(folder, where, events)
    check(found == engine(folder, where, events, "--without-prefilter"), "the prefilter changes what is found")
    matches = 0
    for number, event in enumerate(events):
        for place, rule in rules.items():
            due, said = rule.matches(event), (number, place) in found
            matches += due
            check(due == said, f"{place}: evaluator {due}, engine {said}, of {written(event)!r}")
    return matches


FIELDS = ["f", "g", "h"]
TEXTS = ["a", "ab", "a*b", "?", "\\*", "\\\\*", "\\\\\\*", "*", "", "A", "é", "-a", " /b", "a\\b", "b?*", "42", "10.0.0.7"]
MODIFIERS = ["", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|contains|cased", "|neq", "|contains|neq",
             "|windash", "|windash|contains", "|contains|windash|all"]
ENCODED = ["|base64", "|base64offset|contains", "|wide|base64offset|contains", "|utf16|base64", "|utf16be|base64|contains",
           "|windash|base64offset|contains", "|base64|cased"]
EXPRESSIONS = ["a+b", "^.$", "^.{2}$", "[^a]", "^[^a]{1}b?$", "(a|b)\\1", "\\W", "^\\S{2}$", "é", "a(?=b)", "^$", "\\bab", "(?:)"]
CONDITIONS = ["s and t", "s or t", "s and not t", "1 of them", "all of them", "2 of them", "not s", "s or t and k", "(s or t) and k",
              "1 of s* and not k", "all of _*", "any of *", "not (s and not t) or k", "not not s"]


def generated_item(chance):
    field, kind = chance.choice(FIELDS), chance.randrange(10)
    if kind == 0:
        return f"{field}|re{chance.choice(['', '|i', '|s', '|m', '|i|s'])}", [chance.choice(EXPRESSIONS) for _ in range(2)]
    if kind == 1:
        return field + chance.choice(ENCODED), [chance.choice(["ab", "-a x", "é", "abc"]) for _ in range(2)]
    if kind == 2:
        return f"{field}|exists", chance.choice(["true", "false"])
    if kind == 3:
        return f"{field}|{chance.choice(['lt', 'lte', 'gt', 'gte'])}", chance.choice(["5", "42", "-1.5", "1e1"])
    if kind == 4:
        return f"{field}|cidr", [chance.choice(["10.0.0.0/8", "10.0.0.4/30", "2001:db8::/32", "0.0.0.0/0"])]
    if kind == 5:
        return f"{field}|fieldref{chance.choice(['', '|contains', '|startswith', '|endswith', '|cased', '|neq'])}", "g"
    if kind == 6:
        return field, None
    values = [chance.choice(TEXTS) for _ in range(chance.randint(1, 3))]
    return field + chance.choice(MODIFIERS), values


def quoted(value):
    if isinstance(value, list):
        return "[" + ", ".join(map(quoted, value)) + "]"
    return "null" if value is None else "'" + value + "'"


def generated_rule(chance, number):
    selections = []
    for name in ("s", "t", "_u"):
        maps = []
        for _ in range(chance.randint(1, 2)):
            items = dict(generated_item(chance) for _ in range(chance.randint(1, 2)))
            maps.append("{" + ", ".join(f"'{key}': {quoted(value)}" for key, value in items.items()) + "}")
        selections.append(f"  {name}: " + (maps[0] if len(maps) == 1 else "[" + ", ".join(maps) + "]"))
    source = chance.choice(["{}", "{product: x}", "{product: x, service: y}", "{category: z}"])
    keywords = quoted([chance.choice(["a", "b*a", "é", "42", "\\*"]) for _ in range(2)])
    if chance.random() < 0.3:
        keywords = "{'|all': " + keywords + "}"
    return "\n".join([f"title: r{number}", f"logsource: {source}", "detection:", *selections, f"  k: {keywords}",
                      f"  condition: {chance.choice(CONDITIONS)}", "---", ""])


@scenario("generated rules match what the specification says, and nothing else, with and without the prefilter")
def _(folder):
    matches = 0
    for seed in range(20 if SOAK else 4):
        chance = random.Random(seed)
        path = os.path.join(folder, "rules.yml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(generated_rule(chance, number) for number in range(150)))
        rules, refused = read_rules([path])
        check(not refused and len(rules) == 150, f"rules: {len(rules)}, {refused}")
        events = [event_of(chance, chance.choice(list(rules.values()))) for _ in range(150)]
        matches += compare(folder, path, rules, events)
    check(matches > 10000, f"only {matches} matches")
    print(f"# {matches} matches", flush=True)


@scenario("public rules match what the specification says, and nothing else, with and without the prefilter")
def _(folder):
    where = os.environ.get("TOCSIN_SIGMA_RULES")
    if not where:
        raise Skipped("TOCSIN_SIGMA_RULES names no folder of Sigma rules")
    paths = sorted(os.path.join(top, name) for top, _, names in os.walk(where, followlinks=True) for name in names if name.endswith(".yml"))
    rules, refused = read_rules(paths)
    chance = random.Random(7)
    tried = list(rules.values()) if SOAK else chance.sample(list(rules.values()), min(len(rules), 400))
    events = [event_of(chance, rule) for rule in tried for _ in range(2)]
    matches = compare(folder, where, rules, events)
    check(matches > len(tried) / 4, f"only {matches} matches of {len(tried)} rules")
    print(f"# {len(rules)} rules, {len(events)} events, {matches} matches; not read: {dict(refused)}", flush=True)


run()

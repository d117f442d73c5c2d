"""Sigma rules evaluated slowly, straight from the specification's text: nothing is indexed, compiled or remembered.

An event is a dict of names and lists of values, text or None. `Rule(document).matches(event)`. What Python's own `re` cannot
read is Unsupported, and so are correlations and filters: this is about plain rules."""

import base64
import functools
import ipaddress
import itertools
import re

import yaml


class Unsupported(Exception):
    pass


class Loader(yaml.SafeLoader):
    """Every scalar is the text that stands there; null alone is something else."""


Loader.yaml_implicit_resolvers = {}
Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])

DASHES = ("-", "/", "–", "—", "―")


def tokens_of(text):
    """Characters and wildcards: ("c", x), ("*",), ("?",)."""
    made, at = [], 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in "*?\\":
            made.append(("c", text[at + 1].encode()))
            at += 2
            continue
        made.append((text[at],) if text[at] in "*?" else ("c", text[at].encode()))
        at += 1
    return made


def literal(tokens):
    if any(token[0] != "c" for token in tokens):
        raise Unsupported("wildcards in what is encoded")
    return b"".join(token[1] for token in tokens)


def of_bytes(text):
    return [("c", bytes([byte])) for byte in text]


def windash(tokens):
    """Every way to write the dashes that begin a word."""
    text = "".join(token[1].decode() if token[0] == "c" else "\0" for token in tokens)
    places = [match.start() for match in re.finditer(r"\B[-/–—―]\b", text)]
    for dashes in itertools.product(DASHES, repeat=len(places)):
        made = list(tokens)
        for place, dash in zip(places, dashes):
            made[place] = ("c", dash.encode())
        yield made


def widen(tokens, codec, mark=b""):
    made = of_bytes(mark)
    for token in tokens:
        made += of_bytes(token[1].decode().encode(codec)) if token[0] == "c" else [token]
    return made


def offsets(tokens):
    text = literal(tokens)
    for offset in range(3):
        encoded = base64.b64encode(b" " * offset + text)
        end = (None, -3, -2)[(len(text) + offset) % 3]
        yield of_bytes(encoded[(0, 2, 3)[offset]:end])


def number_of(text):
    return float(text) if re.fullmatch(r"[ \t]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t]*", text, re.ASCII) else None


def address_of(text):
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@functools.lru_cache(maxsize=None)
def expression_of(tokens, flags):
    """Over characters; over bytes where an encoding left no characters."""
    try:
        whole = b"".join(token[1] if token[0] == "c" else b"\0" for token in tokens).decode()
    except UnicodeDecodeError:
        return re.compile(b"".join({"*": b".*", "?": b"."}.get(token[0]) or re.escape(token[1]) for token in tokens), flags)
    wild = iter(token[0] for token in tokens if token[0] != "c" or token[1] == b"\0")
    return re.compile("".join({"*": ".*", "?": "."}.get(next(wild), "\0") if letter == "\0" else re.escape(letter)
                              for letter in whole), flags | re.ASCII)


class Item:
    """field|modifiers: values"""

    SHIFTS = {"contains": (True, True), "startswith": (False, True), "endswith": (True, False)}

    def __init__(self, key, values):
        self.field, *self.modifiers = key.split("|") if key else [""]
        self.values = values if isinstance(values, list) else [values]
        self.tests = [self.test_of(value) for value in self.values]

    def test_of(self, value):
        """(kind, what): text patterns, a regular expression, a network, …"""
        names = self.modifiers
        flags = {"i": re.I, "ignorecase": re.I, "m": re.M, "multiline": re.M, "s": re.S, "dotall": re.S}
        if "exists" in names:
            return "exists", value.lower() in ("true", "yes", "on")
        if value is None:
            if self.field:
                return "null", None
            value = "null"
        if "re" in names:
            try:
                return "re", re.compile(value, re.ASCII | sum(flags.get(name, 0) for name in names))
            except (re.error, OverflowError) as error:
                raise Unsupported(f"expression {value!r}: {error}") from error
        if "cidr" in names:
            return "cidr", ipaddress.ip_network(value, strict=False)
        if "fieldref" in names:
            return "fieldref", value
        for name in ("lt", "lte", "gt", "gte"):
            if name in names:
                return name, float(value)
        if {"minute", "hour", "day", "week", "month", "year", "expand"} & set(names):
            raise Unsupported("dates and placeholders")
        return "text", self.patterns(tokens_of(value))

    def patterns(self, tokens):
        made, front, behind = [tokens], not self.field, not self.field
        for name in self.modifiers:
            if name in self.SHIFTS:
                front |= self.SHIFTS[name][0]
                behind |= self.SHIFTS[name][1]
            elif name == "windash":
                made = [way for one in made for way in windash(one)]
            elif name in ("wide", "utf16le"):
                made = [widen(one, "utf-16-le") for one in made]
            elif name == "utf16be":
                made = [widen(one, "utf-16-be") for one in made]
            elif name == "utf16":
                made = [widen(one, "utf-16-le", b"\xff\xfe") for one in made]
            elif name == "base64":
                made = [of_bytes(base64.b64encode(literal(one))) for one in made]
            elif name == "base64offset":
                made = [way for one in made for way in offsets(one)]
        return [(*[("*",)] * front, *one, *[("*",)] * behind) for one in made]

    def fits(self, test, value, event):
        kind, what = test
        if kind == "text":
            flags = re.S if "cased" in self.modifiers else re.S | re.I
            expressions = [expression_of(tokens, flags) for tokens in what]
            return any(one.fullmatch(value.encode() if isinstance(one.pattern, bytes) else value) for one in expressions)
        if kind == "re":
            return bool(what.search(value))
        if kind == "cidr":
            address = address_of(value)
            return address is not None and address in what
        if kind == "fieldref":
            return any(self.fits(("text", self.patterns(of_bytes(other.encode()))), value, event)
                       for other in event.get(what, []) if other is not None)
        number = number_of(value)
        return number is not None and {"lt": number < what, "lte": number <= what, "gt": number > what,
                                       "gte": number >= what}[kind]

    def holds(self, test, event):
        if self.field:
            there = event.get(self.field, [])
            values = [value for value in there if value is not None]
        else:
            values = [value for name in ("event.original", "message") for value in event.get(name, [])[:1]]
            there = values
        if test[0] == "exists":
            return bool(there) == test[1]
        if test[0] == "null":
            return not values
        return any(self.fits(test, value, event) for value in values)

    def matches(self, event):
        results = (self.holds(test, event) for test in self.tests)
        found = all(results) if "all" in self.modifiers else any(results)
        return found != ("neq" in self.modifiers)


class Selection:
    """Maps are AND, lists are OR."""

    def __init__(self, definition):
        if not isinstance(definition, list):
            definition = [definition]
        self.parts = [[Item(key, value) for key, value in part.items()] if isinstance(part, dict) else [Item("", part)]
                      for part in definition]

    def matches(self, event):
        return any(all(item.matches(event) for item in items) for items in self.parts)


class Condition:
    """or < and < not < of < parentheses"""

    def __init__(self, text, selections):
        self.words = re.findall(r"[()]|[^\s()]+", text)
        self.selections = selections

    def matches(self, event):
        self.at, self.event, self.known = 0, event, {}
        return self.either()

    def word(self):
        return self.words[self.at].lower() if self.at < len(self.words) else ""

    def either(self):
        found = self.both()
        while self.word() == "or":
            self.at += 1
            found |= self.both()
        return found

    def both(self):
        found = self.one()
        while self.word() == "and":
            self.at += 1
            found &= self.one()
        return found

    def selection(self, name):
        if name not in self.known:
            self.known[name] = self.selections[name].matches(self.event)
        return self.known[name]

    def one(self):
        word = self.words[self.at]
        if word == "(":
            self.at += 1
            found = self.either()
            self.at += 1
            return found
        if word.lower() == "not":
            self.at += 1
            return not self.one()
        if self.at + 1 < len(self.words) and self.words[self.at + 1].lower() == "of":
            pattern = self.words[self.at + 2]
            self.at += 3
            names = [name for name in self.selections if self.named(name, pattern)]
            count = sum(self.selection(name) for name in names)
            return count == len(names) if word.lower() == "all" else count >= (1 if word.lower() == "any" else int(word))
        self.at += 1
        return self.selection(word)

    @staticmethod
    def named(name, pattern):
        if pattern.lower() == "them":
            return not name.startswith("_")
        if name.startswith("_") and not pattern.startswith("_"):
            return False
        return bool(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name))


class Rule:
    def __init__(self, document):
        self.source = {part: str(document["logsource"].get(part) or "") for part in ("product", "category", "service")}
        detection = dict(document["detection"])
        conditions = detection.pop("condition")
        self.selections = {name: Selection(definition) for name, definition in detection.items()}
        self.conditions = [Condition(text, self.selections)
                           for text in (conditions if isinstance(conditions, list) else [conditions])]

    def concerns(self, event):
        return all(not wanted or wanted.lower() in [value.lower() for value in event.get(f"tocsin.{part}", []) if value]
                   for part, wanted in self.source.items())

    def matches(self, event):
        return self.concerns(event) and any(condition.matches(event) for condition in self.conditions)


def load(text):
    """(line, document) of each document."""
    for node in yaml.compose_all(text, Loader):
        document = Loader("").construct_document(node)
        if document is not None:
            yield node.start_mark.line + 1, document

"""The query socket of a collector, spoken by hand: the frames of proto/query.proto, without starting a program."""

import os
import socket
import struct

REQUEST, EVENT_ROW, STORE_ROW, END = 32, 33, 34, 36
FAMILY_ENTRY, FAMILY_HOT = 0, 5
EVENTS, ROWS = 1, 5  # of Request
EVENT_RAW = 3  # of Event


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def number_field(field, value):
    return varint(field << 3) + varint(value) if value else b""


def bytes_field(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value if value else b""


def fields(message):
    """The length-delimited fields of a message, by number; numbers are passed over."""
    at, found = 0, {}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 2:
            size = number()
            found[key >> 3] = message[at:at + size]
            at += size
        else:
            number()
    return found


def path(site):
    return os.path.join(site, "data", "collector", "query.sock")


def number_of(message):
    """The first field of a message, a number; 0 where it is not there."""
    value = 0
    for shift, byte in enumerate(message[1:]):
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            break
    return value


def ask(socket_path, kind, query):
    """Every frame of the answer: (type, message); the last one is END."""
    message = bytes_field(kind, query)
    with socket.socket(socket.AF_UNIX) as link, link.makefile("rb", 1 << 20) as answer:
        link.connect(socket_path)
        link.sendall(struct.pack(">IB", len(message) + 1, REQUEST) + message)
        while True:
            head = answer.read(5)
            if len(head) < 5:
                raise RuntimeError("the collector ended the connection")
            size, frame = struct.unpack(">IB", head)
            body = answer.read(size - 1)
            if frame not in (EVENT_ROW, STORE_ROW, END):
                raise RuntimeError(f"the collector answered {body[:200]!r}")
            yield frame, body
            if frame == END:
                return


def rows(socket_path, family):
    """The values of a family, in order (RowsQuery)."""
    query = varint(1 << 3) + varint(family)
    return (fields(body).get(3, b"") for frame, body in ask(socket_path, ROWS, query) if frame == STORE_ROW)


def entries(socket_path):
    """Every entry of the log, in order."""
    return rows(socket_path, FAMILY_ENTRY)


def search(socket_path, expression="", since_us=0, until_us=0, access_class="", host="", count=False):
    """The frames of an EventQuery's answer, as they come."""
    query = (bytes_field(1, expression.encode()) + number_field(2, since_us) + number_field(3, until_us)
             + bytes_field(4, access_class.encode()) + bytes_field(5, host.encode()) + number_field(8, count))
    return ask(socket_path, EVENTS, query or b"\x0a\x00")


def lines(socket_path, expression="", **more):
    """The raw lines that a search finds, in the order in which they come."""
    return [fields(fields(body)[7]).get(EVENT_RAW, b"").decode("utf-8", "surrogateescape")
            for frame, body in search(socket_path, expression, **more) if frame == EVENT_ROW]


def count(socket_path, expression="", **more):
    """How many events a search finds."""
    return next(number_of(body) for frame, body in search(socket_path, expression, count=True, **more) if frame == END)

"""The log's pages for other people's monitors: asked as they would ask."""

import base64
import hashlib
import http.client
import re
import struct
import urllib.parse

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tocsin_site import check

WIDTH = 256
PAGES = "checkpoint: {every: 1s}\nlog_pages: {listen: 127.0.0.1:0}\n"


def pages_of(site):
    """Where they are, since the collector's start."""
    return "http://" + re.findall(r"pages are served on (\S+)", site.collector.log(since_start=True))[-1]


def fetch(url, path, method="GET", body=None):
    """Status and body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def tile_path(level, index, width):
    digits = f"{index:03d}" if index < 1000 else f"x{index // 1000:03d}/{index % 1000:03d}"
    return f"/tile/{level}/{digits}" + (f".p/{width}" if width < WIDTH else "")


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    while len(leaves) > 1:
        pairs = [node(leaves[i], leaves[i + 1]) for i in range(0, len(leaves) - 1, 2)]
        leaves = pairs + leaves[len(leaves) - len(leaves) % 2:]
    return leaves[0]


def checkpoint(url, log_key):
    """Size and root of /checkpoint, whose signature holds."""
    status, body = fetch(url, "/checkpoint")
    check(status == 200, f"/checkpoint: {status} {body}")
    text, signatures = body.split(b"\n\n", 1)
    name, key_id, key = log_key.split("+", 2)
    origin, size, root = text.decode().split("\n")
    check(origin == name, f"another origin: {origin}")
    line = next(line for line in signatures.decode().splitlines() if line.startswith(f"— {name} "))
    signature = base64.b64decode(line.rsplit(" ", 1)[1], validate=True)
    check(signature[:4].hex() == key_id, "another key's signature")
    Ed25519PublicKey.from_public_bytes(base64.b64decode(key)[1:]).verify(signature[4:], text + b"\n")
    return int(size), base64.b64decode(root, validate=True)


def follow(url, log_key):
    """All entries under the newest checkpoint, held against leaves and root."""
    size, root = checkpoint(url, log_key)
    entries, leaves = [], []
    for index in range((size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, size - index * WIDTH)
        status, bundle = fetch(url, tile_path("entries", index, width))
        check(status == 200, f"entries {index}: {status} {bundle[:100]}")
        count = len(entries)
        while bundle:
            (length,) = struct.unpack(">H", bundle[:2])
            entries.append(bundle[2:2 + length])
            bundle = bundle[2 + length:]
        check(len(entries) == count + width, f"bundle {index} has {len(entries) - count} entries, not {width}")
        status, tile = fetch(url, tile_path(0, index, width))
        check(status == 200 and len(tile) == 32 * width, f"tile 0/{index}: {status}, {len(tile)} bytes")
        mine = [hashlib.sha256(b"\0" + entry).digest() for entry in entries[count:]]
        check(b"".join(mine) == tile, f"tile 0/{index} is not of these entries")
        leaves += mine
        if width == WIDTH:
            status, above = fetch(url, tile_path(1, 0, size // WIDTH))
            check(status == 200 and above[32 * index:32 * index + 32] == root_of(mine), f"tile 1/0 has another root of tile {index}")
    check(root_of(leaves) == root, "the entries make another root than the checkpoint's")
    return entries

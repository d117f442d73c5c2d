"""Backups of a site in scenario tests: where they are, and what a person does with them."""

import ctypes
import glob
import hashlib
import hmac
import os
import shutil
import struct
import subprocess

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tocsin_site import BIN, check


class Backup:
    """A site's folders of backups, and what a person does with them."""

    def __init__(self, folder, every="24h"):
        self.folder, self.keys = os.path.join(folder, "backup"), os.path.join(folder, "backup-keys")
        self.key = os.path.join(folder, "kept.key")  # as a person keeps it elsewhere
        self.settings = f"backup: {{folder: {self.folder}, keys: {self.keys}, every: {every}}}\n"

    def sets(self):
        return sorted(glob.glob(os.path.join(self.folder, "sets", "*Z")))

    def newest(self, name):
        return os.path.join(self.sets()[-1], name)

    def keep_key(self, site):
        shutil.copy(os.path.join(site.data, "collector", "backup.key"), self.key)

    def restore(self, site_folder, *options, key=None, expect=0):
        done = subprocess.run([os.path.join(BIN, "tocsin"), "--site", site_folder, "restore", self.folder, "--key",
                               key or self.key, "--day-keys", self.keys, *options], capture_output=True, text=True,
                              check=False, timeout=120)
        check(done.returncode in (expect if isinstance(expect, tuple) else (expect,)), f"restore ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr


def following(site):
    state = site.status()["backup"]
    return state if state["following"] and not state["making"] else None


def lose(site):
    """The collector, its keys, settings and store are gone at once."""
    site.collector.kill()
    shutil.rmtree(os.path.join(site.data, "collector"))
    os.remove(os.path.join(site.folder, "collector.yaml"))


def flip(path, at):
    """One bit, `at` bytes from the start, or from the end if negative."""
    with open(path, "r+b") as file:
        file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))


# ---- the files themselves, read by nothing but FORMATS.md (Backups)

ZSTD = ctypes.CDLL("libzstd.so.1")
ZSTD.ZSTD_getFrameContentSize.restype = ctypes.c_ulonglong
ZSTD.ZSTD_decompress.restype = ctypes.c_size_t
ZSTD.ZSTD_getFrameContentSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
ZSTD.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]


def unpack(frame):
    size = ZSTD.ZSTD_getFrameContentSize(frame, len(frame))
    room = ctypes.create_string_buffer(size + 1)
    check(ZSTD.ZSTD_decompress(room, size, frame, len(frame)) == size, "a frame that cannot be unpacked")
    return room.raw[:size]


def read_file(path, key):
    """(header's fields, records, whether its end is marked); a record is (kind, family, key, value)."""
    with open(path, "rb") as file:
        data = file.read()
    magic, kind, zero, made, salt, key_id, log, of_set, number = struct.unpack(">16sIIQ32s32s32sQQ", data[:144])
    check(magic == b"tocsin/backup/v1" and zero == 0, f"{path} is no backup")
    check(key_id == hashlib.sha256(b"tocsin/backkey/1" + key).digest(), "another key")
    extract = hmac.new(salt, key, "sha256").digest()
    cipher = AESGCM(hmac.new(extract, b"tocsin/backup/v1\x01", "sha256").digest())
    bound, at, chunk, last, records = hashlib.sha256(data[:144]).digest(), 144, 0, 0, []
    while at < len(data) and not last:
        size, last = struct.unpack(">IB", data[at:at + 5])
        raw = unpack(cipher.decrypt(struct.pack(">IQ", 0, chunk), data[at + 5:at + 5 + size],
                                    bound + struct.pack(">QB", chunk, last)))
        at, chunk, place = at + 5 + size, chunk + 1, 0
        while place < len(raw):
            record_kind, family, key_size = struct.unpack(">BBI", raw[place:place + 6])
            value_at = place + 6 + key_size
            (value_size,) = struct.unpack(">I", raw[value_at:value_at + 4])
            place = value_at + 4 + value_size
            records.append((record_kind, family, raw[value_at - key_size:value_at], raw[place - value_size:place]))
    check(at == len(data), f"{path} goes on behind its end")
    return {"kind": kind, "made": made, "log": log, "set": of_set, "number": number}, records, bool(last)

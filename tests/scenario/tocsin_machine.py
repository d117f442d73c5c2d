"""What scenarios do to a machine: small disks that fill up, and clocks that are stepped; of one process or folder alone."""

import contextlib
import os
import struct
import subprocess

from load_lines import shim
from tocsin_site import Skipped


@contextlib.contextmanager
def small_disk(path, size_mib, inodes=0):
    """A file system of its own at `path`."""
    os.makedirs(path, exist_ok=True)
    options = f"size={size_mib}m,mode=0700" + (f",nr_inodes={inodes}" if inodes else "")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def free_bytes(path):
    room = os.statvfs(path)
    return room.f_bavail * room.f_frsize


def fill(path, leave=0):
    """Takes the room of a disk but for `leave` bytes; gives the file that does."""
    name = os.path.join(path, "filler")
    with open(name, "wb") as file:
        take = free_bytes(path) - leave
        if take > 0:
            os.posix_fallocate(file.fileno(), 0, take)
    return name


class Clock:
    """The offset of the wall clock of those processes that are started with its environment."""

    def __init__(self, folder, name):
        self.path = os.path.join(folder, name + ".clock")
        with open(self.path, "wb"):
            pass
        self.set(0)
        self.environment = dict(shim(folder, "clock_offset"), SHIM_CLOCK=self.path)

    def set(self, seconds):
        self.seconds = seconds
        with open(self.path, "r+b") as file:
            file.write(struct.pack("=q", int(seconds * 1_000_000)))

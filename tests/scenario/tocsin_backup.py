"""Backups of a site in scenario tests: where they are, and what a person does with them."""

import glob
import os
import shutil
import subprocess

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

"""A stopped collector's store, changed behind its back as somebody with the disk in hand would (shims/store_edit.c)."""

import os
import shutil
import subprocess

from tocsin_site import SOURCE, check


class StoreEditor:
    def __init__(self, site):
        self.site = site
        self.store = os.path.join(site.data, "collector", "store")
        self.program = os.path.join(site.folder, "store_edit")
        done = subprocess.run(["cc", "-D_GNU_SOURCE", "-o", self.program,
                               os.path.join(SOURCE, "tests/scenario/shims/store_edit.c"), "-lrocksdb"],
                              capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"store_edit does not compile: {done.stderr[-500:]}")

    def edit(self, family, *arguments, may_miss=False):
        """Gives key and value of the row, as it was; None where `may_miss` and there is no such row."""
        done = subprocess.run([self.program, os.path.join(self.store, "rocksdb"), family, *arguments], capture_output=True,
                              text=True, check=False)
        check(done.returncode == 0 or (may_miss and done.returncode == 1),
              f"store_edit {family} {' '.join(arguments)}: {done.returncode} {done.stderr}")
        return done.stdout.split() if done.returncode == 0 else None

    def first_row(self, family, wanted):
        """Key and value, in hexadecimal, of the first row whose key begins with these digits; all rows stay where they are."""
        passed = []
        while True:
            row = self.edit(family, "delete", "")
            passed.append(row)
            if row[0].startswith(wanted):
                break
        for other in passed:
            self.edit(family, "put", *other)
        return row

    def check_found(self, damages, also=lambda what: None):
        """Does each (what, damage, words) to the good store: `tocsin verify` has to find it, and to say the words. A damage is a
        function, or the arguments of an edit."""
        good = os.path.join(self.site.folder, "good")
        self.site.check_verified()
        shutil.copytree(self.store, good)
        for what, damage, words in damages:
            if callable(damage):
                damage()
            else:
                self.edit(*damage)
            findings, _ = self.site.verify()
            check(findings, f"{what}: changed, and verify finds nothing")
            said = str(findings)
            for word in words:
                check(word in said, f"{what}: verify does not say {word!r}: {said[:600]}")
            also(what)
            shutil.rmtree(self.store)
            shutil.copytree(good, self.store)
        self.site.check_verified()

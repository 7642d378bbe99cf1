"""What was read of a big log, kept as Parquet in the user's own cache folder.

`<hash>.parquet` holds the events, and in its metadata everything else: the other records, and the
lines that could not be used. The hash is of the log's content, so no folder of somebody else says
what a log holds, and no other log is taken for it.
"""

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import polars as pl

from analysis.history.run import SCHEMA, Damage
from analysis.logs.reading import Reading
from vm.files import open_regular, whole_file
from vm.log import decode, encode

#: Smaller logs are read sooner than their cache could be written.
KEEP_FROM_BYTES = 8 << 20
#: Of larger ones the hash takes too long, if they are of another kind than they seem.
KEEP_UP_TO_BYTES = (1 << 30) - 1
#: The oldest files beyond this are removed.
KEEP_BYTES = 4 << 30
#: Changes with what is kept, and how.
SHAPE = f"2 {SCHEMA}"
ROWS_PER_GROUP = 1 << 18
KEY = "vklocks"


def is_big(path: Path) -> bool:
    """Whether what is read of a log is worth keeping."""
    return KEEP_FROM_BYTES <= path.stat().st_size <= KEEP_UP_TO_BYTES


def folder() -> Path:
    """Return the folder of the user's caches, which needs not be there."""
    home = Path(os.environ.get("HOME", "/nonexistent")) / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home) / "vklocks"


def cached(path: Path, read: Callable[[Path], Reading]) -> Reading:
    """What a log says: by the cache of its content, or else by reading it.

    Then a cache is made if the log is big, and the cache folder can be written.
    """
    if not is_big(path):
        return read(path)
    before = _state(path)
    cache = folder() / f"{_hash(path)}.parquet"
    if (found := _read_cache(cache, path)) is None:
        found = read(path)
        # What changed meanwhile does not have the hash.
        if _state(path) == before and _write_cache(cache, found):
            found.frames, found.is_big = [_scan(cache, path, found.machine)], True
    return found


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _hash(path: Path) -> str:
    with open_regular(path) as file:
        content = hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(SHAPE.encode() + content).hexdigest()


def _scan(cache: Path, path: Path, machine: str) -> pl.LazyFrame:
    """The events of a log; logs of equal content can have different names."""
    names = {"machine": pl.lit(machine), "file": pl.lit(Reading(path).file)}
    return pl.scan_parquet(cache).with_columns(**names)


def _read_cache(cache: Path, path: Path) -> Reading | None:
    try:
        facts = json.loads(pl.read_parquet_metadata(cache)[KEY])
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError):
        return None
    reading = Reading(path, is_big=True)
    for line, text in facts["records"]:
        reading.take(line, decode(text))
    reading.damage = [Damage(*damage)._replace(file=reading.file) for damage in facts["damage"]]
    reading.frames = [_scan(cache, path, reading.machine)]
    with suppress(OSError):
        os.utime(cache)
    return reading


def _write_cache(cache: Path, reading: Reading) -> bool:
    """Whether the cache could be written. It appears when it is whole."""
    records = [[line, encode(record)] for line, record in reading.records]
    facts = {"records": records, "damage": reading.damage}
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(cache) as partial:
            reading.scan.sink_parquet(
                partial,
                compression="zstd",
                compression_level=1,
                row_group_size=ROWS_PER_GROUP,
                metadata={KEY: json.dumps(facts)},
            )
        forget_oldest(cache.parent)
    except OSError:
        return False
    return True


def forget_oldest(caches: Path) -> None:
    """Remove the caches that were used longest ago, until the rest are not too big."""
    room = KEEP_BYTES
    known = [(path.stat().st_mtime_ns, path) for path in caches.glob("*.parquet")]
    for _, path in sorted(known, reverse=True):
        room -= path.stat().st_size
        if room < 0:
            path.unlink(missing_ok=True)

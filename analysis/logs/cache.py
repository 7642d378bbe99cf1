"""A cache of big logs, as Parquet files in the user's own cache folder.

`<hash>.parquet` holds the events, and in its metadata everything else: the other records, and the
unusable lines. The folder is the user's own, so a folder of logs cannot supply a false cache. The
hash is that of the log's content, so a cache is never used for another log.
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

#: Reading a smaller log takes less time than writing its cache.
KEEP_FROM_BYTES = 8 << 20
#: Hashing a larger file takes too long if it turns out not to be a log.
KEEP_UP_TO_BYTES = (1 << 30) - 1
#: The size of all caches; beyond it, the oldest are removed.
KEEP_BYTES = 4 << 30
#: The form of the caches, as a part of the hash: a change makes old caches invalid.
SHAPE = f"4 {SCHEMA}"
ROWS_PER_GROUP = 1 << 18
#: The columns with one value in a whole log, which need not be written.
SAME = ("machine", "file", "inferred")
KEY = "vklocks"


def is_big(path: Path) -> bool:
    """Return whether a log is worth caching."""
    return KEEP_FROM_BYTES <= path.stat().st_size <= KEEP_UP_TO_BYTES


def folder() -> Path:
    """Return the folder of the user's caches, which may not exist."""
    home = Path(os.environ.get("HOME", "/nonexistent")) / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home) / "vklocks"


def cached(path: Path, read: Callable[[Path], Reading]) -> Reading:
    """Return the reading of a log, from its cache or else from the log itself.

    In the second case a big log is cached if the cache folder can be written.
    """
    if not is_big(path):
        return read(path)
    before = _state(path)
    cache = folder() / f"{_hash(path)}.parquet"
    if (found := _read_cache(cache, path)) is None:
        found = read(path)
        # A log that has changed meanwhile no longer has this hash.
        if _state(path) == before and _write_cache(cache, found):
            found.frames, found.is_big = [_scan(cache, found)], True
    return found


def _state(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _hash(path: Path) -> str:
    with open_regular(path) as file:
        content = hashlib.file_digest(file, "sha256").digest()
    return hashlib.sha256(SHAPE.encode() + content).hexdigest()


def _scan(cache: Path, reading: Reading) -> pl.LazyFrame:
    """Return the cached events of a log under its own name: logs of equal content share a cache."""
    values = reading.machine, reading.file, None
    same = [pl.lit(one, pl.String).alias(name) for name, one in zip(SAME, values, strict=True)]
    return pl.scan_parquet(cache).with_columns(same).select(*reading.schema)


def _read_cache(cache: Path, path: Path) -> Reading | None:
    try:
        facts = json.loads(pl.read_parquet_metadata(cache)[KEY])
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError):
        return None
    reading = Reading(path, is_big=True)
    for line, text in facts["records"]:
        reading.take(line, decode(text))
    reading.damage = [Damage(*damage)._replace(file=reading.file) for damage in facts["damage"]]
    reading.frames = [_scan(cache, reading)]
    with suppress(OSError):
        os.utime(cache)
    return reading


def _write_cache(cache: Path, reading: Reading) -> bool:
    """Write the cache, which appears when it is complete; return whether that was possible."""
    records = [[line, encode(record)] for line, record in reading.records]
    facts = {"records": records, "damage": reading.damage}
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with whole_file(cache) as partial:
            reading.scan.drop(SAME).sink_parquet(
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
    """Remove the least recently used caches, until the rest fit into KEEP_BYTES."""
    room = KEEP_BYTES
    known = [(path.stat().st_mtime_ns, path) for path in caches.glob("*.parquet")]
    for _, path in sorted(known, reverse=True):
        room -= path.stat().st_size
        if room < 0:
            path.unlink(missing_ok=True)

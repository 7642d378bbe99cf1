"""What was read of a big log, kept as Parquet beside it until the log changes.

`.<log>.parquet` holds the events, and in its metadata everything else: which log it was read
of, by size and time of change, the other records, and the lines that could not be used.
"""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl

from analysis.history.run import SCHEMA, Damage
from analysis.logs.reading import Reading
from vm.files import whole_file
from vm.log import decode, encode

#: Smaller logs are read sooner than their cache could be written.
KEEP_FROM_BYTES = 8 << 20
#: Changes with what is kept, and how.
SHAPE = f"1 {SCHEMA}"
ROWS_PER_GROUP = 1 << 18
KEY = "vklocks"


def is_big(path: Path) -> bool:
    """Whether what is read of a log is worth keeping."""
    return path.stat().st_size >= KEEP_FROM_BYTES


def cached(path: Path, read: Callable[[Path], Reading]) -> Reading:
    """What a log says: by its cache if that is of this log as it is now, or else by reading it.

    Then a cache is made if the log is big and its folder can be written.
    """
    if not is_big(path):
        return read(path)
    status = path.stat()
    state = f"{SHAPE} {status.st_size} {status.st_mtime_ns}"
    cache = path.with_name(f".{path.name}.parquet")
    if (found := _read_cache(cache, path, state)) is None:
        found = read(path)
        if _write_cache(cache, found, state):
            found.frames, found.is_big = [pl.scan_parquet(cache)], True
    return found


def _read_cache(cache: Path, path: Path, state: str) -> Reading | None:
    try:
        facts = json.loads(pl.read_parquet_metadata(cache)[KEY])
    except (OSError, KeyError, ValueError, pl.exceptions.PolarsError):
        return None
    if facts["state"] != state:
        return None
    reading = Reading(path, frames=[pl.scan_parquet(cache)], is_big=True)
    for line, text in facts["records"]:
        reading.take(line, decode(text))
    reading.damage = [Damage(*damage) for damage in facts["damage"]]
    return reading


def _write_cache(cache: Path, reading: Reading, state: str) -> bool:
    """Whether the cache could be written. It appears when it is whole."""
    records = [[line, encode(record)] for line, record in reading.records]
    facts = {"state": state, "records": records, "damage": reading.damage}
    try:
        with whole_file(cache) as partial:
            reading.scan.sink_parquet(
                partial,
                compression="zstd",
                compression_level=1,
                row_group_size=ROWS_PER_GROUP,
                metadata={KEY: json.dumps(facts)},
            )
    except OSError:
        return False
    return True

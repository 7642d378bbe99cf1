"""Log files that are missing, cut short, mixed up or garbled."""

import json
from pathlib import Path
from random import Random
from typing import Any

from damage.picking import Logs
from vm.log import encode


def write(directory: Path, logs: Logs) -> None:
    for machine, log in logs.items():
        lines = (f"{encode(record)}\n" for record in log)
        (directory / f"{machine}.jsonl").write_text("".join(lines))


def delete_a_log(random: Random, directory: Path) -> None:
    _log(random, directory).unlink()


def cut_a_log_between_lines(random: Random, directory: Path) -> None:
    path = _log(random, directory)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: random.randrange(1, len(lines))]))


def cut_a_log_within_a_line(random: Random, directory: Path) -> None:
    path = _log(random, directory)
    lines = path.read_text().splitlines(keepends=True)
    whole = random.randrange(1, len(lines))
    part = lines[whole][: random.randrange(1, len(lines[whole]) - 1)]
    path.write_text("".join(lines[:whole]) + part)


def append_a_second_run(random: Random, directory: Path) -> None:
    path = _log(random, directory)
    path.write_text(path.read_text() * 2)


def mix_in_another_run(random: Random, directory: Path) -> None:
    path = _log(random, directory)
    path.write_text(path.read_text().replace('"run":"', '"run":"another ', 1))


def copy_a_log(random: Random, directory: Path) -> None:
    (directory / "copy.jsonl").write_text(_log(random, directory).read_text())


def garble_a_line(random: Random, directory: Path) -> None:
    path, lines, n = _line(random, directory)
    half = lines[n][: len(lines[n]) // 2]
    _write(path, lines, n, random.choice(["?", half, "[]", '{"kind":"nap"}', "\x00", "\udc80"]))


def drop_a_field(random: Random, directory: Path) -> None:
    path, lines, n = _line(random, directory)
    fields = json.loads(lines[n])
    del fields[random.choice([key for key in fields if key not in ("lost", "duplicated")])]
    _write(path, lines, n, json.dumps(fields))


def write_a_number_as_something_else(random: Random, directory: Path) -> None:
    path, lines, n = _line(random, directory)
    fields = json.loads(lines[n])
    key = random.choice([key for key in fields if type(fields[key]) is int])
    number = fields[key]
    others: list[Any] = [str(number), number + 0.5, float(number), None, True, [number]]
    fields[key] = random.choice(others)
    _write(path, lines, n, json.dumps(fields))


def _log(random: Random, directory: Path) -> Path:
    return random.choice(sorted(directory.iterdir()))


def _line(random: Random, directory: Path) -> tuple[Path, list[str], int]:
    """Choose any line of a log but its first."""
    path = _log(random, directory)
    lines = path.read_text().splitlines()
    return path, lines, random.randrange(1, len(lines))


def _write(path: Path, lines: list[str], n: int, line: str) -> None:
    lines[n] = line
    path.write_text("".join(f"{line}\n" for line in lines), errors="surrogateescape")

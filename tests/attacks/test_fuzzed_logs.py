"""Logs of other programs with changed bytes, lines and fields: each is answered, whatever it is."""

import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from hostile import CONTROL, NUMBERS, WORDS, answer_of, picked
from labs import NAMES, files_of
from orchestrator.cli import main
from shapes.making import made

SAMPLE, ALL = 20, 2000
MAX_SECONDS = 20
MAX_MB = 4000
Files = dict[str, bytes]
FIELD = re.compile(rb"[^\s,;|=:\[\](){}\"']+")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--nightly")
    metafunc.parametrize("number", range(ALL if every else SAMPLE))


def one_of(random: Random, among: list[bytes]) -> int:
    return int(random.random() * len(among))


def changed_bytes(random: Random, content: bytes) -> bytes:
    at, length = int(random.random() * (len(content) + 1)), int(random.random() * 40)
    noise = bytes(int(random.random() * 256) for _ in range(length))
    rest = content[at + length :]
    news = (noise + rest, rest, b"", content[at : at + length] * 50 + rest, b"\0" * 5000 + rest)
    return content[:at] + news[int(random.random() * len(news))]


def changed_lines(random: Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    at, to = one_of(random, lines), one_of(random, lines)
    match int(random.random() * 7):
        case 0:
            lines[at], lines[to] = lines[to], lines[at]
        case 1:
            del lines[at : at + 1 + int(random.random() * 30)]
        case 2:
            lines[at:at] = [lines[to]] * 2000
        case 3:
            lines[at:at] = lines
        case 4:
            random.shuffle(lines)
        case 5:
            lines[at] = lines[at] * 3000
        case 6:
            lines[at] = lines[at] + lines.pop(to) if at < to else lines[at][::-1]
    return b"\n".join(lines)


def changed_fields(random: Random, content: bytes) -> bytes:
    lines = content.split(b"\n")
    new = picked(random, (NUMBERS, WORDS)[int(random.random() * 2)])
    value = new.encode(errors="surrogateescape")
    # The same field of one line, or of all.
    nth, every, at = int(random.random() * 8), random.random() < 0.3, one_of(random, lines)
    for number in range(len(lines)) if every and len(value) < 100 else [at]:
        fields = list(FIELD.finditer(lines[number]))
        if nth < len(fields):
            begin, end = fields[nth].span()
            lines[number] = lines[number][:begin] + value + lines[number][end:]
    return b"\n".join(lines)


CHANGES: tuple[Callable[[Random, bytes], bytes], ...] = (
    *(changed_bytes, changed_lines, changed_fields),
)


def fuzzed(random: Random) -> Files:
    """Return a submission with one to four changes in its files."""
    if random.random() < 0.5:
        files = files_of(NAMES[int(random.random() * len(NAMES))])
    else:
        files = made(int(random.random() * 100_000)).files
    for _ in range(1 + int(random.random() * 4)):
        name = [*files][int(random.random() * len(files))]
        change = CHANGES[int(random.random() * len(CHANGES))]
        files[name] = change(random, files[name])
    return files


def test_a_changed_log_is_answered(
    number: int, attack_seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "submission"
    folder.mkdir()
    for name, content in fuzzed(Random(f"{attack_seed}/{number}")).items():
        (folder / name).write_bytes(content)
    answer = answer_of(lambda: main(["check", str(folder)]), str(folder), capsys)
    assert "Traceback" not in answer.output
    assert answer.code in (0, 1, 2), answer.output[-2000:]
    assert not CONTROL.search(answer.output)
    assert answer.seconds <= MAX_SECONDS
    assert answer.peak_mb <= MAX_MB

"""Hostile words, values and mutations, and what holds of every answer to them."""

import os
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from cluster import ROOT

MAX_OUTPUT = 100_000
MAX_SECONDS = 10
MAX_MB = 1000
#: Room for the address space of libraries that reserve more than they use.
ADDRESS_SPACE = 8 * 2**30
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]")

NUMBERS = (
    *("0", "-1", "-0", "1", "3", "199", "200", "201", "1e3", "1e999", "nan", "-inf", "0x10", "1_0"),
    *("²", "٣", "½", " 7 ", "+5", "9" * 19, "9" * 21, "9" * 4300, "9" * 5000, "0." + "1" * 5000),
    *("9223372036854775807", "9223372036854775808", "1e-320", "5e-10", "0.000000001"),
)
WORDS = (
    *("", " ", "\n", "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\udcff", "vm1", "a,b,a"),
    *("a" * 64, "x" * 100_000, ",", ",,,", "=", ":", "h:²", "h:0", "h:65536", "[::1]:5", "vm2=h:5"),
    *("--", "-", "-x", "--out", "--help", "@file", "%s%n", "{}", "[[[", "'", '"', "`", "$(x)"),
    *("..", "../..", "/dev/null", "/dev/null/x", "/proc/self/nothing", "~", "\\", "a\tb"),
    *("[" * 20_000, '{"seed":' * 3000, '{"seed":1,"seed":2}', '{"ticks":5}', '{"faults":[{}]}'),
    *("1-2-3", "6-1", "-1-5", "lamport,lamport", "tight,", "1,2,3,4", "0,0,0", "1,2,²"),
    ",".join(f"m{n}" for n in range(20_000)),
)


def picked(random: Random, among: Sequence[str]) -> str:
    return among[int(random.random() * len(among))]


def mutated_text(random: Random, text: str) -> str:
    """Return a text with one to three places changed, cut, doubled or filled with something."""
    for _ in range(1 + int(random.random() * 3)):
        at, length = int(random.random() * (len(text) + 1)), int(random.random() * 12)
        cut = text[at : at + length]
        new = (cut * 2, "", cut[::-1], picked(random, NUMBERS), picked(random, WORDS))
        text = text[:at] + picked(random, new) + text[at + length :]
    return text


@dataclass(frozen=True)
class Answer:
    """What a command answered to an input: exit code, all output, and what that took."""

    given: str
    code: int
    output: str
    seconds: float
    peak_mb: float

    def check(self) -> None:
        """Check that the input has done no harm."""
        told = f"{self.given[:2000]!r} gives {self.code}: {self.output[-3000:]!r}"
        assert "Traceback" not in self.output, told
        assert self.code in (0, 1, 2, 3, 4), told
        assert not CONTROL.search(self.output), told
        assert len(self.output) <= MAX_OUTPUT, told
        assert self.seconds <= MAX_SECONDS, f"{self.seconds:.1f} s: {told}"
        assert self.peak_mb <= MAX_MB, f"{self.peak_mb:.0f} MB: {told}"


def answer_of(
    command: Callable[[], int], given: str, captured: pytest.CaptureFixture[str]
) -> Answer:
    """Call a command in this process; other processes of this computer do not count."""
    captured.readouterr()
    before_mb, begun_s = _peak_mb(), time.process_time()
    try:
        code = command()
    except SystemExit as end:
        code = int(end.code or 0)
    seconds = time.process_time() - begun_s
    return Answer(given, code, "".join(captured.readouterr()), seconds, _peak_mb() - before_mb)


def answer_of_process(module: str, words: Sequence[str], folder: Path) -> Answer:
    """Execute `python -m MODULE WORDS` in a folder, under limits of memory and of time."""
    output = folder.parent / "output"
    child = os.fork()
    if not child:
        _execute(module, words, folder, output)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    text = output.read_bytes().decode(errors="surrogateescape")
    return Answer(repr(words), code, text, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _execute(module: str, words: Sequence[str], folder: Path, output: Path) -> None:
    """Become the command; after twice the time it is ended, as an answer that comes too late."""
    try:
        os.chdir(folder)
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(file, 1)
        os.dup2(file, 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CPU, (2 * MAX_SECONDS, 2 * MAX_SECONDS))
        command = [sys.executable, "-P", "-m", module, *map(os.fsencode, words)]
        os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": str(ROOT)})
    finally:
        os._exit(99)


def files_below(folder: Path, but: Path) -> set[Path]:
    """Return all that is below a folder, without what is below another."""
    return {path for path in folder.rglob("*") if not path.is_relative_to(but)}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

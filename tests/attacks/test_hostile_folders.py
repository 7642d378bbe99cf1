"""Folders that somebody else made: whatever is in them, each command answers, and harms nothing.

Every kind of folder is given to every command as a process of its own. It must answer in time,
within its memory, briefly, in printable text, without a traceback, and leave everything outside
the folders that were named as it was.
"""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random
from threading import Timer
from time import perf_counter
from typing import Any

import pytest

from by_hand import internal, receive, send, write_run

#: In time of the processor, or by the clock: other programs must not make an answer late.
MAX_S = 10
KILLED_AFTER_S = 90
MAX_RSS_KB = 1_000_000
MAX_DATA_BYTES = 8 << 30
MAX_OUTPUT_BYTES = 100_000
CODES = {0, 1, 2, 3, 4}
REPOSITORY = Path(__file__).parents[2]

Make = Callable[[Path, Path], None]
KINDS: dict[str, Make] = {}


def kind(make: Make) -> Make:
    KINDS[make.__name__] = make
    return make


def a_run(folder: Path) -> Path:
    """A run without a fault, which a kind then spoils."""
    folder.mkdir(parents=True, exist_ok=True)
    logs = {
        "vm1": [internal(10, 1), send(20, 2, "vm2"), internal(30, 3)],
        "vm2": [internal(10, 1), receive(25, 3, "vm1", 1)],
    }
    write_run(folder, logs)
    return folder


def started(folder: Path, **changes: Any) -> Path:
    """The log of a machine whose start record is changed."""
    log = a_run(folder) / "vm1.jsonl"
    first, *rest = log.read_text().splitlines()
    start = json.loads(first)
    start["spec"] |= changes.pop("spec", {})
    log.write_text("\n".join([json.dumps(start | changes), *rest]) + "\n")
    return log


def changed(folder: Path, line: int, **changes: Any) -> None:
    log = a_run(folder) / "vm1.jsonl"
    lines = log.read_text().splitlines()
    lines[line] = json.dumps(json.loads(lines[line]) | changes)
    log.write_text("\n".join(lines) + "\n")


def sparse(path: Path, size: int, begin: bytes = b"") -> None:
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(size)


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


# --- links, pipes, devices ---

FILES = ("verdict.json", "metrics.json", "report.html", "run.json", "spec.json", "x.jsonl")


def _linking(name: str) -> Iterator[tuple[str, Make]]:
    yield f"symlink_{name}", lambda f, o: (a_run(f) / name).symlink_to(o / "precious")
    yield f"hardlink_{name}", lambda f, o: (a_run(f) / name).hardlink_to(o / "precious")
    yield f"fifo_{name}", lambda f, _: os.mkfifo(a_run(f) / name)
    yield f"zero_{name}", lambda f, _: (a_run(f) / name).symlink_to("/dev/zero")
    yield f"folder_{name}", lambda f, _: (a_run(f) / name).mkdir()


for some in FILES:
    KINDS |= dict(_linking(some))


@kind
def charts_linked(folder: Path, outside: Path) -> None:
    (a_run(folder) / "charts").symlink_to(outside)


@kind
def run_and_results_linked(folder: Path, outside: Path) -> None:
    a_run(folder / "one")
    (folder / "two").symlink_to(outside)
    (folder.parent / "out").mkdir()
    (folder.parent / "out" / "named").symlink_to(outside)


@kind
def partial_names_linked(folder: Path, outside: Path) -> None:
    a_run(folder)
    for pid in range(os.getpid(), os.getpid() + 500):
        (folder / f".verdict.json.{pid}").symlink_to(outside / "precious")


@kind
def parquet_beside_a_log(folder: Path, _: Path) -> None:
    a_run(folder)
    sparse(folder / ".vm1.jsonl.parquet", 1000, b"PAR1")


@kind
def link_to_itself(folder: Path, _: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "x.jsonl").symlink_to("x.jsonl")


@kind
def only_pipes(folder: Path, _: Path) -> None:
    for name in ("x.jsonl", "run.json", "metrics.json", "experiment.json", "a.log"):
        os.mkfifo(folder / name)


# --- names ---


@kind
def folder_names_not_utf8(folder: Path, _: Path) -> None:
    a_run(Path(os.fsdecode(os.fsencode(folder) + b"/run\xff\xfe")))
    a_run(Path(os.fsdecode(os.fsencode(folder) + b"/run\x80\x1b[2J")))


@kind
def file_names_not_utf8(folder: Path, _: Path) -> None:
    log = a_run(folder) / "vm1.jsonl"
    log.rename(os.fsdecode(os.fsencode(folder) + b"/\xff.jsonl"))


@kind
def foreign_names_not_utf8(folder: Path, _: Path) -> None:
    for name in (b"\xff.csv", b"a\xfe.csv"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("1|1|internal|0|\n")


@kind
def control_characters_in_names(folder: Path, _: Path) -> None:
    a_run(folder / "\x1b]0;title\x07\nverdict: holds")
    for name in ("\x1b[2J.csv", "\u202efdp.csv"):
        (folder / name).write_text("1|1|internal|0|\n")


@kind
def control_characters_in_run_json(folder: Path, _: Path) -> None:
    run = a_run(folder / "lab" / "run")
    fields = {"backend": "\x1b[31m", "outcome": "\x9b2J", "problem": "a\nb\x07\x7f"}
    (run / "run.json").write_text(json.dumps(fields, ensure_ascii=False))
    (run / "spec.json").write_text(json.dumps(fields))


@kind
def control_characters_in_logs(folder: Path, _: Path) -> None:
    changed(folder, 2, to=["\x1b[2J", "vm2\n"])


@kind
def control_characters_of_machines(folder: Path, _: Path) -> None:
    lines = [f'h\x1b[3{n} {{"h\x1b[3{n}":{n + 1}}} \x07event' for n in range(3)]
    (folder / "a.log").write_text("\n".join(lines).replace('"h\x1b', '"h\\u001b') + "\n")


@kind
def control_characters_in_cells(folder: Path, _: Path) -> None:
    (folder / "a.csv").write_text(
        "time,clock,kind,machine,to\n1,1,send,\x1b[2J,\x9b\n2,x\x1b[1m,\x07,b,c\n"
    )


@kind
def names_very_long(folder: Path, _: Path) -> None:
    a_run(folder / ("r" * 250))
    (folder / "a.csv").write_text(f"1|1|internal|0|\n2|2|send|0|{'n' * 60_000}\n")


@kind
def html_in_names(folder: Path, _: Path) -> None:
    (folder / "a.csv").write_text("1|1|internal|0|</script><script>alert(1)</script>\n" * 3)


# --- JSON ---

for some in ("run.json", "metrics.json", "spec.json", "verdict.json", "experiment.json"):
    KINDS |= {
        f"deep_{some}": lambda f, _, n=some: (a_run(f) / n).write_text(nested(200_000)) and None,
        f"list_{some}": lambda f, _, n=some: (a_run(f) / n).write_text("[1]") and None,
        f"huge_{some}": lambda f, _, n=some: sparse(a_run(f) / n, 1 << 30),
        f"other_{some}": lambda f, _, n=some: (a_run(f) / n).write_text(ODD_JSON) and None,
    }
ODD_JSON = json.dumps(
    {
        "run": 1,
        "backend": ["\x1b"],
        "runs": [{"run": None, "machines": [{"machine": {}, "tick_rate_hz": "x"}]}],
        "machines": 3,
        "ticks": None,
        "duration_s": "long",
        "faults": [1, None, {"kind": []}],
        "begun_unix_ns": 10**40,
        "verdict": {},
        "points": [1],
        "problem": {"a": "\x1b"},
    }
)


@kind
def metrics_alone_odd(folder: Path, _: Path) -> None:
    for number, value in enumerate((10**400, "x", [1], {"a": 1}, float("nan"), True)):
        run = folder / f"{number}"
        run.mkdir()
        metrics = {"run": "r", "final_spread": value, "machines": [{"jump_mean": value}]}
        (run / "metrics.json").write_text(json.dumps({"runs": [metrics]}))


@kind
def metrics_alone_deep(folder: Path, _: Path) -> None:
    (folder / "metrics.json").write_text('{"runs":' + nested(100_000) + "}")


@kind
def index_of_odd_runs(folder: Path, _: Path) -> None:
    for number in range(2):
        run = a_run(folder / "lab" / f"p-seed{number}")
        (run / "run.json").write_text(ODD_JSON)
        (run / "spec.json").write_text(ODD_JSON)
    (folder / "lab" / "experiment.json").write_text(json.dumps({"points": {"p": 1}}))
    (folder / "lab" / "experiment.toml").symlink_to("/dev/zero")


@kind
def digits_without_end(folder: Path, _: Path) -> None:
    (folder / "x.jsonl").write_text('{"kind":"start","format":' + "9" * 500_000 + "}\n")


@kind
def duplicate_keys(folder: Path, _: Path) -> None:
    a_run(folder)
    with (folder / "vm1.jsonl").open("a") as log:
        log.write('{"kind":"internal","kind":"send","kind":[]}\n' * 2000)


# --- our own logs ---


@kind
def line_of_a_gigabyte(folder: Path, _: Path) -> None:
    sparse(folder / "x.jsonl", 1 << 30)
    sparse(folder / "y.jsonl", 1 << 30, b'{"kind":')


@kind
def log_with_a_gigabyte_after_its_start(folder: Path, _: Path) -> None:
    log = a_run(folder) / "vm1.jsonl"
    sparse(log, 1 << 30, log.read_bytes())


@kind
def logs_of_terabytes(folder: Path, _: Path) -> None:
    for name in ("x.jsonl", "vm1.jsonl"):
        sparse(folder / name, 1 << 40, b'{"kind":"start"}\n')


@kind
def machines_declared_100_000(folder: Path, _: Path) -> None:
    names = [f"m{number}" for number in range(100_000)]
    (a_run(folder) / "vm1.jsonl").write_text(
        json.dumps({"kind": "start", "format": 2, "machine": "m0", "run": "r"})[:-1]
        + f', "epoch_unix_ns": 0, "version": "0", "spec": {json.dumps({"machines": names})}}}\n'
    )


@kind
def vector_of_3_million(folder: Path, _: Path) -> None:
    changed(folder, 1, clock={"vector": list(range(3_000_000))})


@kind
def vector_of_100_000(folder: Path, _: Path) -> None:
    changed(folder, 1, clock={"lamport": list(range(100_000))})


ODD_FAULTS: list[Any] = [
    1,
    None,
    {"kind": []},
    {"kind": "crash", "machine": {}, "at_s": 1},
    {"kind": "loss", "probability": "1", "from": [[]], "to": 1},
    {"kind": "partition", "groups": [[[]]]},
    {"kind": "pause", "machine": "vm1", "at_s": 1e308, "for_s": -1},
    {"kind": "restart", "machine": "nobody", "at_s": 0},
    {"kind": "delay", "extra_s": float("nan")},
]
for number, fault in enumerate(ODD_FAULTS):
    KINDS[f"fault_{number}"] = lambda f, _, one=fault: started(f, spec={"faults": [one]}) and None


@kind
def faults_by_the_thousand(folder: Path, _: Path) -> None:
    faults = [{"kind": "crash", "machine": "vm1", "at_s": 1 + n / 1000} for n in range(8000)]
    started(folder, spec={"faults": faults})


@kind
def start_records_odd(folder: Path, _: Path) -> None:
    for number, changes in enumerate(
        ({"run": "\x1b[2J" * 1000}, {"epoch_unix_ns": 2**63 - 1}, {"version": "\x9b\n"})
    ):
        started(folder / f"{number}", **changes)


@kind
def times_at_the_end_of_time(folder: Path, _: Path) -> None:
    changed(folder, 3, at_ns=2**63 - 1, due_ns=2**63 - 1, queue=2**62, tick=2**62)


@kind
def times_below_zero(folder: Path, _: Path) -> None:
    changed(folder, 1, at_ns=-(2**62), due_ns=-1, queue=-5, index=-7)


@kind
def many_lines_of_nothing(folder: Path, _: Path) -> None:
    a_run(folder)
    with (folder / "vm1.jsonl").open("ab") as log:
        log.write(b"?\n" * 4_000_000)


@kind
def good_lines_among_bad_ones(folder: Path, _: Path) -> None:
    log = a_run(folder) / "vm1.jsonl"
    first, event, *_rest = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(first + (event * 70 + b"{\n") * 5000)


@kind
def deep_line(folder: Path, _: Path) -> None:
    a_run(folder)
    with (folder / "vm1.jsonl").open("a") as log:
        log.write('{"kind":"internal","clock":' + nested(300_000) + "}\n")
        log.write('{"kind":"start","format":2,"spec":{"faults":' + nested(900) + "}}\n")


@kind
def bytes_that_are_no_text(folder: Path, _: Path) -> None:
    (folder / "x.jsonl").write_bytes(b'{"kind":"\xff\xfe\x00' + bytes(range(256)) * 1000)
    (folder / "a.log").write_bytes(bytes(range(256)) * 1000)


@kind
def logs_of_one_machine_by_the_thousand(folder: Path, _: Path) -> None:
    log = a_run(folder) / "vm1.jsonl"
    for number in range(3000):
        (folder / f"copy{number}.jsonl").write_bytes(log.read_bytes())


@kind
def inbox_of_everything(folder: Path, _: Path) -> None:
    unread = [{"from": "vm2", "cause": n, "arrived_ns": 1} for n in range(18_000)]
    changed(folder, -1, inbox=unread, rejected=2**62, ticks_missed=2**62)


# --- logs of other programs ---


def shiviz(folder: Path, expression: str, lines: str, delimiter: str = "") -> None:
    (folder / "a.log").write_text(f"{expression}\n{delimiter}\n{lines}\n")


EXPRESSION = r"(?<host>\S+) (?<clock>{.*}) (?<event>.*)"


@kind
def expression_without_end(folder: Path, _: Path) -> None:
    shiviz(folder, r"(?<host>(a+)+)x(?<clock>b)(?<event>c)", "a" * 60_000)


@kind
def expression_without_end_later(folder: Path, _: Path) -> None:
    good = "\n".join(f'h {{"h":{n}}} e' for n in range(1, 9000))
    expression = r"(?<host>\S+) (?<clock>{.*}) (?<event>(?:(?:\w+)*\w*)*[^a]$|e)"
    shiviz(folder, expression, f"{good}\n" + 'h {"h":1} ' + "a" * 50_000 + "!a")


@kind
def delimiter_without_end(folder: Path, _: Path) -> None:
    shiviz(folder, EXPRESSION, 'h {"h":1} e\n' + "a" * 50_000 + "!", r"(?:(?:a|a)*)*b")


@kind
def expressions_by_the_dozen(folder: Path, _: Path) -> None:
    for number in range(12):
        (folder / f"{number}").mkdir()
        shiviz(folder / f"{number}", r"(?<host>(.*)*)x(?<clock>b)(?<event>c)", "a" * 60_000)


@kind
def expression_that_matches_nothing_everywhere(folder: Path, _: Path) -> None:
    shiviz(folder, "(?<host>x)?(?<clock>y)?(?<event>z)?", "a b c\n" * 500_000)


@kind
def expression_of_parentheses(folder: Path, _: Path) -> None:
    shiviz(folder, "(" * 20_000 + "(?<host>(?<clock>(?<event>" + ")" * 20_003, "a")


@kind
def expression_that_is_none(folder: Path, _: Path) -> None:
    shiviz(folder, r"(?<host>\S+(?<clock>[)(?<event>*+{999999999999}", "a")


@kind
def hosts_20_000(folder: Path, _: Path) -> None:
    lines = [f'h{n} {{"h{n}":1}} e' for n in range(20_000)]
    shiviz(folder, EXPRESSION, "\n".join(lines))


@kind
def hosts_20_000_in_one_clock(folder: Path, _: Path) -> None:
    clock = json.dumps({f"h{n}": 1 for n in range(20_000)})
    shiviz(folder, EXPRESSION, "\n".join(f"h{n} {clock} e" for n in range(20)))


@kind
def hosts_that_all_meet(folder: Path, _: Path) -> None:
    lines = []
    for turn in range(1, 60):
        clock = json.dumps({f"h{n}": turn for n in range(300)})
        lines += [f"h{n} {clock} e" for n in range(300)]
    shiviz(folder, EXPRESSION, "\n".join(lines))


@kind
def braces(folder: Path, _: Path) -> None:
    (folder / "a.log").write_text("h e {}\n" + "h " + "{" * 60_000 + "\n")
    (folder / "b.log").write_text("h " + "{ " * 30_000 + "}" * 1000)


@kind
def executions_100_000(folder: Path, _: Path) -> None:
    shiviz(folder, EXPRESSION, 'h {"h":1} e\n=== x ===\n' * 100_000, "^=== (?<trace>.*) ===$")


@kind
def executions_named_badly(folder: Path, _: Path) -> None:
    names = ("../../outside/precious", "a" * 5000, "\x1b[2J", "..", "")
    lines = "\n".join(f'=== {name} ===\nh {{"h":1}} e' for name in names)
    shiviz(folder, EXPRESSION, lines, "^=== (?<trace>.*) ===$")


@kind
def host_clock_numbers(folder: Path, _: Path) -> None:
    numbers = ("1e400", "-1", "9" * 5000, "true", "null", '"1"', str(2**63 - 1))
    lines = "\n".join(f'h{"9" * 150} {{"h{"9" * 150}":{n}}} e' for n in numbers)
    shiviz(folder, EXPRESSION, lines)


@kind
def field_over_128_kb(folder: Path, _: Path) -> None:
    head = "time|clock|kind|queue|peer\n1|1|internal|0|\n"
    (folder / "a.csv").write_text(f"{head}2|2|internal|0|{'x' * 200_000}\n3|3|internal|0|\n")
    (folder / "b.csv").write_text(f'{head}2|2|internal|0|"{"x" * 200_000}\n')


@kind
def header_over_128_kb(folder: Path, _: Path) -> None:
    (folder / "a.csv").write_text(f"time|clock|kind|{'x' * 200_000}\n1|1|internal|0|\n")


@kind
def csv_of_a_gigabyte(folder: Path, _: Path) -> None:
    sparse(folder / "a.csv", 1 << 30, b"1|1|internal|0|\n")
    (folder / "sub").mkdir()
    sparse(folder / "sub" / "b.csv", 200 << 20, b"1|1|internal|0|\n")


@kind
def csv_of_short_lines(folder: Path, _: Path) -> None:
    (folder / "a.csv").write_bytes(b"1|1|internal|0|\n" + b"x\n" * 20_000_000)


@kind
def machines_100_000_in_cells(folder: Path, _: Path) -> None:
    rows = (f"{n},{n},send,m{n},x{n}" for n in range(100_000))
    (folder / "a.csv").write_text("time,clock,kind,machine,to\n" + "\n".join(rows))


@kind
def sends_that_all_fit(folder: Path, _: Path) -> None:
    for number in range(20):
        rows = (f"{n}|5|{'send' if number % 2 else 'receive'}|0|" for n in range(3000))
        (folder / f"m{number}.csv").write_text("\n".join(rows) + "\n")


@kind
def stamps_that_are_all_equal(folder: Path, _: Path) -> None:
    head = "time,clock,kind,machine,sender,receiver,stamp\n"
    rows = (f"{n},1,send,a,,b,1\n{n},2,receive,b,a,,1" for n in range(40_000))
    (folder / "a.csv").write_text(head + "\n".join(rows) + "\n")


@kind
def times_of_a_million_digits(folder: Path, _: Path) -> None:
    rows = ("1", "1e999999", "9" * 50_000, "nan", "-inf", "1:1:1e99999", "\x1b[2J")
    (folder / "a.csv").write_text("".join(f"{at}|{n}|internal|0|\n" for n, at in enumerate(rows)))


@kind
def reasons_that_all_differ(folder: Path, _: Path) -> None:
    rows = (f"{n}|x{n}|internal|0|" for n in range(100_000))
    (folder / "a.csv").write_text("1|1|internal|0|\n" + "\n".join(rows))


VKLOCKS = "2025-01-01 10:00:00,000 INFO: "


@kind
def text_log_of_a_gigabyte(folder: Path, _: Path) -> None:
    begun = f"{VKLOCKS}Machine m1 initialized with tick rate 1 ticks per second\n".encode()
    sparse(folder / "m1.txt", 1 << 30, begun)
    (folder / "sub").mkdir()
    sparse(folder / "sub" / "m1.txt", 200 << 20, begun)


@kind
def text_log_of_short_lines(folder: Path, _: Path) -> None:
    begun = f"{VKLOCKS}Machine m1 initialized with tick rate 1 ticks per second\n".encode()
    (folder / "m1.txt").write_bytes(begun + b"x\n" * 10_000_000)


@kind
def text_log_of_long_numbers(folder: Path, _: Path) -> None:
    (folder / "m1.txt").write_text(
        f"{VKLOCKS}Machine m\x1b[2J initialized with tick rate {'9' * 18} ticks per second\n"
        f"{VKLOCKS}Internal event: updated logical clock to {'9' * 18}, system_time=1.0\n"
        f"{VKLOCKS}Received message from {'n' * 100_000}: received_clock={'9' * 18}\n"
        "2025-99-99 99:99:99,999 INFO: \x07\n"
    )


# --- many ---


@kind
def folders_by_the_thousand(folder: Path, _: Path) -> None:
    for number in range(3000):
        (folder / f"{number}").mkdir()
        (folder / f"{number}" / "x.jsonl").write_text('{"kind":"?"}\n')


@kind
def run_json_by_the_thousand(folder: Path, _: Path) -> None:
    for number in range(3000):
        (folder / "lab" / f"{number}").mkdir(parents=True)
        (folder / "lab" / f"{number}" / "run.json").write_text('{"problem":"' + "x" * 900 + '"}')


@kind
def files_by_the_ten_thousand(folder: Path, _: Path) -> None:
    for number in range(20_000):
        (folder / f"{number}.log").write_text("1 2 3\n")


@kind
def folders_in_folders(folder: Path, _: Path) -> None:
    at = os.open(folder, os.O_RDONLY)
    for _number in range(1500):
        os.mkdir("d", dir_fd=at)  # a path would be too long
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)


@kind
def nothing(_folder: Path, _: Path) -> None:
    pass


@kind
def proc(folder: Path, _: Path) -> None:
    folder.rmdir()
    folder.symlink_to("/proc")


# --- the attacks ---

COMMANDS: dict[str, Callable[[Path, Path], list[Any]]] = {
    "check": lambda folder, _: ["check", folder],
    "analyse": lambda folder, out: ["analyse", folder, "--out", out],
    "export": lambda folder, out: ["export", folder, "--to", "shiviz", "--out", out],
    "replay": lambda folder, _: ["replay", folder],
    "list": lambda folder, _: ["list", "--out", folder],
}


@dataclass(frozen=True)
class Answer:
    code: int
    text: bytes
    took_s: float
    rss_kb: int


def asked(world: Path, arguments: list[Any]) -> Answer:
    command = [sys.executable, "-P", "-m", "orchestrator", *map(str, arguments)]
    caches = {"XDG_CACHE_HOME": str(world.parent / "caches"), "TMPDIR": str(world.parent)}
    begun_s = perf_counter()
    with (world.parent / "output").open("w+b") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env=os.environ | caches,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MAX_DATA_BYTES,) * 2),
        )
        late = Timer(KILLED_AFTER_S, os.killpg, (process.pid, signal.SIGKILL))
        late.start()
        _, status, used = os.wait4(process.pid, 0)
        late.cancel()
        took_s = min(perf_counter() - begun_s, used.ru_utime + used.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read(10 * MAX_OUTPUT_BYTES)
    return Answer(process.returncode, text, took_s, used.ru_maxrss)


def wrong(answer: Answer) -> Iterator[str]:
    text = answer.text.decode(errors="replace")
    if answer.took_s >= MAX_S or answer.code == -signal.SIGKILL:
        yield f"no answer in {MAX_S} s"
    elif answer.code not in CODES:
        yield f"exit code {answer.code}"
    if "Traceback" in text:
        yield f"a traceback: {text.splitlines()[-1][:200]}"
    if odd := {one for one in text if not one.isprintable() and one != "\n"}:
        yield f"unprintable output: {odd!r:.80}"
    if len(answer.text) > MAX_OUTPUT_BYTES:
        yield f"{len(answer.text):,} bytes of output"
    if answer.rss_kb > MAX_RSS_KB:
        yield f"{answer.rss_kb:,} KB of memory"


def seen(folder: Path) -> dict[str, object]:
    """Everything below a folder, with the contents of its files."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        content = hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        found[str(path)] = (path.lstat().st_mode, content)
    return found


def attacked(base: Path, name: str, command: str) -> list[str]:
    world = base / "world"
    folder, outside = world / "named", world / "outside"
    for made in (folder, outside):
        made.mkdir(parents=True)
    (outside / "precious").write_text("precious\n")
    KINDS[name](folder, outside)
    before = seen(outside), {path.name for path in world.iterdir()} | {"out"}
    answer = asked(world, COMMANDS[command](folder, world / "out"))
    after = seen(outside), {path.name for path in world.iterdir()} | {"out"}
    problems = [*wrong(answer), *["wrote outside the folder"] * (before != after)]
    return [f"{name}, {command}: {problem}" for problem in problems]


def test_every_command_survives_every_folder(
    tmp_path: Path, attack_seed: int, attacks: Callable[[int, int], int]
) -> None:
    cases = [*product(KINDS, COMMANDS)]
    chosen = Random(attack_seed).sample(cases, attacks(8, len(cases)))
    problems = []
    for number, (name, command) in enumerate(chosen):
        base = tmp_path / f"{number}"
        problems += attacked(base, name, command)
        subprocess.run(["rm", "-rf", base], check=True)
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("name", ["line_of_a_gigabyte", "hosts_20_000", "expression_without_end"])
def test_the_worst_folders_are_checked(tmp_path: Path, name: str) -> None:
    assert attacked(tmp_path, name, "check") == []

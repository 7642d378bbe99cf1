"""Names of machines: in the names of files, and of peers in the lines."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

#: Words before a number that is that of a run, not of a machine.
RUN_WORDS = {"run", "trial", "exp", "experiment", "test", "seed", "round", "part", "take", "try"}
#: Words before the ticks of a machine's clock.
RATE_WORDS = {
    *("rate", "speed", "hz", "tps", "clock_rate", "tick_rate", "ticks", "tick", "cr", "freq"),
}
#: Words in the names of folders with the log of one machine each.
FOLDER_WORDS = {
    *("machine", "vm", "node", "process", "proc", "host", "server", "worker", "peer", "client"),
    *("p", "m", "c", "pid", "port", "player", "agent", "site"),
}
#: A part of a file's name.
PART = re.compile(r"\d+|[^\W\d_]+|[^\w]|_")
#: The same, with the digits of a number one by one: 7012 is machine 2 in run 1.
DIGIT = re.compile(r"\d|[^\W\d_]+|[^\w]|_")
NUMBER = re.compile(r"\d+")
#: The fewest files of two runs with two machines each.
MIN_GRID = 4


class Named(NamedTuple):
    """The machine of a file, and the run that it belongs to ("" if there is only one)."""

    run: str
    machine: str


def named(files: Sequence[str]) -> dict[str, Named]:
    """Return the machine and the run of each log, by the parts in which their names differ."""
    parts = {file: PART.findall(file) for file in files}
    lengths = {len(some) for some in parts.values()}
    if len(files) < 2 or len(lengths) != 1:
        return {file: Named("", _stem(file)) for file in files}
    columns = list(zip(*parts.values(), strict=True))
    differing = [n for n, column in enumerate(columns) if len(set(column)) > 1]
    machine = _machine_column(columns, differing)
    runs = [n for n in differing if n != machine]
    whole = {
        file: Named("_".join(some[n] for n in runs), some[machine]) for file, some in parts.items()
    }
    if len(set(whole.values())) < len(files):
        return {file: Named("", _stem(file)) for file in files}
    several = len(set(columns[machine])) < len(files)
    # A date or a process number that differs along with the machine is no run.
    return whole if several else {file: Named("", one.machine) for file, one in whole.items()}


def runs_of_files(files: Sequence[str]) -> list[dict[str, list[str]]]:
    """Return the ways to divide files into runs by their names, the likeliest first.

    Each has the files of each run by its name. Several runs have the same machines, at least two,
    and each a log of each machine. Another way is one run "" of all files, or of some alike.
    """
    groups: dict[int, list[str]] = {}
    for file in files:
        groups.setdefault(len(PART.findall(file)), []).append(file)
    some = max(groups.values(), key=len, default=[])
    found = [runs for part in (PART, DIGIT) for runs in _divisions(some, part)]
    return [*found, {"": list(files)}, *_alike(files)]


def _alike(files: Sequence[str]) -> Iterator[dict[str, list[str]]]:
    """Yield files whose names differ in numbers alone, beside others: vm1.log beside vm1_sizes."""
    groups: dict[str, list[str]] = {}
    for file in files:
        groups.setdefault(NUMBER.sub("0", file), []).append(file)
    for some in sorted(groups.values(), key=len, reverse=True) if len(groups) > 1 else ():
        if len(some) > 1:
            yield from (*_divisions(some, PART), {"": some})


def _divisions(files: Sequence[str], part: re.Pattern[str]) -> Iterator[dict[str, list[str]]]:
    """Yield the ways to divide files into runs, by each part of their names for the machine."""
    parts = {file: part.findall(file) for file in files}
    if len(files) < MIN_GRID or len({len(some) for some in parts.values()}) != 1:
        return
    columns = list(zip(*parts.values(), strict=True))
    differing = [n for n, column in enumerate(columns) if len(set(column)) > 1]
    plain = [n for n in differing if not _is_run(columns, n)]
    for machine in sorted(plain, key=lambda n: _unlikeliness(columns, n)):
        runs = [n for n in differing if n != machine and _has_all(columns[n], columns[machine])]
        by_run: dict[str, dict[str, str]] = {}
        for file, own in parts.items():
            by_run.setdefault("_".join(own[n] for n in runs), {})[own[machine]] = file
        machines = {frozenset(run) for run in by_run.values()}
        is_whole = sum(map(len, by_run.values())) == len(files)
        if len(by_run) > 1 and len(machines) == 1 and len(*machines) > 1 and is_whole:
            yield {run: list(own.values()) for run, own in by_run.items()}


def _has_all(column: Sequence[str], machines: Sequence[str]) -> bool:
    """Return whether each text of a column occurs with every machine."""
    pairs = set(zip(column, machines, strict=True))
    return len(pairs) == len(set(column)) * len(set(machines))


def called_as_machines(folders: Sequence[str]) -> list[str]:
    """Return the folders that are called alike, after machines: vm1 and vm2, machine0_logs."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for folder in folders:
        words = tuple(part for part in PART.findall(folder.lower()) if part.isalpha())
        if {*words} & FOLDER_WORDS:
            alike.setdefault(words, []).append(folder)
    return max(alike.values(), key=len, default=[])


def vocabulary(files: Sequence[str]) -> set[str]:
    """Return the words that may be names of machines: parts in which names of files differ."""
    groups: dict[tuple[int, str], list[str]] = {}
    for file in files:
        parts = PART.findall(file)
        groups.setdefault((len(parts), parts[-1] if "." in parts else ""), []).append(file)
    machines = {
        one.machine for some in groups.values() if len(some) > 1 for one in named(some).values()
    }
    return {name for name in machines if any(map(str.isalpha, name))}


def _machine_column(columns: Sequence[Sequence[str]], differing: Sequence[int]) -> int:
    """Return the part that names the machine: the last that is not behind a word for a run."""
    plain = [n for n in differing if not _is_run(columns, n)] or list(differing)
    return min(plain, key=lambda n: _unlikeliness(columns, n))


def _unlikeliness(columns: Sequence[Sequence[str]], position: int) -> tuple[bool, bool, bool, int]:
    """Return how unlikely a part of names is the machine's; of alike ones, it is the last."""
    # Of a process number and the machine's, the machine's is the smaller.
    is_long = max(map(len, columns[position])) > 5
    before = _before(columns, position)
    return bool(before & RATE_WORDS), not before & FOLDER_WORDS, is_long, -position


def _is_run(columns: Sequence[Sequence[str]], position: int) -> bool:
    return bool(_before(columns, position) & RUN_WORDS)


def _before(columns: Sequence[Sequence[str]], position: int) -> set[str]:
    return {column[0].lower() for column in columns[max(0, position - 2) : position]}


def _stem(file: str) -> str:
    return file.partition(".")[0] or file


def number_in(text: str) -> int | None:
    """Return the last number in a name; None if it has none, or one of too many digits."""
    found = re.findall(r"\d+", text)
    return int(found[-1]) if found and len(found[-1]) <= 9 else None


# --- who a peer is ---

#: Words for all other machines, and for the neighbours in the order of the machines.
ALL_OTHERS = {
    *("all", "everyone", "everybody", "both", "broadcast", "bcast", "multicast", "others", "*"),
    *("todos", "ambos", "alle", "beide", "tous", "deux", "broadcasted", "broadcasting", "peers"),
}
NEXT_WORDS = {"right", "next", "clockwise", "successor", "rechts", "derecha", "droite"}
PREVIOUS_WORDS = {"left", "previous", "prev", "predecessor", "links", "izquierda", "gauche"}


#: Words at the place of a name that name no single machine.
NO_NAMES = (
    ALL_OTHERS | NEXT_WORDS | PREVIOUS_WORDS | {"none", "null", "nil", "nobody", "n/a", "nan"}
)
#: How unusual it is to name a peer so, in bits; and to count from another number or in an order.
COSTS = {"name": 0, "index": 6, "place": 6, "code": 6, "ring": 8}
OTHER = 4


class Naming(NamedTuple):
    """How a value names a peer; `offset` is subtracted from its number.

    `kind` is "name" (the machine's own name or number), "index" (its place among all machines),
    "place" (its place among the other machines), "ring" (steps ahead around all machines); "code"
    and "ring code" are as these, and the number behind the last place stands for all others.
    """

    kind: str
    offset: int = 0
    #: The order of the machines in which places are counted; () for the natural one.
    order: tuple[str, ...] = ()

    @property
    def cost(self) -> float:
        """How unusual it is, in bits."""
        is_shifted = self.offset != 0 if self.kind == "name" else self.offset > 1
        return COSTS[self.kind.removesuffix(" code")] + OTHER * (is_shifted or bool(self.order))

    @property
    def is_code(self) -> bool:
        return self.kind.endswith("code")

    # A naming is a small value: it may stay in the cache.
    @lru_cache(maxsize=1024)  # noqa: B019
    def machine(self, value: str, own: str, machines: tuple[str, ...]) -> tuple[str, ...]:
        """Return the machines that a value stands for; () if it stands for none."""
        if self.kind == "name":
            return _by_name(value, self.offset, own, machines)
        number = number_in(value)
        if number is None:
            all_others = tuple(machine for machine in machines if machine != own)
            return all_others if value.lower() in ALL_OTHERS else ()
        number -= self.offset
        machines = self.order or machines
        at = machines.index(own) if own in machines else 0
        others = [machine for machine in machines if machine != own]
        if self.kind.endswith("code") and number == len(others):
            return tuple(others)
        match self.kind:
            case "index":
                return _at(machines, number)
            case "place" | "code":
                return _at(others, number)
        is_step = 0 <= number < len(others)
        return (machines[(at + number + 1) % len(machines)],) if is_step else ()


def _at(some: Sequence[str], number: int) -> tuple[str, ...]:
    return (some[number],) if 0 <= number < len(some) else ()


def _by_name(value: str, offset: int, own: str, machines: Sequence[str]) -> tuple[str, ...]:
    lower = {machine.lower(): machine for machine in machines}
    if not offset and value.lower() in lower:
        return (lower[value.lower()],)
    if value.lower() in ALL_OTHERS:
        return tuple(machine for machine in machines if machine != own)
    # A machine may be called green in the lines of machinegreen.log.
    ends = [machine for machine in machines if machine.lower().endswith(value.lower())]
    if not offset and value.isalpha() and len(ends) == 1:
        return (ends[0],)
    number = number_in(value)
    if number is None:
        return ()
    same = [machine for machine in machines if number_in(machine) == number - offset]
    return tuple(same) if len(same) == 1 else ()


def lowest(values: Collection[str]) -> int:
    """Return the least number among texts, 0 if there is none."""
    return min((n for value in values if (n := number_in(value)) is not None), default=0)


def namings(values: Mapping[str, int], machines: Sequence[str]) -> list[Naming]:
    """Return how the values (with their counts) may name peers, the likeliest first."""
    numbers = [n for value in values if (n := number_in(value)) is not None]
    own = [n for machine in machines if (n := number_in(machine)) is not None]
    found = [Naming("name")]
    if numbers and own:
        found += [Naming("name", c) for c in _offsets(min(numbers), min(own)) if c]
    if numbers:
        low = min(numbers)
        found += [Naming("index", low), Naming("place", low), Naming("ring", low)]
        found += [Naming("index", 1), Naming("index", 0)]
        if max(numbers) - low == len(machines) - 1:
            found += [Naming("code", low), Naming("ring code", low)]
    return list(dict.fromkeys(found))


def _offsets(value: int, own: int) -> tuple[int, ...]:
    """Return the differences between numbers of peers and of machines that are looked at."""
    # Ports are a round number and the number of the machine.
    round_ = value - value % 10
    return (value - own, round_, 1, -1) if value > 99 else (1, -1, value - own)

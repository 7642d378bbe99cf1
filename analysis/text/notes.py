"""Notes on the logs of metrics and verdicts: missing, truncated, damaged or unknown files."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from analysis.evaluation import State
from analysis.history.run import Damage, Noise, Run
from analysis.metrics.labels import counted
from vm.clocks import clock_of
from vm.files import RUN, read_json
from vm.quoting import plain
from vm.records import shown_offset

MAX_FILES = 10
MAX_REASONS = 50
MAX_SHAPES = 8
MAX_WALLS = 5


def shown_verdict(path: Path, state: State | None) -> str:
    """Return the state of a run's verdict for a table, with the outcome unless the run finished."""
    outcome = (read_json(path / RUN) or {}).get("outcome", "finished")
    shown = state or "not checked"
    return shown if outcome == "finished" else f"{shown} ({plain(str(outcome))})"


def trouble(run: Run) -> str:
    """Return how the run of a verdict failed, by its run.json, or ""."""
    recorded = read_json(run.path / RUN) or {}
    outcome, problem = recorded.get("outcome"), recorded.get("problem")
    if not isinstance(outcome, str) or outcome == "finished":
        return ""
    because = f": {plain(problem)}" if isinstance(problem, str) and problem != outcome else ""
    return f"the run {'failed' if outcome == 'failed' else 'was ' + plain(outcome)}{because}"


def notes(run: Run) -> list[str]:
    """Return notes on logs that are missing, truncated, damaged, or in no known format."""
    killed = [m for m in run.logged if m not in run.stops] if run.format == "jsonl" else []
    return [
        *(f"note: {run.absence(machine)}" for machine in run.missing),
        *notes_on_wall_clocks(run),
        *_note_on_clock(run),
        *(f"note: {machine} left no stop record: it was killed" for machine in killed),
        *notes_on_damage(run.damage),
        *notes_on_noise(run),
        *notes_on_files(run),
    ]


def notes_on_wall_clocks(run: Run) -> Iterator[str]:
    """Yield a note for each wall clock that is not that of the first machine; at most MAX_WALLS."""
    start = next(iter(run.starts.values()), None)
    shown = {m: shown_offset(start, m) for m in start.wall_offsets} if start else {}
    ahead = [f"of {machine} is {offset}" for machine, offset in shown.items() if offset]
    for offset in ahead[:MAX_WALLS]:
        yield f"note: the wall clock {offset}; times are corrected"
    if (more := len(ahead) - MAX_WALLS) > 0:
        yield f"note: times are also corrected for {counted(more, 'more wall clock')}"


def _note_on_clock(run: Run) -> list[str]:
    """Return why the run has no metrics of its main clock, if it has none."""
    if clock_of(run.main).column != "text":
        return []
    return [f"note: no metrics of the clocks: timestamps of {run.main} are texts, not numbers"]


def notes_on_damage(damage: Iterable[Damage]) -> list[str]:
    """Return a note for each file and reason, with the first line; at most MAX_REASONS."""
    same = Counter((one.file, one.reason) for one in damage)
    first = {(one.file, one.reason): one.line for one in reversed(list(damage))}
    listed = [
        f"note: {counted(count, 'line')} not used from {file}:{first[file, reason]}: {reason}"
        for (file, reason), count in islice(same.items(), MAX_REASONS)
    ]
    more = len(same) - len(listed)
    return [*listed, f"note: lines not used for {counted(more, 'more reason')}"] if more else listed


def notes_on_noise(run: Run) -> list[str]:
    """Return a note for each shape of lines that describe no event, with the first of them."""
    listed = list(map(_note_on_noise, run.noise[:MAX_SHAPES]))
    if rest := run.noise[MAX_SHAPES:]:
        lines = counted(sum(one.lines for one in rest), "more line")
        listed.append(f"note: {lines} of {counted(len(rest), 'other shape')}: no event")
    return listed


def _note_on_noise(one: Noise) -> str:
    shape = f"`{one.shape}`" if one.shape else "of many shapes"
    lines = "1 line describes" if one.lines == 1 else f"{one.lines:,} lines describe"
    return f"note: {lines} no event: {shape}, first {one.file}:{one.line}"


def notes_on_files(run: Run) -> list[str]:
    """Return notes on unread files in a run's folder."""
    shown = run.unknown_files[:MAX_FILES]
    listed = [f"note: {file} was not read: {why}" for file, why in shown]
    more = len(run.unknown_files) - len(shown)
    return [*listed, f"note: not read: {counted(more, 'more file')}"] if more else listed

"""Clocks compared on one history: the sizes of stamps and timestamps, and the pairs of events that
each orders wrongly."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from analysis.clocks.channels import fifo_problem
from analysis.clocks.claims import Claims, Share, claims_of
from analysis.clocks.offline import Computed, compute, size_of
from analysis.clocks.walk import Walk, walk
from analysis.history.causality import causality
from analysis.history.run import Run
from vm.clocks import CLOCKS, clock_of, full_name

#: Stand for every kind of clock with its default parameters, and for the clocks of the run.
ALL, OWN = "all", "own"
#: Events, each counted for every clock, from which on processes start.
MANY = 500_000
KEPT, BROKEN, UNKNOWN = "kept", "broken", "not known"


@dataclass(frozen=True)
class Sizes:
    """The bytes of stamps (of those of messages) and of what a log holds for an event, and the
    time of the rules for an event; stamps have no sizes in a history without messages."""

    messages: int
    stamp_mean_bytes: float | None
    stamp_p95_bytes: float | None
    stamp_max_bytes: int | None
    log_mean_bytes: float
    rules_mean_ns: float


@dataclass(frozen=True)
class Compared:
    """A clock on a history, of which it has timestamps of the first `events`.

    `problem` is why it has none of the others, or none at all: then there are no sizes and claims.
    """

    run: str
    clock: str
    events: int
    sizes: Sizes | None
    claims: Claims | None
    problem: str

    @property
    def promise(self) -> str:
        return clock_of(self.clock).promise

    @property
    def clock_condition(self) -> str:
        return _kept(self.claims.lost) if self.claims else UNKNOWN

    @property
    def strong_clock_condition(self) -> str:
        """Whether no causal pair is lost, and no concurrent pair ordered."""
        if self.claims is None:
            return UNKNOWN
        both = {_kept(self.claims.lost), _kept(self.claims.ordered)}
        return next(state for state in (BROKEN, UNKNOWN, KEPT) if state in both)


def _kept(share: Share) -> str:
    """Return whether there is no such pair; a sample without one proves nothing."""
    if share.pairs:
        return BROKEN
    return UNKNOWN if share.sampled else KEPT


def full_names(names: Iterable[str], run: Run) -> list[str]:
    """Return the full names of clocks, each once: `own` stands for those of the run, `all` for
    these and for each kind with its default parameters. SpecError for a name that no clock has."""
    groups = {OWN: run.clocks, ALL: (*run.clocks, *map(full_name, CLOCKS))}
    several = (groups.get(name) or (full_name(name),) for name in names)
    return list(dict.fromkeys(name for some in several for name in some))


def compared(run: Run, names: Sequence[str]) -> Iterator[Compared]:
    """Yield the clocks of these full names on a history, in their order."""
    problems = {name: problem for name in names if (problem := _cannot(run, name))}
    possible = [name for name in names if name not in problems]
    each = _each(run, possible)
    for name in names:
        if name in problems:
            yield Compared(run.name, name, 0, None, None, problems[name])
        else:
            yield next(each)


def _each(run: Run, names: Sequence[str]) -> Iterator[Compared]:
    """Compute clocks: in several processes if that takes long."""
    if not names:
        return
    history = walk(run)
    if len(names) == 1 or len(names) * len(history) < MANY:
        yield from (_compared(run.name, name, history) for name in names)
        return
    # Imported here, as it loads slowly.
    from joblib import Parallel, delayed

    # The longest first, so that no process works alone at the end.
    order = sorted(names, key=lambda name: -size_of(clock_of(name), len(run.machines)))
    found = Parallel(n_jobs=-1)(delayed(_compared)(run.name, name, history) for name in order)
    by_name = dict(zip(order, found, strict=True))
    yield from map(by_name.__getitem__, names)


def _compared(run: str, name: str, history: Walk) -> Compared:
    found = compute(name, history)
    sizes, claims = _sizes(found), claims_of(found)
    return Compared(run, name, len(found.rows), sizes, claims, found.stopped)


def _cannot(run: Run, name: str) -> str:
    """Return why a clock cannot be computed on a history, or ""."""
    clock = clock_of(name)
    if causality(run).cycle:
        return "the messages form a causal cycle"
    if clock.reads_physical and walk(run).physical_ns is None:
        return "it needs physical times, and the history lacks them"
    if clock.needs_fifo and (problem := fifo_problem(walk(run))):
        return f"it needs channels that keep order and lose nothing: {problem}"
    return ""


def _sizes(found: Computed) -> Sizes:
    is_sent = np.zeros(len(found.walk), bool)
    is_sent[found.rows] = True
    sizes = np.sort(found.stamp_bytes[is_sent[found.walk.send]])
    events = max(len(found.rows), 1)
    some = bool(len(sizes))
    return Sizes(
        messages=len(sizes),
        stamp_mean_bytes=float(sizes.mean()) if some else None,
        stamp_p95_bytes=float(np.percentile(sizes, 95)) if some else None,
        stamp_max_bytes=int(sizes[-1]) if some else None,
        log_mean_bytes=found.log_bytes,
        rules_mean_ns=found.rules_ns / events,
    )


def table(rows: Iterable[Compared]) -> pl.DataFrame:
    """Return a row per run and clock, with all numbers; null where a clock has none."""
    return pl.DataFrame([_row(one) for one in rows], SCHEMA)


SCHEMA: dict[str, Any] = {
    "run": pl.String,
    "clock": pl.String,
    "promise": pl.String,
    "events": pl.Int64,
    "messages": pl.Int64,
    "stamp_mean_bytes": pl.Float64,
    "stamp_p95_bytes": pl.Float64,
    "stamp_max_bytes": pl.Int64,
    "log_mean_bytes": pl.Float64,
    "rules_mean_ns": pl.Float64,
    "causal_pairs": pl.Int64,
    "lost_pairs": pl.Int64,
    "reversed_pairs": pl.Int64,
    "concurrent_pairs": pl.Int64,
    "ordered_pairs": pl.Int64,
    "lost_share": pl.Float64,
    "ordered_share": pl.Float64,
    "ordered_share_low": pl.Float64,
    "ordered_share_high": pl.Float64,
    "sampled_pairs": pl.Int64,
    "clock_condition": pl.String,
    "strong_clock_condition": pl.String,
    "problem": pl.String,
}


def _row(one: Compared) -> dict[str, Any]:
    row = {
        "run": one.run,
        "clock": one.clock,
        "promise": one.promise,
        "events": one.events,
        "clock_condition": one.clock_condition,
        "strong_clock_condition": one.strong_clock_condition,
        "problem": one.problem or None,
    }
    if one.sizes:
        row |= vars(one.sizes)
    if one.claims:
        row |= _pairs(one.claims)
    return row


def _pairs(claims: Claims) -> dict[str, Any]:
    lost, ordered = claims.lost, claims.ordered
    return {
        "causal_pairs": lost.of,
        "lost_pairs": lost.pairs,
        "reversed_pairs": claims.reversed.pairs,
        "concurrent_pairs": ordered.of,
        "ordered_pairs": ordered.pairs,
        "lost_share": lost.share,
        "ordered_share": ordered.share,
        "ordered_share_low": ordered.low / ordered.of if ordered.of else None,
        "ordered_share_high": ordered.high / ordered.of if ordered.of else None,
        "sampled_pairs": lost.sampled + ordered.sampled,
    }

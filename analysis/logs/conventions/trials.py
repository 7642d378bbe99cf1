"""Several trials in one log: the clock starts again, and continues from there."""

import polars as pl

from analysis.history.run import Damage, InputError

#: A clock that starts again reads at most this fraction of the reading before it, unless it is
#: as low as the first reading of the log.
LOW = 4


def split(events: pl.DataFrame, notes: list[str]) -> list[pl.DataFrame]:
    """Return the events of each trial; InputError if machines have different numbers of trials.

    A clock that is wrong at a single event does not start again.
    """
    starts = events.select(_starts_again(is_low=True)).to_series()
    if not starts.any():
        return [events]
    numbered, counts = _numbered(events, starts)
    if counts["trial"].n_unique() > 1:
        # A trial that begins with a receive can begin with a high clock.
        loosely = _numbered(events, events.select(_starts_again(is_low=False)).to_series())
        numbered, counts = loosely if loosely[1]["trial"].n_unique() == 1 else (numbered, counts)
    first = events.filter(starts).select("file", "line", "machine", "clock").row(0)
    where = "{}:{}: the clock of {} starts again at {}".format(*first)
    if counts["trial"].n_unique() > 1:
        few, many = counts.sort("trial", maintain_order=True)["machine"].gather([0, -1])
        raise InputError(
            f"{where}: several runs were appended, but not as many to the log of {few} as to that"
            f" of {many}; give each run files of its own"
        )
    notes.append(f"{where}: several runs were appended, and each is judged by itself")
    return [
        numbered.filter(trial=trial).drop("trial") for trial in range(counts["trial"].item(0) + 1)
    ]


def _numbered(events: pl.DataFrame, starts: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the events with the numbers of their trials, and the last number of each machine."""
    numbered = events.with_columns(trial=starts.cast(pl.Int64))
    numbered = numbered.with_columns(pl.col("trial").cum_sum().over("machine"))
    return numbered, numbered.group_by("machine", maintain_order=True).agg(pl.max("trial"))


def _starts_again(*, is_low: bool) -> pl.Expr:
    own = pl.col("clock")
    before, after = own.shift(1).over("machine"), own.shift(-1).over("machine")
    low = (own <= own.first().over("machine")) | (own * LOW <= before)
    again = (own < before) & (own <= after) & (after < before)
    return (again & low if is_low else again).fill_null(False)


def damage_by_trial(
    damage: tuple[Damage, ...], trials: list[pl.DataFrame]
) -> list[tuple[Damage, ...]]:
    """Return the damage in each trial: a damaged line is of the trial that begins before it."""
    if len(trials) == 1:
        return [damage]
    found: list[list[Damage]] = [[] for _ in trials]
    begins = [dict(trial.group_by("file").agg(pl.min("line")).iter_rows()) for trial in trials]
    for one in damage:
        number = max(
            (n for n, begin in enumerate(begins) if begin.get(one.file, one.line + 1) <= one.line),
            default=0,
        )
        found[number].append(one)
    return [tuple(some) for some in found]

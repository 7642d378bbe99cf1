"""The conventions under which a log breaks the fewest rules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from analysis.logs.conventions import (
    ADDS_NOTHING,
    ADDS_TWO,
    IGNORES_OWN,
    IGNORES_STAMP,
    KINDS,
    LAMPORT,
    ON_ARRIVAL,
    RULES,
    TAKES_OVER,
    Conventions,
    Side,
)
from analysis.logs.conventions.clocks import (
    FAR,
    Clocks,
    Flags,
    LoggedClocks,
    Numbers,
    clocks,
    readings,
)
from analysis.logs.conventions.rules import bounds, disobeyed
from analysis.logs.matching import RECEIVE_COLUMNS, SEND_COLUMNS, Matches, match
from vm.records import Kind

#: The kinds of events logged with the clock before them; of equal ones the first is taken.
SIDES: tuple[frozenset[Kind], ...] = tuple(
    sorted(
        (frozenset(some) for n in range(4) for some in combinations(KINDS, n)),
        key=lambda some: (
            some != frozenset(),
            some != frozenset(KINDS),
            some != frozenset(("internal", "send")),
            len(some),
        ),
    )
)
#: The cost of a receive without a send, and of a mistake that is made throughout, in broken rows.
ORPHAN, MISTAKE = 2.5, 1.75
#: The cost of clocks that begin at another number than 0, or are logged before events: few lines
#: must not suffice to show them.
UNUSUAL = 1.0
#: Readings whose costs differ by less than a broken row explain a log equally.
CLOSE = 1.0
#: More readings are not compared with the best.
MAX_RIVALS = 3
#: So many sends, all to machines with a log, show that no log is missing.
MANY = 20
#: So many events show the conventions of a log.
MAX_SAMPLE = 4000
#: So few receives show no rule.
FEW = 5
#: The share of the steps at receives that are of two or more where each receive adds two.
MOST_STEPS = 0.9
#: The conventions that a question may be about.
ASKED = ("before", "initial", "stamp")
LAGS: dict[Side, int] = {"after": 0, "before": 1}


@dataclass(frozen=True, eq=False)
class Trial:
    """The events of one trial, and the messages in inboxes at its end, as `foreign` has them."""

    machines: tuple[str, ...]
    events: pl.DataFrame
    seen: LoggedClocks
    inbox: pl.DataFrame

    def beginning(self) -> "Trial":
        """Return the first events, up to a clock: the sends of their receives are among them."""
        if self.events.height <= MAX_SAMPLE:
            return self
        clock = self.events["clock"]
        most = clock.sort().item(MAX_SAMPLE)
        late = self.events.select((pl.col("clock") > most).cum_max().over("machine")).to_series()
        events = self.events.filter(~late).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
        return Trial(self.machines, events, readings(events), self.inbox.clear())

    def of_machine(self, machine: str) -> Flags:
        found: Flags = (self.events["machine"] == machine).to_numpy()
        return found


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trial under a set of conventions, with the rule by which each machine receives.

    `wrong` are the rows that break a rule by themselves. `misfit` is the cost of these and of the
    messages that do not match, `price` that of the conventions: unusual ones, and mistakes.
    """

    conventions: Conventions
    rules: Mapping[str, str]
    clocks: Clocks
    matches: Matches
    wrong: Flags
    misfit: float
    price: float

    def by_machine(self, trial: Trial) -> dict[str, float]:
        """Return the cost of the events of each machine."""
        machine = trial.events["machine"]
        counts = [
            (Counter(machine.gather([row for row in rows if row >= 0])), cost)
            for rows, cost in ((self.matches.orphans, ORPHAN), (self.matches.broken, 1))
        ]
        counts += [(Counter(machine.filter(pl.Series(self.wrong))), 1)]
        counts += [(self.matches.short, ORPHAN)]
        return {m: sum(count[m] * cost for count, cost in counts) for m in trial.machines}


class Fit(NamedTuple):
    """The reading of some trials, and others that may be right instead, the best first."""

    best: list[Fitted]
    rivals: list[list[Fitted]]


def fit(trials: Sequence[Trial], given: Conventions) -> Fit:
    """Return the reading of the trials, which have the same conventions, of least cost.

    Of many events, the first decide.
    """
    sample = [trial.beginning() for trial in trials]
    likely, close = (
        [_fitted_to(sample, reading, given.receive) for reading in readings_]
        for readings_ in _readings(sample, given)
    )
    # Of equal readings, the one without a wrong rule leaves the fewest violations.
    best = min(likely, key=lambda one: (_cost(one), _wrong_rules(one)))
    others = sorted((one for one in (*likely, *close) if one is not best), key=_cost)
    rivals = [other for other in others if _is_rival(best, other)][:MAX_RIVALS]
    if all(one is whole for one, whole in zip(sample, trials, strict=True)):
        return Fit(best, rivals)
    some = [
        [_fitted(trial, reading[0].conventions, reading[0].rules) for trial in trials]
        for reading in (best, *rivals)
    ]
    return Fit(some[0], some[1:])


def deciding(
    trials: Sequence[Trial], given: Conventions, one: Conventions, other: Conventions
) -> tuple[str, ...]:
    """Return the conventions that have to be given to decide between two readings.

    They are those that differ, or all if others would still be open.
    """
    names = [name for name in ASKED if getattr(one, name) != getattr(other, name)]
    for reading in (one, other):
        known = replace(given, **{name: getattr(reading, name) for name in names})
        if fit(trials, known).rivals:
            return ASKED
    return tuple(names)


def _cost(found: Iterable[Fitted]) -> float:
    return sum(one.misfit + one.price for one in found)


def _wrong_rules(found: Iterable[Fitted]) -> int:
    return sum(rule != LAMPORT for one in found for rule in one.rules.values())


def _is_rival(best: Sequence[Fitted], other: Sequence[Fitted]) -> bool:
    """Return whether another reading explains a log as well as the best one, or keeps all rules
    where the best one does not."""
    return (is_whole(other) and not is_whole(best)) or _cost(other) < _cost(best) + CLOSE


def is_whole(found: Iterable[Fitted]) -> bool:
    """Return whether a reading leaves nothing unexplained."""
    return not any(one.misfit for one in found)


def _fitted_to(
    trials: Sequence[Trial], reading: Conventions, given_rule: str | None
) -> list[Fitted]:
    rules = _best_rules(trials, reading, given_rule)
    return [_fitted(trial, reading, rules) for trial in trials]


def _readings(
    trials: Sequence[Trial], given: Conventions
) -> tuple[list[Conventions], list[Conventions]]:
    """Return readings that leave the fewest steps of the clocks unexplained, and those that leave
    more, but have more usual conventions."""
    machines = given.machines or _machines(trials)
    some = list(_sides(trials, given))
    least = min(wrong for _, wrong, _ in some)
    close = min(wrong + _unusual(one) for one, wrong, _ in some) + CLOSE
    likely, others = list[Conventions](), list[Conventions]()
    for one, wrong, its_clocks in some:
        if wrong == least or wrong + _unusual(one) < close:
            here = likely if wrong == least else others
            for stamp in [given.stamp] if given.stamp else _stamps(trials, its_clocks):
                here.append(replace(one, stamp=stamp, machines=machines, channels=given.channels))
    return likely, others


def _sides(
    trials: Sequence[Trial], given: Conventions
) -> Iterator[tuple[Conventions, int, list[Clocks]]]:
    """Yield when clocks are logged and where they begin, with the steps left unexplained."""
    kinds = {kind for kind in KINDS if any(trial.seen.is_kind(kind).any() for trial in trials)}
    different = {side & kinds: side for side in reversed(SIDES)}
    sides = [side for side in SIDES if different[side & kinds] == side]
    for side in sides if given.before is None else [given.before]:
        shown = [clocks(trial.seen, side, given.initial).initial for trial in trials]
        begins = [_commonest(shown)] if given.initial is not None else [_commonest(shown), 0]
        for begin in dict.fromkeys(begins):
            all_ = [clocks(trial.seen, side, begin) for trial in trials]
            wrong = sum(int(one.wrong.sum()) for one in all_)
            yield Conventions(initial=begin, before=side), wrong, all_


def _unusual(reading: Conventions) -> float:
    return UNUSUAL * (bool(reading.before) + bool(reading.initial))


def _commonest(numbers: Sequence[int]) -> int:
    return max(numbers, key=lambda one: (numbers.count(one), -one))


def _machines(trials: Sequence[Trial]) -> Literal["closed", "open"] | None:
    """Return whether events name machines without a log, or in many sends none: "open" or "closed".

    None if the logs show neither.
    """
    to = pl.concat([trial.events["to"].drop_nulls() for trial in trials])
    senders = pl.concat([trial.events["sender"] for trial in trials])
    named = {*to.explode().drop_nulls(), *senders.drop_nulls()}
    if not named <= {*trials[0].machines}:
        return "open"
    sends = sum(int(trial.seen.is_kind("send").sum()) for trial in trials)
    return "closed" if MANY <= sends == int((to.list.len() > 0).sum()) else None


def _stamps(trials: Sequence[Trial], some: Sequence[Clocks]) -> list[Side]:
    """Return the possible sides of stamps: by those of sends if they are logged."""
    behind = [
        (one.post - trial.seen.stamp)[trial.seen.is_kind("send") & (trial.seen.stamp >= 0)]
        for trial, one in zip(trials, some, strict=True)
    ]
    values, counts = np.unique(np.concatenate(behind), return_counts=True)
    if len(values) and values[counts.argmax()] in (0, 1):
        return ["before" if values[counts.argmax()] else "after"]
    return [*LAGS]


def _best_rules(trials: Sequence[Trial], reading: Conventions, given: str | None) -> dict[str, str]:
    """Return for each machine the rule of its receives that costs least."""
    possible = {
        machine: [given] if given else _rules(trials, reading, machine)
        for machine in trials[0].machines
    }
    best = {machine: rules[0] for machine, rules in possible.items()}
    costs = _costs(trials, reading, best)
    for rule in RULES:
        tried = {m: rule if rule in rules else best[m] for m, rules in possible.items()}
        if tried == best or given:
            continue
        for machine, cost in _costs(trials, reading, tried).items():
            if cost < costs[machine]:
                best[machine], costs[machine] = tried[machine], cost
    return best


def _costs(
    trials: Sequence[Trial], reading: Conventions, rules: Mapping[str, str]
) -> dict[str, float]:
    """Return the costs of the events of each machine."""
    some = [_fitted(trial, reading, rules).by_machine(trial) for trial in trials]
    return {m: sum(one[m] for one in some) + _price(rule) for m, rule in rules.items()}


def _price(rule: str) -> float:
    return 0 if rule == LAMPORT else MISTAKE


def _rules(trials: Sequence[Trial], reading: Conventions, machine: str) -> list[str]:
    """Return the rules of a machine's receives that the steps of its clock allow."""
    assert reading.before is not None
    steps, jumps, stamped = list[Numbers](), 0, False
    for trial in trials:
        found = clocks(trial.seen, reading.before, reading.initial)
        here = trial.of_machine(machine)
        received = trial.seen.is_kind("receive") & here
        steps.append((found.post - found.pre)[received & found.is_known])
        jumps += int(((found.post > found.pre + 1) & here & ~received & trial.seen.follows).sum())
        stamped |= bool((trial.seen.stamp[received] >= 0).any())
    step = np.concatenate(steps)
    allowed = {
        LAMPORT: True,
        TAKES_OVER: not stamped and reading.stamp == "after",
        ADDS_NOTHING: (step == 0).sum() > 1,
        ADDS_TWO: len(step) >= FEW and (step >= 2).mean() >= MOST_STEPS,
        IGNORES_STAMP: len(step) >= FEW and (step == 1).all() and not jumps,
        IGNORES_OWN: (step < 0).sum() > 1,
        ON_ARRIVAL: jumps > 1 or (jumps and (step == 1).all()),
    }
    return [rule for rule, is_allowed in allowed.items() if is_allowed]


def _fitted(trial: Trial, reading: Conventions, rules: Mapping[str, str]) -> Fitted:
    """Match the messages of a trial under conventions, and count what breaks them."""
    assert reading.before is not None
    assert reading.stamp is not None
    found, lag = clocks(trial.seen, reading.before, reading.initial), LAGS[reading.stamp]
    low, high, stamped = _bounds(trial, found, rules, lag)
    table = trial.events.with_columns(
        clock=found.post, low=pl.Series(low), high=pl.Series(high), stamped=pl.Series(stamped)
    )
    matches = match(
        _sends(table.filter(pl.Series(trial.seen.is_kind("send"))), trial.machines),
        _receives(table.filter(pl.Series(trial.seen.is_kind("receive"))), trial.inbox, lag),
        machines=reading.machines,
        keeps_order=None if reading.channels is None else reading.channels == "ordered",
    )
    wrong = found.wrong.copy()
    for machine, rule in rules.items():
        here = trial.of_machine(machine)
        if rule == ON_ARRIVAL:
            wrong &= ~here | (found.post <= found.pre)
        wrong |= here & disobeyed(trial.seen, found, rule)
    misfit = float(wrong.sum()) + len(matches.broken)
    misfit += ORPHAN * (len(matches.orphans) + sum(matches.short.values()))
    price = MISTAKE * lag + sum(map(_price, rules.values())) + _unusual(reading)
    return Fitted(reading, rules, _computed(found, matches, lag), matches, wrong, misfit, price)


def _computed(found: Clocks, matches: Matches, lag: int) -> Clocks:
    """Compute the clocks that no line shows from the sends that were found."""
    if found.is_known.all():
        return found
    post = found.post.copy()
    for row, send, _ in matches.table.iter_rows():
        if row >= 0 and not found.is_known[row]:
            post[row] = max(found.pre[row], found.post[send] - lag) + 1
    return replace(found, post=post)


def _bounds(
    trial: Trial, found: Clocks, rules: Mapping[str, str], lag: int
) -> tuple[Numbers, Numbers, Flags]:
    """Return the bounds of all receives, each by the rule of its machine."""
    low, high, stamped = bounds(trial.seen, found, LAMPORT, lag)
    for machine, rule in rules.items():
        if rule != LAMPORT:
            here = trial.of_machine(machine)
            other_low, other_high, _ = bounds(trial.seen, found, rule, lag)
            low, high = np.where(here, other_low, low), np.where(here, other_high, high)
    return low, high, stamped


def _sends(sends: pl.DataFrame, machines: tuple[str, ...]) -> pl.DataFrame:
    """Return a row for each receiver of each send: if unknown, for every other machine."""
    all_machines = pl.lit(list(machines), pl.List(pl.String))
    named = (pl.col("to").list.len() > 0).fill_null(False)
    return (
        sends.select("row", "clock", "to", sender="machine", named=named)
        .with_columns(receiver=pl.when("named").then("to").otherwise(all_machines))
        .explode("receiver")
        .filter(pl.col("receiver") != pl.col("sender"))
        .select(*SEND_COLUMNS)
    )


def _receives(receives: pl.DataFrame, inbox: pl.DataFrame, lag: int) -> pl.DataFrame:
    """Return the receives, and with negative rows the messages in inboxes, as if received last."""
    columns = list(RECEIVE_COLUMNS)
    received = receives.with_columns(receiver="machine").select(columns)
    if not inbox.height:
        return received
    stamp = pl.col("stamp") + lag
    waiting = inbox.with_columns(
        row=-1 - pl.int_range(pl.len(), dtype=pl.Int64),
        receiver=pl.col("machine"),
        low=stamp.fill_null(-FAR),
        high=stamp.fill_null(FAR),
        stamped=pl.col("stamp").is_not_null(),
    )
    return pl.concat([received, waiting.select(columns)])

"""The conventions under which a log breaks the fewest rules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
import polars as pl

from analysis.logs.conventions import (
    ADDS_NOTHING,
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
#: So many sends, all to machines with a log, show that no log is missing.
MANY = 20
#: So many events show the conventions of a log.
MAX_SAMPLE = 4000
#: So few receives show no rule.
FEW = 5
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
    """A trial under a set of conventions, with the rule by which each machine receives."""

    conventions: Conventions
    rules: Mapping[str, str]
    clocks: Clocks
    matches: Matches
    wrong: Flags
    cost: float

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


def fit(trials: Sequence[Trial], given: Conventions) -> list[Fitted]:
    """Return the reading of the trials, which have the same conventions, of least cost.

    Of many events, the first decide.
    """
    sample = [trial.beginning() for trial in trials]
    best: list[Fitted] = []
    for reading in _readings(sample, given):
        rules = _best_rules(sample, reading, given.receive)
        found = [_fitted(trial, reading, rules) for trial in sample]
        if not best or _cost(found) < _cost(best):
            best = found
    if all(one is whole for one, whole in zip(sample, trials, strict=True)):
        return best
    return [_fitted(trial, best[0].conventions, best[0].rules) for trial in trials]


def _cost(found: Iterable[Fitted]) -> float:
    return sum(one.cost for one in found)


def _readings(trials: Sequence[Trial], given: Conventions) -> Iterator[Conventions]:
    """Yield readings that leave the fewest steps of the clocks unexplained."""
    machines = given.machines or _machines(trials)
    sides = SIDES if given.before is None else (given.before,)
    all_ = [[clocks(trial.seen, side, given.initial) for trial in trials] for side in sides]
    wrong = [sum(int(one.wrong.sum()) for one in some) for some in all_]
    for side, some, count in zip(sides, all_, wrong, strict=True):
        if count == min(wrong):
            initial = _commonest([one.initial for one in some])
            for stamp in [given.stamp] if given.stamp else _stamps(trials, some):
                yield Conventions(
                    initial=initial,
                    before=side,
                    stamp=stamp,
                    machines=machines,
                    channels=given.channels,
                )


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
    low, high, stamped = _all_bounds(trial, found, rules, lag)
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
        if rule == ON_ARRIVAL:
            wrong &= ~trial.of_machine(machine) | (found.post <= found.pre)
    cost = float(wrong.sum()) + len(matches.broken)
    cost += ORPHAN * (len(matches.orphans) + sum(matches.short.values()))
    cost += MISTAKE * lag + sum(map(_price, rules.values()))
    cost += UNUSUAL * (bool(reading.before) + bool(reading.initial))
    return Fitted(reading, rules, _computed(found, matches, lag), matches, wrong, cost)


def _computed(found: Clocks, matches: Matches, lag: int) -> Clocks:
    """Compute the clocks that no line shows from the sends that were found."""
    if found.is_known.all():
        return found
    post = found.post.copy()
    for row, send, _ in matches.table.iter_rows():
        if row >= 0 and not found.is_known[row]:
            post[row] = max(found.pre[row], found.post[send] - lag) + 1
    return replace(found, post=post)


def _all_bounds(
    trial: Trial, found: Clocks, rules: Mapping[str, str], lag: int
) -> tuple[Numbers, Numbers, Flags]:
    """Return the bounds of all receives, each by the rule of its machine."""
    low, high, stamped = _bounds(trial.seen, found, LAMPORT, lag)
    for machine, rule in rules.items():
        if rule != LAMPORT:
            here = trial.of_machine(machine)
            other_low, other_high, _ = _bounds(trial.seen, found, rule, lag)
            low, high = np.where(here, other_low, low), np.where(here, other_high, high)
    return low, high, stamped


def _bounds(
    seen: LoggedClocks, found: Clocks, rule: str, lag: int
) -> tuple[Numbers, Numbers, Flags]:
    """Return the bounds of the clock of each receive's send, and whether a stamp gives them."""
    stamped, stamp = seen.stamp >= 0, seen.stamp + lag
    if rule == TAKES_OVER:
        # Without stamps the same as a message with the clock from before its send.
        rule, lag = LAMPORT, lag + 1
    pre, post = found.pre, found.post
    least, most = np.full(len(post), -FAR), np.full(len(post), FAR)
    rose = post > pre + 1
    exact = {LAMPORT: rose, ADDS_NOTHING: post > pre, IGNORES_OWN: np.ones_like(rose)}
    adds = 0 if rule == ADDS_NOTHING else 1
    if rule in exact:
        low = np.where(exact[rule], post - adds + lag, least)
        high = np.where(exact[rule], post - adds + lag, pre + lag)
    else:
        low, high = least, most if rule == IGNORES_STAMP else post - 1 + lag
    low, high = np.where(found.is_known, low, least), np.where(found.is_known, high, most)
    # No send explains a clock that does not grow, except by these rules.
    if rule in (LAMPORT, IGNORES_STAMP, ON_ARRIVAL):
        high = np.where(found.is_known & (post <= pre), low - 1, high)
    return np.where(stamped, stamp, low), np.where(stamped, stamp, high), stamped


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

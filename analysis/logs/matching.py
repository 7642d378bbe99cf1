"""Match receives with sends where the log does not name the send.

The clock rule, or the logged stamp, bounds the clock of a receive's send. The known fields of a
receive decide the method:

- sender and stamp: the send with that clock on that channel, the first unmatched one of equal
  clocks;
- sender only: the sends of the channel in order. The alignment that breaks the fewest bounds is
  right; where several break as few, the receives in which they differ are ambiguous;
- neither: the one send within the bounds. A receive that fits several sends is ambiguous and
  stays unmatched. If a receive fits no send, the log of a machine is missing; its sends may be
  those of other receives, too, so all of them are ambiguous.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import polars as pl

from analysis.history.run import MAX_INT64
from analysis.logs.conventions.alignment import PASSED, aligned, interleaved

BY_STAMP = "stamp on its channel"
BY_ORDER = "order on its channel"
BY_CLOCK = "clock values"

#: So many messages in order on their channels show that channels keep order.
MIN_IN_ORDER = 12
CHANNEL = ["sender", "receiver"]
#: A row for each possible receiver of each send, with the clock of the send, and whether the log
#: names the receiver.
SEND_COLUMNS = {
    "row": pl.Int64,
    "sender": pl.String,
    "receiver": pl.String,
    "clock": pl.Int64,
    "named": pl.Boolean,
}
#: A row for each receive: its sender if known, bounds of the send's clock (no send fits if `low`
#: is above `high`), and whether they are those of a logged stamp.
RECEIVE_COLUMNS = {
    "row": pl.Int64,
    "sender": pl.String,
    "receiver": pl.String,
    "low": pl.Int64,
    "high": pl.Int64,
    "stamped": pl.Boolean,
}
#: Rows of a receive and its send, and the method of matching.
MATCH_COLUMNS = {"row": pl.Int64, "send": pl.Int64, "method": pl.String}


class Send(NamedTuple):
    """A row of SEND_COLUMNS."""

    row: int
    sender: str
    receiver: str
    clock: int
    named: bool


class Receive(NamedTuple):
    """A row of RECEIVE_COLUMNS."""

    row: int
    sender: str | None
    receiver: str
    low: int
    high: int
    stamped: bool


@dataclass
class Matches:
    """The result of matching, by rows of receives.

    `found` are frames of MATCH_COLUMNS; `ambiguous` counts the sends that fit a receive, and
    `orphans` are the receives that no send fits. `short` counts, by receiver, the ambiguous
    receives beyond the sends that are left for them; `broken` are the receives of a send out of
    bounds.
    If messages may be of machines without a log, the matches are `is_open`.
    """

    found: list[pl.DataFrame] = field(default_factory=list)
    ambiguous: dict[int, int] = field(default_factory=dict)
    orphans: list[int] = field(default_factory=list)
    short: Counter[str] = field(default_factory=Counter)
    broken: list[int] = field(default_factory=list)
    is_open: bool = False

    @property
    def is_explained(self) -> bool:
        """Whether there is a send within bounds for every receive, also for ambiguous ones."""
        return not (self.orphans or self.short or self.broken or self.is_open)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All matches: MATCH_COLUMNS."""
        return pl.concat([pl.DataFrame(schema=MATCH_COLUMNS), *self.found])


def match(
    sends: pl.DataFrame,
    receives: pl.DataFrame,
    *,
    machines: Literal["closed", "open"] | None = None,
    keeps_order: bool | None = None,
) -> Matches:
    """Find the sends of all receives; both are in the order of the logs.

    If the machines are open, messages may be of others without a log, and bounds prove no match.
    They are also open if a receive fits no send, unless they are known to be closed. Without
    named senders, whether channels keep order is shown by the receives that fit one send only.
    """
    matches = Matches(is_open=machines == "open")
    has_both = pl.col("sender").is_not_null() & pl.col("stamped")
    _by_stamp(matches, sends, receives.filter(has_both))
    rest = receives.filter(~has_both)
    if rest.height:
        left = _unused(sends, receives, matches.found)
        _one_by_one(
            matches,
            list(map(Send._make, left.select(*SEND_COLUMNS).rows())),
            list(map(Receive._make, rest.select(*RECEIVE_COLUMNS).rows())),
            machines == "closed",
            keeps_order,
        )
    return matches


def _unused(sends: pl.DataFrame, receives: pl.DataFrame, found: list[pl.DataFrame]) -> pl.DataFrame:
    """Return the sends without the copies that are those of receives."""
    if not found:
        return sends
    used = pl.concat(found).join(receives, on="row").select("receiver", row="send")
    return sends.join(used, on=["row", "receiver"], how="anti", maintain_order="left")


def _by_stamp(matches: Matches, sends: pl.DataFrame, receives: pl.DataFrame) -> None:
    """Match by stamp. Of equal stamps on a channel, later receives get later sends, or the last."""
    if not receives.height:
        return
    sent = sends.select(send="row", message=_message(sends, "clock"))
    received = receives.select("row", message=_message(sends, "low"))
    if sent["message"].n_unique() == sent.height:
        found = received.join(sent, on="message", how="left", maintain_order="left")
    else:
        nth = pl.int_range(pl.len()).over("message").alias("nth")
        last = sent.group_by("message").agg(last=pl.len() - 1)
        nths = received.with_columns(nth).join(
            last, on="message", how="left", maintain_order="left"
        )
        nths = nths.with_columns(pl.min_horizontal("nth", "last").cast(pl.Int64).alias("nth"))
        again = ["message", "nth"]
        found = nths.join(sent.with_columns(nth), on=again, how="left", maintain_order="left")
    matches.orphans += found.filter(pl.col("send").is_null())["row"].to_list()
    matched = found.select("row", "send").drop_nulls()
    matches.found.append(matched.with_columns(method=pl.lit(BY_STAMP)))


def _message(sends: pl.DataFrame, clock: str) -> pl.Expr:
    """Return channel and clock as one key: a number if both fit, as that halves the time to join.

    The key of a receive that no send fits equals no key of a send.
    """
    machines = pl.concat([sends["sender"].unique(), sends["receiver"].unique()]).unique().sort()
    sender, receiver = (
        pl.col(end).cast(pl.Enum(machines), strict=False).to_physical().cast(pl.Int64)
        for end in CHANNEL
    )
    channel: pl.Expr = sender * len(machines) + receiver
    least, most = sends.select(pl.min("clock"), most=pl.max("clock")).row(0)
    if least is None or len(machines) ** 2 * (most - least + 1) > MAX_INT64:
        return pl.struct(channel.alias("channel"), pl.col(clock).alias("clock"))
    message: pl.Expr = channel * (most - least + 1)
    return message + pl.when(pl.col(clock).is_between(least, most)).then(pl.col(clock) - least)


def _one_by_one(
    matches: Matches,
    sends: list[Send],
    receives: list[Receive],
    is_closed: bool,
    keeps_order: bool | None,
) -> None:
    sent = defaultdict[tuple[str, str], list[Send]](list)
    received = defaultdict[tuple[str | None, str], list[Receive]](list)
    for send in sends:
        sent[send.sender, send.receiver].append(send)
    for receive in receives:
        received[receive.sender, receive.receiver].append(receive)
    in_order, by_clock, orphans = dict[int, int](), dict[int, int](), len(matches.orphans)
    for (sender, receiver), some in received.items():
        if sender is None:
            to_here = [one for (_, to), there in sent.items() if to == receiver for one in there]
            by_clock |= _by_clock(matches, to_here, some)
    if keeps_order is None and not len(matches.orphans) > orphans:
        keeps_order = _are_in_order(sends, receives, by_clock)
    if keeps_order and not matches.is_open:
        for receiver in {receiver for sender, receiver in received if sender is None}:
            channels = [there for (_, to), there in sent.items() if to == receiver]
            in_order |= _two_in_order(matches, channels, received[None, receiver], by_clock)
    if matches.is_open or (len(matches.orphans) > orphans and not is_closed):
        matches.ambiguous |= dict.fromkeys(by_clock, 1)
        by_clock = {}
    for (sender, receiver), some in received.items():
        if sender is not None:
            in_order |= _in_order(matches, sent[sender, receiver], some)
    for method, pairs in ((BY_CLOCK, by_clock), (BY_ORDER, in_order)):
        rows = {"row": [*pairs], "send": [*pairs.values()], "method": [method] * len(pairs)}
        matches.found.append(pl.DataFrame(rows, MATCH_COLUMNS))


def _are_in_order(sends: list[Send], receives: list[Receive], found: dict[int, int]) -> bool:
    """Return whether the matches show that channels keep order."""
    sender = {send.row: send.sender for send in sends}
    last, pairs = dict[tuple[str, str], int](), 0
    for receive in receives:
        if (send := found.get(receive.row)) is not None:
            channel = sender[send], receive.receiver
            pairs += channel in last
            if send < last.get(channel, send):
                return False
            last[channel] = send
    return pairs >= MIN_IN_ORDER


def _two_in_order(
    matches: Matches, channels: list[list[Send]], receives: list[Receive], found: dict[int, int]
) -> dict[int, int]:
    """Match the ambiguous receives of two channels that keep order and lose nothing, as far as
    the receives that were `found` by their clocks agree."""
    if len(channels) > 2 or not all(send.named for sends in channels for send in sends):
        return {}
    one, other = ([send.clock for send in sends] for sends in (*channels, [], [])[:2])
    places = interleaved(one, other, [(receive.low, receive.high) for receive in receives])
    rows = {
        receive.row: channels[place[0]][place[1]].row
        for receive, place in zip(receives, places or [], strict=False)
        if place
    }
    if any(rows.get(row, send) != send for row, send in found.items()):
        return {}
    more = {row: send for row, send in rows.items() if row in matches.ambiguous}
    for row in more:
        del matches.ambiguous[row]
    return more


def _in_order(matches: Matches, sends: list[Send], receives: list[Receive]) -> dict[int, int]:
    """Match the receives of a channel in order; ambiguous are those with several good sends."""
    bounds = [(receive.low, receive.high) for receive in receives]
    found = dict[int, int]()
    passing = PASSED if all(send.named for send in sends) else 0
    places = aligned([send.clock for send in sends], bounds, passing=passing)
    for receive, (first, last, sure) in zip(receives, places, strict=True):
        if first < 0:
            matches.orphans.append(receive.row)
        elif not sure:
            matches.ambiguous[receive.row] = last - first + 1
            if not any(_fits(receive, send) for send in sends[first : last + 1]):
                matches.broken.append(receive.row)
        else:
            found[receive.row] = sends[first].row
            if not _fits(receive, sends[first]):
                matches.broken.append(receive.row)
    return found


def _fits(receive: Receive, send: Send) -> bool:
    return receive.low <= send.clock <= receive.high


def _by_clock(matches: Matches, sends: list[Send], receives: list[Receive]) -> dict[int, int]:
    """Match receives that fit exactly one send, and repeat until there are no more."""
    found = dict[int, int]()
    left = sorted(sends, key=lambda send: send.clock)
    clocks = [send.clock for send in left]
    waiting = list(receives)
    while True:
        unmatched = []
        for receive in waiting:
            low, high = _allowed(receive, clocks)
            if high - low == 1:
                found[receive.row] = left.pop(low).row
                clocks.pop(low)
            else:
                unmatched.append(receive)
        if len(unmatched) == len(waiting):
            break
        waiting = unmatched
    fitting = []
    for receive in waiting:
        low, high = _allowed(receive, clocks)
        if high > low:
            matches.ambiguous[receive.row] = high - low
            fitting.append(receive)
        else:
            matches.orphans.append(receive.row)
    if short := _short(clocks, fitting):
        matches.short[fitting[0].receiver] += short
    return found


def _allowed(receive: Receive, clocks: list[int]) -> tuple[int, int]:
    """Return the range of the sorted clocks that fit a receive."""
    low = bisect_left(clocks, receive.low)
    return low, max(low, bisect_right(clocks, receive.high))


def _short(clocks: list[int], receives: list[Receive]) -> int:
    """Count the receives that get no send in the best assignment of the sorted clocks.

    Of intervals, the one that ends first takes the first send in it.
    """
    left, missed = list(clocks), 0
    for receive in sorted(receives, key=lambda one: (one.high, one.low)):
        low, high = _allowed(receive, left)
        if low < high:
            left.pop(low)
        else:
            missed += 1
    return missed

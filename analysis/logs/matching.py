"""Match receives with sends where the log does not name the send.

The known fields of a receive decide the method:

- sender and stamp: the send with that stamp on that channel, the first unmatched one of equal
  stamps;
- sender only: the sends of the channel in order, except that a receive at which the clock jumps
  belongs to the one send with the stamp that explains the jump;
- neither: the one send with a stamp that the clock allows. A receive that fits several sends is
  ambiguous and stays unmatched. If a receive fits no send, the log of a machine is missing; its
  sends may be those of other receives, too, so all of them are ambiguous.
"""

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import polars as pl

from analysis.history.run import MAX_INT64

BY_STAMP = "stamp on its channel"
BY_ORDER = "order on its channel"
BY_CLOCK = "clock values"

CHANNEL = ["sender", "receiver"]
#: A row for each receiver of each send, with the stamp of its message.
SEND_COLUMNS = {"row": pl.Int64, "sender": pl.String, "receiver": pl.String, "stamp": pl.Int64}
#: A row for each receive: the stamp of its message if it is logged, the clock after the receive and
#: the clock `before` it.
RECEIVE_COLUMNS = {**SEND_COLUMNS, "clock": pl.Int64, "before": pl.Int64}
#: Rows of a receive and its send, and the method of matching.
MATCH_COLUMNS = {"row": pl.Int64, "send": pl.Int64, "method": pl.String}


class Send(NamedTuple):
    """A row of SEND_COLUMNS."""

    row: int
    sender: str
    receiver: str
    stamp: int


class Receive(NamedTuple):
    """A row of RECEIVE_COLUMNS."""

    row: int
    sender: str | None
    receiver: str
    stamp: int | None
    clock: int
    before: int

    @property
    def jumped(self) -> bool:
        """Whether the message pushed the clock, so that the clock shows the stamp."""
        return self.clock > self.before + 1


@dataclass
class Matches:
    """The result of matching, by rows of receives.

    `found` are frames of MATCH_COLUMNS; `ambiguous` counts the sends that fit a receive, and
    `orphans` are the receives that no send fits.
    """

    found: list[pl.DataFrame] = field(default_factory=list)
    ambiguous: dict[int, int] = field(default_factory=dict)
    orphans: list[int] = field(default_factory=list)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All matches: MATCH_COLUMNS."""
        return pl.concat([pl.DataFrame(schema=MATCH_COLUMNS), *self.found])


def match(sends: pl.DataFrame, receives: pl.DataFrame) -> Matches:
    """Find the sends of all receives; both are in the order of the logs."""
    matches = Matches()
    has_both = pl.col("sender").is_not_null() & pl.col("stamp").is_not_null()
    _by_stamp(matches, sends, receives.filter(has_both))
    rest = receives.filter(~has_both)
    if rest.height:
        _one_by_one(
            matches,
            list(map(Send._make, sends.rows())),
            list(map(Receive._make, rest.rows())),
        )
    return matches


def _by_stamp(matches: Matches, sends: pl.DataFrame, receives: pl.DataFrame) -> None:
    """Match by stamp. Of equal stamps on a channel, later receives get later sends, or the last."""
    message = _message(sends)
    sent = sends.select(send="row", message=message)
    received = receives.select("row", message=message)
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


def _message(sends: pl.DataFrame) -> pl.Expr:
    """Return channel and stamp as one key: a number if both fit, as that halves the time to join.

    The key of a receive that no send fits equals no key of a send.
    """
    machines = pl.concat([sends["sender"].unique(), sends["receiver"].unique()]).unique()
    sender, receiver = (
        pl.col(end).cast(pl.Enum(machines), strict=False).to_physical().cast(pl.Int64)
        for end in CHANNEL
    )
    channel: pl.Expr = sender * len(machines) + receiver
    stamp = pl.col("stamp")
    least, most = sends.select(pl.min("stamp"), most=pl.max("stamp")).row(0)
    if least is None or len(machines) ** 2 * (most - least + 1) > MAX_INT64:
        return pl.struct(channel.alias("channel"), stamp)
    message: pl.Expr = channel * (most - least + 1)
    return message + pl.when(stamp.is_between(least, most)).then(stamp - least)


def _one_by_one(matches: Matches, sends: list[Send], receives: list[Receive]) -> None:
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
    if len(matches.orphans) > orphans:
        matches.ambiguous |= dict.fromkeys(by_clock, 1)
        by_clock = {}
    for (sender, receiver), some in received.items():
        if sender is not None:
            in_order |= _in_order(matches, sent[sender, receiver], some)
    for method, pairs in ((BY_CLOCK, by_clock), (BY_ORDER, in_order)):
        rows = {"row": [*pairs], "send": [*pairs.values()], "method": [method] * len(pairs)}
        matches.found.append(pl.DataFrame(rows, MATCH_COLUMNS))


def _in_order(matches: Matches, sends: list[Send], receives: list[Receive]) -> dict[int, int]:
    """Match in order; if a jump skips sends, all matches since the last jump are ambiguous."""
    found = dict[int, int]()
    following, since = 0, list[Receive]()
    for receive in receives:
        at = following
        if receive.jumped:
            stamps = (n for n in range(at, len(sends)) if sends[n].stamp == receive.clock - 1)
            at = next(stamps, len(sends))
            if following < at < len(sends):
                for one in since:
                    del found[one.row]
                    matches.ambiguous[one.row] = at - following + len(since)
        elif at < len(sends) and sends[at].stamp > receive.before:
            at = len(sends)
        if at == len(sends):
            matches.orphans.append(receive.row)
            continue
        found[receive.row] = sends[at].row
        following, since = at + 1, [] if receive.jumped else [*since, receive]
    return found


def _by_clock(matches: Matches, sends: list[Send], receives: list[Receive]) -> dict[int, int]:
    """Match receives that fit exactly one send, and repeat until there are no more."""
    found = dict[int, int]()
    left = sorted(sends, key=lambda send: send.stamp)
    waiting = list(receives)
    while True:
        stamps = [send.stamp for send in left]
        unmatched = []
        for receive in waiting:
            low, high = _allowed(receive, stamps)
            if high - low == 1:
                found[receive.row] = left.pop(low).row
                stamps.pop(low)
            else:
                unmatched.append(receive)
        if len(unmatched) == len(waiting):
            break
        waiting = unmatched
    for receive in waiting:
        low, high = _allowed(receive, stamps)
        if high > low:
            matches.ambiguous[receive.row] = high - low
        else:
            matches.orphans.append(receive.row)
    return found


def _allowed(receive: Receive, stamps: list[int]) -> tuple[int, int]:
    """Return the range of the sorted stamps that fit a receive."""
    if receive.stamp is not None:
        return bisect_right(stamps, receive.stamp - 1), bisect_right(stamps, receive.stamp)
    if receive.jumped:
        return bisect_right(stamps, receive.clock - 2), bisect_right(stamps, receive.clock - 1)
    return 0, bisect_right(stamps, receive.before)

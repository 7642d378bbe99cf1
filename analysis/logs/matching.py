"""Which send a receive belongs to, where no log says it by name.

What is known of a receive decides how its send is found:

- the sender, and the stamp that the message carried: the send of that stamp on that channel, and
  of equal ones the first that is left;
- the sender alone: the sends of the channel in their order, except that a receive which lets the
  clock jump is of the one send whose stamp does that;
- nothing: the one send whose stamp the clock allows. A receive that several sends allow is
  ambiguous, and is not guessed.
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
#: Each receiver of each send, with the stamp that its message carries.
SENDS = {"row": pl.Int64, "sender": pl.String, "receiver": pl.String, "stamp": pl.Int64}
#: The receives: with the stamp of the message if the log tells it, the clock, and the clock of
#: the event before.
FOUND = {"row": pl.Int64, "send": pl.Int64, "how": pl.String}
RECEIVES = {**SENDS, "clock": pl.Int64, "before": pl.Int64}


class Send(NamedTuple):
    """A row of SENDS."""

    row: int
    sender: str
    receiver: str
    stamp: int


class Receive(NamedTuple):
    """A row of RECEIVES."""

    row: int
    sender: str | None
    receiver: str
    stamp: int | None
    clock: int
    before: int

    @property
    def jumped(self) -> bool:
        """Whether the message pushed the clock, so that it tells the stamp."""
        return self.clock > self.before + 1


@dataclass
class Matches:
    """What was found out about receives, by their rows.

    `found` are frames of `row`, `send` (its row) and `how`; `ambiguous` says how many sends a
    receive can be of, and `orphans` are those which none fits.
    """

    found: list[pl.DataFrame] = field(default_factory=list)
    ambiguous: dict[int, int] = field(default_factory=dict)
    orphans: list[int] = field(default_factory=list)

    @cached_property
    def table(self) -> pl.DataFrame:
        """All that was matched: `row`, `send`, `how`."""
        return pl.concat([pl.DataFrame(schema=FOUND), *self.found])


def match(sends: pl.DataFrame, receives: pl.DataFrame) -> Matches:
    """Find the sends of all receives; both are in the order of their machines' logs."""
    matches = Matches()
    told = pl.col("sender").is_not_null() & pl.col("stamp").is_not_null()
    _by_stamp(matches, sends, receives.filter(told))
    rest = receives.filter(~told)
    if rest.height:
        some = list(map(Receive._make, rest.rows()))
        _by_hand(matches, list(map(Send._make, sends.rows())), some)
    return matches


def _by_stamp(matches: Matches, sends: pl.DataFrame, receives: pl.DataFrame) -> None:
    """Of several sends of one stamp on a channel each is received once; the last, maybe more."""
    message = _message(sends)
    sent = sends.select(send="row", message=message)
    received = receives.select("row", message=message)
    found = received.join(sent, on="message", how="left", maintain_order="left")
    if found.height > received.height:
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
    matches.found.append(matched.with_columns(how=pl.lit(BY_STAMP)))


def _message(sends: pl.DataFrame) -> pl.Expr:
    """Channel and stamp as one value, which is no send's where no send has both.

    It is a number where they fit into one, which takes half the time to join.
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


def _by_hand(matches: Matches, sends: list[Send], receives: list[Receive]) -> None:
    sent = defaultdict[tuple[str, str], list[Send]](list)
    received = defaultdict[tuple[str | None, str], list[Receive]](list)
    for send in sends:
        sent[send.sender, send.receiver].append(send)
    for receive in receives:
        received[receive.sender, receive.receiver].append(receive)
    for (sender, receiver), some in received.items():
        if sender is None:
            to_here = [one for (_, to), there in sent.items() if to == receiver for one in there]
            pairs, how = _by_clock(matches, to_here, some), BY_CLOCK
        else:
            pairs, how = _in_order(matches, sent[sender, receiver], some), BY_ORDER
        rows = {"row": [*pairs], "send": [*pairs.values()], "how": [how] * len(pairs)}
        matches.found.append(pl.DataFrame(rows, FOUND))


def _in_order(matches: Matches, sends: list[Send], receives: list[Receive]) -> dict[int, int]:
    """What was matched in order since the last jump is ambiguous if a jump skips a send."""
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
    """Match what has one possible send, and again, as long as that leaves others with one."""
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
    """Where in the ordered stamps those are that a receive can have been of."""
    if receive.stamp is not None:
        return bisect_right(stamps, receive.stamp - 1), bisect_right(stamps, receive.stamp)
    if receive.jumped:
        return bisect_right(stamps, receive.clock - 2), bisect_right(stamps, receive.clock - 1)
    return 0, bisect_right(stamps, receive.before)

"""The order of the machines in which places are counted, by the messages that are sure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from analysis.logs.recognition.candidates import Roles, texts
from analysis.logs.recognition.evidence.links import Link
from analysis.logs.recognition.names import Naming, number_in

#: The orders of more machines are not tried out.
MAX_MACHINES = 5
#: The best order, and a rival that names others.
MAX_ORDERS = 2


def ordered(
    found: Sequence[Link], roles: Mapping[int, Roles], machines: tuple[str, ...], low: int
) -> Iterator[Naming]:
    """Yield places counted from `low`, in the orders of machines that explain the most messages.

    Machines with numbers have one order.
    """
    if len(machines) > MAX_MACHINES or all(number_in(name) is not None for name in machines):
        return
    known = Counter(_places(found, roles))
    ranked: dict[tuple[tuple[str, ...], ...], tuple[int, Naming]] = {}
    for kind in ("place", "index"):
        for order in permutations(machines):
            naming = Naming(kind, low, order)
            to = tuple(naming.machine(text, sender, machines) for sender, text, _ in known)
            right = sum(
                n
                for (*_, by), n, one in zip(known, known.values(), to, strict=True)
                if one == (by,)
            )
            if to not in ranked or right > ranked[to][0]:
                ranked[to] = (right, naming)
    best = sorted(ranked.values(), key=lambda one: -one[0])
    yield from (naming for right, naming in best[:MAX_ORDERS] if right)


def _places(found: Sequence[Link], roles: Mapping[int, Roles]) -> Iterator[tuple[str, str, str]]:
    """Yield sender, logged place and receiver of each message."""
    for link in found:
        for entry in link.sent if len(link.sent) == 1 else ():
            slot = roles[entry.shape].peer
            places = texts(entry.values[slot]) if slot is not None else ()
            if len(places) == 1:
                yield link.sender, places[0], link.receiver

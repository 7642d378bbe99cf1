"""Logical clocks, by kind and by name.

A clock's name is its kind with all its parameters: `lamport`, `rev:4`, `bloom:64:3`. Specs, logs,
command lines and column names use it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from vm.clocks.clock import Clock, parameters
from vm.clocks.exact.differential import Differential
from vm.clocks.exact.direct import Direct
from vm.clocks.exact.encoded import Encoded
from vm.clocks.exact.interval_tree import IntervalTree
from vm.clocks.exact.matrix import Matrix
from vm.clocks.exact.tree import Tree
from vm.clocks.exact.vector import Vector
from vm.clocks.lamport import Lamport
from vm.clocks.physical.hlc import Hlc
from vm.clocks.physical.hvc import Hvc
from vm.clocks.physical.repcl import RepCl
from vm.clocks.physical.wall import Wall
from vm.clocks.plausible.bloom import Bloom
from vm.clocks.plausible.comb import Comb
from vm.clocks.plausible.k_lamport import KLamport
from vm.clocks.plausible.rev import Rev
from vm.fields import SpecError, suggestion
from vm.quoting import quoted


@cache
def clock_of(name: str) -> Clock[Any]:
    """Return the clock of this name; parameters that are left out have their defaults.

    SpecError for a name that no clock has.
    """
    kind, *given = name.split(":")
    if kind not in CLOCKS:
        raise SpecError("clocks", f"there is no clock {quoted(kind)}{suggestion(kind, CLOCKS)}")
    known = parameters(CLOCKS[kind])
    if len(given) > len(known):
        raise SpecError("clocks", f"{quoted(name)} has {len(given)} parameters, not {len(known)}")
    values = dict[str, Any]()
    for (parameter, declared), text in zip(known.items(), given, strict=False):
        number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text
        values[parameter] = declared.read(f"clocks.{kind}.{parameter}", number)
    return CLOCKS[kind](**values)


def full_name(name: str) -> str:
    """Return the name with all parameters. SpecError for a name that no clock has.

    >>> full_name("lamport")
    'lamport'
    """
    clock = clock_of(name)
    kind = name.partition(":")[0]
    return name_of(kind, {key: getattr(clock, key) for key in parameters(CLOCKS[kind])})


def name_of(kind: str, given: Mapping[str, Any]) -> str:
    """Return the full name of a clock of this kind with the given parameters."""
    clock = CLOCKS[kind](**given)
    return ":".join([kind, *(str(getattr(clock, name)) for name in parameters(CLOCKS[kind]))])


#: Every kind of clock. Any: each has its own types of states and stamps, and gets no other.
CLOCKS: dict[str, type[Clock[Any]]] = {
    "lamport": Lamport,
    "vector": Vector,
    "wall": Wall,
    "hlc": Hlc,
    "hvc": Hvc,
    "repcl": RepCl,
    "rev": Rev,
    "k-lamport": KLamport,
    "comb": Comb,
    "bloom": Bloom,
    "differential": Differential,
    "matrix": Matrix,
    "direct": Direct,
    "encoded": Encoded,
    "tree": Tree,
    "interval-tree": IntervalTree,
}

"""What a host is told, and how it fails."""

from dataclasses import dataclass, field
from pathlib import Path

from vm.spec import Spec

ALL_ADDRESSES = "[::]"


class HostError(Exception):
    """The machine cannot run here; says what is missing."""


class TerminatedEarly(Exception):
    """The machine was told to end before its run began."""


@dataclass(frozen=True)
class Settings:
    """What one host is told. `spec.machines` does not count: they follow from the peers.

    `peers` maps names to addresses; the names of `addresses` are asked for. Without a `seed`
    the first machine draws one and the others take it over. With `partitions` the channels
    hold back what those of the spec would; without, somebody cuts the network. `recover` says
    to go on from a log of this run, if there is one; `tethered` to end with standard input.
    """

    name: str
    port: int
    run: str
    log: Path
    spec: Spec
    seed: int | None = None
    peers: dict[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    startup_s: float = 30
    listen: str = ALL_ADDRESSES
    partitions: bool = False
    recover: bool = False
    tethered: bool = False

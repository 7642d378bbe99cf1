"""Settings and errors of a host."""

from dataclasses import dataclass, field
from pathlib import Path

from vm.host.wire.key import NO_KEY, Key
from vm.spec import Spec

ALL_ADDRESSES = "[::]"


class HostError(Exception):
    """The machine cannot run here; the text names the reason and the remedy."""


class TerminatedEarly(Exception):
    """A signal ended the machine before its run began."""


@dataclass(frozen=True)
class Settings:
    """Settings of one host.

    `peers` maps names to addresses; the machines at `addresses` are asked for their names, which
    complete `spec.machines`. Without a `seed` the first machine draws one for all. With
    `partitions` the channels hold messages back during those of the spec; without, the network
    itself is cut. `recover` continues a log of this run, if there is one; `tethered` ends with
    standard input. Without a `key`, only machines on this computer connect.
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
    key: Key = NO_KEY
    partitions: bool = False
    recover: bool = False
    tethered: bool = False

"""The states of all clocks of one machine, from event to event."""

from collections.abc import Mapping, Sequence
from typing import Any

from vm.clocks import clock_of
from vm.clocks.clock import At, Bounds

#: Timestamps, or the stamps of one message, by the name of the clock.
ByClock = dict[str, Any]


def states_of(names: Sequence[str], me: int, machines: int) -> "States":
    """Return the initial states of these clocks on machine `me` of `machines`."""
    is_flat = all(clock_of(name).is_flat for name in names)
    return (FlatStates if is_flat else States)(names, me, machines)


def stamped(names: Sequence[str]) -> tuple[str, ...]:
    """Return the clocks whose state a timestamp does not give: a receive's stamps are logged."""
    return tuple(name for name in names if not clock_of(name).is_flat)


def numbers_in_all(names: Sequence[str], machines: int) -> int:
    """Return how many numbers the timestamps of these clocks hold; a text counts as one."""
    clocks = map(clock_of, names)
    return sum(_numbers_in(clock.timestamp(clock.initial(0, machines))) for clock in clocks)


def _numbers_in(timestamp: Any) -> int:
    return sum(map(_numbers_in, timestamp)) if isinstance(timestamp, tuple) else 1


class States:
    """The states of clocks of any kind. A stamp in a log is its bytes, as on the wire."""

    def __init__(self, names: Sequence[str], me: int, machines: int) -> None:
        self._clocks = tuple((name, clock_of(name)) for name in names)
        self._stamped = tuple((name, clock_of(name)) for name in stamped(names))
        self._states = {name: clock.initial(me, machines) for name, clock in self._clocks}

    def advance(self, at: At) -> ByClock:
        """Apply an internal or send event; return its timestamps."""
        states, timestamps = self._states, {}
        for name, clock in self._clocks:
            states[name] = state = clock.advance(states[name], at)
            timestamps[name] = clock.timestamp(state)
        return timestamps

    def stamps(self, to: int) -> ByClock:
        """Return the stamps of the message to machine `to`; call it in the order of receivers."""
        states, stamps = self._states, {}
        for name, clock in self._clocks:
            states[name], stamps[name] = clock.stamp(states[name], to)
        return stamps

    def receive(self, stamps: Mapping[str, Any], sender: int, at: At) -> ByClock:
        """Apply the receive of a message of machine `sender`; return its timestamps."""
        states, timestamps = self._states, {}
        for name, clock in self._clocks:
            states[name] = state = clock.receive(states[name], stamps[name], sender, at)
            timestamps[name] = clock.timestamp(state)
        return timestamps

    def logged(self, stamps: Mapping[str, Any]) -> dict[str, bytes] | None:
        """Return the stamps of a received message that its event holds in the log."""
        return {name: clock.encode(stamps[name]) for name, clock in self._stamped}

    def read_logged(self, stamps: Mapping[str, bytes] | None, bounds: Bounds) -> ByClock:
        """Return the stamps that a logged receive holds; ValueError if one cannot be."""
        read = ByClock()
        for name, clock in self._stamped:
            if not stamps or name not in stamps:
                raise ValueError(f"{name}: its stamp is missing")
            read[name] = clock.decode(stamps[name], bounds)
        return read

    def adopt(self, timestamps: Mapping[str, Any]) -> None:
        """Take over the states that these timestamps give; those of other clocks stay."""
        for name, clock in self._clocks:
            if clock.is_flat:
                self._states[name] = timestamps[name]

    def restore_receive(
        self, timestamps: Mapping[str, Any], stamps: Mapping[str, Any], sender: int, at: At
    ) -> None:
        """Apply a logged receive: its timestamps, and the stamps that `read_logged` returns."""
        self.adopt(timestamps)
        for name, clock in self._stamped:
            self._states[name] = clock.receive(self._states[name], stamps[name], sender, at)

    def restore_advance(self, timestamps: Mapping[str, Any], at: At) -> None:
        """Apply a logged internal or send event."""
        self.adopt(timestamps)
        for name, clock in self._stamped:
            self._states[name] = clock.advance(self._states[name], at)


class FlatStates(States):
    """The states of clocks that are all flat: one dictionary is states, timestamps and stamps."""

    def advance(self, at: At) -> ByClock:
        own = self._states
        self._states = states = {}
        for name, clock in self._clocks:
            states[name] = clock.advance(own[name], at)
        return states

    def stamps(self, to: int) -> ByClock:
        return self._states

    def receive(self, stamps: Mapping[str, Any], sender: int, at: At) -> ByClock:
        own = self._states
        self._states = states = {}
        for name, clock in self._clocks:
            states[name] = clock.receive(own[name], stamps[name], sender, at)
        return states

    def logged(self, stamps: Mapping[str, Any]) -> dict[str, bytes] | None:
        return None

    def adopt(self, timestamps: Mapping[str, Any]) -> None:
        self._states = dict(timestamps)

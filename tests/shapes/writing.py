"""Logs in a drawn shape: the text of events, of noise, and of the files around them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from shapes import words
from shapes.lab import History, Step
from shapes.layouts import Layout
from shapes.shape import ALL_WORD, PORTS, Shape, pick
from vm.schedule import SECOND_NS

START = datetime(2031, 4, 7, 9, 12, 5, tzinfo=UTC)
FIRST_PORT = 7000
#: Ports at the client's end of a connection begin here: they are names of nobody.
EPHEMERAL = 51_000


class Writer:
    """Writes the trials of a lab, file by file. `random` chooses among words of the same kind."""

    def __init__(self, shape: Shape, random: Random) -> None:
        self.shape, self.random = shape, random
        self.lines: dict[str, list[str]] = {}
        self.numbers: dict[int, int] = {}
        self.layout = Layout(shape)

    def files(self, trials: list[History]) -> dict[str, bytes]:
        """Return the files of a submission by name."""
        shape = self.shape
        for number, trial in enumerate(trials, 1):
            self._trial(number, trial, (number - 1) * 120)
        texts = {name: "\n".join(lines) + "\n" for name, lines in self.lines.items()}
        if shape.extra["an array"]:
            texts = {name: f"[{text.strip()[:-1]}]\n" for name, text in texts.items()}
        beside = {name: words.BESIDE[name] for name in shape.beside if name not in texts}
        return {name: text.encode() for name, text in (texts | beside).items()}

    def _trial(self, number: int, trial: History, later_s: int) -> None:
        shape, heads = self.shape, set[str]()
        steps = trial.steps() if shape.one_file else [step for log in trial.logs for step in log]
        for me, name in enumerate(shape.files):
            if me == shape.missing:
                continue
            lines = self.lines.setdefault(name, [])
            known = {"me": shape.names[me], "rate": trial.rates[me], "clock": shape.initial}
            if name not in heads:
                heads.add(name)
                self._head(lines, number, known)
            if shape.extra["an opening record"]:
                lines += self.layout.record(
                    self._record_of(words.OPENINGS, me, shape.initial, later_s)
                )
            mine = [s for s in steps if s.machine == me or shape.one_file]
            for n, step in enumerate(mine if not shape.one_file or me == 0 else (), 1):
                lines += self._texts(step, later_s)
                if shape.beat_every and n % shape.beat_every == 0:
                    lines.append(shape.beat.format(**known | {"clock": step.post}))
            if shape.extra["a closing record"]:
                last = trial.logs[me][-1].post
                lines += self.layout.record(self._record_of(words.CLOSINGS, me, last, later_s + 60))
            lines += [text.format(**known) for text in shape.tail]

    def _head(self, lines: list[str], number: int, known: dict[str, Any]) -> None:
        shape = self.shape
        if number > 1 and shape.parting is None and shape.trials > 1:
            return
        if shape.trials > 1 and shape.parting is not None:
            lines.append(shape.parting.format(n=number))
        if shape.extra["header"]:
            if number == 1:
                lines.append(self.layout.header())
        else:
            lines += [text.format(**known) for text in shape.head]

    def _texts(self, step: Step, later_s: int) -> list[str]:
        """Return the lines of an event: one for each receiver, where a multicast is several."""
        groups = [(to,) for to in step.to] if self.shape.multicast == "lines" else [step.to]
        lines = [
            line
            for to in groups or [()]
            for line in self.layout.record(self._values(step, to, later_s))
        ]
        return [*lines, ""] if self.shape.extra["blank lines"] else lines

    def _values(self, step: Step, to: tuple[int, ...], later_s: int) -> dict[str, Any]:
        """Return the logged fields of a step, in the order of the shape."""
        shape, kind = self.shape, step.kind
        received = kind == "receive"
        everyone = len(to) > 1 and len(to) == len(shape.names) - 1
        # As in `sent to all`: a word of its own says who receives.
        told = shape.broadcast if everyone and kind == "send" else ""
        found: dict[str, Any] = {
            "time": self._time(step.at_ns, later_s),
            "kind": told or pick(self.random, shape.words[kind]),
            **numbers(shape, step),
        }
        if shape.mute:
            del found["kind"]
        if shape.me:
            found["me"] = shape.names[step.machine]
        if shape.extra["both clocks"]:
            found["old"] = step.pre
        if shape.distractor == "number":
            found["number"] = self.numbers[step.machine] = self.numbers.get(step.machine, 0) + 1
        elif shape.distractor == "roll" and not received:
            found["roll"] = 3 if everyone else 1 if kind == "send" else 4 + step.at_ns % 7
        elif shape.distractor == "rate":
            found["rate"] = 1 + step.machine * 5 % 6
        if kind == "send" and (names := self._receivers(step.machine, to, everyone)) and not told:
            found["to"] = names
        if received and (shape.sender or (shape.receivers == PORTS and shape.lag)):
            found["sender"] = self._sender(step)
        return {name: found[name] for name in shape.order if found.get(name, "") != ""}

    def _record_of(
        self, among: tuple[str, ...], me: int, clock: int, later_s: int
    ) -> dict[str, Any]:
        """Return the fields of a record that is no event."""
        shape = self.shape
        # Each shape has one word for it.
        word = among[len(shape.names[0] + shape.separator + shape.time) % len(among)]
        found = {"time": self._time(0, later_s), "kind": word, "clock": clock}
        if shape.me:
            found["me"] = shape.names[me]
        return {name: found[name] for name in shape.order if found.get(name, "") != ""}

    def _sender(self, step: Step) -> str:
        if self.shape.receivers == PORTS:
            return str(EPHEMERAL + 977 * step.sender + 31 * step.machine)
        return self.shape.peers[step.sender]

    def _receivers(self, me: int, to: tuple[int, ...], everyone: bool) -> list[str]:
        shape, count = self.shape, len(self.shape.names)
        others = [n for n in range(count) if n != me]
        match shape.receivers:
            case _ if everyone and shape.receivers == ALL_WORD:
                return [shape.together]
            case "names" | "a word for all":
                return [shape.peers[n] for n in to]
            case "places" if everyone:
                return [shape.together]
            case "places":
                return [shape.places[(to[0] - me) % count == 1]]
            case "places in a list of peers":
                return [str(others.index(n)) for n in to]
            case "ports":
                return [str(FIRST_PORT + int(shape.names[n])) for n in to]
            case "codes":
                return [str(3 if everyone else 1 + others.index(to[0]))]
        return []

    def _time(self, at_ns: int, later_s: int) -> str:
        at_ns += later_s * SECOND_NS
        return FORMATS[self.shape.time](START + timedelta(microseconds=at_ns // 1000), at_ns)


def numbers(shape: Shape, step: Step) -> dict[str, int]:
    """Return the logged numbers of a step: its clock, and queue and stamp if there are any."""
    received = step.kind == "receive"
    is_before = shape.clock == "before" or (shape.clock == "mixed" and not received)
    found = {"clock": step.pre if is_before else step.post}
    if shape.queue and (received or shape.queue_everywhere):
        found["queue"] = step.queue + (shape.queue == "before" and received)
    if (shape.stamp and received) or (shape.stamp == "sends and receives" and step.kind == "send"):
        found["stamp"] = step.stamp
    shown = {name: step.shown[name] for name in found if name in step.shown}
    return found | shown


#: Times in a log, from the time of day and the nanoseconds since the start.
FORMATS: dict[str, Callable[[datetime, int], str]] = {
    "epoch": lambda at, _: f"{at.timestamp():.6f}",
    "epoch ms": lambda at, _: f"{at.timestamp() * 1000:.0f}",
    "epoch ns": lambda _, ns: f"{int(START.timestamp()) * SECOND_NS + ns}",
    "iso": lambda at, _: f"{at:%Y-%m-%dT%H:%M:%S.%f}",
    "iso z": lambda at, _: f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z",
    "date and time": lambda at, _: f"{at:%Y-%m-%d %H:%M:%S.%f}",
    "time of day": lambda at, _: f"{at:%H:%M:%S}.{at.microsecond // 1000:03}",
    "seconds": lambda at, _: f"{int(at.timestamp())}",
    "whole time": lambda at, _: f"{at:%H:%M:%S}",
    "whole date": lambda at, _: f"{at:%Y-%m-%d %H:%M:%S}",
    "since start": lambda _, ns: f"{ns / SECOND_NS:.3f}",
    "logging": lambda at, _: f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03}",
    "root": lambda at, _: f"{at:%H:%M:%S.%f}",
    "slashes": lambda at, _: f"{at:%d/%m/%Y %H:%M:%S.%f}",
    "": lambda _, __: "",
}

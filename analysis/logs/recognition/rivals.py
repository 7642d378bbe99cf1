"""Two readings that explain logs equally: where they differ, in words."""

from analysis.logs.recognition.candidates import Candidate, event_of
from analysis.logs.recognition.evidence.score import Seen, clocks_after
from analysis.logs.recognition.recognise import Recognised

#: The setting that takes one of two readings: 1, the likelier, or 2.
READING = "reading"


def question(found: Recognised) -> str:
    """Return the question which of two readings is right, by the first line they differ in."""
    assert found.rival
    for file, machine in _machines(found):
        one, other = (_seen(found, machine, reading) for reading in (found.reading, found.rival))
        lines = sorted({*one, *other})
        for line in lines:
            if one.get(line) != other.get(line):
                which = f"{_told(one.get(line))} or {_told(other.get(line))}"
                return _asked(f"is {file}:{line} {which}?")
    return _asked("is the last clock of each log that before or after its event?")


def _seen(found: Recognised, machine: str, reading: Candidate) -> dict[int, Seen]:
    """Return the events of a machine by line, with the clocks after them.

    The last is left out: of it, only one of the clocks before and after is known.
    """
    entries = [e for e in found.logs.entries[machine] if e.shape in reading.roles]
    events = [event_of(reading, machine, entry) for entry in entries]
    seen = zip(entries[:-1], events, clocks_after(events, reading.logged), strict=False)
    return {entry.line: event._replace(clock=after, stamp=None) for entry, event, after in seen}


def _machines(found: Recognised) -> list[tuple[str, str]]:
    """Return the file of each machine, which may be one for all."""
    named = {machine: file for file, machine in found.files.items() if machine}
    (first, *_) = found.files
    return [(named.get(machine, first), machine) for machine in found.logs.machines]


def _asked(which: str) -> str:
    return (
        f"two readings explain its logs equally. Answer one question: {which} Check again with"
        f" --set {READING}=1 for the first, or --set {READING}=2 for the second"
    )


def _told(event: Seen | None) -> str:
    if event is None:
        return "no event"
    kind = {"internal": "an internal event", "send": "a send", "receive": "a receive"}[event.kind]
    to = f" to {', '.join(event.to)}" if event.to else ""
    sender = f" from {event.sender}" if event.sender else ""
    return f"{kind}{to}{sender} at clock {event.clock}"

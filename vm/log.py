"""The log of one machine: JSON objects, one per line, `kind` first.

`encode` and `decode` are inverse to each other; `vm.records` describes the fields. The log's
`from` is the record's `sender`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, TypeGuard, cast, get_args

from vm.fields import unique_keys
from vm.quoting import input_problem
from vm.records import (
    UNKNOWN,
    Event,
    Reason,
    Record,
    Recovery,
    Start,
    Stop,
    Timestamp,
    Undelivered,
    Unread,
    WallOffset,
)
from vm.spec import Spec, SpecError

#: The format of logs and of the files beside them, and the versions that read earlier formats.
FORMAT = 2
READ_BY = {1: "0.1"}
HEX = re.compile("(?:[0-9a-f]{2})*")
SURROGATE = re.compile(r"[\ud800-\udfff]")
#: Made once: `json.dumps` would make one for every line.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class LogError(ValueError):
    """A line that is not a valid record; the text gives the reason."""


class StartError(LogError):
    """A start record of another format, or with an invalid spec."""


def encode(record: Record) -> str:
    """Return the line of a record, without the line end."""
    return _ENCODER.encode(_plain(record))


def decode(line: str) -> Record:
    """Return the record in a line; LogError if it holds none."""
    try:
        plain = json.loads(line, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise LogError(input_problem(error)) from None
    if not isinstance(plain, dict):
        raise LogError("not a JSON object")
    kind = plain.get("kind")
    if not isinstance(kind, str) or kind not in READERS:
        raise LogError(f"kind {kind!r} is none of {', '.join(READERS)}")
    try:
        return READERS[kind](plain)
    except KeyError as error:
        raise LogError(f"field {error} is missing") from None


def _plain(record: Record) -> dict[str, Any]:
    match record:
        case Event():
            return _plain_event(record)
        case Start():
            own = {key: getattr(record, key) for key in OF_START}
            if record.wall_offsets:
                own["wall_offsets"] = plain_offsets(record.wall_offsets)
            return {"kind": "start", "format": FORMAT, **own, "spec": record.spec.plain()}
        case Recovery():
            return {"kind": "recovery", **asdict(record)}
        case Stop():
            unread = [
                {"from": u.sender, "cause": u.cause, "arrived_ns": u.arrived_ns}
                for u in record.inbox
            ]
            return {"kind": "stop", **asdict(record), "inbox": unread}


def plain_offsets(offsets: Mapping[str, WallOffset]) -> dict[str, Any]:
    return {machine: asdict(offset) for machine, offset in offsets.items()}


def _plain_event(event: Event) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "kind": event.kind,
        "index": event.index,
        "tick": event.tick,
        "due_ns": event.due_ns,
        "at_ns": event.at_ns,
        "queue": event.queue,
        "clock": event.clock,
    }
    if event.physical_ns != UNKNOWN:
        plain["physical_ns"] = event.physical_ns
    if event.kind == "send":
        plain["to"] = event.to
        if event.lost:
            plain["lost"] = event.lost
        if event.duplicated:
            plain["duplicated"] = event.duplicated
    if event.kind == "receive":
        plain |= {"from": event.sender, "cause": event.cause, "arrived_ns": event.arrived_ns}
        if event.stamps is not None:
            plain["stamps"] = {name: stamp.hex() for name, stamp in event.stamps.items()}
    return plain


def _start(plain: Mapping[str, Any]) -> Start:
    _check_format(plain.get("format", 1))
    spec = _spec(plain["spec"])
    return Start(
        machine=_text(plain, "machine"),
        run=_text(plain, "run"),
        epoch_unix_ns=_whole(plain, "epoch_unix_ns"),
        spec=spec,
        version=_text(plain, "version"),
        wall_offsets=_wall_offsets(plain, spec) if "wall_offsets" in plain else {},
    )


def _wall_offsets(plain: Mapping[str, Any], spec: Spec) -> dict[str, WallOffset]:
    offsets = plain["wall_offsets"]
    if not isinstance(offsets, dict) or sorted(offsets) != sorted(spec.machines):
        raise StartError("field 'wall_offsets' is not an object with an entry for each machine")
    if not all(isinstance(offset, dict) for offset in offsets.values()):
        raise StartError("field 'wall_offsets' has an entry that is not an object")
    read = {
        machine: WallOffset(_whole(offset, "offset_ns"), _whole(offset, "bound_ns"))
        for machine, offset in offsets.items()
    }
    for machine, offset in read.items():
        if not offset.is_possible:
            raise StartError(f"the wall offset of {machine} is {offset}, which is not possible")
    return read


def _check_format(number: Any) -> None:
    """Refuse every format except FORMAT; logs of format 1 have no number."""
    if number == FORMAT:
        return
    if isinstance(number, int) and number in READ_BY:
        raise StartError(f"format {number}: vklocks {READ_BY[number]} reads such logs")
    raise StartError(f"format {number!r}: this vklocks reads format {FORMAT}; use a newer one")


def _spec(plain: Any) -> Spec:
    if not isinstance(plain, dict):
        raise StartError(f"field 'spec' is {plain!r}, not an object")
    try:
        return Spec.parse(plain)
    except SpecError as error:
        raise StartError(f"spec.{error}") from None


def _event(plain: Mapping[str, Any]) -> Event:
    kind = plain["kind"]
    received = kind == "receive"
    return Event(
        kind=kind,
        index=_whole(plain, "index"),
        tick=_whole(plain, "tick"),
        due_ns=_whole(plain, "due_ns"),
        at_ns=_whole(plain, "at_ns"),
        queue=_whole(plain, "queue"),
        clock=_clock(plain),
        to=_receivers(plain) if kind == "send" else (),
        sender=_name(plain, "from") if received else "",
        cause=_known(plain, "cause") if received else -1,
        arrived_ns=_known(plain, "arrived_ns") if received else -1,
        lost=_texts(plain, "lost") if kind == "send" and "lost" in plain else (),
        duplicated=_texts(plain, "duplicated") if kind == "send" and "duplicated" in plain else (),
        physical_ns=_known(plain, "physical_ns") if "physical_ns" in plain else UNKNOWN,
        stamps=_stamps(plain) if received and "stamps" in plain else None,
    )


def _recovery(plain: Mapping[str, Any]) -> Recovery:
    return Recovery(at_ns=_whole(plain, "at_ns"), events=_whole(plain, "events"))


def _stop(plain: Mapping[str, Any]) -> Stop:
    return Stop(
        reason=_reason(plain),
        events=_whole(plain, "events"),
        ticks_missed=_whole(plain, "ticks_missed"),
        rejected=_whole(plain, "rejected"),
        inbox=tuple(
            Unread(_text(u, "from"), _whole(u, "cause"), _whole(u, "arrived_ns"))
            for u in _objects(plain, "inbox")
        ),
        undelivered=tuple(
            Undelivered(_text(u, "to"), _whole(u, "index")) for u in _objects(plain, "undelivered")
        ),
    )


def _reason(plain: Mapping[str, Any]) -> Reason:
    reason = plain["reason"]
    if reason not in get_args(Reason):
        raise LogError(f"field 'reason' is {reason!r}, not one of {', '.join(get_args(Reason))}")
    return cast(Reason, reason)


def _whole(plain: Mapping[str, Any], key: str) -> int:
    value = plain[key]
    if type(value) is not int:
        raise LogError(f"field '{key}' is {value!r}, not a whole number")
    return value


def _known(plain: Mapping[str, Any], key: str) -> int:
    """Read a number that is not -1, which stands for an unknown one in the logs of others."""
    if (value := _whole(plain, key)) == -1:
        raise LogError(f"field '{key}' is -1, which it cannot be")
    return value


def _name(plain: Mapping[str, Any], key: str) -> str:
    if not (value := _text(plain, key)):
        raise LogError(f"field '{key}' is empty, not a machine's name")
    return value


def _text(plain: Mapping[str, Any], key: str) -> str:
    value = plain[key]
    if not _is_text(value):
        raise LogError(f"field '{key}' is {value!r}, not a text")
    return value


def _texts(plain: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = plain[key]
    if not isinstance(values, list) or not all(map(_is_text, values)):
        raise LogError(f"field '{key}' is {values!r}, not a list of texts")
    return tuple(values)


def _receivers(plain: Mapping[str, Any]) -> tuple[str, ...]:
    to = _texts(plain, "to")
    if not to or len(set(to)) < len(to):
        raise LogError(f"field 'to' is {list(to)!r}, not a list of different receivers")
    return to


def _is_text(value: Any) -> TypeGuard[str]:
    """Return whether a value is a text without lone surrogates, which no file or table holds."""
    return isinstance(value, str) and not SURROGATE.search(value)


def _objects(plain: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    values = plain[key]
    if not isinstance(values, list) or not all(isinstance(v, dict) for v in values):
        raise LogError(f"field '{key}' is {values!r}, not a list of objects")
    return values


def _clock(plain: Mapping[str, Any]) -> dict[str, Timestamp]:
    clock = plain["clock"]
    if not isinstance(clock, dict):
        raise LogError(f"field 'clock' is {clock!r}, not an object")
    return {name: _timestamp(name, reading) for name, reading in clock.items()}


def _timestamp(name: str, reading: Any) -> Timestamp:
    if type(reading) is int or _is_text(reading):
        return cast(Timestamp, reading)
    if _is_numbers(reading):
        return tuple(reading)
    if isinstance(reading, list) and all(map(_is_numbers, reading)):
        return tuple(map(tuple, reading))
    raise LogError(
        f"clock '{name}' reads {reading!r}, neither a number nor a text, a list of numbers or a"
        " list of such lists"
    )


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


def _stamps(plain: Mapping[str, Any]) -> dict[str, bytes]:
    stamps = plain["stamps"]
    if not isinstance(stamps, dict):
        raise LogError(f"field 'stamps' is {stamps!r}, not an object")
    return {name: _bytes(name, text) for name, text in stamps.items()}


def _bytes(name: str, text: Any) -> bytes:
    if isinstance(text, str) and HEX.fullmatch(text):
        return bytes.fromhex(text)
    raise LogError(f"the stamp of clock '{name}' is {text!r}, not pairs of the digits 0-9 and a-f")


#: The fields of a start record beside its spec.
OF_START = ("machine", "run", "epoch_unix_ns", "version")

READERS: dict[str, Callable[[Mapping[str, Any]], Record]] = {
    "start": _start,
    "internal": _event,
    "send": _event,
    "receive": _event,
    "recovery": _recovery,
    "stop": _stop,
}

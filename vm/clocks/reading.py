"""Reading of the clocks of a spec: names, or tables with parameters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vm.clocks import CLOCKS, clock_of, full_name, name_of
from vm.clocks.clock import Clock, parameters
from vm.fields import Schema, SpecError, suggestion
from vm.quoting import quoted


def read_clocks(field: str, value: Any) -> tuple[str, ...]:
    """Return the full names of clocks, each given by a name or a table."""
    if not isinstance(value, list | tuple):
        remedy = f": write [{quoted(value)}]" if isinstance(value, str) else ""
        raise SpecError(field, f"{quoted(value)} is not a list of clocks{remedy}")
    if not value:
        raise SpecError(field, f"at least one clock is needed: {', '.join(CLOCKS)}")
    names = tuple(_read_clock(field, number, one) for number, one in enumerate(value))
    for name in names:
        if names.count(name) > 1:
            raise SpecError(field, f"{quoted(name)} is there more than once")
    return names


def _read_clock(field: str, number: int, value: Any) -> str:
    if isinstance(value, str):
        return full_name(value)
    if not isinstance(value, Mapping):
        raise SpecError(
            f"{field}.{number}", f"{quoted(value)} is neither a clock's name nor a table"
        )
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in CLOCKS:
        known = suggestion(kind if isinstance(kind, str) else "", CLOCKS)
        problem = f"there is no clock {quoted(kind)}" if "kind" in value else "it is not there"
        raise SpecError(f"{field}.{number}.kind", problem + known)
    declared = parameters(CLOCKS[kind])
    for key in value:
        if key not in declared and key != "kind":
            near = suggestion(key, declared) if declared else ""
            raise SpecError(f"{field}.{number}.{key}", f"{kind} has no such parameter{near}")
    return name_of(
        kind,
        {
            key: declared[key].read(f"{field}.{number}.{key}", value[key])
            for key in declared
            if key in value
        },
    )


def clocks_schema() -> Schema:
    """Return the JSON Schema of lists of clocks: names, or a table for each kind."""
    names = [
        {"type": "string", "pattern": f"^{kind}{'(:[0-9]+)?' * len(parameters(clock))}$"}
        for kind, clock in CLOCKS.items()
        if parameters(clock)
    ]
    tables = [
        {
            "type": "object",
            "description": (clock.__doc__ or "").partition("\n")[0],
            "properties": {"kind": {"const": kind}}
            | {
                key: {"description": declared.text, **declared.schema}
                for key, declared in parameters(clock).items()
            },
            "required": ["kind"],
            "additionalProperties": False,
        }
        for kind, clock in CLOCKS.items()
    ]
    return {
        "type": "array",
        "items": {"anyOf": [{"enum": list(CLOCKS)}, *names, *tables]},
        "minItems": 1,
        "uniqueItems": True,
    }


def check_limits(clocks: Sequence[str], events: Callable[[], Sequence[int]]) -> None:
    """Check that no clock can overflow in a run with so many events of each machine; SpecError if
    one can. A clock without a limit does not call `events`."""
    for number, name in enumerate(clocks):
        clock = clock_of(name)
        has_limit = type(clock).limit is not Clock.limit
        if has_limit and (reason := clock.limit(events())):
            raise SpecError(
                f"clocks.{number}", f"{name}: {reason}: raise its limit, or shorten the run"
            )


def check_borne(clocks: Sequence[str], fifo: bool, has_loss: bool) -> None:
    """Check that channels bear every clock; SpecError if not.

    Restarts lose neither messages nor their order: the sender sends again what the receiver's log
    lacks. A second copy of a message follows the first one before any later message.
    """
    for number, name in enumerate(clocks):
        if not clock_of(name).needs_fifo:
            continue
        field = f"clocks.{number}"
        if not fifo:
            raise SpecError(field, f"{name} needs channels that keep order: leave out fifo = false")
        if has_loss:
            raise SpecError(field, f"{name} needs channels without loss: leave out the fault loss")

"""Events with a vector clock, as importers cut them out of a log, and the reading of their clocks.

A clock is a JSON object: a count for each host. Quotes may be escaped, as in the traces of TLC, or
single, as Python prints them; a whole number may be written as a float, as JavaScript reads it.
"""

import json
from typing import Any, NamedTuple

from analysis.history.run import MAX_INT64
from analysis.logs.limits import MAX_NAME_CHARACTERS
from vm.fields import unique_keys
from vm.log import SURROGATE


class HostEvent(NamedTuple):
    """An event of a host: `clock` has no entries of 0, `time` is "" if the log has none."""

    host: str
    clock: dict[str, int]
    text: str
    time: str
    file: str
    line: int

    @property
    def counts(self) -> int:
        """The component of its own host."""
        return self.clock.get(self.host, 0)


def clock_in(text: str, host: str) -> dict[str, int] | str:
    """Return the entries of a clock written as text, or why it is not a clock of this host."""
    for escape, quote in (("", ""), ('\\"', '"'), ("'", '"')):
        try:
            plain = text.replace(escape, quote) if escape else text
            value = json.loads(plain, object_pairs_hook=unique_keys)
        except (ValueError, RecursionError) as error:
            problem = str(error)
            continue
        return clock_of(value, host, text)
    twice = f": {problem}" if "more than once" in problem else ""
    return f"the clock is not JSON: {text}{twice}"


def clock_of(value: Any, host: str, text: str) -> dict[str, int] | str:
    """Return the entries of a clock, or why it is not a clock of this host."""
    if len(host) > MAX_NAME_CHARACTERS:
        return f"the host's name is longer than {MAX_NAME_CHARACTERS}"
    if isinstance(value, dict) and SURROGATE.search("".join(value)):
        return f"a name in the clock is not text: {text}"
    if not isinstance(value, dict) or not all(map(_is_whole, value.values())):
        return f"the clock does not give a number for every host: {text}"
    if host not in value:
        return f"the clock has no entry of its own host, {host}"
    if not all(0 <= number <= MAX_INT64 // (len(value) + 1) for number in value.values()):
        return f"a number of the clock cannot be: {text}"
    return {name: int(number) for name, number in value.items() if number}


def _is_whole(number: Any) -> bool:
    return type(number) is int or (type(number) is float and number.is_integer())

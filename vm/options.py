"""Command-line options that set fields of a spec: of one machine, and of `vklocks run`.

`read` converts the text of an option to its field's plain value (`vm.spec`), `write` converts it
back, so that any command line can be printed again.
"""

import re
from argparse import (
    Action,
    ArgumentError,
    ArgumentParser,
    ArgumentTypeError,
    Namespace,
    _ActionsContainer,
)
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NamedTuple, NoReturn

from vm.quoting import plain, quoted
from vm.spec import FIELDS, WEIGHTS, Spec, SpecError, suggestion

#: Maximum length of a message of argparse, which quotes the command line.
MAX_MESSAGE = 240
#: Maximum digits of a whole number; every field and option allows fewer.
MAX_DIGITS = 20
WHOLE = re.compile(r"\s*[+-]?([0-9]+)\s*")


class UsageError(Exception):
    """A wrong argument; the text names it and the remedy."""


class Parser(ArgumentParser):
    """A parser that reports a mistake in one line."""

    def _check_value(self, action: Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            near = suggestion(str(value), list(action.choices))
            raise ArgumentError(action, f"invalid choice: {quoted(value)}{near}")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse arguments; refuse unknown ones here, where the options of a command are known."""
        given, unknown = super().parse_known_args(args, namespace)
        if unknown:
            option = unknown[0].partition("=")[0]
            near = get_close_matches(option[:MAX_MESSAGE], self._option_string_actions, n=1)
            nearest = f"; did you mean {near[0]}?" if near else ""
            self.error(f"unrecognized arguments: {plain(' '.join(unknown))}{nearest}")
        return given, unknown

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{plain(message, MAX_MESSAGE)} (`{self.prog} --help` lists the options)")


class Option(NamedTuple):
    """An option, with the conversion of its text to a plain value of a spec and back."""

    flags: tuple[str, ...]
    metavar: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    #: Text behind the default value.
    more: str = ""


def add_options(parser: _ActionsContainer, fields: Iterable[str], seeded: str = "random") -> None:
    """Add the options of these fields; an option that is not given is None.

    `seeded` names the seed without an option.
    """
    defaults = Spec().plain()
    for field in fields:
        flags, metavar, read, write, more = OPTIONS[field]
        default = seeded if field == "seed" else write(defaults[field]) + more
        text = f"{FIELDS[field].text} (default: {default})"
        parser.add_argument(*flags, dest=field, metavar=metavar, type=read, help=text)


def given_fields(given: Namespace, fields: Iterable[str]) -> dict[str, Any]:
    """Return the plain values of the fields that were given as options."""
    values = {field: getattr(given, field) for field in fields}
    return {field: value for field, value in values.items() if value is not None}


def flag_of(field: str) -> str:
    """Return the option that sets a field; the field is a dotted name."""
    name = field.partition(".")[0]
    return OPTIONS[name].flags[0] if name in OPTIONS else f"--{name}"


def options_of(spec: Spec) -> list[str] | None:
    """Return the command-line arguments of a spec, or None if options cannot express it."""
    fields = spec.plain()
    texts = {field: option.write(fields[field]) for field, option in OPTIONS.items()}
    try:
        again = Spec.parse({field: OPTIONS[field].read(text) for field, text in texts.items()})
    except (SpecError, ArgumentTypeError):
        return None
    if again.resolved() != spec.resolved():
        return None
    return [word for field, text in texts.items() for word in (OPTIONS[field].flags[0], text)]


def read_flag(text: str) -> bool:
    """Read `1` or `0`, for flags that an environment variable sets."""
    if text not in ("0", "1"):
        raise ArgumentTypeError(f"{quoted(text)} is neither 1 nor 0")
    return text == "1"


def read_whole_number(text: str) -> int:
    """Read a whole number in decimal ASCII digits; ValueError for any other text."""
    if not (match := WHOLE.fullmatch(text)):
        raise ValueError
    if len(match[1]) > MAX_DIGITS:
        raise ArgumentTypeError(f"{quoted(text)} has more than {MAX_DIGITS} digits")
    return int(text)


def read_words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _read_machines(text: str) -> int | list[str]:
    if "," in text:
        return read_words(text)
    try:
        return read_whole_number(text)
    except ValueError:
        raise ArgumentTypeError(f"{quoted(text)} is neither a number nor NAME,NAME,…") from None


def _write_machines(names: list[str]) -> str:
    count = str(len(names))
    return (
        count if list(Spec.parse({"machines": len(names)}).machines) == names else ",".join(names)
    )


def _read_duration_s(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ArgumentTypeError(f"{quoted(text)} is not a number of seconds") from None
    return int(number) if number.is_integer() else number


def _read_ticks(text: str) -> list[int]:
    """Read `3-4`, or `3` for always three."""
    low, _, high = text.partition("-")
    try:
        return [read_whole_number(low), read_whole_number(high or low)]
    except ValueError:
        raise ArgumentTypeError(
            f"{quoted(text)} is not MIN-MAX, as in 1-6, or one number"
        ) from None


def _read_workload(text: str) -> str | dict[str, int]:
    """Read a workload's name, or its three weights."""
    if "," not in text:
        return text
    try:
        return dict(zip(WEIGHTS, map(read_whole_number, text.split(",")), strict=True))
    except ValueError:
        raise ArgumentTypeError(f"{quoted(text)} is not ONE,ALL,INTERNAL, as in 2,1,7") from None


def _read_seed(text: str) -> int | None:
    """Read a whole number; an empty text (an unset variable) gives none."""
    return read_integer(text) if text else None


def read_integer(text: str) -> int:
    """Read a whole number for an option without a reader of its own."""
    try:
        return read_whole_number(text)
    except ValueError:
        raise ArgumentTypeError(f"{quoted(text)} is not a whole number") from None


OPTIONS: dict[str, Option] = {
    "machines": Option(("--machines",), "N|NAME,…", _read_machines, _write_machines),
    "duration_s": Option(("--duration",), "S", _read_duration_s, "{:.17g}".format),
    "ticks": Option(
        ("--ticks",), "MIN-MAX", _read_ticks, "{0[0]}-{0[1]}".format, "; 6 is short for 6-6"
    ),
    "workload": Option(
        ("--workload", "--weights"),
        "NAME|ONE,ALL,INTERNAL",
        _read_workload,
        "{0[one]},{0[all]},{0[internal]}".format,
    ),
    "clocks": Option(("--clocks",), "CLOCK,…", read_words, ",".join),
    "seed": Option(("--seed",), "N", _read_seed, str),
}

"""Time columns of foreign logs, as nanoseconds since 1970 without a time zone."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from analysis.history.run import MAX_INT64
from vm.schedule import SECOND_NS, UNITS_NS

UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
MICROSECOND = timedelta(microseconds=1)
HOUR_NS = 3600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
#: Seconds since 1970 have ten digits now; every unit below has three more.
MAX_DIGITS = 40
DIGITS = {"s": 11, "ms": 14, "us": 17}


class Times:
    """Parses the times of one run's logs, all in one format.

    `unit` is a key of UNITS_NS, a format of `datetime.strptime`, or "" to infer it from the first
    time. Times of day and minutes of the hour continue after they wrap around.
    """

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._given = bool(unit)
        self._period_ns = 0
        self._last_ns: dict[str, int] = {}
        self._turned = False

    def ns(self, machine: str, text: str) -> int:
        """Parse a time; ValueError if it is not in the format of the first one."""
        if not self._unit:
            self._unit = _unit_of(text)
        ns = _ns(text.strip(), self._unit)
        self._period_ns = _period_ns(self._unit)
        if self._period_ns:
            ns = self._unwrapped(machine, ns)
        if abs(ns) > MAX_INT64:
            raise ValueError
        return ns

    def _unwrapped(self, machine: str, ns: int) -> int:
        """Add the periods that have passed on this machine."""
        last = self._last_ns.get(machine, ns)
        ns += (last - ns + self._period_ns // 2) // self._period_ns * self._period_ns
        self._turned |= ns >= self._period_ns
        self._last_ns[machine] = ns
        return ns

    def notes(self) -> Iterator[str]:
        if not self._given and self._unit in UNIT_NAMES:
            yield f"times are read as {UNIT_NAMES[self._unit]}, by their size"
        if self._period_ns:
            part = "time of day" if self._period_ns == DAY_NS else "minutes and seconds of an hour"
            again = "; it wraps around and is continued" if self._turned else ""
            yield f"times have no date, only the {part}{again}"


def _unit_of(text: str) -> str:
    text = text.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", text):
        digits = len(text.partition(".")[0])
        return next((unit for unit, most in DIGITS.items() if digits <= most), "ns")
    for unit, pattern in {"of day": r"\d\d?:\d\d:\d\d", "of hour": r"\d\d?:\d\d"}.items():
        if re.fullmatch(pattern + r"([.,]\d+)?", text):
            return unit
    return "date"


def _ns(text: str, unit: str) -> int:
    if unit in UNITS_NS:
        return int(_number(text) * UNITS_NS[unit])
    if unit in ("of day", "of hour"):
        parts = [_number(part) for part in text.replace(",", ".").split(":")]
        hours, minutes, seconds = [Decimal(0)] * (3 - len(parts)) + parts
        return int(((hours * 60 + minutes) * 60 + seconds) * UNITS_NS["s"])
    at = datetime.fromisoformat(text) if unit == "date" else datetime.strptime(text, unit)
    return (at.replace(tzinfo=None) - datetime(1970, 1, 1)) // MICROSECOND * 1000


def _number(text: str) -> Decimal:
    """Parse a number; ValueError if it is none, or has more digits than any time."""
    try:
        number = Decimal(text) if len(text) <= MAX_DIGITS else Decimal("inf")
    except InvalidOperation:
        raise ValueError from None
    if not number.is_finite() or number.adjusted() > MAX_DIGITS:
        raise ValueError
    return number


def _period_ns(unit: str) -> int:
    """Return after how long times of this unit wrap around; 0 if they never do."""
    if unit == "of day" or ("%" in unit and not re.search("%[YymdjcxDF]", unit)):
        return DAY_NS
    return HOUR_NS if unit == "of hour" else 0

"""Time columns of foreign logs, as nanoseconds since 1970 without a time zone."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

import polars as pl

from analysis.history.run import MAX_INT64
from vm.schedule import SECOND_NS, UNITS_NS

UNIT_NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
#: 07/04/2031 09:12:05, and Mon Apr 7 09:12:05 2031 or Apr 7 09:12:05.
YEAR_LAST = re.compile(r"(\d\d?)[-/.](\d\d?)[-/.](\d{4})[. T]+(.*)")
NAMED = re.compile(
    r"(?:[A-Za-z]+\.? )?([A-Za-z]{3})[a-z]* (\d\d?)(?: (\d{4}))? ([\d:.]+)(?: (\d{4}))?"
)
MICROSECOND = timedelta(microseconds=1)
HOUR_NS = 3600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
#: Seconds since 1970 have ten digits now; every unit below has three more.
MAX_DIGITS = 40
DIGITS = {"s": 11, "ms": 14, "us": 17}


#: Formats whose texts are read much faster in another way.
SAME = {
    **{
        f"%Y-%m-%d{between}%H:%M:%S{fraction}": "date"
        for between in (" ", "T")
        for fraction in ("", ".%f", ",%f")
    },
    "%H:%M:%S": "of day",
    "%H:%M:%S.%f": "of day",
    "%H:%M:%S,%f": "of day",
}


class Times:
    """Parses the times of one run's logs, all in one format.

    `unit` is a key of UNITS_NS, a format of `datetime.strptime`, or "" to infer it from the first
    time. Times of day and minutes of the hour continue after they wrap around.
    """

    def __init__(self, unit: str) -> None:
        self._unit = SAME.get(unit, unit)
        self._given = bool(unit)
        self._period_ns = 0
        self._last_ns: dict[str, int] = {}
        self._turned = False

    def all_ns(self, texts: pl.Series) -> pl.Series | None:
        """Parse many times at once, null for ""; None if one of them needs to be looked at."""
        some = texts.replace("", None)
        if (first := some.drop_nulls().first()) is None:
            return some.cast(pl.Int64, strict=False)
        unit = self._unit or _unit_of(str(first))
        found = _all_dates(some) if unit == "date" else _all_numbers(some, unit)
        if found is None or found.null_count() > some.null_count():
            return None
        self._unit = unit
        return found

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
    at = _date(text) if unit == "date" else datetime.strptime(text, unit)
    return (at.replace(tzinfo=None) - datetime(1970, 1, 1)) // MICROSECOND * 1000


def _date(text: str) -> datetime:
    """Parse a date and time in ISO 8601, with slashes or points, or as ctime and syslog write it.

    ValueError for another one. A year that is missing is 1970.
    """
    plain = " ".join(text.replace(",", ".").split())
    if found := YEAR_LAST.fullmatch(plain):
        # Of two numbers that may both be the month, the day comes first.
        first, second, year, rest = found.groups()
        day, month = (second, first) if int(second) > 12 else (first, second)
        return datetime.fromisoformat(f"{year}-{int(month):02}-{int(day):02} {rest}")
    if plain[:1].isdigit():
        return datetime.fromisoformat(re.sub(r"^(\d{4})[/.](\d\d?)[/.](\d\d?)", _iso, plain))
    found = NAMED.fullmatch(plain)
    if not found:
        raise ValueError
    month, day, year, rest = found[1], found[2], found[3] or found[5] or "1970", found[4]
    at = datetime.strptime(f"{month} {day} {year}", "%b %d %Y")
    return datetime.fromisoformat(f"{at:%Y-%m-%d} {rest}")


def _iso(found: re.Match[str]) -> str:
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}"


def _all_dates(texts: pl.Series) -> pl.Series | None:
    """Return dates as nanoseconds, null for those in another layout than the usual one."""
    plain = pl.col("time").str.replace("T", " ", literal=True).str.replace(",", ".", literal=True)
    at = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.6f", time_unit="us", strict=False)
    at = pl.coalesce(
        at,
        plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.3f", time_unit="us", strict=False),
        plain.str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False),
    )
    us = texts.alias("time").to_frame().select(at.cast(pl.Int64)).to_series()
    most = MAX_INT64 // 1000
    return us * 1000 if us.is_between(-most, most).all() else None


def _all_numbers(texts: pl.Series, unit: str) -> pl.Series | None:
    """Return numbers of a unit as nanoseconds, null for those in another notation."""
    if unit not in UNITS_NS:
        return None
    places = len(str(UNITS_NS[unit])) - 1
    most = len(str(MAX_INT64)) - places - (places == 0)
    pattern = rf"^([0-9]{{1,{most}}})(?:\.([0-9]{{0,{places}}}))?$"
    text = pl.col("time")
    number = text.str.extract(pattern, 1).cast(pl.Int64)
    # One less, for the part behind the point.
    whole = pl.when(number < MAX_INT64 // UNITS_NS[unit]).then(number * UNITS_NS[unit])
    part = text.str.extract(pattern, 2).str.pad_end(places, "0").replace("", "0")
    ns = whole + part.cast(pl.Int64).fill_null(0)
    return texts.alias("time").to_frame().select(ns).to_series()


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

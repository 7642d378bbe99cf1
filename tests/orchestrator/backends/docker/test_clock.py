"""The difference of the engine's clock from this computer's."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.backends.docker.clock import Exchange, unix_ns
from vm.schedule import SECOND_NS

DURATIONS_NS = st.integers(0, SECOND_NS)


@given(
    asked_ns=st.integers(0, 2 * 10**18),
    ahead_ns=st.integers(-(10**12), 10**12),
    there_ns=DURATIONS_NS,
    back_ns=DURATIONS_NS,
)
def test_the_error_is_within_its_bound(
    asked_ns: int, ahead_ns: int, there_ns: int, back_ns: int
) -> None:
    answer_ns = asked_ns + there_ns + ahead_ns
    found = Exchange(asked_ns, answer_ns, asked_ns + there_ns + back_ns).difference
    assert abs(found.ahead_ns - ahead_ns) <= found.bound_ns
    assert found.bound_ns <= (there_ns + back_ns) / 2 + 1


@given(
    second=st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1)),
    fraction_ns=st.integers(0, SECOND_NS - 1),
    zone=st.integers(-14 * 60, 14 * 60),
)
def test_a_timestamp_is_read_to_the_nanosecond_in_any_zone(
    second: datetime, fraction_ns: int, zone: int
) -> None:
    moment = second.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=zone)))
    fraction = f".{fraction_ns:09}".rstrip("0").rstrip(".")
    offset = moment.strftime("%z")
    written = f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}{offset[:3]}:{offset[3:]}"
    expected = int(moment.timestamp()) * SECOND_NS + fraction_ns
    assert unix_ns(written) == expected
    if moment.tzinfo == UTC or zone == 0:
        assert unix_ns(written.replace("+00:00", "Z")) == expected

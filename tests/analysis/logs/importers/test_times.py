"""Times that are parsed together are those that are parsed one by one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.logs.importers.times import Times

NUMBERS = st.from_regex(r"[0-9]{1,12}(\.[0-9]{0,10})?", fullmatch=True)
DATES = st.builds(
    "{:%Y-%m-%d}{}{:%H:%M:%S}{}".format,
    st.datetimes(),
    st.sampled_from("T "),
    st.datetimes(),
    st.from_regex(r"([.,][0-9]{1,7})?", fullmatch=True),
)
ODD = st.sampled_from(["", "noon", "12:00", "2031-04-07", "2031-04-07T09:12:05Z", "-1", "1e3"])


@given(texts=st.lists(NUMBERS | DATES | ODD, min_size=1, max_size=5))
@pytest.mark.parametrize("unit", ["", "s", "ms", "us", "ns", "%Y-%m-%d %H:%M:%S.%f"])
def test_many_times_at_once_are_those_of_each(unit: str, texts: list[str]) -> None:
    found = Times(unit).all_ns(pl.Series("time", texts))
    if found is not None:
        each = Times(unit)
        assert found.to_list() == [each.ns("m", text) if text else None for text in texts]


@pytest.mark.parametrize(
    ("texts", "ns"),
    [
        (["10.5", "11"], [10_500_000_000, 11_000_000_000]),
        (["1933319525.132", ""], [1_933_319_525_132_000_000, None]),
        (["1970-01-01 00:00:01,5", "1970-01-01T00:00:02"], None),
        (["1970-01-01 00:00:01,500", "1970-01-01T00:00:02"], [1_500_000_000, 2_000_000_000]),
        (["1970-01-01 00:00:01.000001"], [1_000_001_000]),
        (["", ""], [None, None]),
        (["10:00:01"], None),
    ],
)
def test_common_layouts_are_parsed_at_once(texts: list[str], ns: list[int | None] | None) -> None:
    found = Times("").all_ns(pl.Series("time", texts, pl.String))
    assert (found.to_list() if found is not None else None) == ns

from dataclasses import replace

import pytest
from hypothesis import given

from specs import specs
from vm.log import decode, encode
from vm.records import Start
from vm.spec import Spec, SpecError
from vm.start import spec_of, start_of


@given(spec=specs())
def test_the_spec_of_a_run_follows_from_its_start_records(spec: Spec) -> None:
    resolved = spec.resolved()
    starts = {m: decode(encode(start_of(spec, m, "run", 0))) for m in spec.machines}
    rates_hz = resolved.tick_rates_hz.values()
    assert spec_of(starts) == replace(resolved, ticks=(min(rates_hz), max(rates_hz)))  # type: ignore[arg-type]
    for machine, start in starts.items():
        assert isinstance(start, Start)
        assert (start.machine, start.tick_rate_hz) == (machine, spec.tick_rate_hz(machine))


def test_a_log_that_says_too_little_is_no_spec() -> None:
    start = replace(start_of(Spec(), "vm1", "run", 0), duration_s=None)
    with pytest.raises(SpecError, match="duration_s: None"):
        spec_of({"vm1": start})

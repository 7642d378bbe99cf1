"""Specs for tests: every field with any valid value, every fault among them."""

from typing import Any

from hypothesis import strategies as st

from vm.clocks import CLOCKS, clock_of, full_name
from vm.clocks.clock import Clock
from vm.clocks.physical.readings import PHYSICAL_CLOCKS
from vm.faults import FAULTS
from vm.latency import LATENCIES
from vm.spec import Spec

MILLISECOND_S = 0.001


def bearable(*, fifo: bool, is_lossy: bool, is_long: bool = False) -> list[str]:
    """Return every kind of clock that such channels and runs bear, by its full name."""
    names = [full_name("encoded:16384" if kind == "encoded" else kind) for kind in CLOCKS]
    return [
        name
        for name in names
        if not clock_of(name).needs_fifo or (fifo and not is_lossy)
        if not is_long or type(clock_of(name)).limit is Clock.limit
    ]


def clock_lists(
    *, fifo: bool, is_lossy: bool, is_long: bool = False, always: tuple[str, ...] = ()
) -> st.SearchStrategy[list[str]]:
    """Draw the clocks of a run: up to three that its channels bear, and those of `always`, of which
    one is the main clock."""
    known = bearable(fifo=fifo, is_lossy=is_lossy, is_long=is_long)
    others = [name for name in known if name not in always]
    some = st.lists(
        st.sampled_from(others or [*always]), min_size=not always, max_size=3, unique=True
    )
    mixed = some.flatmap(lambda drawn: st.permutations([*dict.fromkeys([*always, *drawn])]))
    return mixed.map(lambda names: sorted(names, key=lambda name: name != _main(names, always)))


def _main(names: list[str], always: tuple[str, ...]) -> str:
    return next((name for name in names if name in always), names[0])


delays_s = st.integers(0, 1500).map(lambda ms: ms * MILLISECOND_S)
latencies = st.one_of(
    st.fixed_dictionaries({"kind": st.just("constant"), "delay_s": delays_s}),
    st.tuples(delays_s, delays_s).map(
        lambda pair: {"kind": "uniform", "low_s": min(pair), "high_s": max(pair)}
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("lognormal"),
            "median_s": st.sampled_from([1e-9, 0.001, 0.3]),
            "sigma": st.sampled_from([0, 0.5, 2]),
        }
    ),
)
probabilities = st.sampled_from([0.5, 1, 0.1])
offsets_s = st.sampled_from([0, 0.001, 0.05, 5])
physical = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("drift"), "max_offset_s": offsets_s},
        optional={"max_drift_ppm": st.sampled_from([0, 0.5, 100, 100_000])},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("synchronised"),
            "error_s": offsets_s,
            "every_s": st.sampled_from([0.001, 0.7, 16]),
        }
    ),
)
weights = st.fixed_dictionaries(
    {"one": st.integers(0, 3), "all": st.integers(0, 3), "internal": st.just(1)}
)


@st.composite
def plain_specs(
    draw: st.DrawFn,
    *,
    kinds: frozenset[str] = frozenset(FAULTS),
    max_machines: int = 4,
    max_duration_s: int = 10,
) -> dict[str, Any]:
    """Draw plain specs with faults of these kinds."""
    count = draw(st.sampled_from([2, 3]) | st.integers(1, max_machines))
    machines = [f"vm{n}" for n in range(1, min(count, max_machines) + 1)]
    duration_s = draw(st.sampled_from([max_duration_s, 1]) | st.integers(1, max_duration_s))
    possible = [k for k in CHANNEL_FAULTS if k in kinds and (k != "partition" or machines[1:])]
    faults = [
        draw(_channel_fault(kind, machines, duration_s))
        for kind in draw(
            st.lists(st.sampled_from(possible), max_size=4) if possible else st.just(())
        )
    ]
    for machine in machines:
        faults += draw(_machine_faults(machine, duration_s, kinds))
    fifo = draw(st.booleans())
    is_lossy = any(fault["kind"] == "loss" for fault in faults)
    return {
        "machines": machines,
        "duration_s": duration_s,
        "ticks": draw(st.sampled_from([(1, 6), (1, 1), (3, 4), (1, 40)])),
        "workload": draw(st.sampled_from(["assignment", "tight"]) | weights),
        "clocks": draw(clock_lists(fifo=fifo, is_lossy=is_lossy, always=("lamport", "vector"))),
        "seed": draw(st.integers(0, 2**32)),
        "latency": draw(st.none() | latencies),
        "fifo": fifo,
        "physical_clocks": draw(
            st.none() | physical | st.dictionaries(st.sampled_from(machines), physical)
        ),
        "faults": draw(st.permutations(faults)),
    }


def specs(**limits: Any) -> st.SearchStrategy[Spec]:
    return plain_specs(**limits).map(Spec.parse)


@st.composite
def _channel_fault(draw: st.DrawFn, kind: str, machines: list[str], duration_s: int) -> Any:
    at_ms, until_ms = draw(_spans(duration_s))
    fault = {"kind": kind, "at_s": at_ms * MILLISECOND_S, "until_s": until_ms * MILLISECOND_S}
    some = st.lists(st.sampled_from(machines), min_size=1, unique=True)
    for key in ("senders", "receivers"):
        if kind != "partition" and draw(st.booleans()):
            fault[key] = draw(some)
    return fault | draw(CHANNEL_FAULTS[kind](machines))


def _groups(machines: list[str]) -> st.SearchStrategy[Any]:
    cuts = st.tuples(st.permutations(machines), st.integers(1, len(machines) - 1))
    return cuts.map(lambda cut: {"groups": [cut[0][: cut[1]]]})


@st.composite
def _machine_faults(
    draw: st.DrawFn, machine: str, duration_s: int, kinds: frozenset[str]
) -> list[Any]:
    """Draw faults of one machine, one after the other; a crash is the last."""
    instants_ms = draw(st.lists(st.integers(0, duration_s * 1000 - 1), max_size=6, unique=True))
    instants_s = [ms * MILLISECOND_S for ms in sorted(instants_ms)]
    spans = list(zip(instants_s[::2], instants_s[1::2], strict=False))
    common = {"machine": machine}
    downs = sorted(kinds & {"pause", "restart"})
    faults = [
        common | {"kind": draw(st.sampled_from(downs)), "at_s": at_s, "until_s": until_s}
        for at_s, until_s in spans
        if downs
    ]
    if len(instants_s) % 2 and "crash" in kinds and draw(st.booleans()):
        faults.append(common | {"kind": "crash", "at_s": instants_s[-1]})
    return faults


def _spans(duration_s: int) -> st.SearchStrategy[tuple[int, int]]:
    end_ms = duration_s * 1000
    spans = st.lists(st.integers(0, end_ms), min_size=2, max_size=2, unique=True)
    return st.just((0, end_ms)) | spans.map(sorted).map(tuple)  # type: ignore[arg-type]


#: The fields of channel faults, beside their dates, senders and receivers.
CHANNEL_FAULTS: dict[str, Any] = {
    "loss": lambda machines: st.fixed_dictionaries({"probability": probabilities}),
    "duplication": lambda machines: st.fixed_dictionaries({"probability": probabilities}),
    "delay": lambda machines: st.fixed_dictionaries(
        {}, optional={"extra_s": delays_s, "jitter_s": delays_s}
    ),
    "partition": _groups,
}

assert set(CHANNEL_FAULTS) | {"pause", "crash", "restart"} == set(FAULTS)
assert set(PHYSICAL_CLOCKS) == {"drift", "synchronised"}
assert set(LATENCIES) == {"constant", "uniform", "lognormal"}

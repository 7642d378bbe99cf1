"""Clocks at common instants, against the definition carried out instant by instant."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.history.run import Run
from analysis.logs.finding import load
from analysis.metrics.alignment import align
from examples import HALF
from histories import STEP_NS, World, worlds
from vm.spec import Spec


def loaded(world: World) -> Run:
    with TemporaryDirectory() as directory:
        return load(world.write(Path(directory)))


def readings_at(run: Run, at_ns: int) -> dict[str, int]:
    """The clock of each machine that has had an event by then."""
    past = run.events.filter(run.events["at_ns"] <= at_ns).sort("at_ns", maintain_order=True)
    return {machine: past.filter(machine=machine)["main"][-1] for machine in past["machine"]}


@HALF
@given(world=worlds(), step=st.integers(1, 4))
def test_every_instant_is_as_it_is_defined(world: World, step: int) -> None:
    run = loaded(world)
    # Coarser times, so that several events happen at one instant.
    coarse = pl.col("at_ns") // (step * STEP_NS)
    run = replace(run, scan=run.scan.with_columns(at_ns=coarse))
    last_ns = run.events.group_by("machine").max()["at_ns"].to_list()
    instants = [
        at_ns
        for at_ns in run.events["at_ns"].unique().sort()
        if len(last_ns) == len(run.machines) and at_ns <= min(last_ns)
        if len(readings_at(run, at_ns)) == len(run.machines)
    ]
    aligned = align(run)
    assert aligned.at_ns.tolist() == instants
    assert aligned.front.tolist() == [max(readings_at(run, t).values()) for t in instants]
    assert aligned.rear.tolist() == [min(readings_at(run, t).values()) for t in instants]
    lasting_ns = [after - before for before, after in pairwise(instants)]
    for machine in run.machines if instants else ():
        lags = [max((now := readings_at(run, t)).values()) - now[machine] for t in instants]
        lagged = sum(lag * ns for lag, ns in zip(lags, lasting_ns, strict=False))
        mean = lagged / sum(lasting_ns) if lasting_ns else None
        assert aligned.lag_mean[machine] == (mean if mean is None else pytest.approx(mean))


def test_times_are_ordered_whatever_the_order_of_the_rows() -> None:
    world = World(Spec(machines=("vm1", "vm2")))
    for machine in ("vm1", "vm2", "vm1", "vm2", "vm2", "vm1"):
        world.tick(machine)
    run = loaded(world)
    shuffled = replace(run, scan=run.events.sample(fraction=1, shuffle=True, seed=1).lazy())
    assert shuffled.events["at_ns"].to_list() != run.events["at_ns"].to_list()
    assert align(shuffled).at_ns.tolist() == align(run).at_ns.tolist() != []
    assert align(shuffled).spread.tolist() == align(run).spread.tolist()
    assert align(shuffled).lag_mean == align(run).lag_mean


def test_each_run_gets_its_own_answer() -> None:
    """The last one is kept, and two runs that look alike are still two."""
    once, twice = World(Spec(machines=("vm1",))), World(Spec(machines=("vm1",)))
    once.tick("vm1")
    twice.tick("vm1")
    twice.tick("vm1")
    assert [align(loaded(world)).at_ns.size for world in (once, twice, once)] == [1, 2, 1]

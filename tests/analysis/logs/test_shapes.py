"""Recognition of logs in random shapes, and of planted mistakes; see `shapes`."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from analysis.evaluation import evaluate
from analysis.logs.foreign import EXTRACT_COLUMNS, Extract, runs_of
from audited import Audited
from shapes.comparing import Result, blame, compared, judged
from shapes.making import Made, made
from shapes.mistakes import MISTAKES
from shapes.writing import numbers

#: Blocks of shapes in `make test`, and with --nightly; the share is that of each block.
SAMPLE, ALL = [range(40)], [range(first, first + 500) for first in range(0, 5000, 500)]
MISTAKEN_SAMPLE, MISTAKEN = range(2), range(60)
#: What recognition reaches, in shares of the shapes that say enough: the goals are 0.95 and 0.9,
#: and nothing false. A change may not fall behind it.
LEAST_RIGHT, LEAST_NAMED = 0.9, 0.55
MOST_FALSE, MOST_BLAMED = 0.03, 0.1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--nightly")
    if "block" in metafunc.fixturenames:
        blocks = ALL if every else SAMPLE
        metafunc.parametrize("block", blocks, ids=[f"from {block[0]}" for block in blocks])
    if "mistaken" in metafunc.fixturenames:
        metafunc.parametrize("mistaken", [MISTAKEN if every else MISTAKEN_SAMPLE], ids=[""])


def told(results: Mapping[str, Result], result: str) -> str:
    """Return the causes of one result, with their seeds."""
    return "\n".join(f"{n}: {one.cause}" for n, one in results.items() if one.result == result)


def shares(results: Mapping[str, Result]) -> dict[str, float]:
    """Return the share of each result among the shapes that say enough."""
    counts = Counter(one.result for one in results.values())
    asked = len(results) - counts["not asked"]
    return {result: counts[result] / asked for result in ("right", "false")}


def test_most_shapes_are_recognised_and_little_that_is_false_is_said(block: range) -> None:
    results = {f"{seed}": judged(made(seed)) for seed in block}
    assert shares(results)["false"] <= MOST_FALSE, told(results, "false")
    assert shares(results)["right"] >= LEAST_RIGHT, told(results, "not recognised")


#: A machine that hides the stamps by its mistake, a counter that grows as a clock, speeds that seem
#: to be names, and receives that add two.
HIDDEN = (
    ("rule: ignores stamps", 31042),
    ("rule: ignores stamps", 82082),
    ("rule: on arrival", 31108),
    ("rule: on arrival anywhere", 31080),
    ("rule: larger alone anywhere", 81062),
    ("rule: adds two", 81075),
)


@pytest.mark.parametrize(("mistake", "seed"), HIDDEN)
def test_a_mistake_that_hides_its_evidence_is_named(mistake: str, seed: int) -> None:
    assert judged(made(seed, mistake)) == Result("right")


#: Stamps called a time, which internal events have not; lines without a message that seem to be
#: receives; stamps from before the send that no line holds; numbers that are codes of receivers and
#: names of senders; and lengths of queues that seem to be names.
DECEPTIVE = (71298, 73019, 71146, 76011, 77009)


@pytest.mark.parametrize("seed", DECEPTIVE)
def test_a_deceptive_shape_is_read_rightly(seed: int) -> None:
    assert judged(made(seed)) == Result("right")


def test_most_planted_mistakes_are_named_and_hardly_another_machine_is_blamed(
    mistaken: range,
) -> None:
    results = {
        f"{mistake} {seed}": judged(made(seed, mistake))
        for mistake in MISTAKES
        for seed in mistaken
    }
    assert shares(results)["false"] <= MOST_BLAMED, told(results, "false")
    assert shares(results)["right"] >= LEAST_NAMED, told(results, "not recognised")


@pytest.mark.parametrize("seed", range(20))
def test_exact_values_are_read_by_the_conventions_of_the_shape(seed: int) -> None:
    one = made(seed)
    assert compared(one, audited(one)).result in ("right", "not asked")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_exact_values_is_blamed_on_no_other_machine(mistake: str) -> None:
    for seed in range(2):
        one = made(seed, mistake)
        assert blame(one, audited(one)).result != "false", seed


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (pl.col("kind").replace("internal", "send"), "false"),
        (pl.when(pl.col("line") % 9 == 0).then(pl.col("clock") + 1).otherwise("clock"), "false"),
        (pl.col("queue") + 1, "not recognised"),
        (pl.col("to").list.head(0), "false"),
    ],
)
def test_wrong_values_are_not_judged_right(spoil: pl.Expr, said: str) -> None:
    results = {compared(one, audited(one, spoil)).result for one in map(made, range(8))}
    assert said in results


def audited(one: Made, *spoilt: pl.Expr) -> list[Audited]:
    """Return the audit of the values in a log, each with its right role, or spoilt."""
    shape = one.shape
    logged = [m for m in range(len(shape.names)) if m != shape.missing]
    rows = [
        row | {"line": number}
        for machine in logged
        for number, row in enumerate(values(one, machine), 1)
    ]
    events = pl.DataFrame(rows, EXTRACT_COLUMNS).with_columns(spoilt)
    names = tuple(shape.names[machine] for machine in logged)
    files = {shape.names[machine]: shape.files[machine] for machine in logged}
    runs = runs_of(Extract("lab", Path(), "exact", names, events, files))
    return [Audited(run, evaluate(run).verdict, {}) for run in runs]


def values(one: Made, machine: int) -> Iterator[dict[str, object]]:
    """Yield the values of a machine's lines, in the columns of an extract."""
    shape = one.shape
    for lab in one.labs:
        for step in lab.logs[machine]:
            found = numbers(shape, step)
            is_named = step.kind == "receive" and shape.sender
            groups = [(to,) for to in step.to] if shape.multicast == "lines" else [step.to]
            for to in groups if step.to else [()]:
                named = one.names_receivers and step.kind == "send"
                yield {
                    "machine": shape.names[machine],
                    "kind": step.kind,
                    "at_ns": step.at_ns if shape.time else None,
                    "queue": found.get("queue"),
                    "clock": found["clock"],
                    "stamp": found.get("stamp"),
                    "to": [shape.names[receiver] for receiver in to] if named else None,
                    "sender": shape.names[step.sender] if is_named else None,
                    "file": shape.files[machine],
                }

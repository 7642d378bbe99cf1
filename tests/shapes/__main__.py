"""Measure recognition on shapes: `PYTHONPATH=tests python -m shapes SEED COUNT [--mistake NAME]`.

Prints the share of each result, and the failures grouped by cause, each with the first lines of
its log. The mistakes are those of `shapes.mistakes.MISTAKES`, or `each` for all in turn.
"""

import re
import sys
import traceback
from argparse import ArgumentParser
from collections import Counter, defaultdict
from multiprocessing import Pool
from pathlib import Path
from time import process_time

from shapes.comparing import RESULTS, Result, judged
from shapes.making import Made, made
from shapes.mistakes import MISTAKES

SHOWN_PER_CAUSE = 3
SHOWN_LINES = 6


def main(words: list[str]) -> None:
    parser = ArgumentParser(prog="python -m shapes", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--mistake", default="", choices=["each", *MISTAKES])
    parser.add_argument("--write", type=Path, help="write the files of each seed below this folder")
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args(words)
    kinds = [*MISTAKES] if given.mistake == "each" else [given.mistake]
    seeds = range(given.seed, given.seed + given.count)
    tasks = [(seed, kinds[seed % len(kinds)]) for seed in seeds]
    if given.write:
        for seed, mistake in tasks:
            print(made(seed, mistake).write(given.write / str(seed)))
        return
    with Pool(given.jobs) as pool:
        timed = list(pool.imap(_judged, tasks))
    _report(dict(zip(tasks, (result for result, _ in timed), strict=True)))
    slowest = sorted(zip((seconds for _, seconds in timed), seeds, strict=True))[:-4:-1]
    print("  slowest:", ", ".join(f"seed {seed} {seconds:.1f} s" for seconds, seed in slowest))


def _judged(task: tuple[int, str]) -> tuple[Result, float]:
    """Return the result of a seed, and the processor time that the audit took."""
    one, begun_s = made(*task), process_time()
    try:
        result = judged(one)
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        # A crash is a result like others: the rest is measured nevertheless.
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name}, {place.name}"
        result = Result("false", f"crash in {where}: {error!r}")
    return result, process_time() - begun_s


def _report(results: dict[tuple[int, str], Result]) -> None:
    counts = Counter(result.result for result in results.values())
    asked = len(results) - counts["not asked"]
    causes = defaultdict[str, list[tuple[int, str]]](list)
    for task, result in results.items():
        if result.result in ("false", "not recognised"):
            causes[f"{result.result}: {_kind_of(result.cause)}"].append(task)
    for cause, tasks in sorted(causes.items(), key=lambda one: len(one[1])):
        print(f"\n{'=' * 100}\n{len(tasks)} x {cause}")
        print(f"  seeds {', '.join(str(seed) for seed, _ in tasks[:40])}")
        print(f"  more often than others: {_typical(tasks, list(results))}")
        for task in tasks[:SHOWN_PER_CAUSE]:
            _show(made(*task), results[task])
    print()
    for result in RESULTS:
        print(f"{counts[result]:6} {result}")
    print(f"{100 * counts['right'] / max(1, asked):6.1f} % right of {asked} that say enough")
    for mistake in sorted({mistake for _, mistake in results if mistake}):
        mine = [result.result for (_, name), result in results.items() if name == mistake]
        print(f"  {mistake}: {dict(Counter(mine))}")


def _kind_of(cause: str) -> str:
    """Return a cause without its names and numbers."""
    return re.sub(r"[\w.-]*\d[\w.-]*|'[^']*'|of \S+:", "_", cause)[:90]


def _typical(tasks: list[tuple[int, str]], among: list[tuple[int, str]]) -> str:
    """Return the features that failures share more often than all shapes do."""
    mine = Counter(feature for task in tasks[:60] for feature in made(*task).shape.features)
    sample = among[: max(60, len(tasks))]
    every = Counter(feature for task in sample for feature in made(*task).shape.features)
    excess = {
        feature: count / len(tasks[:60]) - every[feature] / len(sample)
        for feature, count in mine.items()
    }
    best = sorted(excess.items(), key=lambda one: -one[1])[:5]
    return ", ".join(f"{feature} (+{100 * more:.0f} %)" for feature, more in best if more > 0)


def _show(one: Made, result: Result) -> None:
    planted = f", {one.planted.where}" if one.planted else ""
    print(f"\n  -- seed {one.seed}{planted}: {result.cause[:300]}")
    print(f"     {'; '.join(one.shape.features)}")
    for name, content in [*one.files.items()][:1]:
        print(f"     {name}, first of {len(one.files)} files:")
        for line in content.decode().splitlines()[:SHOWN_LINES]:
            print(f"       {line[:160]}")


if __name__ == "__main__":
    main(sys.argv[1:])

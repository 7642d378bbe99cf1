"""A chart of clocks on the history of a run: what each costs, and what it gets wrong."""

from collections.abc import Iterator, Sequence
from math import log

import polars as pl

from analysis.charts import encodings as vl
from analysis.clocks.comparison import (
    ALL,
    BROKEN,
    KEPT,
    OWN,
    UNKNOWN,
    Compared,
    compared,
    full_names,
)
from analysis.history.run import Run
from analysis.metrics.labels import counted, show

#: Events, each counted for every clock. With more of them, only the clocks of the run are computed,
#: or none: reports are written without delay.
MAX_COMPUTED = 20_000
MAX_OWN = 100_000
#: From this ratio of the largest size to the smallest on, the axis is logarithmic.
MANY_TIMES = 10
OF_RUN, COMPUTED = "rode on the run", "computed on its history"
HOWS = {"domain": (OF_RUN, COMPUTED), "range": ("#d55e00", "#0072b2")}
LOSSES = {KEPT: "no causal pair lost", BROKEN: "loses causal pairs", UNKNOWN: "not known"}
SHAPES = dict(zip(LOSSES.values(), ("circle", "cross", "square"), strict=True))
#: Points within these shares of the axes have one label.
NEAR_X, NEAR_Y = 0.05, 0.05
HEADINGS = (
    *("clock", "how", "bytes per message", "bytes per event in a log", "clock condition"),
    *("concurrent pairs ordered", "share of them", "strong clock condition"),
)


def clocks(run: Run) -> vl.Chart | None:
    """What does each clock cost, and how many concurrent pairs of events does it order?"""
    names = names_of(run)
    found = list(compared(run, names))
    drawn = [one for one in found if one.sizes and one.sizes.stamp_mean_bytes is not None]
    if not drawn:
        return None
    rows = _with_labels(pl.DataFrame([_row(run, one) for one in drawn]))
    place = _place(rows)
    points = place | {
        "color": vl.nominal("how", title=None, scale=HOWS),
        "shape": vl.nominal("lost", title=None, scale=_shapes(rows)),
        "tooltip": vl.tooltip(rows, "clock", "how", "bytes", "lost", "promise", share=".2%"),
    }
    layers = [vl.layer("point", points, size=60, filled=True, opacity=1), *_labels(place)]
    picture = vl.picture(rows, *layers) | {"height": 2 * vl.HEIGHT_PX}
    return vl.Chart(picture, _source(run, names, found), table=(HEADINGS, _table(run, found)))


def _is_wide(rows: pl.DataFrame) -> bool:
    """Return whether the sizes span magnitudes."""
    sizes = list[float](rows["bytes"])
    return 0 < min(sizes) * MANY_TIMES < max(sizes)


def _shapes(rows: pl.DataFrame) -> vl.Spec:
    """Return the shapes of the points, with those in the legend that are there."""
    known = {lost: shape for lost, shape in SHAPES.items() if lost in set(rows["lost"])}
    return {"domain": list(known), "range": list(known.values())}


def _place(rows: pl.DataFrame) -> vl.Spec:
    scale = vl.LOG if _is_wide(rows) else {}
    share = "share of the concurrent pairs that are ordered"
    percent = {"scale": {"domain": [0, 1]}, "axis": {"format": "%"}}
    return {
        "x": vl.quantitative("bytes", title="bytes per message (mean)", **scale),
        "y": vl.quantitative("share", title=share, **percent),
    }


def _with_labels(rows: pl.DataFrame) -> pl.DataFrame:
    """Add labels: the names of points so near to each other that only one has room."""
    at = list(map(log, rows["bytes"])) if _is_wide(rows) else list[float](rows["bytes"])
    width = (max(at) - min(at)) or 1
    places = [(x / width, share) for x, share in zip(at, rows["share"], strict=True)]
    labels = [""] * len(places)
    for n in sorted(range(len(places)), key=lambda n: places[n][0]):
        near = [m for m, label in enumerate(labels) if label and _are_near(places[m], places[n])]
        first = near[0] if near else n
        labels[first] += f", {rows['clock'][n]}" if near else rows["clock"][n]
    return rows.with_columns(label=pl.Series(labels))


def _are_near(a: tuple[float, float | None], b: tuple[float, float | None]) -> bool:
    return abs(a[0] - b[0]) < NEAR_X and abs((a[1] or 0) - (b[1] or 0)) < NEAR_Y


def names_of(run: Run) -> list[str]:
    """Return the clocks in the chart of a run: of every kind, those of the run, or none."""
    for group, most in ((ALL, MAX_COMPUTED), (OWN, MAX_OWN)):
        names = full_names((group,), run)
        if len(names) * run.events.height <= most:
            return names
    return []


def left_out(run: Run) -> list[str]:
    """Return a note about clocks that are not in the chart because the history is long."""
    shown = names_of(run)
    if len(shown) == len(full_names((ALL,), run)):
        return []
    which = "only those of the run are" if shown else "none is"
    long = f"with {counted(run.events.height, 'event')}, {which} computed for this page"
    return [f"note: clocks compared: {long}; vklocks clocks --clocks all computes every kind"]


def _labels(place: vl.Spec) -> Iterator[vl.Spec]:
    """Write names slanted away from the edges, where many points have the same height."""
    for angle, side in ((-40, "datum.share < 0.5"), (40, "datum.share >= 0.5")):
        encoding = place | {"text": vl.nominal("label")}
        label = vl.layer("text", encoding, align="left", dx=7, angle=angle % 360, fontSize=10)
        yield label | {"transform": [{"filter": side}]}


def _how(run: Run, one: Compared) -> str:
    return OF_RUN if one.clock in run.clocks else COMPUTED


def _row(run: Run, one: Compared) -> dict[str, object]:
    assert one.sizes
    assert one.claims
    return {
        "clock": one.clock,
        "how": _how(run, one),
        "bytes": one.sizes.stamp_mean_bytes,
        "share": one.claims.ordered.share,
        "lost": LOSSES[one.clock_condition],
        "promise": one.promise,
    }


def _table(run: Run, found: Sequence[Compared]) -> tuple[tuple[str, ...], ...]:
    return tuple(_cells(run, one) for one in found)


def _cells(run: Run, one: Compared) -> tuple[str, ...]:
    if not one.sizes or not one.claims:
        return (one.clock, f"no values: {one.problem}", *[show(None)] * (len(HEADINGS) - 2))
    ordered = one.claims.ordered
    share = show(None) if ordered.share is None else f"{100 * ordered.share:.1f} %"
    return (
        one.clock,
        _how(run, one) + (f", the first {counted(one.events, 'event')}" if one.problem else ""),
        show(one.sizes.stamp_mean_bytes),
        show(one.sizes.log_mean_bytes),
        one.clock_condition,
        f"{'≈' if ordered.sampled else ''}{ordered.pairs:,}",
        share,
        one.strong_clock_condition,
    )


def _source(run: Run, names: Sequence[str], found: Sequence[Compared]) -> str:
    own = [name for name in names if name in run.clocks]
    others = len(names) - len(own)
    parts = [f"all {run.events.height:,} events, by the rules of each clock"]
    parts += [f"on the run: {', '.join(own)}"] if own else []
    parts += [f"computed on its history: {counted(others, 'other clock')}"] if others else []
    for one in found:
        if one.problem and one.events:
            parts.append(f"{one.clock} for the first {counted(one.events, 'event')}: {one.problem}")
        elif one.problem:
            parts.append(f"not {one.clock}: {one.problem}")
    return "; ".join(parts)

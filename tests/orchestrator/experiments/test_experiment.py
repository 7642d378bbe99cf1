import os
from pathlib import Path

import pytest

from orchestrator.experiments.experiment import ExperimentError, parse, read
from vm.spec import MAX_SEED, SpecError


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_without_axes_is_one_point_with_a_seed_for_every_run(tmp_path: Path) -> None:
    experiment = read(written(tmp_path, "machines = 2\nrepeat = 3\nseed = 7\n")).experiment
    assert [point.name for point in experiment.points] == ["base"]
    specs = experiment.specs()
    assert list(specs) == ["base-seed7", "base-seed8", "base-seed9"]
    assert [spec.seed for spec in specs.values()] == [7, 8, 9]
    assert all(spec.machines == ("vm1", "vm2") for spec in specs.values())


def test_without_a_seed_the_first_run_has_seed_0_so_that_calls_agree(tmp_path: Path) -> None:
    assert list(read(written(tmp_path, "")).experiment.specs()) == ["base-seed0"]


def test_every_point_has_the_same_seeds() -> None:
    specs = parse("mine", {"repeat": 2, "seed": 5, "grid": {"machines": [2, 3]}}).specs()
    assert [(name, len(spec.machines), spec.seed) for name, spec in specs.items()] == [
        ("machines2-seed5", 2, 5),
        ("machines2-seed6", 2, 6),
        ("machines3-seed5", 3, 5),
        ("machines3-seed6", 3, 6),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("machines = 0", "mine.toml:1: machines: 0 is outside"),
        ("# what\n\nmachnies = 3", "mine.toml:3: machnies: there is no such field; did you mean m"),
        ("\nreapeat = 3", "mine.toml:2: reapeat: there is no such field; did you mean repeat?"),
        ("[gird]\nticks = [[1, 6]]", "mine.toml:1: gird: there is no such field; did you mean gri"),
        ("repeat = 0", "mine.toml:1: repeat: 0 is not a whole number from 1 to"),
        ("repeat = true", "mine.toml:1: repeat: True is not a whole number"),
        ("repeat = 100_001", "mine.toml:1: repeat: 100001 is not a whole number"),
        ("duration_s = '60'", "mine.toml:1: duration_s: '60' is not a number of seconds"),
        ("duration_s = 60\nticks = [6, 1]", "mine.toml:2: ticks: the lowest rate comes first"),
        (
            "machines = 3\n[tick_rates_hz]\nvm1 = 3\nvm22 = 4",
            "mine.toml:4: tick_rates_hz.vm22: there is no such machine; did you mean vm2?",
        ),
        ("tick_rates_hz.vm1 = 3\ntick_rates_hz.vm9 = 4", "mine.toml:2: tick_rates_hz.vm9: there"),
        ('tick_rates_hz = {"vm9" = 4}', "mine.toml:1: tick_rates_hz.vm9: there is no such machine"),
        ("machines 3", "mine.toml is not TOML: "),
        ("machines = 3\nmachines = 4", "mine.toml is not TOML: "),
        (
            "[[faults]]\nkind = 'pause'\nmachine = 'vm1'\n"
            "[[faults]]\nkind = 'loss'\nprobability = 2",
            "mine.toml:6: faults.1.probability: 2",
        ),
        ("machines = 2\n[grid]\nmachines = [2,\n  500]", "mine.toml:3: grid.machines: 500 is out"),
        ("[grid]\nmachnies = [1]", "mine.toml:2: grid.machnies: there is no such field; did you"),
        ("[grid]\nticks = 3", "mine.toml:2: grid.ticks: 3 is not a list of at least one value"),
        ("[grid]\nticks = []", "mine.toml:2: grid.ticks: [] is not a list of at least one value"),
        ("[grid]\nseed = [1, 2]", "mine.toml:2: grid.seed: no axis: every point has the same seed"),
        ("[[list]]\nrepeat = 2", "mine.toml:2: list.0.repeat: no axis"),
        (
            "[grid]\nworkload.internal = [1, 7]",
            'mine.toml:2: grid.workload: not a list of values; for a path into workload write "wor',
        ),
        ('[grid]\n"wrkload.all" = [1]', "mine.toml:2: grid.wrkload: there is no such field; did"),
        ('[grid]\n"ticks.2" = [1]', "mine.toml:2: grid.ticks.2: there is no '2' in [1, 6]"),
        ('[grid]\n"faults.0.at_s" = [1]', "mine.toml:2: grid.faults.0.at_s: there is no '0' in []"),
        (
            "[zip]\nmachines = [2, 3]\nduration_s = [1]",
            "mine.toml:1: zip: axes in parallel need equally many values, not machines 2, duration",
        ),
        (
            "[grid]\nmachines = [2]\n[zip]\nmachines = [3]",
            "mine.toml:4: zip.machines: machines in grid sets that too",
        ),
        (
            '[grid]\n"workload.all" = [2]\n[[list]]\nduration_s = 1\n[[list]]\nworkload = "tight"',
            "mine.toml:6: list.1.workload: workload.all in grid sets that too",
        ),
        ("[list]\nmachines = 3", "mine.toml:1: list: {'machines': 3} is not a list of points"),
        ("list = [1]", "mine.toml:1: list.0: 1 is not a table of axes and values"),
        ("grid = 3", "mine.toml:1: grid: 3 is not a table of axes"),
        (
            "[[list]]\nmachines = 2\n\n[[list]]\nmachines = 2\nticks = [3, 2]",
            "mine.toml:6: list.1.ticks: the lowest rate comes first: 2-3, not 3-2 (at machines = 2",
        ),
        (
            f"repeat = 1000\n[grid]\nmachines = [2, 3]\nduration_s = {[*range(1, 60)]}",
            "mine.toml:1: repeat: 118 points × 1000 are over 100000 runs",
        ),
        (
            f"repeat = 2\nseed = {MAX_SEED}",
            "mine.toml:2: seed: the seeds of 2 runs from here go beyond",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_file_line_field_and_remedy(
    tmp_path: Path, text: str, says: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ExperimentError) as error:
        read(path)
    assert str(error.value).removeprefix(f"{tmp_path}/").startswith(says)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["lab.toml", "compose.toml", "failed.toml", ".hidden.toml", "a b"])
def test_a_name_that_cannot_be_a_folder_of_its_own_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExperimentError, match="rename it"):
        read(written(tmp_path, "", name))


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"none\.toml cannot be read: No such file"):
        read(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ExperimentError, match="not a text file in UTF-8"):
        read(tmp_path / "bytes.toml")


def test_plain_values_are_refused_without_a_file_by_their_field() -> None:
    with pytest.raises(SpecError) as error:
        parse("lab", {"ticks": [6, 1]})
    assert error.value.field == "ticks"


HOSTILE: dict[str, tuple[str, str]] = {
    "points of a grid": (
        f"[grid]\nmachines = {[*range(1, 47)]}\nduration_s = {[*range(1, 47)]}\n"
        f'"workload.one" = {[*range(46)]}',
        "mine.toml:1: grid: 97336 points are more than 10000",
    ),
    "points of a list": (
        "machines = 2\n" + "[[list]]\nduration_s = 1\n" * 10_001,
        "mine.toml:2: list: 10001 points are more than 10000",
    ),
    "values of all points": (
        f"machines = 200\n[grid]\nduration_s = {[*range(1, 4001)]}",
        "mine.toml:2: grid: the points have 808000 values in all, more than 200000",
    ),
    "machines": (
        f"machines = {[f'm{n}' for n in range(100_000)]}",
        "mine.toml:1: machines: 100000 is outside 1..200",
    ),
    "axes": (
        "[grid]\n" + "".join(f"x{n} = [1]\n" for n in range(2000)),
        "mine.toml:1: grid: 2000 axes are more than 1000",
    ),
    "bytes": ("#" * 2**21, "mine.toml has 2097152 bytes, more than 1048576"),
    "nested lists": (
        "\nseed = 1\nticks = " + "[" * 100_000,
        "mine.toml:3: brackets of more than 32 levels",
    ),
    "nested tables": ("x = " + "{a=" * 5000, "mine.toml:1: brackets of more than 32 levels"),
    "parts of a key": ("\n" + "a." * 5000 + "a = 1", "mine.toml:2: a key of more than 32 parts"),
    "parts of a quoted key": ('["a"' + '."\\""' * 5000 + "]", "mine.toml:1: a key of more than 32"),
    "parts of an axis": (
        f'[grid]\n"latency{".x" * 40}" = [1]',
        "mine.toml:2: grid.latency.x.x",
    ),
    "digits": ("seed = 0\nticks = [1, " + "9" * 5000, "mine.toml:2: a number of more than 1000"),
    "a long integer": ("seed = 0x" + "f" * 900, "mine.toml:1: seed: an integer of 3600 bits is"),
    "a superscript": ('[grid]\n"ticks.²" = [1]', "mine.toml:2: grid.ticks.²: there is no '²' in"),
    "a long index": ('[grid]\n"ticks.%s" = [1]' % ("9" * 5000), "mine.toml:2: grid.ticks.999"),
    "a long value": ("clocks = '" + "x" * 10**6 + "'", "mine.toml:1: clocks: 'xxxxx"),
    "a long key": ("x" * 10**6 + " = 1", "mine.toml:1: xxxxx"),
    "a long key twice": (f"{'x' * 10**5} = 1\n" * 2, "mine.toml is not TOML: "),
    "an escape": ('clocks = ["\\u001b[2J"]', r"mine.toml:1: clocks: there is no clock '\x1b[2J'"),
    "an escape in a key": ('"\\u009b2J" = 1', r"mine.toml:1: \x9b2J: there is no such field"),
    "a control character": ("x = '\x1b'", r"mine.toml is not TOML: Found invalid character '\x1b'"),
    "brackets in strings": (
        'clocks = ["' + "[" * 50 + '"] # ' + "[" * 50,
        "mine.toml:1: clocks: there is no clock '[[[",
    ),
    "keys in strings": (
        'clocks = ["lamport", """\nticks = 5\n"""]\nticks = 6',
        "mine.toml:1: clocks: there is no clock",
    ),
    "separators of other lines": (
        "# \u2028 \x85\nticks = 6",
        "mine.toml:2: ticks: 6 is not a pair",
    ),
}


@pytest.mark.parametrize(("text", "says"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_file_is_refused_in_one_short_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ExperimentError) as error:
        read(written(tmp_path, text))
    problem = str(error.value).removeprefix(f"{tmp_path}/")
    assert problem.startswith(says)
    assert problem.isprintable()
    assert len(problem) < 500


def test_a_byte_that_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\n\n# \xff")
    with pytest.raises(ExperimentError, match=r"bytes\.toml:3: not a text file in UTF-8"):
        read(tmp_path / "bytes.toml")


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", Path("/dev/zero")):
        with pytest.raises(ExperimentError, match="is no regular file"):
            read(path)


def test_all_points_within_the_limits_have_names_of_their_own() -> None:
    many = {"list": [{"duration_s": n % 5000 + 1, "machines": 1 + n % 9} for n in range(10_000)]}
    assert len(parse("mine", many).specs()) == 10_000
    same = {"grid": {"machines": [["a"], ["a"], ["a", "2"]]}}
    assert len(parse("mine", same).specs()) == 3

"""`vklocks check` and `analyse` of a class: each submission under its path, and none left out."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from analysis.text.submissions import RESULTS, Result, SubmissionRow, table, total
from orchestrator.cli import lines, main

Answer = Callable[..., tuple[int, str, str]]
HEADER = "time|clock|kind|queue|peer\n"
CAUSE = "clock_rule: b event 1: "
HOLDS = "holds: nothing violated; 7 of 16 checks cannot be made"

LABS = Path(__file__).parents[2] / "analysis" / "logs" / "labs"


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Answer:
    def command(*arguments: object) -> tuple[int, str, str]:
        code = main(list(map(str, arguments)))
        return code, *capsys.readouterr()

    return command


def lab(path: Path, last: int = 4) -> Path:
    """Write logs of two machines; the last clock of b should be 4."""
    path.mkdir(parents=True)
    (path / "a.txt").write_text(f"{HEADER}0.5|1|internal|0|\n1.0|2|send|0|b\n")
    (path / "b.txt").write_text(f"{HEADER}1.2|3|receive|0|a\n1.7|{last}|internal|0|\n")
    return path


#: Only one line shows where the clocks begin: tom receives first.
BEGINS = {
    "eva.log": [
        "09:00:00.500 | work on my own | LC: 2",
        "09:00:01.000 | sent a message to tom | LC: 3",
        "09:00:01.500 | work on my own | LC: 4",
        "09:00:03.000 | received a message from tom | LC: 8",
        "09:00:03.500 | sent a message to tom | LC: 9",
        "09:00:04.000 | work on my own | LC: 10",
    ],
    "tom.log": [
        "09:00:01.100 | received a message from eva | LC: 4",
        "09:00:01.400 | work on my own | LC: 5",
        "09:00:01.600 | work on my own | LC: 6",
        "09:00:01.800 | sent a message to eva | LC: 7",
        "09:00:03.700 | received a message from eva | LC: 10",
    ],
}
COLUMNS = {
    "eva.txt": [f"{n}.5|{n}|send|0|tom" for n in range(2, 9)],
    "tom.txt": [f"{n}.7|{n + 1}|receive|0|eva" for n in range(2, 9)],
}


@pytest.mark.parametrize("logs", [BEGINS, COLUMNS], ids=["recognised", "delimited"])
def test_a_question_is_answered_by_a_setting(
    logs: dict[str, list[str]], tmp_path: Path, answer: Answer
) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    for name, lines_ in logs.items():
        (folder / name).write_text("\n".join(lines_) + "\n")
    code, printed, err = answer("check", folder, "--out", tmp_path / "out")
    assert (code, err) == (2, "")
    asks = (
        "  answer one question: do the clocks begin at 1 or at 0? With initial=1, nothing is"
        " violated; with initial=0, clock_rule is violated at event 0 of eva. Check again with"
        " --set initial=1 or --set initial=0"
    )
    assert printed.splitlines()[:2] == ["lab: inconclusive", asks]
    assert "undecided" not in printed
    assert "clock_rule: holds" not in printed
    verdict = json.loads((tmp_path / "out" / "lab" / "verdict.json").read_text())
    assert verdict["question"] in asks
    _, described, _ = answer("describe", folder)
    assert "  undecided convention: do the clocks begin at 1 or at 0?" in described.splitlines()
    for begin, right in ((1, 0), (0, 1)):
        code, printed, _ = answer("check", folder, "--set", f"initial={begin}")
        assert (code, "question" in printed) == (right, False)


def test_a_class_names_the_question_as_the_cause(tmp_path: Path, answer: Answer) -> None:
    lab(tmp_path / "course" / "s1")
    (tmp_path / "course" / "s2").mkdir()
    for name, lines_ in COLUMNS.items():
        (tmp_path / "course" / "s2" / name).write_text("\n".join(lines_) + "\n")
    code, printed, _ = answer("check", tmp_path / "course")
    assert code == 2
    assert "s2: inconclusive: answer one question: do the clocks begin" in printed


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Six submissions: nested ones, a wrong one, one without a log, one in an unknown format."""
    course = tmp_path / "course"
    lab(course / "s1")
    lab(course / "s2" / "runs" / "base")
    lab(course / "s10" / "runs" / "base", last=2)
    (course / "s3").mkdir()
    (course / "s3" / "essay.pdf").write_bytes(b"%PDF")
    (course / "s4").mkdir()
    (course / "s5").mkdir()
    (course / "s5" / "m1.log").write_text("10 says ~\n11 says ~~~\n")
    return course


def test_a_class_is_a_line_for_each_path_with_its_first_cause_and_a_total(
    course: Path, answer: Answer
) -> None:
    code, printed, err = answer("check", course)
    assert (code, err) == (1, "")
    unknown = "it is no run: its file m1.log was not recognised as a log"
    *others, wrong, last = printed.splitlines()
    *others, unread = others
    assert unread.startswith(f"s5: unreadable: {unknown}")
    assert others == [
        f"s1: {HOLDS}",
        f"s2/runs/base: {HOLDS}",
        "s3: unreadable: it holds no file that was recognised as a log",
        "s4: unreadable: it holds no file that was recognised as a log",
    ]
    assert wrong.startswith(f"s10/runs/base: violated: {CAUSE}")
    assert last == "6 folders: 2 hold, 1 violated, 3 unreadable"
    assert json.loads((course / "s4" / "verdict.json").read_text())["verdict"] == "inconclusive"
    # The verdicts of the first call are no logs.
    assert answer("check", course) == (1, printed, "")


def test_a_class_without_violations_but_unreadable_submissions_ends_with_2(
    course: Path, answer: Answer
) -> None:
    lab(course / "s11").rename(course / "s10" / "good")
    (course / "s10" / "runs" / "base" / "b.txt").write_text(f"{HEADER}1.2|3|receive|0|a\n")
    code, printed, _ = answer("check", course)
    assert (code, printed.splitlines()[-1]) == (2, "7 folders: 4 hold, 3 unreadable")


def test_the_reasons_of_a_class_are_printed_with_verbose(course: Path, answer: Answer) -> None:
    code, printed, _ = answer("check", course, "--verbose")
    assert code == 1
    assert f"s2/runs/base: {HOLDS}\n  logs in a delimited format, 2 machines" in printed
    assert "s3: unreadable: it holds no file that was recognised as a log\n" in printed
    assert "s10/runs/base: violated\n  logs in" in printed
    assert printed.endswith("\n6 folders: 2 hold, 1 violated, 3 unreadable\n")


def test_a_single_submission_is_explained(course: Path, answer: Answer) -> None:
    code, printed, _ = answer("check", course / "s1")
    assert code == 0
    assert printed.startswith(f"s1: {HOLDS}\n  logs in a delimited format")
    assert "folder" not in printed


def test_the_json_of_a_class_has_the_paths(course: Path, answer: Answer) -> None:
    code, printed, _ = answer("check", course, "--json")
    assert code == 1
    paths = ["s1", "s2/runs/base", "s3", "s4", "s5", "s10/runs/base"]
    assert [one["run"] for one in json.loads(printed)["runs"]] == paths


def test_the_table_of_a_class_has_a_row_for_each_submission(
    course: Path, tmp_path: Path, answer: Answer
) -> None:
    assert answer("check", course, "--csv", tmp_path / "all.csv")[0] == 1
    with (tmp_path / "all.csv").open(newline="") as file:
        rows = {row["path"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["s1", "s2/runs/base", "s3", "s4", "s5", "s10/runs/base"]
    assert rows["s3"]["verdict"] == "unreadable"
    assert rows["s3"]["events"] == ""
    wrong = rows["s10/runs/base"]
    assert wrong["first_cause"].startswith(CAUSE)
    assert wrong == wrong | {
        "verdict": "violated",
        "checks_violated": "clock_rule (1); clock_condition (1)",
        "executions": "1",
        "machines": "2",
        "events": "4",
        "sends": "1",
        "receives": "1",
        "messages": "1",
    }
    assert answer("analyse", course, "--csv", tmp_path / "metrics.csv")[0] == 2
    with (tmp_path / "metrics.csv").open(newline="") as file:
        (measured,) = (row for row in csv.DictReader(file) if row["path"] == "s10/runs/base")
    assert measured == measured | wrong
    assert float(measured["final_spread"]) == 0


def test_a_table_that_cannot_be_written_is_refused_before_the_work(
    course: Path, tmp_path: Path, answer: Answer
) -> None:
    for path, problem in {
        course: f"{course} is a folder: give the name of a file",
        tmp_path / "none" / "all.csv": f"there is no folder {tmp_path / 'none'}",
    }.items():
        assert answer("check", course, "--csv", path) == (2, "", f"vklocks: --csv: {problem}\n")
    code, _, err = answer("check", course, "--csv", tmp_path / ("x" * 250))
    assert code == 2
    assert err.endswith("cannot be written: File name too long\n")
    assert [path.name for path in tmp_path.iterdir()] == ["course"]


def test_no_cell_of_a_table_is_a_formula() -> None:
    path, cause = (
        table([SubmissionRow("=cmd", "violated", "-1 is wrong")])
        .select("path", "first_cause")
        .row(0)
    )
    assert (path, cause) == ("./=cmd", " -1 is wrong")


def test_a_class_is_no_experiment(course: Path, answer: Answer) -> None:
    code, printed, err = answer("analyse", course)
    assert (code, err) == (2, "")
    assert "95 %" not in printed
    assert not (course / "report.html").exists()
    assert (course / "s2" / "runs" / "base" / "report.html").exists()
    assert f"s10/runs/base: violated: {CAUSE}" in printed
    assert printed.endswith("\n6 folders: 2 hold, 1 violated, 3 unreadable\n")
    assert "across" not in json.loads(answer("analyse", course, "--json")[1])


def test_the_runs_of_an_experiment_are_no_class(tmp_path: Path, answer: Answer) -> None:
    options = "--duration", 1, "--repeat", 2, "--backend", "simulation", "--out", tmp_path
    answer("run", *options)
    (tmp_path / "lab").rename(tmp_path / "moved")
    for path in tmp_path, tmp_path / "moved":
        code, printed, _ = answer("analyse", path)
        assert code == 0
        assert "± 95 %" in printed


def test_names_are_whole_and_none_is_omitted_silently(
    tmp_path: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{n} {'x' * 200}" for n in range(4)]
    for name in names:
        lab(tmp_path / name)
    _, printed, _ = answer("check", tmp_path)
    assert [line.partition(":")[0] for line in printed.splitlines()[:-1]] == names
    monkeypatch.setattr(lines, "MAX_LISTED", 700)
    _, printed, _ = answer("check", tmp_path)
    assert [line[:1] for line in printed.splitlines()[:2]] == ["0", "1"]
    assert printed.splitlines()[2:] == ["and 2 more, which --csv FILE lists", "4 folders: 4 hold"]


def test_parts_of_a_program_and_files_beside_submissions_are_no_submissions(
    tmp_path: Path, answer: Answer
) -> None:
    for name in "trial1", "trial2":
        lab(tmp_path / name)
    for name in "images", "trial0":
        (tmp_path / name).mkdir()
    (tmp_path / "grades.csv").write_text("name,grade\n1,2\n3,4\n")
    (tmp_path / "__pycache__").mkdir()
    code, printed, _ = answer("check", tmp_path)
    assert code == 2
    assert printed.splitlines()[-2:] == [
        "not counted as submissions: grades.csv, images",
        "3 folders: 2 hold, 1 unreadable",
    ]
    (tmp_path / "machine.py").write_text("")
    code, printed, _ = answer("check", tmp_path)
    assert code == 0
    assert printed.splitlines()[-2:] == [
        "not counted as submissions: grades.csv, images, trial0",
        "2 folders: 2 hold",
    ]
    for number in range(3, 12):
        lab(tmp_path / f"trial{number}")
    assert answer("check", tmp_path)[0] == 2


def test_the_folder_for_output_is_no_submission(
    course: Path, tmp_path: Path, answer: Answer
) -> None:
    first = answer("check", course, "--out", course / "verdicts")
    assert answer("check", course, "--out", course / "verdicts") == first
    verdict = course / "verdicts" / "s10" / "runs" / "base" / "verdict.json"
    assert json.loads(verdict.read_text())["verdict"] == "violated"
    assert not (course / "s1" / "verdict.json").exists()


def test_an_experiment_that_holds_only_failed_runs_is_called_one(
    tmp_path: Path, answer: Answer
) -> None:
    lab(tmp_path / "one")
    lab(tmp_path / "two" / "failed" / "base")
    (tmp_path / "two" / "experiment.json").write_text("{}")
    _, printed, _ = answer("check", tmp_path)
    assert "two: unreadable: it holds only failed runs\n" in printed


def test_recognised_logs_are_recognised_beside_earlier_output(
    tmp_path: Path, answer: Answer
) -> None:
    logs = {
        "eva": ["work", "sent to tom", "work", "received from tom", "sent to tom", "work"],
        "tom": ["work", "work", "received from eva", "work", "sent to eva", "received from eva"],
    }
    clocks = {"eva": [1, 2, 3, 6, 7, 8], "tom": [1, 2, 3, 4, 5, 8]}
    for machine, kinds in logs.items():
        rows = enumerate(zip(kinds, clocks[machine], strict=True))
        lines = [f"10:00:0{n} | {kind} | LC: {clock}\n" for n, (kind, clock) in rows]
        (tmp_path / f"{machine}.log").write_text("".join(lines))
    first = answer("check", tmp_path)
    assert "logs in a recognised format, 2 machines, 12 events" in first[1]
    assert (tmp_path / "verdict.json").exists()
    assert answer("check", tmp_path) == first


@pytest.mark.parametrize("result", get_args(Result))
def test_a_total_omits_results_without_a_submission(result: Result, tmp_path: Path) -> None:
    rows = [SubmissionRow("a", result, ""), SubmissionRow("b", result, "")]
    word = "hold" if result == "holds" else result
    (tmp_path / "x").touch()
    assert total(rows, [tmp_path, tmp_path]) == f"2 folders: 2 {word}"
    assert total([*rows, *rows], [tmp_path / "x"] * 4) == f"4 files: 4 {word}"
    in_archive = tmp_path / "labs.zip:ann"
    assert total(rows, [in_archive, tmp_path / "labs.zip:ben"]) == f"2 folders: 2 {word}"


def test_a_total_counts_every_result_in_one_order(tmp_path: Path) -> None:
    rows = [SubmissionRow("a", result, "") for result in reversed(RESULTS)]
    counts = "1 holds, 1 violated, 1 inconclusive, 1 unreadable"
    (tmp_path / "x").touch()
    assert total(rows, [tmp_path] * 3 + [tmp_path / "x"]) == f"3 folders and 1 file: {counts}"


def test_a_log_with_several_executions_is_one_submission(tmp_path: Path, answer: Answer) -> None:
    lab(tmp_path / "s1")
    (tmp_path / "s2").mkdir()
    header = "(?<host>\\w) (?<clock>.*) (?<event>\\w)\n=(?<trace>.*)=\n"
    calm, wrong = 'a {"a":1} x\n', 'a {"a":2} x\na {"a":2} y\n'
    (tmp_path / "s2" / "all.log").write_text(f"{header}=p=\n{calm}=q=\n{wrong}")
    file = tmp_path / "all.csv"
    code, printed, _ = answer("check", tmp_path, "--csv", file)
    assert code in (1, 2)
    assert printed.splitlines()[1].startswith("s2: ")
    assert "s2#q: " in printed
    assert printed.splitlines()[-1].startswith("2 folders: ")
    with file.open(newline="") as rows:
        assert [row["executions"] for row in csv.DictReader(rows)] == ["1", "2"]


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (-8, " could not be used: its compressed content is damaged"),
        (5, "note: quick_run3_1.log.gz was not read: its compressed content is damaged"),
    ],
)
def test_a_compressed_log_that_is_cut_is_named_and_the_others_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], length: int, says: str
) -> None:
    logs = tmp_path / "logs"
    shutil.copytree(LABS / "root-logger", logs)
    (logs / "expected.json").unlink()
    cut = logs / "quick_run3_1.log"
    (logs / "quick_run3_1.log.gz").write_bytes(gzip.compress(cut.read_bytes())[:length])
    cut.unlink()
    assert main(["check", str(logs), "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr().out
    assert printed.startswith("logs: inconclusive\n  logs in a recognised format, ")
    assert says in printed

"""Charts that other processes draw: all of them, and by nobody once there is nobody to ask."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from select import select

import pytest

from analysis.charts.renderers import Renderers

BLANK = {"mark": "point", "data": {"values": []}}

#: A program that has a hundred charts drawn, and says once that has begun.
ASKS = """
import sys
from pathlib import Path
from analysis.charts.renderers import Renderers
drawing = Renderers()
blank = {"mark": "point", "data": {"values": []}}
try:
    drawing.draw({f"chart{n}": blank for n in range(100)}, Path(sys.argv[1]))
    print("begun", flush=True)
    drawing.wait()
finally:
    drawing.drop()
"""


def test_every_chart_is_drawn_under_its_name(tmp_path: Path) -> None:
    drawing = Renderers()
    drawing.draw({f"chart{n}": BLANK for n in range(10)}, tmp_path / "charts")
    drawing.wait()
    drawn = {path.name for path in (tmp_path / "charts").iterdir()}
    assert drawn == {f"chart{n}.{suffix}" for n in range(10) for suffix in ("svg", "png")}


def test_what_is_dropped_is_not_drawn(tmp_path: Path) -> None:
    drawing = Renderers()
    drawing.draw({f"chart{n}": BLANK for n in range(100)}, tmp_path / "charts")
    drawing.drop()
    drawing.draw({"last": BLANK}, tmp_path / "charts")
    drawing.wait()
    drawn = {path.name for path in (tmp_path / "charts").iterdir()}
    assert "last.png" in drawn
    assert len(drawn) < 100


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_whoever_draws_ends_with_whoever_asked(number: signal.Signals, tmp_path: Path) -> None:
    program = [sys.executable, "-c", ASKS, str(tmp_path / "charts")]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        assert asking.stdout
        assert asking.stdout.readline() == b"begun\n"
        children = Path(f"/proc/{asking.pid}/task/{asking.pid}/children").read_text().split()
        ends = [os.pidfd_open(int(child)) for child in children]
        asking.send_signal(number)
        _, said = asking.communicate(timeout=60)
    assert ends
    for end in ends:
        # Readable once the process has ended.
        assert select([end], [], [], 60)[0]
        os.close(end)
    assert b"BrokenPipe" not in said
    assert len(list((tmp_path / "charts").iterdir())) < 200


def test_a_renderer_that_has_ended_is_an_error(tmp_path: Path) -> None:
    drawing = Renderers()
    drawing.draw({"first": BLANK}, tmp_path)
    drawing.wait()
    for _ in range(drawing._idle.qsize()):
        process = drawing._idle.get()
        process.kill()
        process.wait()
        drawing._idle.put(process)
    drawing.draw({"second": BLANK}, tmp_path)
    with pytest.raises(OSError, match="its renderer has ended") as raised:
        drawing.wait()
    assert raised.value.filename == str(tmp_path / "second")

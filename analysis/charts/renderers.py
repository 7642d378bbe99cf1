"""Chart files, drawn by separate processes, because one process draws only one chart at a time.

    python -m analysis.charts.renderers

reads one chart per line and answers each with a line: the error that prevented writing it, or
null. It ends when its input closes, also if its parent was killed.
"""

import atexit
import errno
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from select import select
from typing import Any

import vl_convert

from vm.files import make_folder, whole_file, write_text

MAX_PROCESSES = 4
PNG_SCALE = 2
#: A chart of all marks, drawn until the drawing code is compiled or a chart is waiting.
WARM_UP = {
    "data": {"values": [{"x": n, "y": n % 7 + 1, "of": f"{n % 3}"} for n in range(100)]},
    "title": {"text": "title", "anchor": "start"},
    "width": 460,
    "height": 210,
    "encoding": {
        "x": {"field": "x", "type": "quantitative", "title": "x"},
        "y": {"field": "y", "type": "quantitative", "scale": {"type": "log"}},
        "color": {"field": "of", "type": "nominal", "scale": {"domain": ["0", "1", "2"]}},
        "detail": {"field": "of", "type": "nominal"},
        "tooltip": [{"field": "y", "type": "quantitative", "format": ".1%"}],
    },
    "layer": [{"mark": mark} for mark in ("line", "area", "point", "bar", "tick")],
}
WARM_UPS = 8


class Renderers:
    """Renderer processes, one per core, started at once because starting takes a while."""

    def __init__(self) -> None:
        count = min(os.cpu_count() or 1, MAX_PROCESSES)
        self._idle = SimpleQueue[subprocess.Popen[str]]()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="charts")
        self._drawn: list[Future[None]] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._folders: set[Path] = set()
        # Without this, they would finish their charts before they end.
        atexit.register(self._kill)
        for _ in range(count):
            self._processes.append(_started())
            self._idle.put(self._processes[-1])

    def draw(self, charts: Mapping[str, Any], folder: Path) -> None:
        """Start writing charts to a folder as SVG and PNG, named by the keys of their specs.

        OSError if the folder cannot be made; `wait` raises other errors.
        """
        make_folder(folder)
        self._folders.add(folder)
        for name, spec in charts.items():
            self._drawn.append(self._threads.submit(self._draw, spec, folder / name))

    def wait(self) -> None:
        """Wait until all charts are written; OSError if one could not be written."""
        for future in self._drawn:
            future.result()
        self._drawn = []

    def drop(self) -> None:
        """Cancel all charts that have not been started."""
        for future in self._drawn:
            future.cancel()
        self._drawn = []

    def _kill(self) -> None:
        """Kill all processes, and remove their incomplete files."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for folder in self._folders:
                for partial in folder.glob(f".*.{process.pid}"):
                    partial.unlink()

    def _draw(self, spec: Any, file: Path) -> None:
        process = self._idle.get()
        try:
            answer = _request(process, {"spec": spec, "file": str(file.absolute())})
        finally:
            self._idle.put(process)
        if not answer:
            raise OSError(errno.EPIPE, "its renderer has ended", str(file))
        if problem := json.loads(answer):
            raise OSError(*problem)


def _started() -> subprocess.Popen[str]:
    # A separate session: only the parent gets Ctrl-C from the terminal. -P: import the installed
    # modules, not files in the current folder.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "analysis.charts.renderers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )


def _request(process: subprocess.Popen[str], chart: Mapping[str, Any]) -> str:
    """Send a chart to a process; return its answer, "" if it has ended."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(f"{json.dumps(chart)}\n")
        process.stdin.flush()
    except BrokenPipeError:
        return ""
    return process.stdout.readline()


def main() -> None:
    for _ in range(WARM_UPS):
        if select([sys.stdin], [], [], 0)[0]:
            break
        vl_convert.svg_to_png(vl_convert.vegalite_to_svg(WARM_UP), scale=PNG_SCALE)
    for line in sys.stdin:
        chart, problem = json.loads(line), None
        try:
            write(chart["spec"], Path(chart["file"]))
        except OSError as error:
            problem = error.errno, error.strerror, error.filename
        try:
            print(json.dumps(problem), flush=True)
        except BrokenPipeError:
            # The parent has ended; output at exit would fail again.
            os._exit(0)


def write(spec: Any, file: Path) -> None:
    """Write a chart to `file` as SVG and PNG, with these suffixes."""
    svg = vl_convert.vegalite_to_svg(spec)
    write_text(file.with_suffix(".svg"), svg)
    with whole_file(file.with_suffix(".png")) as partial:
        partial.write_bytes(vl_convert.svg_to_png(svg, scale=PNG_SCALE))


if __name__ == "__main__":
    main()

"""From a seed to the files of a submission and the truth about them."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

from shapes.lab import History, history
from shapes.mistakes import MISTAKES, Planted, prepare
from shapes.shape import CODES, UNNAMED, Shape, drawn, pick
from shapes.writing import Writer

#: A lab without this many events has too few to tell shapes apart.
LEAST_EVENTS = 60
#: So many receives must have a stamp that is ahead of their own clock to show conventions.
LEAST_JUMPS = 8
TRIES = 50


@dataclass(frozen=True, eq=False)
class Made:
    """The files of a submission, the shape they are in, and the labs in them, one per trial."""

    seed: int
    shape: Shape
    labs: list[History]
    files: dict[str, bytes]
    planted: Planted | None

    def write(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder

    @property
    def is_telling(self) -> bool:
        """Whether the files say enough to be recognised; otherwise nothing false must be said."""
        if self.planted and self.planted.rules:
            # A wrong rule shows in its own violations.
            return True
        return not self.shape.mute and all(_jumps(lab) >= LEAST_JUMPS for lab in self.labs)

    @property
    def shows_queues(self) -> bool:
        """Whether the logs show if queues are counted before or after: a receive leaves none."""
        shape = self.shape
        return bool(shape.queue) and any(s.queue == 0 for lab in self.labs for s in lab.receives())

    @property
    def names_receivers(self) -> bool:
        return self.shape.receivers not in (UNNAMED, CODES)

    def allowed(self, trial: int) -> Counter[tuple[str, int]]:
        """Count the true violations by check and machine."""
        return Counter(self.labs[trial].broken(self.shape.initial))


def _jumps(lab: History) -> int:
    return sum(step.stamp > step.pre for step in lab.receives())


def made(seed: int, mistake: str = "") -> Made:
    """Return the submission of a seed, with a planted mistake if one is named."""
    random = Random(f"{seed}/{mistake}")
    for _ in range(TRIES):
        shape = drawn(random)
        if mistake:
            prepare(random, shape, mistake)
        labs = [_lab(random, shape) for _ in range(shape.trials)]
        planted = None
        if mistake and not (planted := MISTAKES[mistake](random, shape, labs[0])):
            continue
        one = Made(seed, shape, labs, Writer(shape, random).files(labs), planted)
        if one.is_telling or not mistake:
            return one
    raise AssertionError(f"seed {seed}: no lab has a place for {mistake}")


def _lab(random: Random, shape: Shape) -> History:
    while True:
        workload = pick(random, ["assignment", "assignment", "tight"])
        seconds = pick(random, [15, 20, 25]) if shape.trials == 1 else 12
        seed = int(random.random() * 2**31)
        lab = history(len(shape.names), seconds, workload, seed, split=shape.multicast == "split")
        if sum(map(len, lab.logs)) >= LEAST_EVENTS and all(lab.logs):
            lab.count(shape.initial, shape.lag, {})
            return lab

"""How a machine ends with the process that started it, however that one ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread

#: From <sys/prctl.h>: which signal to get when the thread that started this process is no more.
PR_SET_PDEATHSIG = 1


def tether(end: Callable[[], object]) -> None:
    """Call `end`, in another thread, when nobody holds the other end of standard input any more.

    A process that is frozen when its parent dies could not; on Linux the kernel kills it then.
    Elsewhere it is to be in a process group of its own: a group that loses its parent while a
    process of it is frozen is sent SIGHUP and SIGCONT.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        end()

    Thread(target=wait, name="tether", daemon=True).start()

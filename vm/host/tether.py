"""Ends a machine when the process that started it ends, in any way."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from threading import Thread

#: From <sys/prctl.h>: sets the signal to get when the thread that started this process ends.
PR_SET_PDEATHSIG = 1


def tether(end: Callable[[], object]) -> None:
    """Call `end`, in another thread, when the other end of standard input is closed.

    A process that is frozen when its parent dies cannot call it; on Linux the kernel kills it.
    Elsewhere it must be in a process group of its own: a group that loses its parent while one of
    its processes is frozen is sent SIGHUP and SIGCONT.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        end()

    Thread(target=wait, name="tether", daemon=True).start()

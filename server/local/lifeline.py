"""Children that do not outlive the program that started them, even when that is killed outright."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(signal_number: signal.Signals) -> Callable[[], None]:
    """For Popen's preexec_fn: the kernel sends the signal to the child when its parent is gone.

    Linux only; elsewhere it does nothing. "Parent" is the thread that starts the child, so start children
    from the main thread.
    """
    parent = os.getpid()

    def arrange() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    return arrange

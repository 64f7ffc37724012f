"""Two at once, for real: threads with transactions of their own, let go at one moment."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from flask import Flask

from server.scope import enter, entered

T = TypeVar("T")


def concurrently(app: Flask, *works: Callable[[], T]) -> Sequence[T]:
    """What each returned, in the order given; an exception of one is raised here. All work for the caller's clinic."""
    ready = Barrier(len(works))
    clinic_id = entered()

    def run(work: Callable[[], T]) -> T:
        with app.app_context():
            if clinic_id is not None:
                enter(clinic_id)
            ready.wait()
            return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))

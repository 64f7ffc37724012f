"""What the web processes of one machine measure of their own requests; everything else, the database counts.

They share a folder (PROMETHEUS_MULTIPROC_DIR, which the library reads itself), so whichever of them is asked tells of
all. Without one, as in a test, a process tells of itself. Labels are routes as they are declared, never as they were
asked for.
"""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

# A check-in takes some ten milliseconds; a phone gives up after some ten seconds.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_own = CollectorRegistry()
_requests = Counter("interlude_requests_total", "Requests answered.", ["method", "route", "status"], registry=_own)
_seconds = Histogram(
    "interlude_request_seconds", "From a request's arrival to its answer.", ["method", "route"],
    buckets=SECONDS, registry=_own,
)  # fmt: skip


def answered(method: str, route: str, status: int, seconds: float) -> None:
    requests, took = _of(method, route, f"{status // 100}xx")
    requests.inc()
    took.observe(seconds)


@cache
def _of(method: str, route: str, status: str) -> tuple[Counter, Histogram]:
    return _requests.labels(method, route, status), _seconds.labels(method, route)


def of_this_machine(folder: str) -> CollectorRegistry:
    """What all web processes that share the folder have measured; without one, this process."""
    registry = CollectorRegistry()
    if folder:
        MultiProcessCollector(registry, path=folder)  # type: ignore[no-untyped-call]
    else:
        registry.register(_own)
    return registry

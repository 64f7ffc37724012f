"""Log lines: one JSON object each, with allow-listed fields. Never what a patient reported, nor an error's own text."""

import json
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

DEEPEST_PLACES = 6
# All that a line may say besides when, how serious, where and what. No field takes free text.
FIELDS = frozenset(
    {"request_id", "method", "route", "status", "ms", "role", "clinic_id"}  # of a request
    | {
        "job",
        "job_id",
        "batch",
        "enqueued",
        "head",
        "late",
        "alert_id",
        "email_id",
        "mail_id",
        "call_id",
        "refusal",
        "pause_seconds",
    }  # of a job
    | {"error", "at", "kind", "dropped"}
)
# Libraries that say at INFO what they do; the queue's lines carry the arguments of jobs.
QUIET = ("apscheduler", "procrastinate", "alembic")
# The web server's own words are addresses and process ids; every other library's may quote what it was given.
SPEAKS_FOR_ITSELF = "_granian"


class FieldRefused(TypeError):
    """A line was to say something that is not on the list."""


def described(error: BaseException) -> str:
    """What kind of error and where it broke; not its text, for a database error quotes whole rows."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST_PLACES:]
    places = " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames)
    return f"{type(error).__name__} at {places}"


def configure_logging(style: str = "json") -> None:
    """Every logger's lines, ours and the libraries', to stderr in one form."""
    # No line says so, and each would look it up.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(style))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Granian gives its loggers handlers of their own, which would print an error's text.
    for name in ("_granian", "granian.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    warnings.showwarning = _warned
    sys.excepthook = _died
    threading.excepthook = _thread_died


def formatter(style: str = "json") -> logging.Formatter:
    console = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, pad_level=False)
    return ProcessorFormatter(
        foreign_pre_chain=[_in_their_own_words_or_none, *_both()],
        processors=[_stamped, _ordered, console if style == "console" else _as_json],
        use_get_message=False,
        pass_foreign_args=True,
    )


def configure_fields(*, refuse: bool = False) -> None:
    """`refuse`: a field that is not on the list is an error, as in the tests; else it is dropped, and counted."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_both(),
            _refused if refuse else _dropped,
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _both() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _without_its_text,
    ]


def _without_its_text(_: Any, __: str, line: EventDict) -> EventDict:
    """An exception, whoever logs it, by its kind and place."""
    given = line.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    line.pop("stack_info", None)
    if isinstance(error, BaseException):
        line["error"] = described(error)
    return line


_OWN = {"event", "level", "logger"}


def _dropped(_: Any, __: str, line: EventDict) -> EventDict:
    strangers = line.keys() - FIELDS - _OWN
    kept = {name: value for name, value in line.items() if name not in strangers}
    return kept | {"dropped": len(strangers)} if strangers else kept


def _refused(_: Any, __: str, line: EventDict) -> EventDict:
    if strangers := sorted(line.keys() - FIELDS - _OWN):
        raise FieldRefused(f"not on the list of fields: {', '.join(strangers)}")
    return line


class _Hidden:
    """Stands for an argument that a library would have written out."""

    def __repr__(self) -> str:
        return "..."


def _in_their_own_words_or_none(_: Any, __: str, line: EventDict) -> EventDict:
    """A library's line: its template with numbers alone filled in, or where it spoke when the text came ready-made."""
    record: logging.LogRecord = line["_record"]
    args = line.pop("positional_args", None) or ()
    template = record.msg if isinstance(record.msg, str) else ""
    if args and template:
        line["event"] = _filled(template, args)
    elif not record.name.startswith(SPEAKS_FOR_ITSELF):
        line["event"] = f"{record.filename}:{record.lineno} {record.funcName}"
    job = getattr(record, "job", None)
    if isinstance(job, dict):  # the queue tells which, arguments and all
        line["job"], line["job_id"] = job.get("task_name"), job.get("id")
    return line


def _filled(template: str, args: Any) -> str:
    try:
        if isinstance(args, Mapping):
            return template % {name: _shown(value) for name, value in args.items()}
        return template % tuple(map(_shown, args))
    except (TypeError, ValueError, KeyError):
        return template


def _shown(value: object) -> object:
    return value if isinstance(value, int | float) else _Hidden()


_stamped = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")


def _ordered(_: Any, __: str, line: EventDict) -> EventDict:
    first = ("time", "level", "logger", "event")
    rest = {name: value for name, value in line.items() if name not in first and not name.startswith("_")}
    return {**{name: line[name] for name in first if name in line}, **rest}


def _as_json(_: Any, __: str, line: EventDict) -> str:
    return json.dumps(line, default=str)


def _warned(message: object, category: type[Warning], filename: str, lineno: int, *_: object, **__: object) -> None:  # noqa: ARG001  # its text may quote a value
    at = f"{filename.rpartition('/')[2]}:{lineno}"
    structlog.get_logger("warnings").warning("Python warns", kind=category.__name__, at=at)


def _died(_: object, error: BaseException, __: object) -> None:
    """Our own errors say why in words that are ours; nobody else's do."""
    ours = type(error).__module__.startswith("server.")
    said = f"{type(error).__name__}: {error}" if ours else "the program broke"
    structlog.get_logger("server").critical(said, error=described(error))


def _thread_died(died: threading.ExceptHookArgs) -> None:
    if died.exc_value is not None and not isinstance(died.exc_value, SystemExit):
        structlog.get_logger("server").critical("a thread broke", error=described(died.exc_value))


configure_fields()

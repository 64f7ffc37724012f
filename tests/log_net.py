"""Every line that any logger writes in the whole run, held against what must never be in one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from server.logs import QUIET, configure_fields, formatter
from tests.factories import MARKS


class Net(logging.Handler):
    """Formats each record as production does, and keeps the lines that say too much."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(formatter())
        self.leaked: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        if marks_in(line):
            self.leaked.append(line)

    def haul(self) -> list[str]:
        """What was caught since the last look."""
        leaked, self.leaked = self.leaked, []
        return leaked


def marks_in(text: str) -> list[str]:
    return [mark for mark in MARKS if mark in text]


def cast_net() -> Net:
    """As in production, but that a field which is not on the list is an error."""
    configure_fields(refuse=True)
    net = Net()
    logging.getLogger().addHandler(net)
    logging.getLogger().setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return net


class Lines(Net):
    """Keeps every line."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


@contextmanager
def every_line() -> Iterator[Lines]:
    """Of every logger there is, down to DEBUG; in the end none may hold a mark."""
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    levels = [(logger, logger.level) for logger in loggers]
    lines = Lines()
    logging.getLogger().addHandler(lines)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        for logger, level in levels:
            logger.setLevel(level)
        logging.getLogger().removeHandler(lines)
    assert lines.said
    assert [line for line in lines.said if marks_in(line)] == []

"""What the tests of a local clinic share."""

import socket

import pytest

from server.local.errors import LocalError
from server.local.ports import HIGHEST, HOST, Ports


def _all_free(ports: Ports) -> bool:
    try:
        ports.check_free()
    except LocalError:
        return False
    return True


@pytest.fixture
def ports() -> Ports:
    """PORT and the next two, free at this moment."""
    while True:
        with socket.socket() as first:
            first.bind((HOST, 0))
            number = first.getsockname()[1]
        if number <= HIGHEST and _all_free(Ports(number)):
            return Ports(number)

"""PORT, and a clear word when it cannot be used."""

import socket

import pytest

from server.local.errors import LocalError
from server.local.ports import HOST, Ports


def test_three_ports_follow_from_one() -> None:
    ports = Ports.from_env({"PORT": "9000"})
    assert (ports.web, ports.smtp, ports.mailbox) == (9000, 9001, 9002)
    assert ports.base_url == "http://127.0.0.1:9000"
    assert ports.mailbox_url == "http://127.0.0.1:9002"


@pytest.mark.parametrize("raw", ["", " ", "8000"])
def test_the_default_is_8000(raw: str) -> None:
    assert Ports.from_env({"PORT": raw}) == Ports(8000)


@pytest.mark.parametrize("raw", ["80", "65534", "-1", "8000.0", "http", "٨٠٠٠", "1e4"])
def test_a_port_that_cannot_be_used_is_named(raw: str) -> None:
    with pytest.raises(LocalError, match="PORT must be a whole number from 1024 to 65533"):
        Ports.from_env({"PORT": raw})


def test_free_ports_pass(ports: Ports) -> None:
    ports.check_free()


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_each_of_the_three_is_looked_at(ports: Ports, offset: int) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, ports.web + offset))
        taken.listen()
        with pytest.raises(LocalError, match=f"Port {ports.web + offset}, for .*, is taken"):
            ports.check_free()

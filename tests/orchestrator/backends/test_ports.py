"""Ports that are free, and stay so."""

import socket

import pytest

from orchestrator.backends.outcome import EnvironmentProblem
from orchestrator.backends.ports import LOOPBACK, PORTS, reserved_ports


def test_no_port_is_given_twice() -> None:
    with reserved_ports(40) as some, reserved_ports(40) as others:
        assert len({*some, *others}) == 80
        assert all(port in PORTS for port in (*some, *others))


def test_a_reserved_port_can_be_listened_on() -> None:
    with reserved_ports(1) as (port,), socket.create_server((LOOPBACK, port)):
        pass


def test_a_port_that_somebody_listens_on_is_not_given() -> None:
    with reserved_ports(1) as (port,):
        pass
    only = range(port, port + 1)
    with (
        socket.create_server((LOOPBACK, port)),
        pytest.raises(EnvironmentProblem, match=f"fewer than 1 ports from {port}"),
        reserved_ports(1, only),
    ):
        pass
    with reserved_ports(1, only) as ports:
        assert ports == [port]

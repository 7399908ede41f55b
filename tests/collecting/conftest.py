"""A chain for each module, and a gateway for each test."""

from collections.abc import Iterator

import pytest

from tests.collecting.chain.node import Chain, start_chain
from tests.collecting.gateway_server import GatewayServer


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    with start_chain() as started:
        yield started


@pytest.fixture
def server() -> Iterator[GatewayServer]:
    with GatewayServer() as started:
        yield started

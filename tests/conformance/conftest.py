"""A started server with a hall in it, for other people's clients."""

import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from uuid import uuid4

import pytest

from models import Moderation
from resolvers.clock import Clock, SystemClock
from schema.base import global_id
from tests.conformance.node import demand_node, install
from tests.started import Door, tracebacks
from tests.world import World, gid


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is tested here is the door; the other tests know both databases."""
    return sqlite_url


@pytest.fixture
def clock() -> Clock:
    """Other people's programs have clocks of their own."""
    return SystemClock()


@pytest.fixture(scope="session")
def node() -> None:
    demand_node()
    install()


@dataclass
class Hall:
    """What a client is told of an open board: Ann's token, Olga's, ids, and an id that leads nowhere."""

    origin: str
    token: str
    other_token: str
    board_id: str
    network_id: str
    nothing: str

    @property
    def given(self) -> dict[str, str]:
        """The same for a program, by the names of its language."""
        return {re.sub("_(.)", lambda found: found[1].upper(), name): value for name, value in asdict(self).items()}


@pytest.fixture
async def hall(door: Door, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Hall]:
    world = await World.make(door.service)
    ann, olga = await world.person("Ann"), await world.person("Olga")
    community = await world.community("Keynote", owner=olga)
    await world.belong(ann, community)
    board = await world.board(community, moderation=Moderation.NONE)
    token, other = [await door.sign_in(person) for person in (ann, olga)]
    nothing = str(global_id("QuestionBoard", uuid4()))
    yield Hall(door.origin, token, other, gid(board), gid(world.network), nothing)
    assert tracebacks(caplog) == []

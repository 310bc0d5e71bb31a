"""A board that takes visitors, and devices that come to it by its code."""

from typing import Any

from models import Admits, Community, QuestionBoard, VisitorRights
from resolvers import codes
from tests import documents as do
from tests.device import Device
from tests.world import Person, World


async def hall(world: World, owner: Person) -> Community:
    """A community where nothing internal is said."""
    return await world.community("Hall", owner=owner, admits=Admits.EXTERNALS)


async def visitable(
    world: World, community: Community, rights: VisitorRights = VisitorRights.ASK_AND_VOTE, **columns: Any
) -> QuestionBoard:
    board = await world.board(community, **columns)
    await world.change(board, visitors=rights, join_code=codes.new())
    return await world.fresh(board)


class Phone(Device):
    """Somebody's device in the hall."""

    async def join(self, board: QuestionBoard, name: str = "Vic") -> Any:
        """Come by the board's code; a new device signs in from then on."""
        joined = await self.do(do.JOIN_BOARD, code=board.join_code, name=name)
        if joined["token"]:
            self.token = joined["token"]
            await self.come_back()
        return joined["visit"]


async def visitor(world: World, board: QuestionBoard, name: str = "Vic", address: str = "192.0.2.1") -> Phone:
    phone = Phone(world.service, address)
    await phone.join(board, name)
    return phone

"""Revoking while questions are asked as fast as can be: nothing that came later reaches whoever lost the right."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

import pytest

from models import Admits, CommunityRole, Moderation, NetworkRole, QuestionBoard, Visibility, VisitorRights
from resolvers import codes, timetable
from tests import documents as do
from tests.asking import ask, hall_of
from tests.client import Client, Follower, settled
from tests.world import Person, World, gid

REPETITIONS = 36
AFTERWARDS = 2  # questions that each asker asks once the right is lost
ENDINGS = {"AccessRevoked", "ResyncRequired"}

Revoke = Callable[[], Awaitable[Any]]


class Case(NamedTuple):
    """One who will lose a right, one who keeps it, and what each of them follows."""

    feed: str
    loser: Client
    keeper: Client
    revoke: Revoke
    kept: str = "questionBoard"


class Hall:
    """A board of a community, those who run it, and those who ask."""

    def __init__(self, world: World, admin: Person, ann: Person, askers: list[Person]) -> None:
        self.world = world
        self.admin = admin
        self.ann = ann
        self.askers = askers
        self.count = 0

    async def new_board(self, *, is_open: bool) -> None:
        world = self.world
        some: dict[str, Any] = {"admits": Admits.EXTERNALS} if is_open else {"visibility": Visibility.PRIVATE}
        self.community = await world.community(owner=self.ann, **some)
        for asker in self.askers:
            await world.belong(asker, self.community)
        self.board: QuestionBoard = await world.board(self.community, moderation=Moderation.NONE)
        if is_open:
            await world.change(self.board, visitors=VisitorRights.READ, join_code=codes.new())

    async def two(self, roles: CommunityRole = CommunityRole.MEMBER) -> tuple[Any, Person, Person]:
        self.count += 1
        loser, keeper = [await self.world.person(f"{name}-{self.count}") for name in ("Loser", "Keeper")]
        membership = await self.world.belong(loser, self.community, roles)
        await self.world.belong(keeper, self.community, roles)
        return membership, loser, keeper


async def removed(hall: Hall) -> Case:
    await hall.new_board(is_open=False)
    membership, loser, keeper = await hall.two()
    deed = lambda: hall.ann.client.do(do.REMOVE_MEMBERSHIP, membershipId=gid(membership))  # noqa: E731
    return Case("questionBoard", loser.client, keeper.client, deed)


async def demoted(hall: Hall) -> Case:
    await hall.new_board(is_open=False)
    membership, loser, keeper = await hall.two(CommunityRole.PRESENTER)
    deed = lambda: hall.ann.client.do(do.CHANGE_ROLES, membershipId=gid(membership), roles=[])  # noqa: E731
    return Case("questionBoardModeration", loser.client, keeper.client, deed, "questionBoardModeration")


async def disabled(hall: Hall) -> Case:
    await hall.new_board(is_open=False)
    _, loser, keeper = await hall.two()
    deed = lambda: hall.admin.client.do(do.DISABLE, memberId=loser.id)  # noqa: E731
    return Case("questionBoard", loser.client, keeper.client, deed)


async def expired(hall: Hall) -> Case:
    await hall.new_board(is_open=False)
    _, loser, keeper = await hall.two()
    service, clock = hall.world.service, hall.world.service.clock
    await hall.world.change(loser.member, expires_at=hall.world.now + timedelta(hours=1))

    async def deed() -> None:
        clock.advance(hours=1)  # type: ignore[attr-defined]  # the tests' own
        await timetable.tick(service.means)

    return Case("questionBoard", loser.client, keeper.client, deed)


async def visit_ended(hall: Hall) -> Case:
    await hall.new_board(is_open=True)
    visitor = await hall.world.visitor(hall.board, "Vic")
    _, _, keeper = await hall.two()
    deed = lambda: hall.ann.client.do(do.ROTATE_JOIN_CODE, boardId=gid(hall.board), endVisits=True)  # noqa: E731
    return Case("questionBoard", visitor, keeper.client, deed)


async def key_revoked(hall: Hall) -> Case:
    await hall.new_board(is_open=False)
    loser, key, _ = await hall.world.kiosk(hall.board)
    _, _, keeper = await hall.two()
    deed = lambda: hall.ann.client.do(do.REVOKE_KIOSK_KEY, kioskKeyId=gid(key))  # noqa: E731
    return Case("questionBoardDisplay", loser, keeper.client, deed)  # it shows one question at a time


CASES = {case.__name__: case for case in (removed, demoted, disabled, expired, visit_ended, key_revoked)}


class Storm:
    """Questions as fast as they are taken. `late` are those whose asking began when the right was lost already."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._is_lost = False
        self.asked: list[str] = []
        self.late: set[str] = set()

    async def blow(self, asker: Person) -> None:
        left = AFTERWARDS
        while left:
            is_late = self._is_lost
            left -= is_late
            id = (await ask(asker, self._hall.board))["id"]
            await self._hall.ann.client.do(do.SHOW, questionId=id, onScreen=True)
            self.asked.append(id)
            if is_late:
                self.late.add(id)

    async def lose(self, revoke: Revoke, after: float) -> None:
        await asyncio.sleep(after)
        await revoke()
        self._is_lost = True


def added(follower: Follower) -> list[str]:
    return [event["node"]["id"] for event in follower.events if event["__typename"] == "Added"]


@pytest.fixture
async def hall(world: World) -> Hall:
    admin, ann = await world.person("Admin", role=NetworkRole.OWNER), await world.person("Ann")
    return Hall(world, admin, ann, [await world.person(f"Asker-{n}") for n in range(3)])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CASES)
async def test_nothing_that_was_asked_after_the_right_was_lost_is_told(hall: Hall, name: str):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(REPETITIONS // len(CASES)):
        case = await CASES[name](hall)
        loser = await case.loser.follow(hall_of(case.feed), id=gid(hall.board))
        keeper = await case.keeper.follow(hall_of(case.kept), id=gid(hall.board))
        storm = Storm(hall)
        await asyncio.gather(
            storm.lose(case.revoke, chance.uniform(0, 0.1)), *(storm.blow(asker) for asker in hall.askers)
        )
        await settled(hall.world.service)
        assert loser.is_done
        assert loser.events[-1]["__typename"] in ENDINGS
        heard = [event["node"]["id"] for event in loser.events if "node" in event]
        assert storm.late
        assert not storm.late & set(heard)
        assert case.feed != case.kept or len(added(loser)) == len(set(added(loser)))
        assert sorted(added(keeper)) == sorted(storm.asked)
        assert not keeper.is_done
        await keeper.stop()

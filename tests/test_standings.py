"""Standings: whoever stands alike is allowed alike, and nobody is remembered to stand where they stood before."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import aliased
from sqlmodel import select

from models import (
    NOBODY,
    Admits,
    Change,
    Kind,
    Member,
    Membership,
    MembershipState,
    Question,
    Row,
    Task,
    VisitorRights,
    Vote,
)
from realtime import topics
from realtime.operation import Operation, Party
from realtime.topics import Topic
from resolvers import codes, policy, standings
from resolvers.policy import Audience, Rule
from resolvers.policy.rules import some
from resolvers.session import Reader
from resolvers.standings import ITSELF, Place, Standings
from tests import documents as do
from tests.client import Client, settled
from tests.house import AT
from tests.population import Population
from tests.standing import asking as operations
from tests.world import Person, World, gid

LOCAL = {name: one for name, one in vars(policy).items() if isinstance(one, Rule) and one.is_local}


def viewers_of(parties: Iterable[Party]) -> set[UUID]:
    return {operation.viewer for party in parties for operation in party.operations}


@asynccontextmanager
async def reading(world: World) -> AsyncIterator[Reader]:
    database = world.service.database
    async with database.read() as session:
        yield Reader(session, NOBODY, world.now, database.dialect)


# --- what a local rule may look at -----------------------------------------------------------------------------------


class Proof:
    """Every way in which a rule that is called local could turn out not to be."""

    def __init__(self, db: Reader, viewers: Collection[UUID]) -> None:
        self.db = db
        self.viewers = viewers
        self.flaws: set[str] = set()
        self.shared = 0  # viewers for whom another was asked

    async def of(self, rule: Rule[Any], rows: Collection[Row]) -> None:
        middle = sorted(row.id for row in rows)[len(rows) // 2]
        upper = rule.now.kept(lambda row: [row.id >= middle])
        for row in rows:
            allowed = await self.db.audience(rule.now, row.id, self.viewers)
            parties = await Standings().parties(self.db, rule, row.id, operations(self.viewers))
            await self._check_least(rule, row, allowed, parties)
            facts = {f"before_{name}": getattr(row, name) for name in row.deciding}
            await self._check_asking("now", rule.now, row, allowed, parties)
            await self._check_asking("before", rule.before, row, allowed, parties, **facts)
            await self._check_asking("kept", upper, row, allowed if row.id >= middle else set(), parties)
            self.shared += len(self.viewers) - len(parties)

    async def _check_least(self, rule: Rule[Any], row: Row, allowed: set[UUID], parties: Collection[Party]) -> None:
        least = await self.db.audience(rule.now, row.id, self.viewers, least=True)
        for party in parties:
            if len({operation.viewer in least for operation in party.operations}) > 1:
                self.flaws.add("those who stand alike are answered differently")
        if least - allowed:
            self.flaws.add("at the least it allows more")
        if not rule.now.is_personal and least != allowed:
            self.flaws.add("it is personal and does not say so")

    async def _check_asking(
        self, how: str, audience: Audience, row: Row, allowed: set[UUID], parties: Collection[Party], **facts: Any
    ) -> None:
        yes, no = await Standings().ask(self.db, audience, row.id, parties, **facts)
        if (viewers_of(yes), viewers_of(no)) != (allowed, set(self.viewers) - allowed):
            self.flaws.add(f"asked {how}, parties are answered differently than each alone")


@pytest.fixture
async def population(world: World) -> Population:
    population = Population(world)
    await population.make()
    return population


async def rows_of(world: World, noun: type[Row]) -> list[Row]:
    async with world.service.database.read() as session:
        return list(await session.scalars(select(noun)))


@pytest.mark.timeout(900)
async def test_every_rule_that_is_called_local_is(world: World, population: Population):
    viewers = set(population.viewers.values())
    flaws: dict[str, set[str]] = {}
    for name, rule in LOCAL.items():
        async with reading(world) as db:
            proof = Proof(db, viewers)
            await proof.of(rule, await rows_of(world, rule.row))
        assert proof.shared, f"nobody stands like another where {name} is asked"
        if proof.flaws:
            flaws[name] = proof.flaws
    assert flaws == {}


def voted(viewer: Any, question: Any) -> Any:
    """Personal, and does not say so."""
    vote = aliased(Vote)
    return some(vote, where=[vote.question_id == question.id, vote.principal_id == viewer])


def belongs_anywhere(viewer: Any, question: Any) -> Any:
    """Looks at other places than the row's own."""
    membership, member = aliased(Membership), aliased(Member)
    where = [membership.member_id == member.id, member.principal_id == viewer, membership.roles > 1]
    return some(membership, member, where=[*where, question.id == question.id])


def may_vote(viewer: Any, question: Any) -> Any:
    """Personal, and under a not."""
    return policy.upvote_question(viewer, question)


WRONG: dict[str, Callable[[Any, Any], Any]] = {
    "personal without a word": voted,
    "elsewhere": belongs_anywhere,
    "personal under a not": may_vote,
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_rule_that_is_wrongly_called_local_is_found_out(world: World, population: Population, wrong: str):
    condition = WRONG[wrong]
    rows = await rows_of(world, Question)
    async with reading(world) as db:
        proof = Proof(db, set(population.viewers.values()))
        await proof.of(Rule(Question, condition, is_local=True), rows)
    assert proof.flaws


def test_no_column_that_decides_says_where_a_row_is():
    """What a row was before is asked where it is now."""
    places = set(Place._fields)
    for row in Row.__subclasses__():
        assert not places & set(row.deciding), row.__name__
        assert ITSELF.get(row) in {None, *places}


def test_what_is_asked_elsewhere_is_asked_for_each_alone():
    here = Place(UUID(int=1), UUID(int=2), UUID(int=3))
    around = Place(UUID(int=1), UUID(int=2), NOBODY)
    beside = Place(UUID(int=1), UUID(int=2), UUID(int=4))
    assert [here.has(here), here.has(around), here.has(beside), around.has(here)] == [True, True, False, False]


async def test_those_who_stand_alike_in_a_board_are_asked_as_one_about_its_community(world: World, ann: Person):
    members = [await world.person(name) for name in ("Bob", "Cyd")]
    community = await world.community(owner=ann)
    for member in members:
        await world.belong(member, community)
    question = await world.question(await world.board(community), ann)
    viewers = [member.principal_id for member in (*members, ann)]
    asked: list[Collection[UUID]] = []

    class Counting(Reader):
        async def audience(self, audience: Audience, row_id: UUID, viewers: Collection[UUID], **more: Any) -> set[UUID]:
            asked.append(set(viewers))
            return await super().audience(audience, row_id, viewers, **more)

    async with world.service.database.read() as session:
        db = Counting(session, NOBODY, world.now, world.service.database.dialect)
        known = Standings()
        parties = await known.parties(db, policy.see_question, question.id, operations(viewers))
        allowed, _ = await known.ask(db, policy.read_community.now, community.id, parties)
        task = await _task(world)
        refused = (await known.ask(db, policy.see_task.now, task.id, parties))[1]
    assert [len(party.operations) for party in parties] == [2, 1]
    assert viewers_of(allowed) == viewers_of(refused) == set(viewers)
    assert [len(one) for one in asked] == [2, 3]


async def _task(world: World) -> Task:
    task = Task(network_id=world.network.id, title="Task")
    await world.add(task)
    return task


# --- hearing ---------------------------------------------------------------------------------------------------------


def rights(*heard: Topic, kind: Kind = Kind.RIGHTS) -> Change:
    return Change(kind=kind, topics=list(heard), noun="Membership", row_id=uuid4(), at=AT, position=7)


class Hall:
    """Two who stand alike in a board, and what is remembered of them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.known = Standings()
        self.operations: list[Operation] = []

    async def make(self) -> None:
        ann = await self.world.person("Ann")
        self.community = await self.world.community(owner=ann)
        self.people = [await self.world.person(name) for name in ("Bob", "Cyd")]
        self.members = [await self.world.belong(person, self.community) for person in self.people]
        self.question = await self.world.question(await self.world.board(self.community), ann)
        self.operations = operations(person.principal_id for person in self.people)

    async def parties(self) -> list[set[UUID]]:
        async with reading(self.world) as db:
            parties = await self.known.parties(db, policy.see_question, self.question.id, self.operations)
        return sorted(({operation.viewer for operation in party.operations} for party in parties), key=len)

    async def demote(self) -> None:
        for membership in self.members:
            await self.world.change(membership, state=MembershipState.LEFT)


@pytest.fixture
async def hall(world: World) -> Hall:
    hall = Hall(world)
    await hall.make()
    return hall


async def test_what_is_remembered_is_not_read_again(hall: Hall):
    assert await hall.parties() == [{person.principal_id for person in hall.people}]
    await hall.world.change(hall.members[0], state=MembershipState.LEFT)
    assert len(await hall.parties()) == 1


async def test_whose_rights_have_changed_is_forgotten_and_the_others_are_not(hall: Hall):
    await hall.parties()
    await hall.demote()
    bob, cyd = (person.principal_id for person in hall.people)
    hall.known.hear(rights(topics.standing(bob, hall.community.id), topics.memberships(bob)))
    assert sorted(map(len, await hall.parties())) == [1, 1]
    hall.known.hear(rights(topics.person(cyd)))
    assert await hall.parties() == [{bob, cyd}]


async def test_a_change_for_a_whole_scope_is_one_for_everybody(hall: Hall):
    await hall.parties()
    await hall.world.change(hall.members[0], state=MembershipState.LEFT)
    hall.known.hear(rights(topics.board(hall.question.board_id)))
    assert sorted(map(len, await hall.parties())) == [1, 1]


async def test_a_sign_in_that_ends_and_a_row_that_changes_change_nobodys_standing(hall: Hall):
    await hall.parties()
    await hall.world.change(hall.members[0], state=MembershipState.LEFT)
    hall.known.hear(rights(topics.sign_in(uuid4())))
    hall.known.hear(rights(topics.person(hall.people[0].principal_id), kind=Kind.ROW))
    assert len(await hall.parties()) == 1


async def test_what_was_read_while_rights_changed_is_not_remembered(hall: Hall, monkeypatch: pytest.MonkeyPatch):
    """Read before the change, and put down after it was heard: it would be believed for ever."""
    bob = hall.people[0].principal_id
    read = standings._facts

    async def slowly(*arguments: Any) -> Any:
        facts = await read(*arguments)
        await hall.world.change(hall.members[0], state=MembershipState.LEFT)
        hall.known.hear(rights(topics.person(bob)))
        return facts

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(standings, "_facts", slowly)
        await hall.parties()
    assert sorted(map(len, await hall.parties())) == [1, 1]


async def test_one_who_is_forgotten_while_another_is_read_keeps_nobody_from_an_answer(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
):
    """Those who come back are asked about while others are told of what comes."""
    bob, cyd = hall.operations
    hall.operations = [bob]
    await hall.parties()
    bob.stood = (-1, None)
    hall.operations = [bob, cyd]
    read = standings._facts

    async def slowly(*arguments: Any) -> Any:
        facts = await read(*arguments)
        hall.known.hear(rights(topics.person(bob.viewer)))
        return facts

    monkeypatch.setattr(standings, "_facts", slowly)
    assert await hall.parties() == [{bob.viewer, cyd.viewer}]


async def test_a_row_that_was_not_there_is_looked_for_again(hall: Hall):
    """Where it is not known everybody would seem to stand alike."""
    community, there = hall.community, hall.question
    hall.question = Question(
        network_id=community.network_id, community_id=community.id, board_id=there.board_id, body="Late"
    )
    await hall.world.change(hall.members[0], state=MembershipState.LEFT)
    await hall.parties()
    await hall.world.add(hall.question)
    assert sorted(map(len, await hall.parties())) == [1, 1]


async def test_a_change_of_rights_that_is_committed_and_unheard_is_known_of(world: World, ann: Person):
    anns: list[str] = [topics.person(ann.principal_id)]

    async def commit(kind: Kind) -> None:
        async with world.service.database.write() as session:
            session.add(Change(kind=kind, topics=anns, noun="Member", row_id=ann.member.id, at=world.now))

    async def head() -> int:
        await settled(world.service)
        return (await world.service.live._feed.head()).position

    async with reading(world) as db:
        before = await head()
        await commit(Kind.ROW)
        assert await head() == before + 1
        assert not await standings.is_behind(db, before)
        await commit(Kind.RIGHTS)
        assert await standings.is_behind(db, before + 1)  # whether it has its number by now or not
        assert await head() == before + 2
        assert await standings.is_behind(db, before + 1)
        assert not await standings.is_behind(db, before + 2)


async def test_whatever_is_done_nobody_is_remembered_to_stand_where_they_no_longer_do(world: World, owner: Person):
    """Every deed that moves somebody says so, with their name."""
    ann, bob, cyd, dan = [await world.person(name) for name in ("Ann", "Bob", "Cyd", "Dan")]
    hall = await world.community(owner=ann, admits=Admits.EXTERNALS)
    belonging = await world.belong(bob, hall)
    board = await world.board(hall)
    code = codes.new()
    await world.change(board, visitors=VisitorRights.ASK, join_code=code)
    question = await world.question(board, ann)
    display, key, _ = await world.kiosk(board)
    visitor = await world.visitor(board, "Vic")
    known = world.service.live._standings
    everybody = [ann, bob, cyd, dan, owner]
    viewers = [*(person.principal_id for person in everybody), display.viewer, visitor.viewer]
    manager = {"membershipId": gid(belonging), "roles": ["MANAGER"]}
    deeds: list[tuple[Client, str, dict[str, Any], set[UUID]]] = [
        (cyd.client, do.JOIN, {"communityId": gid(hall)}, {cyd.principal_id}),
        (ann.client, do.CHANGE_ROLES, manager, {bob.principal_id}),
        (cyd.client, do.LEAVE, {"communityId": gid(hall)}, {cyd.principal_id}),
        (ann.client, do.REMOVE_MEMBERSHIP, {"membershipId": gid(belonging), "ban": True}, {bob.principal_id}),
        (owner.client, do.DISABLE, {"memberId": dan.id}, {dan.principal_id}),
        (ann.client, do.REVOKE_KIOSK_KEY, {"kioskKeyId": gid(key)}, {display.viewer}),
        (ann.client, do.ROTATE_JOIN_CODE, {"boardId": gid(board), "endVisits": True}, {visitor.viewer}),
        (visitor, do.JOIN_BOARD, {"code": None, "name": "Vic"}, {visitor.viewer}),
    ]
    for client, deed, variables, moved in deeds:
        async with reading(world) as db:
            await known.parties(db, policy.see_question, question.id, operations(viewers))
            place = await known._place(db, policy.see_question, question.id)
            before = await standings._facts(db, place, viewers)
            if "code" in variables:
                variables["code"] = (await world.fresh(board)).join_code
            await client.do(deed, **variables)
            await settled(world.service)
            after = await standings._facts(db, place, viewers)
        assert {viewer for viewer in viewers if before[viewer] != after[viewer]} == moved, deed
        remembered = {viewer: standing.facts for viewer, standing in known._known[place].items()}
        assert [viewer for viewer, facts in remembered.items() if facts != after[viewer]] == [], deed
        assert remembered

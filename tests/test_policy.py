"""One rule, three uses: may I, which may I, which of these viewers may. They agree for everybody on everything."""

import importlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from models import (
    NOBODY,
    Lifecycle,
    MembershipState,
    Row,
    Visibility,
    Vote,
)
from resolvers import policy
from resolvers.errors import Forbidden, NotFound
from resolvers.policy import Rule
from resolvers.session import Reader
from tests import tables
from tests.population import Population
from tests.world import World, gid

RULES: dict[str, Rule[Any]] = {name: found for name, found in vars(policy).items() if isinstance(found, Rule)}
# Rows that nobody sees: they hang on others, and are reached from those.
UNSEEN = {
    "TrustedDocument",
    "Competition",
    "SessionSpeaker",
    "Principal",
    "SignIn",
    "Answer",
    "AuthorSeal",
    "Vote",
    "BallotChoice",
    "QuestionAddressee",
    "WindowAnswerer",
    "AskerMute",
    "Visitor",
    "SignInLink",
    "Letter",
}


# --- every rule has a table ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tabled() -> set[str]:
    """The rules that stand in a table, once every module of tests has been read."""
    for module in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.{module.stem}")
    return tables.tabled


@pytest.mark.parametrize("name", RULES)
def test_each_rule_stands_in_a_who_and_what_table(tabled: set[str], name: str):
    assert name in tabled


def test_a_rule_goes_by_its_own_name():
    assert {name: rule.name for name, rule in RULES.items()} == {name: name for name in RULES}


def test_each_noun_has_one_rule_of_sight_named_after_seeing():
    nouns = {row for row in Row.__subclasses__() if row.__name__ not in UNSEEN}
    sights = {rule.row: rule.name for rule in RULES.values() if rule is rule.sight}
    assert set(sights) == nouns
    assert [name for name in sights.values() if not name.startswith("see_")] == []


Cells = set[tuple[str, UUID]]


async def by_get(db: Callable[[UUID], Reader], rule: Rule[Any], cells: Cells, viewers: dict[str, UUID]) -> Cells:
    """May I? The look-up of one row by one viewer."""
    allowed = set()
    for who, row_id in cells:
        try:
            await db(viewers[who]).get(rule, row_id)
        except (NotFound, Forbidden):
            continue
        allowed.add((who, row_id))
    return allowed


async def by_select(db: Callable[[UUID], Reader], rule: Rule[Any], viewers: dict[str, UUID]) -> Cells:
    """Which may I? The list of each viewer."""
    allowed = set()
    for who, viewer in viewers.items():
        listed = db(viewer).select(rule).with_only_columns(rule.row.id)
        allowed |= {(who, row_id) for (row_id,) in await db(viewer).execute(listed)}
    return allowed


async def by_audience(
    db: Callable[[UUID], Reader], rule: Rule[Any], rows: dict[UUID, Row], viewers: dict[str, UUID]
) -> Cells:
    """Which of these may? The audience of each row, and that of its present facts taken for facts from before."""
    allowed = set()
    principals = list(viewers.values())
    for row_id, row in rows.items():
        facts = {f"before_{name}": getattr(row, name) for name in row.deciding}
        now = await db(NOBODY).audience(rule.now, row_id, principals)
        if facts:
            assert await db(NOBODY).audience(rule.before, row_id, principals, **facts) == now, (rule.name, row)
        allowed |= {(who, row_id) for who, viewer in viewers.items() if viewer in now}
    return allowed


@pytest.mark.timeout(900)
async def test_the_three_uses_of_each_rule_agree_for_every_viewer_on_every_row(world: World):
    population = Population(world)
    await population.make()
    rows: defaultdict[type[Row], dict[UUID, Row]] = defaultdict(dict)
    database = world.service.database
    async with database.read() as session:
        for noun in {rule.row for rule in RULES.values()}:
            rows[noun] = {row.id: row for row in await session.scalars(select(noun))}
    viewers = population.viewers
    disagreements: list[Any] = []
    sights: dict[type[Row], Cells] = {}
    async with database.read() as session:

        def db(viewer: UUID) -> Reader:
            return Reader(session, viewer, world.now, database.dialect)

        for name, rule in RULES.items():
            # `get` costs a statement a cell, so of all cells it takes every so many; the others take all.
            cells = [(who, row_id) for who in viewers for row_id in rows[rule.row]]
            sample = set(cells[:: 1 + len(cells) // 60])
            got = await by_get(db, rule, sample, viewers)
            selected = await by_select(db, rule, viewers)
            heard = await by_audience(db, rule, rows[rule.row], viewers)
            session.expunge_all()
            if rule.row not in sights:
                sights[rule.row] = await by_select(db, rule.sight, viewers)
            if beyond := selected - sights[rule.row]:
                disagreements.append((name, "allows what is out of sight", sorted({who for who, _ in beyond})))
            if not (selected == heard and got == selected & sample):
                odd = {who for who, _ in (selected ^ heard) | (got ^ (selected & sample))}
                disagreements.append((name, sorted(odd)))
            assert selected, f"{name} allows nobody anything"
            assert len(selected) < len(viewers) * len(rows[rule.row]), f"{name} allows everybody everything"
    assert disagreements == [], "\n".join(map(str, disagreements))


# Whether the viewer's own vote is among those that count: theirs alone to know, and lost with the question's sight.
UPVOTED = {"voter": True, "member": False, "owner": False, "voter who left": None, "display": None, "nobody": None}


@tables.table(policy.upvoted_question)
@pytest.mark.parametrize("who", UPVOTED)
async def test_a_vote_is_known_to_the_voter_alone(world: World, who: str):
    owner, voter, member, left = [await world.person(name) for name in ("Owner", "Voter", "Member", "Left")]
    community = await world.community(owner=owner, visibility=Visibility.PRIVATE)
    for person, state in ((voter, "ACTIVE"), (member, "ACTIVE"), (left, "LEFT")):
        await world.belong(person, community, state=MembershipState(state))
    board = await world.board(community)
    question = await world.question(board, owner)
    for person in (voter, left):
        await world.add(Vote(question_id=question.id, principal_id=person.principal_id))
    display, _, _ = await world.kiosk(board)
    clients = {
        "voter": voter.client,
        "member": member.client,
        "owner": owner.client,
        "voter who left": left.client,
        "display": display,
        "nobody": world.nobody,
    }
    asked = "query ($id: ID!) { node(id: $id) { ... on Question { viewerHasVoted } } }"
    result = await clients[who].execute(asked, id=gid(question))
    assert (result.data["node"]["viewerHasVoted"] if result.data["node"] else None) is UPVOTED[who]


async def test_a_rule_answers_for_the_facts_that_it_is_given(world: World):
    """An audience from before is that of the deciding columns from before, whatever the row is now."""
    owner, member = await world.person("Owner"), await world.person("Member")
    community = await world.community(owner=owner)
    await world.belong(member, community)
    withdrawn = await world.content(community, owner, lifecycle=Lifecycle.WITHDRAWN)
    viewers = [owner.principal_id, member.principal_id]
    async with world.service.database.read() as session:
        db = Reader(session, NOBODY, world.now, world.service.database.dialect)
        facts: dict[str, Any] = {"before_lifecycle": Lifecycle.PUBLISHED, "before_tags": withdrawn.tags}
        now = await db.audience(policy.see_content.now, withdrawn.id, viewers)
        before = await db.audience(policy.see_content.before, withdrawn.id, viewers, **facts)
    assert now == {owner.principal_id}
    assert before == set(viewers)


async def test_an_empty_audience_is_nobody(world: World):
    owner = await world.person("Owner")
    community = await world.community(owner=owner)
    async with world.service.database.read() as session:
        db = Reader(session, owner.principal_id, world.now, world.service.database.dialect)
        assert await db.audience(policy.see_community.now, community.id, []) == set()
        assert await db.audience(policy.see_community.now, uuid4(), [owner.principal_id]) == set()


@pytest.mark.parametrize("name", ["see_account", "join_community", "withdraw_content"])
def test_the_statements_of_a_rule_are_built_once(name: str):
    rule = RULES[name]
    assert rule.selection is rule.selection
    assert rule.look_up("sqlite", rule) is rule.look_up("sqlite", rule)
    assert rule.those("postgresql") is rule.those("postgresql")
    for use in (rule.now, rule.before):
        assert use.statement("sqlite") is use.statement("sqlite")
        assert use.statement("postgresql") is not use.statement("sqlite")

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
    Admits,
    Attendance,
    Attendee,
    Ballot,
    BoardState,
    CommunityPurpose,
    CommunityRole,
    CommunityState,
    Escalation,
    EscalationState,
    Invitation,
    JoinPolicy,
    Lifecycle,
    MemberKind,
    MembershipState,
    MemberState,
    NetworkRole,
    ParticipantRole,
    ParticipantState,
    PollResults,
    PollState,
    QuestionState,
    Revision,
    Row,
    Task,
    TaskMessage,
    TaskParticipant,
    TaskState,
    Visibility,
    VisitorRights,
    Vote,
)
from resolvers import policy
from resolvers.errors import Forbidden, NotFound
from resolvers.policy import Rule
from resolvers.session import Reader
from tests import tables
from tests.halls import with_session
from tests.world import Person, World, gid

RULES: dict[str, Rule[Any]] = {name: found for name, found in vars(policy).items() if isinstance(found, Rule)}
# Rows that nobody sees: they hang on others, and are reached from those.
UNSEEN = {
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


# --- a population --------------------------------------------------------------------------------------------------


class Population:
    """Every kind of viewer, and rows of every noun in every state that a rule looks at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.viewers: dict[str, UUID] = {"nobody": NOBODY, "an unknown principal": uuid4()}
        self.people: dict[str, Person] = {}

    async def person(self, who: str, **columns: Any) -> Person:
        state = columns.pop("state", MemberState.ACTIVE)
        person = await self.world.person(who.replace(" ", "-"), **columns)
        if state is not MemberState.ACTIVE:
            await self.world.change(person.member, state=state)
        self.viewers[who], self.people[who] = person.principal_id, person
        return person

    async def make(self) -> None:
        world = self.world
        for role in NetworkRole:
            await self.person(f"network {role.lower()}", role=role)
        for kind in (MemberKind.EXTERNAL, MemberKind.GUEST):
            await self.person(f"{kind.lower()} who belongs nowhere", kind=kind)
            await self.person(f"{kind.lower()} with an owner's role", kind=kind, role=NetworkRole.OWNER)
        outsider = await self.person("external who does not attend", kind=MemberKind.EXTERNAL)
        await world.change(outsider.member, attendance=Attendance.NONE)
        for state in (MemberState.INVITED, MemberState.DISABLED, MemberState.LEFT):
            await self.person(f"{state.lower()} owner", role=NetworkRole.OWNER, state=state)
        belong = {
            **{f"community {role.name.lower()}": (role, MembershipState.ACTIVE) for role in CommunityRole if role.name},
            **{f"{state.lower()} in communities": (CommunityRole.MEMBER, state) for state in MembershipState},
        }
        members = {who: (await self.person(who), *standing) for who, standing in belong.items()}
        for kind, given in ((MemberKind.GUEST, CommunityRole.MEMBER), (MemberKind.EXTERNAL, CommunityRole.PRESENTER)):
            who = f"{kind.lower()} as community {(given.name or '').lower()}"
            members[who] = (await self.person(who, kind=kind), given, MembershipState.ACTIVE)
        for who in ("author", "anonymous asker", "voter who left", "author who left"):
            left = MembershipState.LEFT if who.endswith("left") else MembershipState.ACTIVE
            members[who] = (await self.person(who), CommunityRole.MEMBER, left)
        members["external who does not attend"] = (outsider, CommunityRole.OWNER, MembershipState.ACTIVE)
        disabled = self.people["disabled owner"]
        members["disabled owner"] = (disabled, CommunityRole.OWNER, MembershipState.ACTIVE)
        for visibility in Visibility:
            for admits in Admits:
                await self._community(members, visibility, admits, CommunityState.ACTIVE)
        await self._community(members, Visibility.OPEN, Admits.INTERNALS, CommunityState.ARCHIVED)
        await self._tasks()
        elsewhere = await World.make(world.service, "Elsewhere")
        stranger = await elsewhere.person("Stranger", role=NetworkRole.OWNER)
        self.viewers["owner of another network"] = stranger.principal_id
        foreign = await elsewhere.community("Foreign", owner=stranger)
        await elsewhere.content(foreign, stranger)
        await elsewhere.question(await elsewhere.board(foreign), stranger)
        for place, by in ((world, self.people["network admin"]), (elsewhere, stranger)):
            await place.add(Attendee(network_id=place.network.id, member_id=by.member.id, email="new@example.com"))
            invitation = Invitation(
                network_id=place.network.id,
                inviter_id=by.member.id,
                email="new@example.com",
                token_hash=uuid4().bytes,
                expires_at=place.now,
            )
            await place.add(invitation)

    async def _community(
        self, members: dict[str, Any], visibility: Visibility, admits: Admits, state: CommunityState
    ) -> None:
        """Lawful or not: a rule answers for whatever rows there are."""
        world, people = self.world, self.people
        purpose = CommunityPurpose.ESCALATION if admits is not Admits.GUESTS else CommunityPurpose.OTHER
        community = await world.community(
            f"{visibility} {admits} {state}",
            admits=admits,
            visibility=visibility,
            join_policy=JoinPolicy.OPEN if visibility is Visibility.HIDDEN else JoinPolicy.REQUEST,
            state=state,
            purpose=purpose,
        )
        for person, roles, standing in members.values():
            await world.belong(person, community, roles, standing)
        rich = admits is Admits.EXTERNALS
        authors = [people["author"], *([people["author who left"]] if rich else [])]
        topics = []
        for author in authors:
            for lifecycle in Lifecycle:
                content = await world.content(community, author, lifecycle=lifecycle)
                topics.append(content)
                await world.add(
                    Revision(content_id=content.id, author_id=author.member.id, no=1, title="Old", body="Old")
                )
                for said in Lifecycle:
                    await world.comment(content, author, lifecycle=said)
        for escalation_state in (EscalationState.PULL, EscalationState.RESOLVED):
            await world.add(
                Escalation(
                    network_id=world.network.id,
                    community_id=community.id,
                    topic_id=topics[0 if escalation_state is EscalationState.PULL else 1].id,
                    from_content_id=topics[0].id,
                    escalated_by_id=people["author who left"].member.id,
                    state=escalation_state,
                )
            )
        await self._boards(community, rich)
        await with_session(self.world, community)

    async def _boards(self, community: Any, rich: bool) -> None:
        world, people = self.world, self.people
        for board_state in BoardState if rich else (BoardState.OPEN,):
            board = await world.board(community, state=board_state)
            if board_state is BoardState.OPEN and rich:
                display, _, _ = await world.kiosk(board)
                revoked, key, _ = await world.kiosk(board)
                await world.change(key, revoked_at=world.now)
                self.viewers[f"display in {community.name}"] = display.viewer
                self.viewers[f"revoked display in {community.name}"] = revoked.viewer
                await world.change(board, visitors=VisitorRights.ASK_AND_VOTE)
                self.viewers[f"visitor in {community.name}"] = (await world.visitor(board, "Vic")).viewer
            states = list(QuestionState) if board_state is BoardState.OPEN and rich else [QuestionState.VISIBLE]
            for n, question_state in enumerate(states):
                asker = people["anonymous asker" if n % 2 else "author"]
                question = await world.question(
                    board, asker, state=question_state, anonymous=bool(n % 2), on_screen=n % 3 != 0
                )
                for voter in ("voter who left", "community owner"):
                    await world.add(Vote(question_id=question.id, principal_id=people[voter].principal_id))
            await world.question(board, people["author who left"], anonymous=True, on_screen=True)
            for n, poll_state in enumerate(PollState if board_state is BoardState.OPEN and rich else [PollState.OPEN]):
                for results in PollResults if rich else [PollResults.ALWAYS]:
                    poll, _ = await world.poll(board, state=poll_state, results=results, anonymous=bool(n % 2))
                    for voter in ("voter who left", "community member"):
                        await world.add(Ballot(poll_id=poll.id, principal_id=people[voter].principal_id))

    async def _tasks(self) -> None:
        world, people = self.world, self.people
        for state in TaskState:
            task = Task(network_id=world.network.id, title="Task", state=state)
            await world.add(task)
            roles = [
                ("network owner", ParticipantRole.CREATOR, ParticipantState.ACCEPTED),
                ("network member", ParticipantRole.ASSIGNEE, ParticipantState.ASKED),
                ("community member", ParticipantRole.ASSIGNEE, ParticipantState.REASSIGNED),
                ("community responder", ParticipantRole.ASSIGNEE, ParticipantState.ACCEPTED),
                ("community manager", ParticipantRole.OBSERVER, ParticipantState.ACCEPTED),
                ("left owner", ParticipantRole.CREATOR, ParticipantState.ACCEPTED),
            ]
            for who, role, part in roles:
                await world.add(
                    TaskParticipant(task_id=task.id, member_id=people[who].member.id, role=role, state=part)
                )
            author = people["network owner"].member.id
            await world.add(TaskMessage(network_id=world.network.id, task_id=task.id, author_id=author, body="Well"))


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
        facts = {"before_lifecycle": Lifecycle.PUBLISHED, "before_tags": withdrawn.tags}
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
    assert rule.look_up is rule.look_up
    for use in (rule.now, rule.before):
        assert use.statement("sqlite") is use.statement("sqlite")
        assert use.statement("postgresql") is not use.statement("sqlite")

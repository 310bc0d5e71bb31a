"""No guest adds a person: every mutation of the schema is called by a guest, and by a colleague for whom it works."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlmodel import select

from models import (
    Admits,
    Attendee,
    CommunityRole,
    Escalation,
    Invitation,
    InvitationState,
    KioskKey,
    Member,
    MemberKind,
    Membership,
    MembershipState,
    MemberState,
    NetworkRole,
    Nomination,
    Organisation,
    ParticipantRole,
    ParticipantState,
    Principal,
    QuestionBoard,
    QuestionState,
    Row,
    SignInLink,
    Speaker,
    Task,
    TaskParticipant,
    VisitorRights,
)
from resolvers import codes, tickets
from server import Service
from tests.arguments import MUTATIONS, arguments, document
from tests.client import Client
from tests.world import Person, World, gid

# Whatever lets in, or is to let in, somebody who was not there: with which of their columns.
PEOPLE: dict[type[Row], tuple[str, ...]] = {
    Member: ("state", "kind"),
    Membership: ("state", "roles"),
    Invitation: ("state",),
    SignInLink: ("token_hash",),
    Attendee: ("ticket_no",),
    KioskKey: ("revoked_at",),
    QuestionBoard: ("join_code", "visitors"),
    Speaker: ("claim_hash", "member_id"),
}
# What is no way in: who has gone, what was refused or taken back.
NO_WAY_IN = {
    MemberState.DISABLED,
    MemberState.LEFT,
    MembershipState.LEFT,
    MembershipState.REMOVED,
    MembershipState.BANNED,
    InvitationState.REVOKED,
}
# Those that add somebody when they are called by a colleague who may. A new one is named here, or this test fails.
ADDING = {
    "acceptNomination",
    "addMember",
    "approveMembership",
    "changeMemberKind",
    "changeRoles",
    "changeSession",
    "checkInAttendee",
    "createJoinCode",
    "createKioskKey",
    "createSession",
    "createSignInLink",
    "createSpeakerClaim",
    "enableMember",
    "importAttendees",
    "inviteGuest",
    "inviteToCommunity",
    "reissueTicket",
    "rotateJoinCode",
    "setVisitors",
}


def leads_in(row: Row) -> bool:
    """A board without a code, a name on a programme and a key that was taken back let in nobody."""
    match row:
        case QuestionBoard():
            return row.join_code is not None
        case Speaker():
            return row.claim_hash is not None
        case KioskKey():
            return row.revoked_at is None
    return True


async def people(service: Service, but: UUID) -> set[Any]:
    """Everybody who is in or may come in, but for one and what is theirs."""
    found = set()
    async with service.database.read() as session:
        for kind, columns in PEOPLE.items():
            for row in await session.scalars(select(kind)):
                values = tuple(getattr(row, column) for column in columns)
                is_own = but in {row.id, getattr(row, "member_id", None)}
                if not is_own and not NO_WAY_IN & set(values) and leads_in(row):
                    found.add((kind.__name__, row.id, values))
    return found


class Scene:
    """A community with everything that a mutation can name, and the one who calls them all."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def make(self, actor: Person, roles: CommunityRole) -> dict[str, Any]:
        world, n = self.world, uuid4().hex[:8]
        owner = await world.person(f"Owner-{n}", role=NetworkRole.OWNER)
        bob, cyd, gone = [await world.person(f"{name}-{n}") for name in ("Bob", "Cyd", "Gone")]
        await world.change(gone.member, state=MemberState.DISABLED)
        community = await world.community(owner=owner, admits=Admits.EXTERNALS)
        await world.belong(actor, community, roles)
        asked = await world.belong(cyd, community, state=MembershipState.REQUESTED)
        topic = await world.content(community, actor)
        comment = await world.comment(topic, actor)
        board = await world.board(community, join_code=codes.new(), visitors=VisitorRights.READ)
        bare = await world.board(community)
        question = await world.question(board, actor)
        waiting = await world.question(board, owner, state=QuestionState.PENDING)
        poll, options = await world.poll(board)
        _, key, _ = await world.kiosk(board)
        session = await world.session(community)
        speaker = await world.speaker(f"Speaker-{n}", session)
        other = await self._other(actor, roles)
        claimed = await world.speaker(f"Claimed-{n}", await world.session(other), member_id=bob.member.id)
        attendee = await self._attendee(n)
        task = await self._task(owner, actor)
        escalation = Escalation(
            network_id=world.network.id,
            community_id=community.id,
            topic_id=topic.id,
            from_content_id=topic.id,
            escalated_by_id=actor.member.id,
        )
        invitation = Invitation(
            network_id=world.network.id,
            inviter_id=owner.member.id,
            email=f"old-{n}@example.com",
            token_hash=uuid4().bytes,
            expires_at=world.now + timedelta(days=1),
        )
        nomination = Nomination(
            network_id=world.network.id,
            community_id=community.id,
            nominator_id=actor.member.id,
            name="Nora",
            email=f"nora-{n}@example.com",
            reason="She knows the pump",
        )
        works = Organisation(network_id=world.network.id, name=f"Works-{n}")
        await world.add(escalation, invitation, nomination, works)
        later = (world.now + timedelta(days=2)).isoformat()
        return {
            "networkId": gid(world.network),
            "memberId": bob.id,
            "enableMember.memberId": gone.id,
            "changeMemberKind.kind": "EXTERNAL",
            "assigneeId": bob.id,
            "communityId": gid(community),
            "membershipId": gid(asked),
            "changeRoles.membershipId": gid(await world.belong(bob, other)),
            "changeRoles.roles": ["PRESENTER"],
            "contentId": gid(topic),
            "topicId": gid(topic),
            "commentId": gid(comment),
            "boardId": gid(board),
            "createJoinCode.boardId": gid(bare),
            "setVisitors.visitors": "ASK",
            "questionId": gid(question),
            "approveQuestion.questionId": gid(waiting),
            "intoId": gid(waiting),
            "questionIds": [gid(question)],
            "pollId": gid(poll),
            "optionIds": [gid(options[0])],
            "kioskKeyId": gid(key),
            "sessionId": gid(session),
            "speakerId": gid(speaker),
            "changeSession.speakers": [claimed.name],
            "changeSession.note": "Somebody else speaks.",
            "createSession.speakers": [claimed.name],
            "attendeeId": gid(attendee),
            "ticket": tickets.issue(world.service.means.cipher, attendee),
            "taskId": task,
            "escalationId": gid(escalation),
            "invitationId": gid(invitation),
            "nominationId": gid(nomination),
            "organisationId": gid(works),
            "answerWindowId": "nowhere",
            "email": f"new-{n}@example.com",
            "csv": f"name,email\nNew,listed-{n}@example.com",
            "dryRun": False,
            "startsAt": later,
            "endsAt": (world.now + timedelta(days=3)).isoformat(),
            "staysUntil": later,
            "expiresAt": later,
            "timeZone": "UTC",
            "url": "https://example.com/talk",
            "code": board.join_code,
            "visitors": "READ",
        }

    async def _other(self, actor: Person, roles: CommunityRole) -> Any:
        """Where somebody belongs whose roles can be changed."""
        other = await self.world.community("Other", admits=Admits.EXTERNALS)
        await self.world.belong(actor, other, roles)
        return other

    async def _attendee(self, n: str) -> Attendee:
        principal, network_id = Principal(), self.world.network.id
        member = Member(network_id=network_id, principal_id=principal.id, kind=MemberKind.EXTERNAL, name=n)
        attendee = Attendee(network_id=network_id, member_id=member.id, email=f"{n}@example.com")
        await self.world.add(principal, member, attendee)
        return attendee

    async def _task(self, owner: Person, actor: Person) -> str:
        task = Task(network_id=self.world.network.id, title="Sort it out")
        creator, assignee = ParticipantRole.CREATOR, ParticipantRole.ASSIGNEE
        parts = [
            TaskParticipant(task_id=task.id, member_id=person.member.id, role=role, state=ParticipantState.ASKED)
            for person, role in ((owner, creator), (actor, assignee))
        ]
        await self.world.add(task, *parts)
        return gid(task)


async def called(client: Client, name: str, known: dict[str, Any]) -> str:
    given = arguments(name, known)
    result = await client.execute(document(name, given), **given)
    assert not result.errors, (name, result.errors)
    problems = result.data[name]["problems"]
    return problems[0]["code"] if problems else "Y"


async def additions(world: World, actor: Person, roles: CommunityRole) -> dict[str, set[str]]:
    """By mutation, of what kinds the rows are that it let in."""
    found, scene = {}, Scene(world)
    known: dict[str, Any] = {}
    for name in MUTATIONS:
        known = known or await scene.make(actor, roles)
        before = await people(world.service, actor.member.id)
        if await called(actor.client, name, known) == "Y":
            known = {}  # something has happened to it
        if more := await people(world.service, actor.member.id) - before:
            found[name] = {kind for kind, *_ in more}
    return found


@pytest.mark.timeout(300)
async def test_a_colleague_adds_people_by_these_mutations_alone(world: World):
    """So the calls of the test below are no empty ones."""
    boss = await world.person("Boss", role=NetworkRole.OWNER)
    assert set(await additions(world, boss, CommunityRole.OWNER)) == ADDING


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [MemberKind.GUEST, MemberKind.EXTERNAL])
async def test_no_outsider_adds_a_person_by_any_mutation_whatever_a_row_lets_them_be(world: World, kind: MemberKind):
    outsider = await world.person("Gus", kind, NetworkRole.OWNER)
    roles = CommunityRole.OWNER | CommunityRole.MANAGER | CommunityRole.PRESENTER
    assert await additions(world, outsider, roles) == {}


@pytest.mark.timeout(300)
async def test_no_guest_adds_a_person_by_any_mutation(world: World):
    guest = await world.person("Gus", MemberKind.GUEST)
    assert await additions(world, guest, CommunityRole.PRESENTER) == {}

"""Every kind of viewer, and rows of every noun in every state that a rule looks at."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from models import (
    NOBODY,
    Admits,
    AnswerWindow,
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
    Nomination,
    NominationState,
    Organisation,
    ParticipantRole,
    ParticipantState,
    PollResults,
    PollState,
    QuestionAddressee,
    QuestionState,
    Revision,
    Task,
    TaskMessage,
    TaskParticipant,
    TaskState,
    Visibility,
    VisitorRights,
    Vote,
)
from tests.halls import with_session
from tests.world import Person, World


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
        await self._whose_time_runs_out()
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
        for who in ("disabled owner", "expired owner", "owner whose time runs out"):
            members[who] = (self.people[who], CommunityRole.OWNER, MembershipState.ACTIVE)
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
        await self._organisations(elsewhere)
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

    async def _organisations(self, elsewhere: World) -> None:
        """Of somebody in communities, of an outsider who is in none, and of another network."""
        for who in ("author", "guest who belongs nowhere"):
            organisation = Organisation(network_id=self.world.network.id, name=f"Works of {who}")
            await self.world.add(organisation)
            await self.world.change(self.people[who].member, organisation_id=organisation.id)
        await elsewhere.add(Organisation(network_id=elsewhere.network.id, name="Foreign"))

    async def _whose_time_runs_out(self) -> None:
        now = self.world.now
        guest = await self.person("guest in grace", kind=MemberKind.GUEST, state=MemberState.GRACE)
        sponsor = self.people["network member"].member.id
        await self.world.change(guest.member, expires_at=now + timedelta(days=1), sponsor_id=sponsor)
        sponsored = await self.person("guest with a sponsor", kind=MemberKind.GUEST)
        stays = {"expires_at": now + timedelta(days=1), "renewal_due_at": now, "sponsor_id": sponsor}
        await self.world.change(sponsored.member, **stays)
        for who, expires_at in (("expired owner", now), ("owner whose time runs out", now + timedelta(days=1))):
            person = await self.person(who, role=NetworkRole.OWNER)
            await self.world.change(person.member, expires_at=expires_at)

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
        for nomination_state in NominationState:
            nomination = Nomination(
                network_id=world.network.id,
                community_id=community.id,
                nominator_id=people["author who left"].member.id,
                state=nomination_state,
                name="Nora",
                email="nora@example.com",
                reason="She knows the pump",
            )
            await world.add(nomination)
        await self._boards(community, rich)
        if admits is not Admits.INTERNALS:  # those stay what they are for: escalations
            await with_session(world, community)

    async def _boards(self, community: Any, rich: bool) -> None:
        world, people = self.world, self.people
        for board_state in BoardState if rich else (BoardState.OPEN,):
            board = await world.board(community, state=board_state)
            hour = {"starts_at": world.now, "ends_at": world.now + timedelta(hours=1), "time_zone": "UTC"}
            await world.add(AnswerWindow(network_id=board.network_id, board_id=board.id, **hour))
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
                put = QuestionAddressee(question_id=question.id, member_id=people["community presenter"].member.id)
                await world.add(put)
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
                ("expired owner", ParticipantRole.CREATOR, ParticipantState.ACCEPTED),
            ]
            for who, role, part in roles:
                await world.add(
                    TaskParticipant(task_id=task.id, member_id=people[who].member.id, role=role, state=part)
                )
            author = people["network owner"].member.id
            await world.add(TaskMessage(network_id=world.network.id, task_id=task.id, author_id=author, body="Well"))

"""What tests arrange, through rows: people, communities, and what is in them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from models import (
    Account,
    Admits,
    Anonymity,
    AuthorSeal,
    BoardState,
    Comment,
    Community,
    CommunityPurpose,
    CommunityRole,
    Content,
    ContentKind,
    JoinPolicy,
    KioskKey,
    Member,
    MemberKind,
    Membership,
    MembershipState,
    Moderation,
    Network,
    NetworkRole,
    Poll,
    PollOption,
    PollResults,
    PollState,
    Principal,
    PrincipalKind,
    Question,
    QuestionBoard,
    QuestionState,
    Row,
    Session,
    SessionSpeaker,
    Speaker,
    Visibility,
    Visit,
)
from resolvers import accounts
from resolvers.combinations import LEGAL
from resolvers.contents import tagged
from schema.base import global_id
from server import Service
from tests.client import Client

R = TypeVar("R", bound=Row)
PASSWORD = "correct horse battery"


def gid(row: Row) -> str:
    return str(global_id(row.noun, row.id))


@dataclass
class Person:
    """Somebody with an account and a member in the world's network."""

    name: str
    client: Client
    account: Account
    member: Member

    @property
    def id(self) -> str:
        return gid(self.member)

    @property
    def principal_id(self) -> UUID:
        return self.account.principal_id


class World:
    def __init__(self, service: Service, network: Network) -> None:
        self.service = service
        self.network = network

    @classmethod
    async def make(cls, service: Service, name: str = "Halden") -> "World":
        world = cls(service, Network(name=name, hybrid=True))
        await world.add(world.network)
        return world

    @property
    def now(self) -> Any:
        return self.service.clock.now()

    async def add(self, *rows: Row) -> None:
        async with self.service.database.write() as session:
            for row in rows:
                row.created_at = row.created_at or self.now
                session.add(row)
                await session.flush()

    @property
    def nobody(self) -> Client:
        return Client(self.service)

    async def person(
        self, name: str, kind: MemberKind = MemberKind.INTERNAL, role: NetworkRole = NetworkRole.MEMBER
    ) -> Person:
        principal = Principal()
        password_hash = await self.service.passwords.hash(PASSWORD)
        account = Account(
            principal_id=principal.id,
            email=f"{name.lower()}@example.com",
            display_name=name,
            password_hash=password_hash,
        )
        member = Member(
            network_id=self.network.id,
            principal_id=principal.id,
            name=name,
            headline=f"{name}'s headline",
            about=f"About {name}",
            kind=kind,
            role=role,
        )
        await self.add(principal, account, member)
        return Person(name, Client(self.service, principal.id), account, member)

    async def community(
        self,
        name: str = "Community",
        *,
        owner: Person | None = None,
        admits: Admits = Admits.INTERNALS,
        visibility: Visibility = Visibility.OPEN,
        join_policy: JoinPolicy | None = None,
        **columns: Any,
    ) -> Community:
        join_policy = join_policy or LEGAL[admits, visibility][0]
        community = Community(
            network_id=self.network.id,
            name=name,
            admits=admits,
            visibility=visibility,
            join_policy=join_policy,
            **columns,
        )
        await self.add(community)
        if owner:
            await self.belong(owner, community, CommunityRole.OWNER)
        return community

    async def belong(
        self,
        person: Person,
        community: Community,
        roles: CommunityRole = CommunityRole.MEMBER,
        state: MembershipState = MembershipState.ACTIVE,
    ) -> Membership:
        membership = Membership(
            network_id=self.network.id,
            community_id=community.id,
            member_id=person.member.id,
            roles=int(roles | CommunityRole.MEMBER),
            state=state,
        )
        community.member_count += state is MembershipState.ACTIVE
        async with self.service.database.write() as session:
            await session.merge(community)
        await self.add(membership)
        return membership

    async def content(
        self, community: Community, author: Person, title: str = "Title", *, tags: tuple[str, ...] = (), **columns: Any
    ) -> Content:
        columns.setdefault("kind", ContentKind.TOPIC)
        content = Content(
            network_id=self.network.id,
            community_id=community.id,
            author_id=author.member.id,
            title=title,
            body=f"Body of {title}",
            tags=tagged(tags),
            published_at=self.now,
            **columns,
        )
        await self.add(content)
        return content

    async def comment(self, content: Content, author: Person, body: str = "A comment", **columns: Any) -> Comment:
        comment = Comment(
            network_id=self.network.id, content_id=content.id, author_id=author.member.id, body=body, **columns
        )
        content.comment_count += 1
        async with self.service.database.write() as session:
            await session.merge(content)
        await self.add(comment)
        return comment

    async def board(
        self,
        community: Community,
        *,
        state: BoardState = BoardState.OPEN,
        moderation: Moderation = Moderation.PRE,
        anonymity: Anonymity = Anonymity.ALLOWED,
        **more: Any,
    ) -> QuestionBoard:
        """Without limits for askers, if none are named."""
        board = QuestionBoard(
            network_id=self.network.id,
            community_id=community.id,
            title="Q&A",
            state=state,
            moderation=moderation,
            anonymity=anonymity,
            **{"open_per_asker": 1_000, "asks_per_minute": 1_000} | more,
        )
        await self.add(board)
        return board

    async def session(self, community: Community, title: str = "Talk", **columns: Any) -> Session:
        """Tomorrow, for an hour."""
        columns.setdefault("starts_at", self.now + timedelta(days=1))
        columns.setdefault("ends_at", columns["starts_at"] + timedelta(hours=1))
        await self.change(community, purpose=CommunityPurpose.SESSION)
        session = Session(network_id=self.network.id, community_id=community.id, title=title, **columns)
        await self.add(session)
        return session

    async def speaker(self, name: str, *sessions: Session, **columns: Any) -> Speaker:
        speaker = Speaker(network_id=self.network.id, name=name, **columns)
        links = [SessionSpeaker(session_id=session.id, speaker_id=speaker.id) for session in sessions]
        await self.add(speaker, *links)
        return speaker

    async def question(
        self,
        board: QuestionBoard,
        asker: Person,
        body: str = "Why?",
        *,
        state: QuestionState = QuestionState.VISIBLE,
        anonymous: bool = False,
        **columns: Any,
    ) -> Question:
        question = Question(
            network_id=self.network.id,
            community_id=board.community_id,
            board_id=board.id,
            author_id=None if anonymous else asker.member.id,
            anonymous=anonymous,
            body=body,
            state=state,
            published_at=None if state is QuestionState.PENDING else self.now,
            **columns,
        )
        await self.add(question)
        if anonymous:
            await self.add(AuthorSeal(question_id=question.id, principal_id=asker.principal_id))
        return question

    async def poll(
        self,
        board: QuestionBoard,
        *options: str,
        state: PollState = PollState.OPEN,
        results: PollResults = PollResults.ALWAYS,
        **columns: Any,
    ) -> tuple[Poll, list[PollOption]]:
        poll = Poll(
            network_id=self.network.id,
            community_id=board.community_id,
            board_id=board.id,
            title="Which?",
            state=state,
            results=results,
            opened_at=None if state is PollState.DRAFT else self.now,
            **columns,
        )
        await self.add(poll)
        offered = [PollOption(poll_id=poll.id, position=n, text=text) for n, text in enumerate(options or ("A", "B"))]
        await self.add(*offered)
        return poll, offered

    async def kiosk(self, board: QuestionBoard) -> tuple[Client, KioskKey, str]:
        principal = Principal(kind=PrincipalKind.KIOSK)
        token = accounts.new_token("kiosk")
        key = KioskKey(
            principal_id=principal.id,
            network_id=self.network.id,
            board_id=board.id,
            label="Hall",
            token_hash=accounts.digest(token),
        )
        await self.add(principal, key)
        return Client(self.service, principal.id), key, token

    async def visitor(self, board: QuestionBoard, name: str) -> Client:
        """Somebody who came by the board's join code."""
        principal = Principal(kind=PrincipalKind.VISITOR)
        visit = Visit(
            network_id=self.network.id, board_id=board.id, principal_id=principal.id, name=name, address_hash=b"here"
        )
        await self.add(principal, visit)
        return Client(self.service, principal.id)

    async def sealed_to(self, question: Question, client: Client, **columns: Any) -> None:
        """Let it have been asked by somebody who is no member."""
        await self.change(question, author_id=None, **columns)
        question.author_id = None
        await self.add(AuthorSeal(question_id=question.id, principal_id=client.viewer))

    async def board_of(self, question: Question) -> QuestionBoard:
        async with self.service.database.read() as session:
            found = await session.get(QuestionBoard, question.board_id)
        assert found is not None
        return found

    async def of(self, board: QuestionBoard) -> Community:
        async with self.service.database.read() as session:
            found = await session.get(Community, board.community_id)
        assert found is not None
        return found

    async def fresh(self, row: R) -> R:
        """The row as it is in the database now."""
        async with self.service.database.read() as session:
            found = await session.get(type(row), row.id)
        assert found is not None
        return found

    async def change(self, row: Row, **columns: Any) -> None:
        """What no operation does, or not so soon."""
        async with self.service.database.write() as session:
            stored: Any = await session.get(type(row), row.id)
            for name, value in columns.items():
                setattr(stored, name, value)

"""Who is in a hall of the benches: rows, as nobody could come so fast, each with a token that is good for a day.

python -m bench.people '{"visitors": 100}'    (in the database of the environment; prints ids and tokens)
"""

import asyncio
import json
import sys
from datetime import datetime, timedelta
from typing import Any

from commands import settings
from commands.means import lent
from models import (
    Account,
    Admits,
    BoardState,
    Community,
    CommunityRole,
    JoinPolicy,
    Member,
    MemberKind,
    Membership,
    Moderation,
    Network,
    NetworkRole,
    Principal,
    PrincipalKind,
    Question,
    QuestionBoard,
    QuestionState,
    Row,
    SignIn,
    Visit,
    Visitor,
    VisitorRights,
)
from resolvers import accounts
from schema.base import global_id

KINDS: dict[str, tuple[MemberKind, CommunityRole]] = {
    "members": (MemberKind.INTERNAL, CommunityRole.MEMBER),
    "guests": (MemberKind.GUEST, CommunityRole.MEMBER),
    "externals": (MemberKind.EXTERNAL, CommunityRole.MEMBER),
    "presenters": (MemberKind.INTERNAL, CommunityRole.PRESENTER),
    "managers": (MemberKind.INTERNAL, CommunityRole.MANAGER),
}
MANY = 1_000_000


def gid(row: Row) -> str:
    return str(global_id(row.noun, row.id))


class Filling:
    def __init__(self, session: Any, now: datetime, lifetime: timedelta) -> None:
        self._session, self._now, self._expires_at = session, now, now + lifetime

    async def all(self, *, visitors: int = 0, questions: int = 0, communities: int = 0, **people: int) -> Any:
        """`communities` are beside the hall: the nth person belongs to those whose bits n has."""
        self._network = Network(name="Expo", hybrid=True)
        self._hall = self._community("Hall")
        others = [self._community(f"Community {n}") for n in range(communities)]
        self._board = QuestionBoard(
            network_id=self._network.id, community_id=self._hall.id, title="Keynote", state=BoardState.OPEN,
            moderation=Moderation.NONE, visitors=VisitorRights.ASK_AND_VOTE, open_per_asker=MANY,
            asks_per_minute=MANY,
        )  # fmt: skip
        await self._add([self._network], [self._hall, *others], [self._board])
        owner, _ = await self._members("owner", MemberKind.INTERNAL, CommunityRole.OWNER, 1)
        _, still = await self._members("still", MemberKind.INTERNAL, CommunityRole.MEMBER, 1)
        tokens = {kind: (await self._members(kind, *KINDS[kind], number, others))[0] for kind, number in people.items()}
        return {
            "network": gid(self._network), "community": gid(self._hall), "board": gid(self._board),
            "owner": owner[0], "membership": gid(still[0]), "questions": await self._questions(questions),
            "people": {"visitors": await self._visitors(visitors)} | tokens,
        }  # fmt: skip

    def _community(self, name: str) -> Community:
        return Community(network_id=self._network.id, name=name, admits=Admits.EXTERNALS, join_policy=JoinPolicy.OPEN)

    async def _add(self, *batches: list[Any]) -> None:
        """In this order: what points at a row comes after it."""
        for batch in batches:
            for row in batch:
                row.created_at = self._now
            self._session.add_all(batch)
            await self._session.flush()

    async def _visitors(self, number: int) -> list[str]:
        tokens = [accounts.new_token("visitor") for _ in range(number)]
        principals = [Principal(kind=PrincipalKind.VISITOR) for _ in tokens]
        devices = [
            Visitor(principal_id=principal.id, token_hash=accounts.digest(token))
            for principal, token in zip(principals, tokens, strict=True)
        ]
        seats = [
            Visit(
                network_id=self._network.id, board_id=self._board.id, principal_id=principal.id, name=f"Visitor {n}",
                address_hash=b"here",
            )
            for n, principal in enumerate(principals)
        ]  # fmt: skip
        await self._add(principals, devices, seats)
        return tokens

    async def _members(
        self, name: str, kind: MemberKind, role: CommunityRole, number: int, others: Any = ()
    ) -> tuple[list[str], list[Membership]]:
        tokens = [accounts.new_token("session") for _ in range(number)]
        principals = [Principal() for _ in tokens]
        known = [self._account(principal, f"{name}{n}") for n, principal in enumerate(principals)]
        sign_ins = [
            SignIn(principal_id=principal.id, token_hash=accounts.digest(token), expires_at=self._expires_at)
            for principal, token in zip(principals, tokens, strict=True)
        ]
        rank = NetworkRole.OWNER if role is CommunityRole.OWNER else NetworkRole.MEMBER
        members = [
            Member(network_id=self._network.id, principal_id=principal.id, name=f"{name} {n}", kind=kind, role=rank)
            for n, principal in enumerate(principals)
        ]
        belonging = [self._membership(self._hall, member, role) for member in members]
        belonging += [
            self._membership(other, member, CommunityRole.MEMBER)
            for n, member in enumerate(members)
            for bit, other in enumerate(others)
            if n >> bit & 1
        ]
        await self._add(principals, known, sign_ins, members, belonging)
        return tokens, belonging

    def _account(self, principal: Principal, name: str) -> Account:
        return Account(principal_id=principal.id, email=f"{name}@example.com", display_name=name, password_hash="none")  # noqa: S106 - nobody signs in with it

    def _membership(self, community: Community, member: Member, role: CommunityRole) -> Membership:
        community.member_count += 1
        return Membership(
            network_id=self._network.id,
            community_id=community.id,
            member_id=member.id,
            roles=int(role | CommunityRole.MEMBER),
        )

    async def _questions(self, number: int) -> list[str]:
        asked = [
            Question(
                network_id=self._network.id, community_id=self._hall.id, board_id=self._board.id, body=f"Why {n}?",
                state=QuestionState.VISIBLE, number=n + 1, published_at=self._now, visitor_name="Somebody",
            )
            for n in range(number)
        ]  # fmt: skip
        self._board.published_count = number
        await self._add(asked)
        return [gid(question) for question in asked]


async def fill(wanted: dict[str, int]) -> Any:
    async with lent(settings.read()) as means, means.database.write() as session:
        return await Filling(session, means.clock.now(), timedelta(days=1)).all(**wanted)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(fill(json.loads(sys.argv[1])))))

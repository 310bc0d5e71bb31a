"""How the demo is told: by its people, through the operations that the API calls, at times that have passed."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from commands import founding
from commands.demo.cast import PASSWORD, Person
from models import (
    Admits,
    Comment,
    Community,
    CommunityPurpose,
    CommunityRole,
    Content,
    ContentKind,
    JoinPolicy,
    Member,
    MemberKind,
    Network,
    NetworkKind,
    NetworkRole,
    Visibility,
)
from resolvers import comments, communities, contents, invitations, members, policy
from resolvers.context import Context, Means

LENGTH = timedelta(days=6)


class StoryClock:
    """Begins some days ago; the story moves it, never past the present."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC) - LENGTH

    def now(self) -> datetime:
        return self._now

    def advance(self, **by: float) -> None:
        self._now = min(self._now + timedelta(**by), datetime.now(UTC))

    def skip(self, **until: float) -> None:
        """Go on at so long before the present, unless that has passed."""
        self._now = max(self._now, datetime.now(UTC) - timedelta(**until))


@dataclass
class Story:
    means: Means
    clock: StoryClock
    told: Callable[[str], None]
    principals: dict[Person, UUID] = field(default_factory=dict)
    members: dict[tuple[UUID, Person], Member] = field(default_factory=dict)

    def by(self, person: Person) -> Context:
        """The context of what this person does, a little later than the last thing that was done."""
        self.clock.advance(minutes=4)
        return Context(self.means, self.principals[person])

    async def found(self, name: str, kind: NetworkKind, owner: Person, *, hybrid: bool = False) -> Network:
        """A network and its first member, whom nobody can invite."""
        password_hash = await self.means.passwords.hash(PASSWORD)
        async with Context(self.means).transaction() as tx:
            network = await founding.network(tx, name, kind, hybrid=hybrid)
            account = await founding.account(tx, email=owner.email, name=owner.name, password_hash=password_hash)
            await founding.member(tx, network, account, name=owner.name, role=NetworkRole.OWNER)
        self.principals[owner] = account.principal_id
        await self.introduce(network, owner)
        return network

    async def hire(
        self,
        network: Network,
        person: Person,
        *,
        by: Person,
        kind: MemberKind = MemberKind.INTERNAL,
        role: NetworkRole = NetworkRole.MEMBER,
    ) -> None:
        """Invite somebody, who accepts with the account that they have or make."""
        _, token = await invitations.add_member(
            self.by(by), network.id, email=person.email, kind=kind, role=role, community_id=None
        )
        await self._come(network, person, token)

    async def host(self, community: Community, person: Person, *, by: Person, purpose: str, days: int) -> None:
        """Invite somebody from outside as a guest, who accepts."""
        ctx = self.by(by)
        guest = invitations.Guest(person.email, purpose, self.clock.now() + timedelta(days=days))
        _, token = await invitations.invite_guest(ctx, community.id, guest)
        async with ctx.reading() as db:
            network = await db.get(policy.see_network, community.network_id)
        await self._come(network, person, token)

    async def _come(self, network: Network, person: Person, token: str) -> None:
        if person in self.principals:
            await invitations.accept(self.by(person), token=token)
        else:
            started = await invitations.sign_up(Context(self.means), token=token, name=person.name, password=PASSWORD)
            self.principals[person] = started.account.principal_id
        await self.introduce(network, person)

    async def introduce(self, network: Network, person: Person) -> None:
        ctx = self.by(person)
        async with ctx.reading() as db:
            member = await db.member(network.id)
        changed = await members.update_profile(ctx, member.id, name=None, headline=person.headline, about=None)
        self.members[network.id, person] = changed

    async def community(
        self,
        network: Network,
        name: str,
        *,
        by: Person,
        about: str,
        purpose: CommunityPurpose = CommunityPurpose.OTHER,
        admits: Admits = Admits.INTERNALS,
        visibility: Visibility = Visibility.OPEN,
        join_policy: JoinPolicy | None = None,
    ) -> Community:
        return await communities.create(
            self.by(by),
            network.id,
            name=name,
            about=about,
            purpose=purpose,
            admits=admits,
            visibility=visibility,
            join_policy=join_policy,
        )

    async def join(self, community: Community, people: Collection[Person]) -> None:
        for person in people:
            await communities.join(self.by(person), community.id)

    async def admit(self, community: Community, person: Person, *roles: CommunityRole, by: Person) -> None:
        """Invite somebody in for these roles, and have them accept."""
        member = self.members[community.network_id, person]
        await communities.invite(self.by(by), community.id, member_id=member.id, roles=roles)
        await communities.accept(self.by(person), community.id)

    async def topic(self, community: Community, author: Person, title: str, body: str, *tags: str) -> Content:
        return await contents.publish(
            self.by(author), community.id, kind=ContentKind.TOPIC, title=title, body=body, tags=list(tags)
        )

    async def post(self, community: Community, author: Person, title: str, body: str, *tags: str) -> Content:
        return await contents.publish(
            self.by(author), community.id, kind=ContentKind.POST, title=title, body=body, tags=list(tags)
        )

    async def comment(self, content: Content, author: Person, body: str) -> Comment:
        return await comments.add(self.by(author), content.id, body=body)

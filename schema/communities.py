"""Communities and memberships."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import (
    Admits,
    CommunityPurpose,
    CommunityRole,
    CommunityState,
    JoinPolicy,
    MembershipState,
    Visibility,
)
from resolvers import boards, communities, nominations, policy, schedules
from schema.base import ID, Node, edge, guarded, node, plain, project, row_id, viewer_can
from schema.context import Info
from schema.members import Member
from schema.paging import Connection, connection
from schema.problems import mutation

if TYPE_CHECKING:
    from schema.boards import QuestionBoard
    from schema.networks import Network
    from schema.nominations import Nomination
    from schema.schedules import Session
else:
    Network = Annotated["Network", strawberry.lazy("schema.networks")]
    Nomination = Annotated["Nomination", strawberry.lazy("schema.nominations")]
    QuestionBoard = Annotated["QuestionBoard", strawberry.lazy("schema.boards")]
    Session = Annotated["Session", strawberry.lazy("schema.schedules")]

strawberry.enum(Admits, description="Whom a community is for.")
strawberry.enum(Visibility, description="How far a community is seen by those who do not belong.")
strawberry.enum(JoinPolicy, description="How one comes in.")
strawberry.enum(CommunityPurpose, description="What a community is for.")
strawberry.enum(CommunityState, description="Whether a community is at work.")
strawberry.enum(MembershipState, description="How somebody stands to a community.")
strawberry.enum(CommunityRole, description="What somebody does in a community. Roles combine.")


@node("A community: people, what they write, and who may read it.")
class Community(Node):
    name: str = plain("What it is called; names need not be unique.")
    about: str = plain("What it is about.")
    purpose: CommunityPurpose = plain("What it is for.")
    admits: Admits = plain("Whom it is for.")
    visibility: Visibility = plain("How far it is seen.")
    join_policy: JoinPolicy = plain("How one comes in.")
    state: CommunityState = plain("Whether it is at work.")
    member_count: int = plain("How many belong to it.")
    network: Network | None = edge("network_id", policy.see_network, "Where it is.")
    memberships: Connection[Annotated["Membership", strawberry.lazy("schema.communities")]] = connection(
        communities.MEMBERSHIPS, "Who belongs to it, as far as the viewer may know; managers also see who waits."
    )
    nominations: Connection[Nomination] = connection(
        nominations.IN_COMMUNITY, "Who is to be let in, newest first; one's own, and all for those who decide."
    )
    boards: Connection[QuestionBoard] = connection(boards.IN_COMMUNITY, "Its question boards.")
    viewer_can = viewer_can(
        "Community",
        read=policy.read_community,
        join=policy.join_community,
        contribute=policy.contribute_to_community,
        manage=policy.manage_community,
        own=policy.own_community,
        invite_guest=policy.invite_guest,
        nominate=policy.nominate_person,
        run_boards=policy.run_boards_in_community,
        escalate_into=policy.escalate_into_community,
    )

    @strawberry.field(description="How the viewer stands to it; null for a stranger.")
    async def viewer_membership(
        self, info: Info
    ) -> Annotated["Membership", strawberry.lazy("schema.communities")] | None:
        return project(await info.context.of_row(communities.of_viewer, self.row.id))

    @strawberry.field(description="The talk or meeting whose community it is.")
    async def session(self, info: Info) -> Session | None:
        session_id = await info.context.of_row(schedules.of_communities, self.row.id)
        return project(await info.context.row(policy.see_session, session_id)) if session_id else None


@node("How somebody stands to a community.")
class Membership(Node):
    state: MembershipState = plain("Whether they belong to it, wait, or have gone.")
    member: Member | None = edge("member_id", policy.see_member, "Who.")
    community: Community | None = edge("community_id", policy.see_community, "Where.")
    checked_in_at: datetime | None = guarded(
        "checked_in_at", policy.see_check_in, "When they came to the session; for themselves and those who run it."
    )
    viewer_can = viewer_can("Membership", manage=policy.manage_membership)

    @strawberry.field(description="What they do there.")
    def roles(self) -> list[CommunityRole]:
        return list(CommunityRole(self.row.roles))


@strawberry.input(description="A new community.")
class CreateCommunityInput:
    name: str = plain("At most 100 characters.")
    about: str = strawberry.field(default="", description="At most 5,000 characters.")
    purpose: CommunityPurpose = strawberry.field(default=CommunityPurpose.OTHER, description="What it is for.")
    admits: Admits = strawberry.field(default=Admits.INTERNALS, description="Whom it is for.")
    visibility: Visibility = strawberry.field(default=Visibility.OPEN, description="How far it is seen.")
    join_policy: JoinPolicy | None = strawberry.field(
        default=None, description="How one comes in; the widest way that goes with the rest if left out."
    )


@strawberry.input(description="Changes to a community; what is left out stays.")
class UpdateCommunityInput:
    name: str | None = strawberry.field(default=None, description="At most 100 characters.")
    about: str | None = strawberry.field(default=None, description="At most 5,000 characters.")


@strawberry.input(description="Whom to invite.")
class InviteToCommunityInput:
    member_id: ID = plain("A member of the network.")
    roles: list[CommunityRole] = strawberry.field(default_factory=list, description="What they will do there.")
    override_competition: str | None = strawberry.field(
        default=None, description="Why they are let in although competitors are there; said by owners alone."
    )


@strawberry.type
class CommunityQueries:
    @strawberry.field(description="A community that the viewer may know of.")
    async def community(self, info: Info, id: ID) -> Community | None:
        return Community.of(await info.context.get(policy.see_community, row_id(id, models.Community)))


@strawberry.type
class CommunityMutations:
    @mutation("Make a community; the viewer owns it.")
    async def create_community(self, info: Info, network_id: ID, input: CreateCommunityInput) -> Community:
        created = await communities.create(
            info.context,
            row_id(network_id, models.Network),
            name=input.name,
            about=input.about,
            purpose=input.purpose,
            admits=input.admits,
            visibility=input.visibility,
            join_policy=input.join_policy,
        )
        return Community.of(created)

    @mutation("Change a community's name or description.")
    async def update_community(self, info: Info, community_id: ID, input: UpdateCommunityInput) -> Community:
        id = row_id(community_id, models.Community)
        return Community.of(await communities.update(info.context, id, name=input.name, about=input.about))

    @mutation("Archive a community: all stays readable, nothing more is written.")
    async def archive_community(self, info: Info, community_id: ID) -> Community:
        return Community.of(await communities.archive(info.context, row_id(community_id, models.Community)))

    @mutation("Join a community, or ask to.")
    async def join_community(self, info: Info, community_id: ID) -> Membership:
        return Membership.of(await communities.join(info.context, row_id(community_id, models.Community)))

    @mutation("Invite a member of the network to a community.")
    async def invite_to_community(self, info: Info, community_id: ID, input: InviteToCommunityInput) -> Membership:
        invited = await communities.invite(
            info.context,
            row_id(community_id, models.Community),
            member_id=row_id(input.member_id, models.Member),
            roles=input.roles,
            override_competition=input.override_competition,
        )
        return Membership.of(invited)

    @mutation("Accept an invitation to a community.")
    async def accept_membership(self, info: Info, community_id: ID) -> Membership:
        return Membership.of(await communities.accept(info.context, row_id(community_id, models.Community)))

    @mutation("Decline an invitation to a community, or take back one's request.")
    async def decline_membership(self, info: Info, community_id: ID) -> Membership:
        return Membership.of(await communities.decline(info.context, row_id(community_id, models.Community)))

    @mutation("Let somebody in who asked.")
    async def approve_membership(
        self, info: Info, membership_id: ID, override_competition: str | None = None
    ) -> Membership:
        id = row_id(membership_id, models.Membership)
        approved = await communities.approve(info.context, id, override_competition=override_competition)
        return Membership.of(approved)

    @mutation("Leave a community.")
    async def leave_community(self, info: Info, community_id: ID) -> Membership:
        return Membership.of(await communities.leave(info.context, row_id(community_id, models.Community)))

    @mutation("Put somebody out, turn a request down, or take an invitation back.")
    async def remove_membership(self, info: Info, membership_id: ID, ban: bool = False) -> Membership:
        removed = await communities.remove(info.context, row_id(membership_id, models.Membership), ban=ban)
        return Membership.of(removed)

    @mutation("Give somebody exactly these roles; PRESENTER names a speaker.")
    async def change_roles(self, info: Info, membership_id: ID, roles: list[CommunityRole]) -> Membership:
        id = row_id(membership_id, models.Membership)
        return Membership.of(await communities.change_roles(info.context, id, roles=roles))

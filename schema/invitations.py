"""Invitations into a network."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import models
from models import InvitationState, MemberKind, NetworkRole
from resolvers import invitations, policy
from schema.base import ID, Node, edge, node, plain, row_id
from schema.communities import Community
from schema.context import Info
from schema.members import Member
from schema.problems import Payload, mutation

if TYPE_CHECKING:
    from schema.networks import Network
else:
    Network = Annotated["Network", strawberry.lazy("schema.networks")]

strawberry.enum(InvitationState, description="What has become of an invitation.")


@node("An invitation into a network.")
class Invitation(Node):
    email: str = plain("Who is invited.")
    kind: MemberKind = plain("How they will stand to the company.")
    role: NetworkRole = plain("What they will administer.")
    state: InvitationState = plain("What has become of it.")
    expires_at: datetime = plain("Until when it can be used.")
    inviter: Member | None = edge("inviter_id", policy.see_member, "Who invites.")
    community: Community | None = edge("community_id", policy.see_community, "Where they will find themselves at once.")
    network: Network | None = edge("network_id", policy.see_network, "The network.")


@strawberry.type(description="An invitation and its token, or why there is none.")
class AddMemberPayload(Payload):
    invitation: Invitation | None = strawberry.field(default=None, description="The invitation.")
    token: str | None = strawberry.field(default=None, description="What the invited person needs. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "AddMemberPayload":
        return cls(invitation=node, token=secret)


@strawberry.input(description="Somebody to add.")
class AddMemberInput:
    email: str = plain("Their e-mail address.")
    kind: MemberKind = strawberry.field(default=MemberKind.INTERNAL, description="How they stand to the company.")
    role: NetworkRole = strawberry.field(default=NetworkRole.MEMBER, description="What they will administer.")
    community_id: ID | None = strawberry.field(
        default=None, description="A community to find themselves in at once; a guest needs one."
    )
    locale: str | None = strawberry.field(
        default=None, description="The language of the letter, such as `de`; English where there is none in it."
    )


@strawberry.type
class InvitationMutations:
    @mutation("Add somebody to the network by invitation, which goes to them by mail, too.")
    async def add_member(self, info: Info, network_id: ID, input: AddMemberInput) -> AddMemberPayload:
        invitation, token = await invitations.add_member(
            info.context,
            row_id(network_id, models.Network),
            email=input.email,
            kind=input.kind,
            role=input.role,
            community_id=row_id(input.community_id, models.Community) if input.community_id else None,
            locale=input.locale,
        )
        return AddMemberPayload(invitation=Invitation.of(invitation), token=token)

    @mutation("Take an invitation back.")
    async def revoke_invitation(self, info: Info, invitation_id: ID) -> Invitation:
        return Invitation.of(await invitations.revoke(info.context, row_id(invitation_id, models.Invitation)))

    @mutation("Accept an invitation with the account that one has.")
    async def accept_invitation(self, info: Info, token: str) -> Member:
        return Member.of(await invitations.accept(info.context, token=token))

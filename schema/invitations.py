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
from schema.organisations import Organisation
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
    purpose: str | None = plain("What a guest will be here for.")
    stays_until: datetime | None = plain("Until when a guest will be here.")
    organisation: Organisation | None = edge("organisation_id", policy.see_organisation, "For whom a guest works.")
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


@strawberry.type(description="A guest's invitation and its token, or why there is none.")
class InviteGuestPayload(Payload):
    invitation: Invitation | None = strawberry.field(default=None, description="The invitation.")
    token: str | None = strawberry.field(default=None, description="What the guest needs. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "InviteGuestPayload":
        return cls(invitation=node, token=secret)


@strawberry.input(description="Somebody from outside to invite.")
class InviteGuestInput:
    email: str = plain("Their e-mail address.")
    purpose: str = plain("What they will be here for; at most 500 characters.")
    stays_until: datetime = plain("Until when; not longer than the network lets guests stay.")
    organisation_id: ID | None = strawberry.field(default=None, description="For whom they work.")
    override_competition: str | None = strawberry.field(
        default=None, description="Why they are let in although competitors are there; said by owners alone."
    )


@strawberry.input(description="Somebody to add.")
class AddMemberInput:
    email: str = plain("Their e-mail address.")
    kind: MemberKind = strawberry.field(default=MemberKind.INTERNAL, description="How they stand to the company.")
    role: NetworkRole = strawberry.field(default=NetworkRole.MEMBER, description="What they will administer.")
    community_id: ID | None = strawberry.field(default=None, description="A community to find themselves in at once.")
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

    @mutation("Invite somebody from outside into a community, as a guest; whoever invites vouches for them.")
    async def invite_guest(self, info: Info, community_id: ID, input: InviteGuestInput) -> InviteGuestPayload:
        for_whom = row_id(input.organisation_id, models.Organisation) if input.organisation_id else None
        guest = invitations.Guest(input.email, input.purpose, input.stays_until, for_whom, input.override_competition)
        id = row_id(community_id, models.Community)
        invitation, token = await invitations.invite_guest(info.context, id, guest)
        return InviteGuestPayload(invitation=Invitation.of(invitation), token=token)

    @mutation("Take an invitation back.")
    async def revoke_invitation(self, info: Info, invitation_id: ID) -> Invitation:
        return Invitation.of(await invitations.revoke(info.context, row_id(invitation_id, models.Invitation)))

    @mutation("Accept an invitation with the account that one has.")
    async def accept_invitation(self, info: Info, token: str) -> Member:
        return Member.of(await invitations.accept(info.context, token=token))

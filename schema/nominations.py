"""Nominations into a community."""

from datetime import datetime
from typing import Any

import strawberry

import models
from models import NominationState
from resolvers import nominations, policy
from schema.base import ID, Node, edge, guarded, node, plain, row_id, viewer_can
from schema.communities import Community
from schema.context import Info
from schema.invitations import Invitation
from schema.members import Member
from schema.problems import Payload, mutation

strawberry.enum(NominationState, description="What has become of a nomination.")


@node("Somebody asks that a person be let into a community; seen by who asked and by those who manage it.")
class Nomination(Node):
    name: str = plain("Who it is about.")
    email: str = plain("Their e-mail address.")
    organisation: str | None = plain("For whom they work.")
    reason: str = plain("Why they should be let in.")
    state: NominationState = plain("What has become of it.")
    created_at: datetime = plain("When it was made.")
    decline_reason: str | None = guarded(
        "decline_reason", policy.read_decision, "Why it was declined; for those who manage the community."
    )
    nominator: Member | None = edge("nominator_id", policy.see_member, "Who asks.")
    community: Community | None = edge("community_id", policy.see_community, "Where they would be let in.")
    invitation: Invitation | None = edge("invitation_id", policy.see_invitation, "The invitation that it led to.")
    viewer_can = viewer_can("Nomination", decide=policy.decide_nomination)


@strawberry.input(description="Whom to nominate.")
class NominatePersonInput:
    name: str = plain("At most 100 characters.")
    email: str = plain("Their e-mail address.")
    reason: str = plain("Why they should be let in; at most 500 characters.")
    organisation: str | None = strawberry.field(default=None, description="For whom they work; at most 200 characters.")


@strawberry.input(description="What a nominated person is invited for.")
class AcceptNominationInput:
    purpose: str = plain("What they will be here for; at most 500 characters.")
    stays_until: datetime = plain("Until when; not longer than the network lets guests stay.")
    organisation_id: ID | None = strawberry.field(default=None, description="For whom they work.")
    override_competition: str | None = strawberry.field(
        default=None, description="Why they are let in although competitors are there; said by owners alone."
    )


@strawberry.type(description="The invitation of who was nominated, or why there is none.")
class AcceptNominationPayload(Payload):
    invitation: Invitation | None = strawberry.field(default=None, description="The invitation.")
    token: str | None = strawberry.field(default=None, description="What the guest needs. Told once.")

    @classmethod
    def again(cls, node: Any, secret: str | None) -> "AcceptNominationPayload":
        return cls(invitation=node, token=secret)


@strawberry.type
class NominationMutations:
    @mutation("Ask those who manage a community to let somebody in; anybody who is in may ask.")
    async def nominate_person(self, info: Info, community_id: ID, input: NominatePersonInput) -> Nomination:
        made = await nominations.nominate(
            info.context,
            row_id(community_id, models.Community),
            name=input.name,
            email=input.email,
            organisation=input.organisation,
            reason=input.reason,
        )
        return Nomination.of(made)

    @mutation("Invite who was nominated, as a guest for whom the viewer vouches.")
    async def accept_nomination(
        self, info: Info, nomination_id: ID, input: AcceptNominationInput
    ) -> AcceptNominationPayload:
        for_whom = row_id(input.organisation_id, models.Organisation) if input.organisation_id else None
        invitation, token = await nominations.accept(
            info.context,
            row_id(nomination_id, models.Nomination),
            purpose=input.purpose,
            stays_until=input.stays_until,
            organisation_id=for_whom,
            override_competition=input.override_competition,
        )
        return AcceptNominationPayload(invitation=Invitation.of(invitation), token=token)

    @mutation("Decline a nomination, and say why to those who manage the community.")
    async def decline_nomination(self, info: Info, nomination_id: ID, reason: str) -> Nomination:
        id = row_id(nomination_id, models.Nomination)
        return Nomination.of(await nominations.decline(info.context, id, reason=reason))

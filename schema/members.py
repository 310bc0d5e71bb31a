"""Members of a network."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import models
from models import EndedReason, MemberKind, MemberState, NetworkRole
from resolvers import guests, members, policy
from schema.base import ID, Node, edge, flag, guarded, node, plain, project, row_id, viewer_can
from schema.context import Info
from schema.organisations import Organisation
from schema.problems import mutation

if TYPE_CHECKING:
    from schema.networks import Network
else:
    Network = Annotated["Network", strawberry.lazy("schema.networks")]

strawberry.enum(MemberKind, description="How somebody stands to the company.")
strawberry.enum(MemberState, description="Whether somebody is here now.")
strawberry.enum(EndedReason, description="Why somebody is here no longer.")
strawberry.enum(NetworkRole, description="What somebody may administer in the network.")


@node("Somebody in one network.")
class Member(Node):
    name: str = plain("What they are called here.")
    kind: MemberKind = plain("How they stand to the company.")
    role: NetworkRole = plain("What they may administer.")
    state: MemberState = plain("Whether they are here now.")
    headline: str | None = guarded("headline", policy.read_headline, "Who they are, in a line.")
    about: str | None = guarded("about", policy.read_about, "Who they are, at length.")
    organisation: Organisation | None = edge("organisation_id", policy.see_organisation, "For whom they work.")
    purpose: str | None = guarded("purpose", policy.read_terms, "What a guest is here for.")
    expires_at: datetime | None = guarded(
        "expires_at", policy.read_terms, "Until when they are here; for themselves and for internal members."
    )
    renewal_due_at: datetime | None = guarded(
        "renewal_due_at", policy.read_terms, "From when on those who may renew a guest's time are reminded."
    )
    ended_at: datetime | None = guarded("ended_at", policy.read_terms, "When their access ended.")
    ended_reason: EndedReason | None = guarded("ended_reason", policy.read_terms, "Why their access ended.")
    network: Network | None = edge("network_id", policy.see_network, "Where this is.")

    @strawberry.field(description="Who vouches for a guest; for themselves and for internal members.")
    async def sponsor(self, info: Info) -> Annotated["Member", strawberry.lazy("schema.members")] | None:
        if self.row.sponsor_id is None or not await info.context.allows(policy.read_terms, self.row.id):
            return None
        return project(await info.context.row(policy.see_member, self.row.sponsor_id))

    is_viewer: bool = flag(policy.edit_member, "Whether this is the viewer.")
    viewer_can = viewer_can(
        "Member",
        renew=policy.renew_guest,
        take_over=policy.take_over_guest,
        edit=policy.edit_member,
        administer=policy.administer_member,
        disable=policy.administer_member,
    )


@strawberry.input(description="Changes to a profile; what is left out stays.")
class UpdateProfileInput:
    name: str | None = strawberry.field(default=None, description="At most 100 characters.")
    headline: str | None = strawberry.field(default=None, description="At most 200 characters.")
    about: str | None = strawberry.field(default=None, description="At most 5,000 characters.")


@strawberry.type
class MemberMutations:
    @mutation("Change one's own profile.")
    async def update_profile(self, info: Info, member_id: ID, input: UpdateProfileInput) -> Member:
        changed = await members.update_profile(
            info.context,
            row_id(member_id, models.Member),
            name=input.name,
            headline=input.headline,
            about=input.about,
        )
        return Member.of(changed)

    @mutation("Let somebody administer the network, or no longer.")
    async def change_member_role(self, info: Info, member_id: ID, role: NetworkRole) -> Member:
        return Member.of(await members.change_role(info.context, row_id(member_id, models.Member), role=role))

    @mutation("Change how somebody stands to the company.")
    async def change_member_kind(self, info: Info, member_id: ID, kind: MemberKind) -> Member:
        return Member.of(await members.change_kind(info.context, row_id(member_id, models.Member), kind=kind))

    @mutation("Say for whom somebody works; without an organisation that is not known.")
    async def change_member_organisation(self, info: Info, member_id: ID, organisation_id: ID | None = None) -> Member:
        id = row_id(member_id, models.Member)
        for_whom = row_id(organisation_id, models.Organisation) if organisation_id else None
        return Member.of(await members.change_organisation(info.context, id, organisation_id=for_whom))

    @mutation("Say until when somebody is here; without a moment they stay.")
    async def change_member_expiry(self, info: Info, member_id: ID, expires_at: datetime | None = None) -> Member:
        id = row_id(member_id, models.Member)
        return Member.of(await members.change_expiry(info.context, id, expires_at=expires_at))

    @mutation("Say that a guest is still there and until when; who vouches for them, or owns a community of theirs.")
    async def renew_guest(self, info: Info, member_id: ID, stays_until: datetime) -> Member:
        id = row_id(member_id, models.Member)
        return Member.of(await guests.renew(info.context, id, stays_until=stays_until))

    @mutation("Vouch for a guest in place of whoever did; into a community of the viewer's, if one is named.")
    async def take_over_guest(
        self, info: Info, member_id: ID, stays_until: datetime, community_id: ID | None = None
    ) -> Member:
        into = row_id(community_id, models.Community) if community_id else None
        id = row_id(member_id, models.Member)
        return Member.of(await guests.take_over(info.context, id, stays_until=stays_until, community_id=into))

    @mutation("Let somebody in again who was disabled; they find themselves in no community.")
    async def enable_member(self, info: Info, member_id: ID) -> Member:
        return Member.of(await members.enable(info.context, row_id(member_id, models.Member)))

    @mutation("End somebody's access to the network. What they wrote stays.")
    async def disable_member(self, info: Info, member_id: ID) -> Member:
        return Member.of(await members.disable(info.context, row_id(member_id, models.Member)))

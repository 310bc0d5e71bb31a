"""Organisations: whom people work for, and that competitors are kept apart (table D4)."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from models import (
    Community,
    Competition,
    Member,
    Membership,
    MembershipState,
    Organisation,
    OrganisationKind,
    Visibility,
)
from resolvers import policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Forbidden, Invalid, NotFound
from resolvers.form import form
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

IN_NETWORK = Listing("organisations", policy.see_organisation, order=("name",), parent="network_id")
COMING = (MembershipState.INVITED, MembershipState.ACTIVE)


async def create(
    ctx: Context, network_id: UUID, *, name: str, kind: OrganisationKind, external_ref: str | None
) -> Organisation:
    with form() as check:
        name = check.text("name", name, most=200)
        external_ref = check.optional(check.text, "externalRef", external_ref, most=100)
    async with ctx.transaction() as tx:
        await tx.get(policy.administer_network, network_id)
        await _check_name(tx, network_id, name)
        made = Organisation(network_id=network_id, name=name, kind=kind, external_ref=external_ref)
        return tx.answer(await tx.add(made))


async def update(
    ctx: Context,
    organisation_id: UUID,
    *,
    name: str | None,
    kind: OrganisationKind | None,
    external_ref: str | None,
) -> Organisation:
    with form() as check:
        name = check.optional(check.text, "name", name, most=200)
        external_ref = check.optional(check.text, "externalRef", external_ref, most=100)
    async with ctx.transaction() as tx:
        organisation = await tx.get(policy.manage_organisation, organisation_id)
        if name is not None and name != organisation.name:
            await _check_name(tx, organisation.network_id, name)
            organisation.name = name
        organisation.kind = kind or organisation.kind
        organisation.external_ref = organisation.external_ref if external_ref is None else external_ref
        return tx.answer(organisation)


async def _check_name(tx: Transaction, network_id: UUID, name: str) -> None:
    if await tx.find(Organisation.id, Organisation.network_id == network_id, Organisation.name == name):
        raise Conflict("There is an organisation of this name.")


async def set_competition(ctx: Context, organisation_id: UUID, *, competitor_id: UUID, competes: bool) -> Organisation:
    """Whether the two compete: what holds for one holds for the other."""
    async with ctx.transaction() as tx:
        organisation = await tx.get(policy.manage_organisation, organisation_id)
        competitor = await tx.get(policy.manage_organisation, competitor_id, lock=False)
        if competitor.network_id != organisation.network_id:
            raise NotFound
        if competitor_id == organisation_id:
            raise Invalid(Flaw("An organisation does not compete with itself.", ("competitorId",)))
        for one, other in ((organisation_id, competitor_id), (competitor_id, organisation_id)):
            if competes:
                await tx.add_once(Competition(organisation_id=one, competitor_id=other))
            else:
                pair = (col(Competition.organisation_id) == one, col(Competition.competitor_id) == other)
                await tx.raw(delete(Competition).where(*pair))
        return tx.answer(organisation)


async def competitors(db: Reader, organisation_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """With whom each of them competes; who may know that is asked elsewhere."""
    found: dict[UUID, list[UUID]] = {id: [] for id in organisation_ids}
    pairs = col(Competition.organisation_id).in_(organisation_ids)
    for pair in await db.find_all(Competition, pairs, order=col(Competition.competitor_id)):
        found[pair.organisation_id].append(pair.competitor_id)
    return found


def checked_override(reason: str | None) -> str | None:
    """Why competitors may meet, in good form."""
    with form() as check:
        return check.optional(check.text, "overrideCompetition", reason, most=500)


async def check_override(tx: Transaction, community_id: UUID, reason: str | None) -> None:
    """Only owners say that."""
    if reason is not None:
        await tx.get(policy.own_community, community_id)


async def check_apart(tx: Transaction, community: Community, member: Member, *, override: str | None) -> None:
    """Nobody comes where a competitor's people are, unless all may look in or an owner says why. It is locked."""
    if override or community.visibility is Visibility.OPEN or member.organisation_id is None:
        return
    rival = await tx.find(
        Membership.id,
        Membership.community_id == community.id,
        col(Membership.state).in_(COMING),
        Membership.member_id == Member.id,
        Member.organisation_id == Competition.competitor_id,
        Competition.organisation_id == member.organisation_id,
    )
    if rival is None:
        return
    actor = await tx.find(Member.id, Member.network_id == community.network_id, Member.principal_id == tx.viewer)
    if actor in {None, member.id}:  # whoever comes, signed in or not yet, must not learn that a competitor is there
        raise Conflict("This cannot be accepted now. Ask those who invited you.")
    raise Forbidden("competitors_are_kept_apart")


async def of_network(tx: Transaction, network_id: UUID, organisation_id: UUID | None) -> UUID | None:
    """The organisation, if there is one of this network that the viewer may see."""
    if organisation_id is not None:
        found = await tx.get(policy.see_organisation, organisation_id, lock=False)
        if found.network_id != network_id:
            raise NotFound
    return organisation_id

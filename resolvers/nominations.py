"""Nominations: who may not invite asks those who may (table D4)."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col

from models import Invitation, Nomination, NominationState
from resolvers import invitations, policy
from resolvers.context import Context
from resolvers.errors import Conflict
from resolvers.form import form
from resolvers.invitations import Guest
from resolvers.paging import Listing

IN_COMMUNITY = Listing("nominations", policy.see_nomination, order=("-created_at",), parent="community_id")

MOST = 20  # that wait, by one person in one community


async def nominate(
    ctx: Context, community_id: UUID, *, name: str, email: str, organisation: str | None, reason: str
) -> Nomination:
    """Ask that somebody be let in. A letter to those who manage the community would begin here."""
    with form() as check:
        name = check.text("name", name, most=100)
        email = check.email("email", email)
        organisation = check.optional(check.text, "organisation", organisation, most=200)
        reason = check.text("reason", reason, most=500)
    async with ctx.transaction() as tx:
        community = await tx.get(policy.nominate_person, community_id)  # locked: of many at once no more than may wait
        nominator = await tx.member(community.network_id)
        waiting = (
            Nomination.community_id == community_id,
            Nomination.nominator_id == nominator.id,
            Nomination.state == NominationState.PENDING,
        )
        if await tx.find(func.count(col(Nomination.id)), *waiting) >= MOST:
            raise Conflict(f"{MOST} of your nominations wait here. Let them be decided first.")
        nomination = Nomination(
            network_id=community.network_id,
            community_id=community_id,
            nominator_id=nominator.id,
            name=name,
            email=email,
            organisation=organisation,
            reason=reason,
        )
        return tx.answer(await tx.add(nomination))


async def accept(
    ctx: Context,
    nomination_id: UUID,
    *,
    purpose: str,
    stays_until: datetime,
    organisation_id: UUID | None,
    override_competition: str | None,
) -> tuple[Invitation, str]:
    """Invite whoever was nominated, as a guest for whom the viewer vouches. The token is told once."""
    with form() as check:
        terms = Guest("x@example.com", purpose, stays_until, organisation_id, override_competition).checked(check)
    async with ctx.transaction() as tx:
        nomination = await tx.get(policy.decide_nomination, nomination_id)
        community = await tx.get(policy.invite_guest, nomination.community_id, lock=False)
        invitation, token = await invitations.issue_to_guest(ctx, tx, community, terms.called(nomination.email))
        nomination.state, nomination.decided_at = NominationState.ACCEPTED, tx.now
        nomination.invitation_id = invitation.id
        return invitation, token


async def decline(ctx: Context, nomination_id: UUID, *, reason: str) -> Nomination:
    with form() as check:
        reason = check.text("reason", reason, most=500)
    async with ctx.transaction() as tx:
        nomination = await tx.get(policy.decide_nomination, nomination_id)
        nomination.state, nomination.decided_at = NominationState.DECLINED, tx.now
        nomination.decline_reason = reason
        return tx.answer(nomination)

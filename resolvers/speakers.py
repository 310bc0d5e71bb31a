"""Speakers: recognised across sessions, and claimed by a member later, who then sits on the panels."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from models import (
    Attendance,
    Community,
    CommunityRole,
    CommunityState,
    Kind,
    Member,
    Membership,
    MembershipState,
    Session,
    SessionSpeaker,
    Speaker,
)
from realtime import topics
from resolvers import accounts, communities, policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid
from resolvers.session import Reader, Transaction


async def of_sessions(db: Reader, session_ids: Collection[UUID]) -> dict[UUID, list[Speaker]]:
    """Who speaks, in the order of the programme. The sessions were fetched under a rule, and show their speakers."""
    found: dict[UUID, list[Speaker]] = {id: [] for id in session_ids}
    links = await db.find_all(
        SessionSpeaker, col(SessionSpeaker.session_id).in_(session_ids), order=col(SessionSpeaker.position)
    )
    people = {link.speaker_id for link in links}
    speakers = {speaker.id: speaker for speaker in await db.find_all(Speaker, col(Speaker.id).in_(people))}
    for link in links:
        found[link.session_id].append(speakers[link.speaker_id])
    return found


async def sessions_of(db: Reader, speaker_ids: Collection[UUID]) -> dict[UUID, list[Session]]:
    """Where they speak, as far as the viewer may see it, in the order of time."""
    spoken = db.select(policy.see_session).add_columns(col(SessionSpeaker.speaker_id))
    spoken = spoken.where(
        col(SessionSpeaker.session_id) == col(Session.id), col(SessionSpeaker.speaker_id).in_(speaker_ids)
    )
    found: dict[UUID, list[Session]] = {id: [] for id in speaker_ids}
    for session, speaker_id in await db.execute(spoken.order_by(col(Session.starts_at), col(Session.id))):
        found[speaker_id].append(session)
    return found


async def named(tx: Transaction, session: Session, names: Sequence[str]) -> list[Speaker]:
    """The speakers of these names: those of the session, those for whom the viewer may vouch, and new ones.

    A name alone is no proof: whoever claimed it elsewhere would sit on this panel.
    """
    held = await tx.find_all(SessionSpeaker, SessionSpeaker.session_id == session.id)
    here = tx.select(policy.see_speaker).where(col(Speaker.id).in_([link.speaker_id for link in held]))
    elsewhere = tx.select(policy.vouch_for_speaker).where(col(Speaker.network_id) == session.network_id)
    found: dict[str, Speaker] = {}
    for known in (here, elsewhere):
        for speaker in await tx.all(known.where(col(Speaker.name).in_(names)).order_by(col(Speaker.id))):
            found.setdefault(speaker.name, speaker)
    for name in names:
        if name not in found:
            found[name] = await tx.add(Speaker(network_id=session.network_id, name=name))
    return [found[name] for name in dict.fromkeys(names)]


async def hold(tx: Transaction, network_id: UUID, names: Collection[str]) -> None:
    """Lock those who have claimed to be one of these: a member is locked before any community."""
    claimed = (Speaker.network_id == network_id, col(Speaker.name).in_(names), Speaker.member_id == Member.id)
    await tx.lock_all(Member, *claimed)


async def put(tx: Transaction, session: Session, people: Sequence[Speaker]) -> bool:
    """These speak, in this order; whether that is new. Who has claimed to be one of them sits on the panel."""
    held = await tx.find_all(
        SessionSpeaker, SessionSpeaker.session_id == session.id, order=col(SessionSpeaker.position)
    )
    if [link.speaker_id for link in held] == [speaker.id for speaker in people]:
        return False
    await tx.raw(delete(SessionSpeaker).where(col(SessionSpeaker.session_id) == session.id))
    await tx.add_all(links(session, people))
    await seat_all(tx, [session], people)
    return True


def links(session: Session, people: Iterable[Speaker]) -> list[SessionSpeaker]:
    return [
        SessionSpeaker(session_id=session.id, speaker_id=speaker.id, position=n) for n, speaker in enumerate(people)
    ]


async def seat_all(tx: Transaction, sessions: Collection[Session], people: Collection[Speaker]) -> None:
    """Those who have claimed to be one of these speakers, on the panels of all these sessions. They are held."""
    claimed = {speaker.member_id for speaker in people if speaker.member_id}
    for member in await tx.lock_all(Member, col(Member.id).in_(claimed)) if claimed else ():
        if tx.is_here(member):
            await seat(tx, sessions, member)


async def seat(tx: Transaction, sessions: Collection[Session], member: Member) -> None:
    """Presenter wherever they are admitted; what they are besides they stay."""
    places = [session.community_id for session in sessions]
    for community in await tx.lock_all(Community, col(Community.id).in_(places)):
        mine = (Membership.community_id == community.id, Membership.member_id == member.id)
        membership = await tx.lock(Membership, *mine)
        is_banned = membership is not None and membership.state is MembershipState.BANNED
        is_admitted = member.kind in communities.ADMITTED[community.admits]
        if is_banned or not is_admitted or community.state is CommunityState.ARCHIVED:
            continue
        is_active = membership is not None and membership.state is MembershipState.ACTIVE
        roles = CommunityRole(membership.roles) if membership and is_active else CommunityRole.MEMBER
        if not (is_active and roles & CommunityRole.PRESENTER):
            roles |= CommunityRole.MEMBER | CommunityRole.PRESENTER
            await communities.enter(tx, community, member, MembershipState.ACTIVE, roles)


async def create_claim(ctx: Context, speaker_id: UUID) -> tuple[Speaker, str]:
    """A token with which a member says: this is me. It is told once; a new one makes the one before void."""
    async with ctx.transaction() as tx:
        speaker = await tx.get(policy.vouch_for_speaker, speaker_id)
        if speaker.member_id is not None:
            raise Conflict("Somebody has claimed to be this speaker.")
        token = accounts.new_token("speaker")
        speaker.claim_hash = accounts.digest(token)
        return tx.answer(speaker, secret=token), token


async def claim(ctx: Context, *, token: str) -> Speaker:
    """The viewer is this speaker, and sits on the panels of all of their sessions."""
    ctx.somebody()
    async with ctx.transaction() as tx:
        claimed = Speaker.claim_hash == accounts.digest(token)
        found = await tx.find(Speaker, claimed)
        if found is None or not await tx.audience(policy.see_network.now, found.network_id, {ctx.viewer}):
            raise Invalid(Flaw("This token is not valid.", ("token",)))
        await tx.get(policy.see_network, found.network_id)  # locked: an import may be giving them more sessions
        speaker = await tx.lock(Speaker, claimed)
        if speaker is None:
            raise Invalid(Flaw("This token is not valid.", ("token",)))
        member = await communities.entrant(tx, speaker.network_id)
        speaker.member_id, speaker.claim_hash = member.id, None
        await _attend(tx, member)
        spoken = (SessionSpeaker.session_id == Session.id, SessionSpeaker.speaker_id == speaker.id)
        await seat(tx, await tx.find_all(Session, *spoken), member)
        return tx.answer(speaker)


async def _attend(tx: Transaction, member: Member) -> None:
    """Whoever speaks is no outsider."""
    if member.attendance is Attendance.NONE:
        member.attendance = Attendance.ONSITE
        tx.announce([topics.person(member.principal_id)], Kind.RIGHTS, member)

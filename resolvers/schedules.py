"""Schedules: sessions made, moved, cancelled, recorded; who plans to come, and who came."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col

from models import (
    Admits,
    Community,
    CommunityPurpose,
    JoinPolicy,
    Membership,
    MembershipState,
    Network,
    Session,
    SessionState,
    Visibility,
)
from realtime import topics
from resolvers import attendance, boards, combinations, communities, contents, markup, policy, programme, speakers
from resolvers.context import Context
from resolvers.errors import Conflict
from resolvers.form import form
from resolvers.live import Source, Subject, fixed
from resolvers.paging import Listing
from resolvers.programme import Draft, Slot
from resolvers.session import Reader, Transaction

ALL = Listing("schedule", policy.see_session, order=("starts_at",))
MINE = Listing("schedule_mine", policy.plan_session, order=("starts_at",))
ON_TRACK = Listing("sessions_on_track", policy.see_session, order=("starts_at",), parent="track_id")
IN_ROOM = Listing("sessions_in_room", policy.see_session, order=("starts_at",), parent="room_id")
TRACKS = Listing("tracks", policy.see_track, order=("name",), parent="network_id")
ROOMS = Listing("rooms", policy.see_room, order=("name",), parent="network_id")

NOTE_MOST = 500


@dataclass(frozen=True)
class Circle:
    """For whom a session's community is."""

    admits: Admits = Admits.EXTERNALS
    visibility: Visibility = Visibility.OPEN
    join_policy: JoinPolicy | None = None


async def expected(db: Reader, community_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many plan to come. Asked of sessions whose heads the viewer may count."""
    found = await db.find_all(Community, col(Community.id).in_(community_ids))
    return {community.id: community.member_count for community in found}


async def of_communities(db: Reader, community_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The sessions of these communities; whether the viewer may see them is asked elsewhere."""
    found = await db.find_all(Session, col(Session.community_id).in_(community_ids))
    return {session.community_id: session.id for session in found}


async def create(ctx: Context, network_id: UUID, draft: Draft, *, circle: Circle, opens_at: datetime | None) -> Session:
    """A session with its community, which the viewer owns, and its board."""
    draft = programme.checked(draft)
    with form() as check:
        join_policy = combinations.lawful(check, circle.admits, circle.visibility, circle.join_policy)
        opens_at = check.moment("opensAt", opens_at)
    async with ctx.transaction() as tx:
        await tx.get(policy.create_community, network_id, lock=bool(draft.speakers))
        await speakers.hold(tx, network_id, draft.speakers or ())
        community = Community(
            network_id=network_id,
            name=markup.cut(draft.title or "", 100),
            purpose=CommunityPurpose.SESSION,
            admits=circle.admits,
            visibility=circle.visibility,
            join_policy=join_policy,
        )
        session = Session(network_id=network_id, community_id=community.id, title=draft.title or "")
        await programme.write(tx, session, draft)
        programme.check_times(session.starts_at, session.ends_at)
        await communities.found(tx, community)
        await tx.add(session)
        opens_at = opens_at or session.starts_at - programme.OPENS_BEFORE
        boards.tell(tx, await tx.add(programme.new_board(session, opens_at=opens_at, now=tx.now)))
        await _speak(tx, session, draft)
        attendance.tell(tx, session)
        return tx.answer(session)


async def change(ctx: Context, session_id: UUID, draft: Draft, *, note: str | None) -> Session:
    """Say it anew. Another time or room, and whatever comes with a note, is told to all who plan to come."""
    draft = programme.checked(draft)
    with form() as check:
        note = check.optional(check.text, "note", note, most=NOTE_MOST, least=0)
    async with ctx.transaction() as tx:
        session, community = await _locked(tx, session_id, names=draft.speakers)
        was, title = programme.slot(session), session.title
        is_back = session.state is SessionState.CANCELLED and draft.starts_at is not None
        if session.state is SessionState.CANCELLED and not is_back:
            raise Conflict("The session is cancelled. A new time brings it back.")
        is_written = await programme.write(tx, session, draft)
        programme.check_times(session.starts_at, session.ends_at)
        is_moved = programme.slot(session) != was
        if await _speak(tx, session, draft) or is_written or is_back or note:
            await programme.follow_up(tx, session, community, was=was, title=title)
            if is_moved or is_back:
                session.state = SessionState.CHANGED
            await _note(tx, session, was=was if is_moved else None, note=note, is_back=is_back)
            attendance.tell(tx, session)
        return tx.answer(session)


async def _note(tx: Transaction, session: Session, *, was: Slot | None, note: str | None, is_back: bool) -> None:
    moved = await programme.says_moved(tx, session, was) if was else ""
    if not (was or note or is_back):
        return
    what = "Takes place" if is_back else "Moved" if was else "News"
    session.change_note, session.changed_at = note or moved or "It takes place.", tx.now
    author = await tx.member(session.network_id)
    body = "\n\n".join(part for part in (note, moved) if part)
    await contents.put(tx, programme.notice(session, author, what=what, body=body, now=tx.now))


async def cancel(ctx: Context, session_id: UUID, *, note: str) -> Session:
    """It does not take place, and whoever planned to come is told why."""
    with form() as check:
        note = check.text("note", note, most=NOTE_MOST)
    async with ctx.transaction() as tx:
        session, _ = await _locked(tx, session_id)
        if session.state in {SessionState.CANCELLED, SessionState.DONE}:
            raise Conflict(f"The session is {session.state.lower()}.")
        session.state, session.change_note, session.changed_at = SessionState.CANCELLED, note, tx.now
        author = await tx.member(session.network_id)
        await contents.put(tx, programme.notice(session, author, what="Cancelled", body=note, now=tx.now))
        attendance.tell(tx, session)
        return tx.answer(session)


async def _locked(
    tx: Transaction, session_id: UUID, *, names: Collection[str] | None = None
) -> tuple[Session, Community]:
    """The community first, as everywhere; where speakers are named, the network and who they are before it."""
    found = await tx.get(policy.change_session, session_id, lock=False)
    if names is not None:
        await tx.get(policy.see_network, found.network_id)
        await speakers.hold(tx, found.network_id, names)
    community = await tx.get(policy.see_community, found.community_id)
    return await tx.get(policy.change_session, session_id), community


async def _speak(tx: Transaction, session: Session, draft: Draft) -> bool:
    if draft.speakers is None:
        return False
    return await speakers.put(tx, session, await speakers.named(tx, session, draft.speakers))


async def link_recording(ctx: Context, session_id: UUID, *, url: str | None) -> Session:
    """Where the recording is; None takes the link away."""
    with form() as check:
        url = check.optional(check.link, "url", url)
    async with ctx.transaction() as tx:
        session = await tx.get(policy.change_session, session_id)
        session.recording_url = url
        await _tell_of_material(tx, session)
        return tx.answer(session)


async def link_slides(ctx: Context, session_id: UUID, *, url: str | None) -> Session:
    """Where the slides are; None takes the link away."""
    with form() as check:
        url = check.optional(check.link, "url", url)
    async with ctx.transaction() as tx:
        session = await tx.get(policy.link_slides, session_id)
        session.slides_url = url
        await _tell_of_material(tx, session)
        return tx.answer(session)


async def _tell_of_material(tx: Transaction, session: Session) -> None:
    """Before its release those who were not there do not even learn that there is any."""
    community = await tx.find(Community, Community.id == session.community_id)
    attendance.tell(tx, session, seen_with=community if session.replay_at is None else None)


async def release_replay(ctx: Context, session_id: UUID) -> Session:
    """Recording and slides are also for those who were not there, as far as the network's tier lets them."""
    async with ctx.transaction() as tx:
        session = await tx.get(policy.change_session, session_id)
        if session.recording_url is None and session.slides_url is None:
            raise Conflict("There is neither a recording nor slides to release.")
        if session.replay_at is None:
            session.replay_at = tx.now
            attendance.tell(tx, session)
        return tx.answer(session)


async def check_in(ctx: Context, session_id: UUID) -> Membership:
    """The viewer is here, and joins on the spot if they have not planned to come."""
    async with ctx.transaction() as tx:
        session = await tx.get(policy.check_in_to_session, session_id, lock=False)
        member = await tx.member(session.network_id)
        mine = (Membership.community_id == session.community_id, Membership.member_id == member.id)
        membership = await tx.find(Membership, *mine)
        if membership is None or membership.state is not MembershipState.ACTIVE:
            member = await communities.entrant(tx, session.network_id)
            await tx.lock(Community, Community.id == session.community_id)
        membership = await tx.lock(Membership, *mine)
        if membership is None or membership.state is not MembershipState.ACTIVE:
            community = await tx.get(policy.join_community, session.community_id)
            membership = await communities.admit(tx, community, member)
        await attendance.check_in(tx, session, membership)
        return tx.answer(membership)


def feed(network: Network, viewer: UUID, *, is_mine: bool) -> Subject:
    """The sessions of a network: all that the viewer may see, or those that they plan to attend."""
    rule = policy.plan_session if is_mine else policy.see_session
    return Subject(
        name="schedule",
        arguments=(network.id, is_mine),
        rule=policy.read_schedule,
        row=network,
        sources=(Source(rule, lambda row: (row.network_id == network.id,), counters=policy.count_heads),),
        topics=fixed(topics.schedule(network.id)),
        rights=frozenset({topics.memberships(viewer), topics.person(viewer)}),
    )


def listing(subject: Subject) -> Listing[Session]:
    _, is_mine = subject.arguments
    return MINE if is_mine else ALL

"""Who may see the schedule, and who may change it (table D4, last row)."""

from typing import Any

from sqlalchemy import and_, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import (
    Admits,
    Community,
    JoinPolicy,
    Membership,
    Network,
    Room,
    Session,
    SessionSpeaker,
    SessionState,
    Speaker,
    Track,
    Visibility,
)
from resolvers.policy.communities import (
    MANAGERS,
    PANEL,
    belongs_to,
    contributes_to,
    is_active,
    join_community,
    reads,
    sees_community,
)
from resolvers.policy.networks import external, internal, is_self, knows_agenda, knows_replays, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight, some

COMING = (SessionState.PLANNED, SessionState.CHANGED, SessionState.LIVE)


@rule(Network)
def read_schedule(viewer: Viewer, network: Any) -> Condition:
    return stands_in(viewer, network.id, knows_agenda)


def _is_public(session: Any) -> Condition:
    """In an archive, too: else a session would leave the agenda without a word."""
    community = aliased(Community)
    return some(
        community,
        where=[
            community.id == session.community_id,
            community.visibility == Visibility.OPEN,
            community.admits == Admits.EXTERNALS,
        ],
    )


@sight(Session)
def see_session(viewer: Viewer, session: Any) -> Condition:
    """Whoever may know of its community; of one that is open to all, whoever may know the agenda."""
    return or_(
        sees_community(viewer, session.community_id),
        and_(
            _is_public(session),
            stands_in(viewer, session.network_id, external, knows_agenda),
        ),
    )


@rule(Session)
def plan_session(viewer: Viewer, session: Any) -> Condition:
    """It is in the viewer's own schedule: to join its community is to plan to attend."""
    return belongs_to(viewer, session.community_id)


@rule(Session)
def count_heads(viewer: Viewer, session: Any) -> Condition:
    """How many are expected and how many came is known to those who may know of the community."""
    return sees_community(viewer, session.community_id)


@rule(Session)
def watch_replay(viewer: Viewer, session: Any) -> Condition:
    """Recording and slides: those who may read what is said there, and after their release those who were not there."""
    return or_(
        reads(viewer, session.community_id),
        and_(
            col(session.replay_at).is_not(None),
            _is_public(session),
            stands_in(viewer, session.network_id, external, knows_replays),
        ),
    )


@rule(Session)
def change_session(viewer: Viewer, session: Any) -> Condition:
    return and_(is_active(session.community_id), belongs_to(viewer, session.community_id, roles=MANAGERS))


@rule(Session)
def link_slides(viewer: Viewer, session: Any) -> Condition:
    return and_(is_active(session.community_id), belongs_to(viewer, session.community_id, roles=PANEL))


@rule(Session)
def report_on_session(viewer: Viewer, session: Any) -> Condition:
    """What it came to: for those who run its boards, in an archive, too."""
    return belongs_to(viewer, session.community_id, roles=PANEL)


@rule(Session)
def check_in_to_session(viewer: Viewer, session: Any) -> Condition:
    """Whoever belongs, or could join on the spot."""
    community = aliased(Community)
    may_join = some(
        community,
        where=[
            community.id == session.community_id,
            community.join_policy == JoinPolicy.OPEN,
            join_community(viewer, community),
        ],
    )
    return and_(session.state.in_(COMING), or_(contributes_to(viewer, session.community_id), may_join))


@sight(Track)
def see_track(viewer: Viewer, track: Any) -> Condition:
    session = aliased(Session)
    return some(session, where=[session.track_id == track.id, see_session(viewer, session)])


@sight(Room)
def see_room(viewer: Viewer, room: Any) -> Condition:
    session = aliased(Session)
    return some(session, where=[session.room_id == room.id, see_session(viewer, session)])


@sight(Speaker)
def see_speaker(viewer: Viewer, speaker: Any) -> Condition:
    link, session = aliased(SessionSpeaker), aliased(Session)
    return some(link, session, where=[*_speaks(speaker, link, session), see_session(viewer, session)])


@rule(Speaker)
def vouch_for_speaker(viewer: Viewer, speaker: Any) -> Condition:
    """Whoever manages all of the sessions: the claim seats the speaker in each of them."""
    link, session = aliased(SessionSpeaker), aliased(Session)
    elsewhere = some(
        link,
        session,
        where=[*_speaks(speaker, link, session), not_(belongs_to(viewer, session.community_id, roles=MANAGERS))],
    )
    return and_(stands_in(viewer, speaker.network_id, internal), see_speaker(viewer, speaker), not_(elsewhere))


def _speaks(speaker: Any, link: Any, session: Any) -> list[Condition]:
    return [link.speaker_id == speaker.id, link.session_id == session.id]


@rule(Membership)
def see_check_in(viewer: Viewer, membership: Any) -> Condition:
    """Who came is known to themselves and to those who run the community."""
    return or_(is_self(viewer, membership.member_id), belongs_to(viewer, membership.community_id, roles=MANAGERS))

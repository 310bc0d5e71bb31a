"""Attendance: who plans to come to a session, and who came; and how the schedule is told of it."""

from collections import defaultdict
from collections.abc import Iterable

from models import Community, CommunityPurpose, Kind, Membership, Network, Session
from realtime import topics
from resolvers.session import Transaction


async def recount(tx: Transaction, community: Community) -> None:
    """To join the community of a session is to plan to attend: the schedule shows how many do."""
    if community.purpose is CommunityPurpose.SESSION:
        session = await tx.find(Session, Session.community_id == community.id)
        if session is not None:
            tell(tx, session, Kind.COUNTERS)


async def check_in(tx: Transaction, session: Session, membership: Membership) -> None:
    """Somebody has come. The membership is locked: whoever comes twice is counted once."""
    if membership.checked_in_at is None:
        membership.checked_in_at = tx.now
        await tx.count(Session.checked_in_count, session, 1)
        tell(tx, session, Kind.COUNTERS)


def tell(tx: Transaction, session: Session, kind: Kind = Kind.ROW, *, seen_with: Community | None = None) -> None:
    tx.announce([topics.schedule(session.network_id)], kind, session, seen_with=seen_with)


async def tell_all(tx: Transaction, sessions: Iterable[Session]) -> None:
    """Each change by itself; of very many in one network only that there are."""
    by_network = defaultdict(list)
    for session in sessions:
        by_network[session.network_id].append(session)
    for network_id, changed in by_network.items():
        if network := await tx.find(Network, Network.id == network_id):
            tx.announce_each([topics.schedule(network_id)], Kind.ROW, changed, scope=network)

"""Who is on the list of an event is known to those who administer the network."""

from typing import Any

from sqlalchemy import and_

from models import Attendee, Session
from resolvers.policy.communities import PANEL, belongs_to, is_active
from resolvers.policy.networks import adds_people, administrator, internal, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight
from resolvers.policy.schedules import COMING


@sight(Attendee)
def see_attendee(viewer: Viewer, attendee: Any) -> Condition:
    return stands_in(viewer, attendee.network_id, internal, administrator)


@rule(Attendee)
def manage_attendee(viewer: Viewer, attendee: Any) -> Condition:
    """Give them links and tickets."""
    return see_attendee(viewer, attendee)


@rule(Session)
def scan_tickets(viewer: Viewer, session: Any) -> Condition:
    """At the door: whoever is on the panel, but for guests."""
    return and_(
        session.state.in_(COMING),
        is_active(session.community_id),
        belongs_to(viewer, session.community_id, roles=PANEL),
        adds_people(viewer, session.network_id),
    )

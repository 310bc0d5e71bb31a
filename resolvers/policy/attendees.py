"""Who is on the list of an event is known to those who administer the network."""

from typing import Any

from models import Attendee
from resolvers.policy.networks import administrator, internal, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight


@sight(Attendee)
def see_attendee(viewer: Viewer, attendee: Any) -> Condition:
    return stands_in(viewer, attendee.network_id, internal, administrator)


@rule(Attendee)
def manage_attendee(viewer: Viewer, attendee: Any) -> Condition:
    """Give them links and tickets."""
    return see_attendee(viewer, attendee)

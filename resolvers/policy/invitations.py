"""Invitations are seen by those who administer the network, and by those who manage where they lead."""

from typing import Any

from sqlalchemy import and_, or_

from models import Invitation
from resolvers.policy.communities import MANAGERS, belongs_to, sees_community
from resolvers.policy.networks import adds_people, administrator, internal, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight


@sight(Invitation)
def see_invitation(viewer: Viewer, invitation: Any) -> Condition:
    """One into a hidden community would tell administrators that there is one."""
    is_known = or_(invitation.community_id.is_(None), sees_community(viewer, invitation.community_id))
    return or_(
        and_(stands_in(viewer, invitation.network_id, internal, administrator), is_known),
        and_(belongs_to(viewer, invitation.community_id, roles=MANAGERS), adds_people(viewer, invitation.network_id)),
    )


@rule(Invitation)
def revoke_invitation(viewer: Viewer, invitation: Any) -> Condition:
    return see_invitation(viewer, invitation)

"""Invitations are seen by those who administer the network."""

from typing import Any

from models import Invitation
from resolvers.policy.networks import administrator, internal, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight


@sight(Invitation)
def see_invitation(viewer: Viewer, invitation: Any) -> Condition:
    return stands_in(viewer, invitation.network_id, internal, administrator)


@rule(Invitation)
def revoke_invitation(viewer: Viewer, invitation: Any) -> Condition:
    return see_invitation(viewer, invitation)

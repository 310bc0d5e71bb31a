"""An escalation is seen where it was escalated to; the talk in its task is not."""

from typing import Any

from sqlalchemy import and_, or_

from models import Escalation, EscalationState
from resolvers.policy.communities import RESPONDERS, belongs_to, is_active, reads
from resolvers.policy.networks import internal, is_self, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight

UNSETTLED = (EscalationState.PULL, EscalationState.PUSHED, EscalationState.ANSWERED)


@sight(Escalation)
def see_escalation(viewer: Viewer, escalation: Any) -> Condition:
    return reads(viewer, escalation.community_id)


@rule(Escalation)
def follow_escalation(viewer: Viewer, escalation: Any) -> Condition:
    """Who has it and since when is for colleagues; guests and externals see only how far it has got."""
    return and_(stands_in(viewer, escalation.network_id, internal), see_escalation(viewer, escalation))


@rule(Escalation)
def push_escalation(viewer: Viewer, escalation: Any) -> Condition:
    return and_(
        escalation.state.in_(UNSETTLED),
        is_active(escalation.community_id),
        stands_in(viewer, escalation.network_id, internal),
        or_(is_self(viewer, escalation.escalated_by_id), belongs_to(viewer, escalation.community_id)),
        see_escalation(viewer, escalation),
    )


@rule(Escalation)
def resolve_escalation(viewer: Viewer, escalation: Any) -> Condition:
    return and_(
        escalation.state.in_(UNSETTLED),
        is_active(escalation.community_id),
        or_(
            is_self(viewer, escalation.escalated_by_id),
            belongs_to(viewer, escalation.community_id, roles=RESPONDERS),
        ),
        see_escalation(viewer, escalation),
    )

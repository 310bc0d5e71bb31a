"""Who nominates, and who decides (table D4)."""

from typing import Any

from sqlalchemy import and_, or_

from models import Community, Nomination, NominationState
from resolvers.policy.communities import MANAGERS, belongs_to, contributes_to, is_active
from resolvers.policy.networks import adds_people, is_self
from resolvers.policy.rules import Condition, Viewer, rule, sight


@rule(Community)
def nominate_person(viewer: Viewer, community: Any) -> Condition:
    """Ask that somebody be let in: anybody who is in, guests among them."""
    return contributes_to(viewer, community.id)


def _decides(viewer: Viewer, nomination: Any) -> Condition:
    return and_(belongs_to(viewer, nomination.community_id, roles=MANAGERS), adds_people(viewer, nomination.network_id))


@sight(Nomination)
def see_nomination(viewer: Viewer, nomination: Any) -> Condition:
    return or_(is_self(viewer, nomination.nominator_id), _decides(viewer, nomination))


@rule(Nomination)
def read_decision(viewer: Viewer, nomination: Any) -> Condition:
    """Why it was declined, and what became of it; whoever nominated learns that it was decided."""
    return _decides(viewer, nomination)


@rule(Nomination)
def decide_nomination(viewer: Viewer, nomination: Any) -> Condition:
    return and_(
        nomination.state == NominationState.PENDING,
        is_active(nomination.community_id),
        _decides(viewer, nomination),
    )

"""Who knows for whom people work, and who competes with whom."""

from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import aliased

from models import Member, Organisation
from resolvers.policy.members import shares_community
from resolvers.policy.networks import administrator, internal, is_self, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight, some


@sight(Organisation)
def see_organisation(viewer: Viewer, organisation: Any) -> Condition:
    """Colleagues all of them; outsiders their own, and those of people with whom they share a community (table D7)."""
    member = aliased(Member)
    where = [
        member.organisation_id == organisation.id,
        or_(is_self(viewer, member.id), shares_community(viewer, member)),
    ]
    return or_(stands_in(viewer, organisation.network_id, internal), some(member, where=where))


@rule(Organisation)
def read_relations(viewer: Viewer, organisation: Any) -> Condition:
    """What it is to the company, and with whom it competes."""
    return stands_in(viewer, organisation.network_id, internal)


@rule(Organisation)
def manage_organisation(viewer: Viewer, organisation: Any) -> Condition:
    return stands_in(viewer, organisation.network_id, internal, administrator)

"""Standing in a network.

Every other rule begins here.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import Attendance, Member, MemberKind, MemberState, Network, NetworkRole, OutsiderTier
from resolvers.policy.rules import Condition, Viewer, personal, rule, sight, some
from resolvers.policy.written import NOW

ADMINISTRATORS = (NetworkRole.OWNER, NetworkRole.ADMIN)


def is_here(member: Any, now: datetime | ColumnElement[datetime] = NOW) -> Condition:
    """The member is active and has not expired, whether that has been noticed yet or not."""
    return and_(member.state == MemberState.ACTIVE, or_(member.expires_at.is_(None), member.expires_at > now))


def stands_in(viewer: Viewer, network_id: ColumnElement[Any], *also: Any) -> Condition:
    """The viewer is an active member of the network. `also` takes conditions on that member row: callables of it."""
    member = aliased(Member)
    conditions = [condition(member) for condition in also]
    return some(
        member,
        where=[
            member.network_id == network_id,
            member.principal_id == viewer,
            is_here(member),
            *conditions,
        ],
    )


def is_self(viewer: Viewer, member_id: Any) -> Condition:
    """The viewer is that member, and still here."""
    member = aliased(Member)
    where = [member.id == member_id, member.principal_id == viewer, is_here(member)]
    return personal(some(member, where=where))


def internal(member: Any) -> Condition:
    return member.kind == MemberKind.INTERNAL


def external(member: Any) -> Condition:
    return member.kind == MemberKind.EXTERNAL


def attends(member: Any) -> Condition:
    """No outsider of the event: an external member who does not attend gets what the network's tier gives."""
    return or_(_is_counted_in(member), _is_given(member, OutsiderTier.FULL))


def knows_agenda(member: Any) -> Condition:
    tiers = (OutsiderTier.AGENDA_ONLY, OutsiderTier.REPLAYS, OutsiderTier.FULL)
    return or_(_is_counted_in(member), _is_given(member, *tiers))


def knows_replays(member: Any) -> Condition:
    return or_(_is_counted_in(member), _is_given(member, OutsiderTier.REPLAYS, OutsiderTier.FULL))


def _is_counted_in(member: Any) -> Condition:
    return or_(member.kind != MemberKind.EXTERNAL, member.attendance.is_(None), member.attendance != Attendance.NONE)


def _is_given(member: Any, *tiers: OutsiderTier) -> Condition:
    network = aliased(Network)
    return some(network, where=[network.id == member.network_id, col(network.outsider_tier).in_(tiers)])


def adds_people(viewer: Viewer, network_id: ColumnElement[Any]) -> Condition:
    """Only colleagues bring people in: no guest does and no external, whatever their role (table D4)."""
    return stands_in(viewer, network_id, internal)


def administrator(member: Any) -> Condition:
    return member.role.in_(ADMINISTRATORS)


@sight(Network)
def see_network(viewer: Viewer, network: Any) -> Condition:
    return stands_in(viewer, network.id)


@rule(Network)
def administer_network(viewer: Viewer, network: Any) -> Condition:
    return stands_in(viewer, network.id, internal, administrator)


@rule(Network)
def create_community(viewer: Viewer, network: Any) -> Condition:
    return adds_people(viewer, network.id)


@rule(Network)
def create_task(viewer: Viewer, network: Any) -> Condition:
    return stands_in(viewer, network.id, internal)

"""Who may see, read, join and run a community (tables D2 and D3)."""

from typing import Any

from sqlalchemy import and_, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import (
    Admits,
    Community,
    CommunityPurpose,
    CommunityRole,
    CommunityState,
    JoinPolicy,
    Member,
    Membership,
    MembershipState,
    Visibility,
)
from resolvers.policy.networks import (
    adds_people,
    administrator,
    attends,
    external,
    internal,
    is_here,
    is_self,
    stands_in,
)
from resolvers.policy.rules import Condition, Viewer, rule, sight, some

OWNERS = CommunityRole.OWNER
MANAGERS = CommunityRole.OWNER | CommunityRole.MANAGER
PANEL = MANAGERS | CommunityRole.PRESENTER
RESPONDERS = MANAGERS | CommunityRole.RESPONDER


def belongs_to(viewer: Viewer, community_id: Any, *, roles: CommunityRole | None = None) -> Condition:
    """The viewer is an active member, in one of the roles if any are named."""
    return _has_membership(viewer, community_id, MembershipState.ACTIVE, roles=roles)


def _has_membership(
    viewer: Viewer, community_id: Any, *states: MembershipState, roles: CommunityRole | None = None
) -> Condition:
    membership, member = aliased(Membership), aliased(Member)
    conditions: list[Any] = [
        membership.community_id == community_id,
        col(membership.state).in_(states),
        membership.member_id == member.id,
        member.principal_id == viewer,
        is_here(member),
        attends(member),
    ]
    if roles is not None:
        conditions.append(col(membership.roles).bitwise_and(int(roles)) != 0)
    return some(membership, member, where=conditions)


def _may_drop_in(viewer: Viewer, community: Any) -> Condition:
    """Of those who do not belong: the ones that the community is made for."""
    return or_(
        stands_in(viewer, community.network_id, internal),
        and_(community.admits == Admits.EXTERNALS, stands_in(viewer, community.network_id, external, attends)),
    )


@sight(Community, local=True)
def see_community(viewer: Viewer, community: Any) -> Condition:
    return or_(
        _has_membership(viewer, community.id, MembershipState.ACTIVE, MembershipState.INVITED),
        and_(community.visibility != Visibility.HIDDEN, _may_drop_in(viewer, community)),
    )


def sees_community(viewer: Viewer, community_id: Any) -> Condition:
    community = aliased(Community)
    return some(community, where=[community.id == community_id, see_community(viewer, community)])


@rule(Community, local=True)
def read_community(viewer: Viewer, community: Any) -> Condition:
    return or_(
        belongs_to(viewer, community.id),
        and_(
            community.visibility == Visibility.OPEN,
            _may_drop_in(viewer, community),
            not_(_has_membership(viewer, community.id, MembershipState.BANNED)),
        ),
    )


def reads(viewer: Viewer, community_id: Any) -> Condition:
    community = aliased(Community)
    return some(community, where=[community.id == community_id, read_community(viewer, community)])


def is_active(community_id: Any) -> Condition:
    """The community is not archived."""
    community = aliased(Community)
    return some(community, where=[community.id == community_id, community.state == CommunityState.ACTIVE])


def is_open_to_all(community_id: Any) -> Condition:
    """Nothing internal is said there: whoever comes may read."""
    community = aliased(Community)
    return some(
        community,
        where=[
            community.id == community_id,
            community.state == CommunityState.ACTIVE,
            community.visibility == Visibility.OPEN,
            community.admits == Admits.EXTERNALS,
        ],
    )


def contributes_to(viewer: Viewer, community_id: Any) -> Condition:
    """The viewer belongs to the community, and it is not archived."""
    return and_(is_active(community_id), belongs_to(viewer, community_id))


@rule(Community)
def list_members(viewer: Viewer, community: Any) -> Condition:
    return or_(
        belongs_to(viewer, community.id),
        and_(
            community.visibility == Visibility.OPEN,
            read_community(viewer, community),
            stands_in(viewer, community.network_id, internal),
        ),
    )


def _names_managers(viewer: Viewer, community: Any) -> Condition:
    """A private community tells those whom it is made for whom to ask; to administrators, always."""
    return and_(
        community.visibility == Visibility.PRIVATE,
        or_(
            and_(community.admits != Admits.EXTERNALS, stands_in(viewer, community.network_id, internal)),
            stands_in(viewer, community.network_id, internal, administrator),
        ),
    )


@rule(Community)
def join_community(viewer: Viewer, community: Any) -> Condition:
    return and_(
        see_community(viewer, community),
        community.state == CommunityState.ACTIVE,
        community.join_policy != JoinPolicy.INVITE,
        _may_drop_in(viewer, community),
        not_(_has_membership(viewer, community.id, MembershipState.ACTIVE, MembershipState.BANNED)),
    )


@rule(Community)
def accept_membership(viewer: Viewer, community: Any) -> Condition:
    return and_(
        community.state == CommunityState.ACTIVE, _has_membership(viewer, community.id, MembershipState.INVITED)
    )


@rule(Community)
def leave_community(viewer: Viewer, community: Any) -> Condition:
    return belongs_to(viewer, community.id)


@rule(Community)
def contribute_to_community(viewer: Viewer, community: Any) -> Condition:
    return contributes_to(viewer, community.id)


@rule(Community)
def manage_community(viewer: Viewer, community: Any) -> Condition:
    return belongs_to(viewer, community.id, roles=MANAGERS)


@rule(Community)
def edit_community(viewer: Viewer, community: Any) -> Condition:
    return and_(community.state == CommunityState.ACTIVE, manage_community(viewer, community))


@rule(Community)
def invite_guest(viewer: Viewer, community: Any) -> Condition:
    """Bring somebody in from outside, and vouch for them."""
    return and_(edit_community(viewer, community), adds_people(viewer, community.network_id))


@rule(Community)
def own_community(viewer: Viewer, community: Any) -> Condition:
    return belongs_to(viewer, community.id, roles=OWNERS)


@rule(Community)
def run_boards_in_community(viewer: Viewer, community: Any) -> Condition:
    return and_(
        community.state == CommunityState.ACTIVE,
        belongs_to(viewer, community.id, roles=PANEL),
        adds_people(viewer, community.network_id),
    )


@rule(Community)
def answer_in_community(viewer: Viewer, community: Any) -> Condition:
    """Look through what waits for an answer there: whoever is on its panel, guests among them."""
    return belongs_to(viewer, community.id, roles=PANEL | RESPONDERS)


@rule(Community)
def escalate_into_community(viewer: Viewer, community: Any) -> Condition:
    """One need not belong to the community that is asked for help: that it helps others is its purpose."""
    return and_(
        community.purpose == CommunityPurpose.ESCALATION,
        community.state == CommunityState.ACTIVE,
        stands_in(viewer, community.network_id, internal),
        read_community(viewer, community),
    )


@sight(Membership)
def see_membership(viewer: Viewer, membership: Any) -> Condition:
    """One's own in any state; active ones where the list is open, or only the managers'; all of them by managers."""
    community = aliased(Community)
    is_listed = some(
        community,
        where=[
            community.id == membership.community_id,
            or_(
                list_members(viewer, community),
                and_(col(membership.roles).bitwise_and(int(MANAGERS)) != 0, _names_managers(viewer, community)),
            ),
        ],
    )
    return or_(
        is_self(viewer, membership.member_id),
        and_(membership.state == MembershipState.ACTIVE, is_listed),
        belongs_to(viewer, membership.community_id, roles=MANAGERS),
    )


@rule(Membership)
def manage_membership(viewer: Viewer, membership: Any) -> Condition:
    return belongs_to(viewer, membership.community_id, roles=MANAGERS)

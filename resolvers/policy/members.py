"""Who may see whom (table D7, as far as there are fields)."""

from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import KioskKey, Member, MemberKind, Membership, MembershipState, MemberState, Question, Visit
from resolvers.policy.boards import visits
from resolvers.policy.communities import OWNERS, belongs_to
from resolvers.policy.networks import adds_people, administrator, internal, is_self, stands_in
from resolvers.policy.questions import PUBLISHED
from resolvers.policy.rules import Condition, Viewer, rule, sight, some
from resolvers.policy.written import NOW


def shares_community(viewer: Viewer, member: Any) -> Condition:
    membership = aliased(Membership)
    return some(
        membership,
        where=[
            membership.member_id == member.id,
            membership.state == MembershipState.ACTIVE,
            belongs_to(viewer, membership.community_id),
        ],
    )


def _shows_question_of(viewer: Viewer, member: Any) -> Condition:
    """A display names the asker of what it shows."""
    key, question = aliased(KioskKey), aliased(Question)
    return some(
        key,
        question,
        where=[
            key.principal_id == viewer,
            col(key.revoked_at).is_(None),
            question.board_id == key.board_id,
            question.on_screen,
            question.author_id == member.id,
        ],
    )


def _asks_where_visiting(viewer: Viewer, member: Any) -> Condition:
    """A visitor learns who asked what the hall can read."""
    visit, question = aliased(Visit), aliased(Question)
    return some(
        visit,
        question,
        where=[
            visit.principal_id == viewer,
            question.board_id == visit.board_id,
            question.author_id == member.id,
            col(question.state).in_(PUBLISHED),
            visits(viewer, visit.board_id),
        ],
    )


@sight(Member)
def see_member(viewer: Viewer, member: Any) -> Condition:
    return or_(
        stands_in(viewer, member.network_id, internal),
        is_self(viewer, member.id),
        shares_community(viewer, member),
        _shows_question_of(viewer, member),
        _asks_where_visiting(viewer, member),
    )


@rule(Member)
def read_headline(viewer: Viewer, member: Any) -> Condition:
    return or_(
        stands_in(viewer, member.network_id, internal), is_self(viewer, member.id), shares_community(viewer, member)
    )


@rule(Member)
def read_about(viewer: Viewer, member: Any) -> Condition:
    return or_(stands_in(viewer, member.network_id, internal), is_self(viewer, member.id))


@rule(Member)
def edit_member(viewer: Viewer, member: Any) -> Condition:
    return is_self(viewer, member.id)


@rule(Member)
def read_terms(viewer: Viewer, member: Any) -> Condition:
    """Until when somebody is here, who vouches for them and why they have gone."""
    return or_(stands_in(viewer, member.network_id, internal), is_self(viewer, member.id))


def _is_guest(member: Any, *states: MemberState) -> Condition:
    """Whose time is not over."""
    return and_(member.kind == MemberKind.GUEST, col(member.state).in_(states), member.expires_at > NOW)


@rule(Member)
def renew_guest(viewer: Viewer, member: Any) -> Condition:
    """Say that a guest is still there: who vouches for them, and who owns a community of theirs."""
    membership = aliased(Membership)
    owns = some(
        membership,
        where=[
            membership.member_id == member.id,
            membership.state == MembershipState.ACTIVE,
            belongs_to(viewer, membership.community_id, roles=OWNERS),
        ],
    )
    return and_(
        _is_guest(member, MemberState.ACTIVE),
        adds_people(viewer, member.network_id),
        or_(is_self(viewer, member.sponsor_id), owns),
    )


@rule(Member)
def remind_of_guest(viewer: Viewer, member: Any) -> Condition:
    """Whose guest's time will soon be over."""
    return and_(member.renewal_due_at <= NOW, renew_guest(viewer, member))


@rule(Member)
def take_over_guest(viewer: Viewer, member: Any) -> Condition:
    """Vouch for a guest in place of another, also for one for whom nobody does."""
    return and_(_is_guest(member, MemberState.ACTIVE, MemberState.GRACE), adds_people(viewer, member.network_id))


@rule(Member)
def administer_member(viewer: Viewer, member: Any) -> Condition:
    """Change role, kind and time, disable and enable (table D9)."""
    return stands_in(viewer, member.network_id, internal, administrator)

"""Who may take a seat by a join code, and who knows of it."""

from typing import Any

from sqlalchemy import Select, String, and_, bindparam, not_, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import Member, Membership, MembershipState, MemberState, QuestionBoard, Visit
from resolvers.policy.boards import READERS, RUNNING
from resolvers.policy.communities import is_open_to_all
from resolvers.policy.rules import VIEWER, Condition, Viewer, sight, some


def _takes(viewer: Viewer, board: Any) -> Condition:
    """No rule on the board: whoever has its code need not see it yet. Whoever was put out there stays out."""
    member, membership = aliased(Member), aliased(Membership)
    is_disabled = some(
        member,
        where=[
            member.network_id == board.network_id,
            member.principal_id == viewer,
            member.state == MemberState.DISABLED,
        ],
    )
    is_banned = some(
        membership,
        member,
        where=[
            membership.community_id == board.community_id,
            membership.state == MembershipState.BANNED,
            membership.member_id == member.id,
            member.principal_id == viewer,
        ],
    )
    return and_(
        board.state.in_(RUNNING),
        board.visitors.in_(READERS),
        is_open_to_all(board.community_id),
        not_(or_(is_disabled, is_banned)),
    )


# Built once, as a rule's statements are: in the hall it is asked dozens of times a second.
board_by_code: Select[QuestionBoard] = select(QuestionBoard).where(
    col(QuestionBoard.join_code) == bindparam("code", type_=String()), _takes(VIEWER, QuestionBoard)
)


@sight(Visit)
def see_visit(viewer: Viewer, visit: Any) -> Condition:
    """One's own seat, also when it is one no longer. Moderators know visitors by number, and by what they ask."""
    return visit.principal_id == viewer

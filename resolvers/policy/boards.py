"""Who may see, run and show a board."""

from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import BoardState, KioskKey, QuestionBoard
from resolvers.policy.communities import PANEL, belongs_to, contributes_to, is_active, reads
from resolvers.policy.networks import no_guest, stands_in
from resolvers.policy.rules import Condition, Viewer, rule, sight, some


def has_kiosk_key(viewer: Viewer, board_id: Any) -> Condition:
    key = aliased(KioskKey)
    return some(key, where=[key.board_id == board_id, key.principal_id == viewer, col(key.revoked_at).is_(None)])


@sight(QuestionBoard)
def see_board(viewer: Viewer, board: Any) -> Condition:
    return or_(reads(viewer, board.community_id), has_kiosk_key(viewer, board.id))


@rule(QuestionBoard)
def follow_board(viewer: Viewer, board: Any) -> Condition:
    return reads(viewer, board.community_id)


@rule(QuestionBoard)
def run_board(viewer: Viewer, board: Any) -> Condition:
    return belongs_to(viewer, board.community_id, roles=PANEL)


@rule(QuestionBoard)
def manage_board(viewer: Viewer, board: Any) -> Condition:
    """Open, pause and close it, and give keys to displays. A guest on the panel does not."""
    return and_(is_active(board.community_id), _keeps_keys(viewer, board))


def _keeps_keys(viewer: Viewer, board: Any) -> Condition:
    """Also in an archive: a key that has leaked must be revocable for ever."""
    return and_(run_board(viewer, board), stands_in(viewer, board.network_id, no_guest))


@rule(QuestionBoard)
def display_board(viewer: Viewer, board: Any) -> Condition:
    return or_(has_kiosk_key(viewer, board.id), belongs_to(viewer, board.community_id, roles=PANEL))


@rule(QuestionBoard)
def ask_on_board(viewer: Viewer, board: Any) -> Condition:
    return and_(board.state == BoardState.OPEN, contributes_to(viewer, board.community_id))


@sight(KioskKey)
def see_kiosk_key(viewer: Viewer, key: Any) -> Condition:
    board = aliased(QuestionBoard)
    return some(board, where=[board.id == key.board_id, _keeps_keys(viewer, board)])


@rule(KioskKey)
def revoke_kiosk_key(viewer: Viewer, key: Any) -> Condition:
    return see_kiosk_key(viewer, key)

"""Who may see, run and show a board."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import AnswerWindow, BoardState, KioskKey, QuestionBoard, ShowCounts, Visit, VisitorRights
from resolvers.policy.communities import PANEL, belongs_to, contributes_to, is_active, is_open_to_all, reads
from resolvers.policy.networks import adds_people
from resolvers.policy.rules import Condition, Viewer, rule, sight, some

RUNNING = (BoardState.OPEN, BoardState.PAUSED)
READERS = (VisitorRights.READ, VisitorRights.ASK, VisitorRights.ASK_AND_VOTE)
ASKERS = (VisitorRights.ASK, VisitorRights.ASK_AND_VOTE)
VOTERS = (VisitorRights.ASK_AND_VOTE,)


def _seats(viewer: Viewer, board: Any, rights: Collection[VisitorRights]) -> Condition:
    """The viewer came by the join code, and the board runs and lets visitors do this."""
    visit = aliased(Visit)
    has_seat = some(
        visit, where=[visit.board_id == board.id, visit.principal_id == viewer, col(visit.ended_at).is_(None)]
    )
    return and_(board.state.in_(RUNNING), board.visitors.in_(rights), has_seat, is_open_to_all(board.community_id))


def visits(viewer: Viewer, board_id: Any, rights: Collection[VisitorRights] = READERS) -> Condition:
    board = aliased(QuestionBoard)
    return some(board, where=[board.id == board_id, _seats(viewer, board, rights)])


def has_kiosk_key(viewer: Viewer, board_id: Any) -> Condition:
    key = aliased(KioskKey)
    return some(key, where=[key.board_id == board_id, key.principal_id == viewer, col(key.revoked_at).is_(None)])


@sight(QuestionBoard, local=True)
def see_board(viewer: Viewer, board: Any) -> Condition:
    return or_(follow_board(viewer, board), has_kiosk_key(viewer, board.id))


@rule(QuestionBoard, local=True)
def follow_board(viewer: Viewer, board: Any) -> Condition:
    return or_(reads(viewer, board.community_id), _seats(viewer, board, READERS))


@rule(QuestionBoard, local=True)
def run_board(viewer: Viewer, board: Any) -> Condition:
    return belongs_to(viewer, board.community_id, roles=PANEL)


@rule(QuestionBoard)
def manage_board(viewer: Viewer, board: Any) -> Condition:
    """Open, pause and close it, and give keys to displays. A guest on the panel does not."""
    return and_(is_active(board.community_id), _keeps_keys(viewer, board))


def _keeps_keys(viewer: Viewer, board: Any) -> Condition:
    """Also in an archive: a key that has leaked must be revocable for ever."""
    return and_(run_board(viewer, board), adds_people(viewer, board.network_id))


@rule(QuestionBoard, local=True)
def display_board(viewer: Viewer, board: Any) -> Condition:
    return or_(has_kiosk_key(viewer, board.id), belongs_to(viewer, board.community_id, roles=PANEL))


@rule(QuestionBoard, local=True)
def count_on_board(viewer: Viewer, board: Any) -> Condition:
    """How many voted for what is everybody's to see, or for those who run the board."""
    has_closed = and_(board.show_counts == ShowCounts.AFTER_CLOSE, board.state == BoardState.CLOSED)
    is_shown = and_(or_(board.show_counts == ShowCounts.ALWAYS, has_closed), see_board(viewer, board))
    return or_(is_shown, run_board(viewer, board))


@rule(QuestionBoard)
def ask_on_board(viewer: Viewer, board: Any) -> Condition:
    return and_(
        board.state == BoardState.OPEN, or_(contributes_to(viewer, board.community_id), _seats(viewer, board, ASKERS))
    )


@sight(KioskKey)
def see_kiosk_key(viewer: Viewer, key: Any) -> Condition:
    board = aliased(QuestionBoard)
    return some(board, where=[board.id == key.board_id, _keeps_keys(viewer, board)])


@rule(KioskKey)
def revoke_kiosk_key(viewer: Viewer, key: Any) -> Condition:
    return see_kiosk_key(viewer, key)


@sight(AnswerWindow)
def see_answer_window(viewer: Viewer, window: Any) -> Condition:
    board = aliased(QuestionBoard)
    return some(board, where=[board.id == window.board_id, see_board(viewer, board)])


@rule(AnswerWindow)
def change_answer_window(viewer: Viewer, window: Any) -> Condition:
    board = aliased(QuestionBoard)
    return some(board, where=[board.id == window.board_id, manage_board(viewer, board)])

"""Who may see and do what with a question (table D6)."""

from typing import Any

from sqlalchemy import and_, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import AuthorSeal, BoardState, Question, QuestionBoard, QuestionState, Vote
from resolvers.policy.boards import has_kiosk_key
from resolvers.policy.communities import PANEL, belongs_to, contributes_to, is_active, reads
from resolvers.policy.networks import is_self
from resolvers.policy.rules import Condition, Viewer, rule, sight, some

PUBLISHED = (QuestionState.VISIBLE, QuestionState.ANSWERED, QuestionState.DISMISSED)


def _asked_by(viewer: Viewer, question: Any) -> Condition:
    seal = aliased(AuthorSeal)
    is_sealed_asker = some(seal, where=[seal.question_id == question.id, seal.principal_id == viewer])
    return or_(is_self(viewer, question.author_id), is_sealed_asker)


@sight(Question)
def see_question(viewer: Viewer, question: Any) -> Condition:
    return or_(
        see_published_question(viewer, question),
        own_question(viewer, question),
        moderate_question(viewer, question),
        show_question(viewer, question),
    )


@rule(Question)
def see_published_question(viewer: Viewer, question: Any) -> Condition:
    """As the audience sees it, whoever looks."""
    return and_(question.state.in_(PUBLISHED), reads(viewer, question.community_id))


@rule(Question)
def follow_question(viewer: Viewer, question: Any) -> Condition:
    """In the viewer's own feed: what is asked in communities to which the viewer belongs."""
    return and_(question.state.in_(PUBLISHED), belongs_to(viewer, question.community_id))


@rule(Question)
def own_question(viewer: Viewer, question: Any) -> Condition:
    return and_(_asked_by(viewer, question), reads(viewer, question.community_id))


@rule(Question)
def moderate_question(viewer: Viewer, question: Any) -> Condition:
    return belongs_to(viewer, question.community_id, roles=PANEL)


@rule(Question)
def decide_question(viewer: Viewer, question: Any) -> Condition:
    """Let it through, turn it down, show it, mark it."""
    return and_(moderate_question(viewer, question), is_active(question.community_id))


@rule(Question)
def show_question(viewer: Viewer, question: Any) -> Condition:
    """On the hall's screen: for the screen itself and for those who run it."""
    return and_(
        question.on_screen,
        question.state.in_((QuestionState.VISIBLE, QuestionState.ANSWERED)),
        or_(has_kiosk_key(viewer, question.board_id), belongs_to(viewer, question.community_id, roles=PANEL)),
    )


@rule(Question)
def read_question(viewer: Viewer, question: Any) -> Condition:
    """A withdrawn body is the asker's alone."""
    return and_(
        or_(question.state != QuestionState.WITHDRAWN, own_question(viewer, question)), see_question(viewer, question)
    )


@rule(Question)
def see_rejection(viewer: Viewer, question: Any) -> Condition:
    return or_(own_question(viewer, question), moderate_question(viewer, question))


@rule(Question)
def withdraw_question(viewer: Viewer, question: Any) -> Condition:
    return and_(
        question.state.in_((QuestionState.PENDING, QuestionState.VISIBLE)),
        is_active(question.community_id),
        own_question(viewer, question),
    )


@rule(Question)
def upvote_question(viewer: Viewer, question: Any) -> Condition:
    board = aliased(QuestionBoard)
    running = (BoardState.OPEN, BoardState.PAUSED)
    is_running = some(board, where=[board.id == question.board_id, col(board.state).in_(running)])
    return and_(
        question.state == QuestionState.VISIBLE,
        is_running,
        contributes_to(viewer, question.community_id),
        not_(_asked_by(viewer, question)),
    )


@rule(Question)
def upvoted_question(viewer: Viewer, question: Any) -> Condition:
    vote = aliased(Vote)
    has_voted = some(vote, where=[vote.question_id == question.id, vote.principal_id == viewer])
    return and_(has_voted, see_question(viewer, question))

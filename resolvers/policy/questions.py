"""Who may see and do what with a question (table D6)."""

from typing import Any

from sqlalchemy import Uuid, and_, bindparam, not_, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import AuthorSeal, Question, QuestionAddressee, QuestionBoard, QuestionState, Vote
from resolvers.policy.boards import RUNNING, VOTERS, count_on_board, has_kiosk_key, visits
from resolvers.policy.communities import PANEL, belongs_to, contributes_to, is_active, reads
from resolvers.policy.networks import internal, is_self, stands_in
from resolvers.policy.rules import LOCK, Condition, Viewer, personal, rule, sight, some

PUBLISHED = (QuestionState.VISIBLE, QuestionState.ANSWERED, QuestionState.DISMISSED)


def _asked_by(viewer: Viewer, question: Any) -> Condition:
    seal = aliased(AuthorSeal)
    is_sealed_asker = some(seal, where=[seal.question_id == question.id, seal.principal_id == viewer])
    return or_(is_self(viewer, question.author_id), personal(is_sealed_asker))


def _attends(viewer: Viewer, question: Any) -> Condition:
    """The viewer sits in the hall: as a reader of the community, or as a visitor of the board."""
    return or_(reads(viewer, question.community_id), visits(viewer, question.board_id))


@sight(Question, local=True)
def see_question(viewer: Viewer, question: Any) -> Condition:
    return or_(
        see_published_question(viewer, question),
        _was_merged(viewer, question),
        own_question(viewer, question),
        moderate_question(viewer, question),
        show_question(viewer, question),
    )


@rule(Question, local=True)
def see_published_question(viewer: Viewer, question: Any) -> Condition:
    """As the audience sees it, whoever looks."""
    return and_(question.state.in_(PUBLISHED), _attends(viewer, question))


def _was_merged(viewer: Viewer, question: Any) -> Condition:
    """What the hall has seen leads on to what it was merged into."""
    return and_(question.state == QuestionState.MERGED, question.number.is_not(None), _attends(viewer, question))


@rule(Question)
def take_on_question(viewer: Viewer, question: Any) -> Condition:
    """Be given a task about it. That one asked it counts for nothing: or giving tasks would try out who did."""
    return or_(
        see_published_question(viewer, question), _was_merged(viewer, question), moderate_question(viewer, question)
    )


@rule(Question, local=True)
def follow_question(viewer: Viewer, question: Any) -> Condition:
    """In the viewer's own feed: what is asked in communities to which the viewer belongs."""
    return and_(question.state.in_(PUBLISHED), belongs_to(viewer, question.community_id))


@rule(Question, local=True)
def own_question(viewer: Viewer, question: Any) -> Condition:
    return and_(_asked_by(viewer, question), _attends(viewer, question))


@rule(Question, local=True)
def moderate_question(viewer: Viewer, question: Any) -> Condition:
    return belongs_to(viewer, question.community_id, roles=PANEL)


@rule(Question)
def decide_question(viewer: Viewer, question: Any) -> Condition:
    """Let it through, turn it down, show it, mark it."""
    return and_(moderate_question(viewer, question), is_active(question.community_id))


@rule(Question, local=True)
def show_question(viewer: Viewer, question: Any) -> Condition:
    """On the hall's screen: for the screen itself and for those who run it."""
    return and_(
        question.on_screen,
        question.state.in_((QuestionState.VISIBLE, QuestionState.ANSWERED)),
        or_(has_kiosk_key(viewer, question.board_id), belongs_to(viewer, question.community_id, roles=PANEL)),
    )


@rule(Question, local=True)
def read_question(viewer: Viewer, question: Any) -> Condition:
    """A withdrawn body is the asker's alone; a merged one is for its asker and the moderators."""
    return and_(
        or_(question.state != QuestionState.WITHDRAWN, own_question(viewer, question)),
        or_(
            question.state != QuestionState.MERGED,
            own_question(viewer, question),
            moderate_question(viewer, question),
        ),
        see_question(viewer, question),
    )


@rule(Question, local=True)
def count_votes(viewer: Viewer, question: Any) -> Condition:
    board = aliased(QuestionBoard)
    is_counted = some(board, where=[board.id == question.board_id, count_on_board(viewer, board)])
    return and_(is_counted, see_question(viewer, question))


@rule(Question, local=True)
def addressed_question(viewer: Viewer, question: Any) -> Condition:
    """It is put to the viewer."""
    addressee = aliased(QuestionAddressee)
    is_put = some(addressee, where=[addressee.question_id == question.id, is_self(viewer, addressee.member_id)])
    return and_(is_put, see_question(viewer, question))


@rule(Question, local=True)
def see_rejection(viewer: Viewer, question: Any) -> Condition:
    return or_(own_question(viewer, question), moderate_question(viewer, question))


@rule(Question)
def withdraw_question(viewer: Viewer, question: Any) -> Condition:
    return and_(
        question.state.in_((QuestionState.PENDING, QuestionState.VISIBLE)),
        is_active(question.community_id),
        own_question(viewer, question),
    )


def _is_own_or_holds_own(viewer: Viewer, question: Any) -> Condition:
    """Asked by the viewer, or with a question merged into it that was."""
    merged = aliased(Question)
    holds = some(merged, where=[merged.merged_into_id == question.id, _asked_by(viewer, merged)])
    return or_(_asked_by(viewer, question), holds)


@rule(Question)
def upvote_question(viewer: Viewer, question: Any) -> Condition:
    board = aliased(QuestionBoard)
    is_running = some(board, where=[board.id == question.board_id, col(board.state).in_(RUNNING)])
    return and_(
        question.state == QuestionState.VISIBLE,
        is_running,
        or_(contributes_to(viewer, question.community_id), visits(viewer, question.board_id, VOTERS)),
        not_(_is_own_or_holds_own(viewer, question)),
    )


@rule(Question, local=True)
def upvoted_question(viewer: Viewer, question: Any) -> Condition:
    """The viewer's vote, for it or for one that was merged into it."""
    vote, voted = aliased(Vote), aliased(Question)
    has_voted = some(
        vote,
        voted,
        where=[
            vote.principal_id == viewer,
            vote.question_id == voted.id,
            or_(col(voted.id) == question.id, col(voted.merged_into_id) == question.id),
        ],
    )
    return and_(personal(has_voted), see_question(viewer, question))


@rule(Question)
def edit_question(viewer: Viewer, question: Any) -> Condition:
    """Its asker while it waits; the moderators while it can still be read."""
    is_waiting = and_(question.state == QuestionState.PENDING, own_question(viewer, question))
    is_open = question.state.in_((QuestionState.PENDING, QuestionState.VISIBLE))
    return and_(is_active(question.community_id), or_(is_waiting, and_(is_open, moderate_question(viewer, question))))


@rule(Question)
def hand_on_question(viewer: Viewer, question: Any) -> Condition:
    """Make a task or an escalation of it: colleagues on the panel may."""
    return and_(
        question.state.in_((QuestionState.PENDING, *PUBLISHED)),
        decide_question(viewer, question),
        stands_in(viewer, question.network_id, internal),
    )


# How many votes one has at a time on the question's board, where that is bounded; and the board is locked.
voting_budget = (
    select(col(QuestionBoard.votes_per_person))
    .where(col(Question.id) == bindparam("question_id", type_=Uuid()), col(QuestionBoard.id) == col(Question.board_id))
    .where(col(QuestionBoard.votes_per_person).is_not(None))
    .with_for_update(of=QuestionBoard, **LOCK)
)

"""Who may see, run and vote in a poll, and who sees how it stands."""

from typing import Any

from sqlalchemy import and_, or_
from sqlalchemy.orm import aliased
from sqlmodel import col

from models import Ballot, Poll, PollOption, PollResults, PollState, QuestionBoard
from resolvers.policy.boards import VOTERS, has_kiosk_key, run_board, visits
from resolvers.policy.communities import PANEL, belongs_to, contributes_to, is_active, reads
from resolvers.policy.rules import Condition, Viewer, rule, sight, some

PUBLISHED = (PollState.OPEN, PollState.CLOSED)


@rule(QuestionBoard)
def create_poll_on_board(viewer: Viewer, board: Any) -> Condition:
    return and_(run_board(viewer, board), is_active(board.community_id))


@sight(Poll, local=True)
def see_poll(viewer: Viewer, poll: Any) -> Condition:
    return or_(see_published_poll(viewer, poll), moderate_poll(viewer, poll), show_poll(viewer, poll))


@rule(Poll, local=True)
def see_published_poll(viewer: Viewer, poll: Any) -> Condition:
    """As the audience sees it, whoever looks."""
    attends = or_(reads(viewer, poll.community_id), visits(viewer, poll.board_id))
    return and_(poll.state.in_(PUBLISHED), attends)


@rule(Poll, local=True)
def moderate_poll(viewer: Viewer, poll: Any) -> Condition:
    """A draft that was thrown away is there for nobody."""
    return and_(poll.state != PollState.WITHDRAWN, belongs_to(viewer, poll.community_id, roles=PANEL))


@rule(Poll)
def decide_poll(viewer: Viewer, poll: Any) -> Condition:
    """Open it, close it, throw it away."""
    return and_(moderate_poll(viewer, poll), is_active(poll.community_id))


@rule(Poll, local=True)
def show_poll(viewer: Viewer, poll: Any) -> Condition:
    """On the hall's screen, as long as one may vote: for the screen itself and for those who run it."""
    return and_(
        poll.state == PollState.OPEN,
        or_(has_kiosk_key(viewer, poll.board_id), belongs_to(viewer, poll.community_id, roles=PANEL)),
    )


@rule(Poll)
def vote_in_poll(viewer: Viewer, poll: Any) -> Condition:
    """A poll goes by its own state: one may be asked how it was when the board has closed. Visitors have left then."""
    attends = or_(contributes_to(viewer, poll.community_id), visits(viewer, poll.board_id, VOTERS))
    return and_(poll.state == PollState.OPEN, attends)


@rule(Poll, local=True)
def read_results(viewer: Viewer, poll: Any) -> Condition:
    """How many voted, and for what."""
    is_told = or_(poll.results == PollResults.ALWAYS, poll.state == PollState.CLOSED)
    return or_(moderate_poll(viewer, poll), and_(is_told, see_poll(viewer, poll)))


def _of_poll(poll_id: Any, viewer: Viewer, rule: Any) -> Condition:
    poll = aliased(Poll)
    return some(poll, where=[poll.id == poll_id, rule(viewer, poll)])


@sight(PollOption)
def see_option(viewer: Viewer, option: Any) -> Condition:
    return _of_poll(option.poll_id, viewer, see_poll)


@rule(PollOption)
def count_option(viewer: Viewer, option: Any) -> Condition:
    return _of_poll(option.poll_id, viewer, read_results)


def _moderates_named(viewer: Viewer, poll: Any) -> Condition:
    return and_(~col(poll.anonymous), moderate_poll(viewer, poll))


@sight(Ballot)
def see_ballot(viewer: Viewer, ballot: Any) -> Condition:
    """One's own. Those of others only the panel, and only if the poll is not anonymous."""
    return or_(
        and_(ballot.principal_id == viewer, _of_poll(ballot.poll_id, viewer, see_poll)),
        _of_poll(ballot.poll_id, viewer, _moderates_named),
    )

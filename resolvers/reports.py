"""What a board, a session or a conference came to: counts over what the viewer may read, and over nothing else."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, case, cast, distinct, func
from sqlmodel import col

from models import (
    Community,
    Content,
    ContentKind,
    Lifecycle,
    Membership,
    MembershipState,
    Network,
    Poll,
    Question,
    QuestionBoard,
    QuestionState,
    Session,
    Vote,
)
from resolvers import policy
from resolvers.context import Context
from resolvers.policy import Condition
from resolvers.session import Reader

DISCUSSIONS, IDEAS = 5, 10
STANDING = (QuestionState.VISIBLE, QuestionState.ANSWERED, QuestionState.DISMISSED)


@dataclass(frozen=True)
class Scope:
    """What is reported on. Each condition narrows one table to it."""

    title: str
    communities: Condition
    questions: Condition
    polls: Condition
    contents: Condition
    is_conference: bool = False


@dataclass(frozen=True)
class Report:
    """Times are in seconds; they and the share are None where nothing was answered, or asked."""

    title: str
    sessions: int
    expected: int
    checked_in: int
    askers: int
    voters: int
    ballots: int
    questions: Mapping[QuestionState, int]
    median_time_to_answer: int | None
    time_to_first_answer: int | None
    discussions: Sequence[Content]
    ideas: Sequence[Content]

    @property
    def share_answered(self) -> float | None:
        standing = sum(self.questions.get(state, 0) for state in STANDING)
        return self.questions.get(QuestionState.ANSWERED, 0) / standing if standing else None


async def on_board(ctx: Context, board_id: UUID) -> Report:
    """For those who run it."""
    async with ctx.reading() as db:
        return await _read(db, _board(await db.get(policy.run_board, board_id)))


async def on_session(ctx: Context, session_id: UUID) -> Report:
    """For those who run its boards: all that was said in its community."""
    async with ctx.reading() as db:
        return await _read(db, _session(await db.get(policy.report_on_session, session_id)))


async def on_conference(ctx: Context, network_id: UUID) -> Report:
    """For the administrators of the network, who do not read all of it."""
    async with ctx.reading() as db:
        return await _read(db, _conference(await db.get(policy.administer_network, network_id)))


def _board(board: QuestionBoard) -> Scope:
    return Scope(
        board.title,
        communities=col(Community.id) == board.community_id,
        questions=col(Question.board_id) == board.id,
        polls=col(Poll.board_id) == board.id,
        contents=col(Content.community_id) == board.community_id,
    )


def _session(session: Session) -> Scope:
    return Scope(
        session.title,
        communities=col(Community.id) == session.community_id,
        questions=col(Question.community_id) == session.community_id,
        polls=col(Poll.community_id) == session.community_id,
        contents=col(Content.community_id) == session.community_id,
    )


def _conference(network: Network) -> Scope:
    return Scope(
        network.name,
        communities=col(Community.network_id) == network.id,
        questions=col(Question.network_id) == network.id,
        polls=col(Poll.network_id) == network.id,
        contents=col(Content.network_id) == network.id,
        is_conference=True,
    )


async def _read(db: Reader, scope: Scope) -> Report:
    sessions, expected, checked_in = await _heads(db, scope)
    asked = await _asked(db, scope)
    median, first = _times(asked)
    return Report(
        title=scope.title,
        sessions=sessions,
        expected=expected,
        checked_in=checked_in,
        askers=len({question.asker for question in asked}),
        voters=await _voters(db, scope),
        ballots=await _number(db, db.select(policy.read_results).where(scope.polls), func.sum(Poll.voters)),
        questions=_states(asked),
        median_time_to_answer=median,
        time_to_first_answer=first,
        discussions=await _contents(db, scope, ContentKind.TOPIC, DISCUSSIONS, col(Content.comment_count) > 0),
        ideas=await _contents(db, scope, ContentKind.IDEA, IDEAS),
    )


async def _number(db: Reader, rows: Select[Any], number: Any) -> int:
    return int((await db.execute(rows.with_only_columns(number))).scalar() or 0)


async def _heads(db: Reader, scope: Scope) -> tuple[int, int, int]:
    """Sessions, who plans to be there, and who came: each person once. A conference is those of its sessions."""
    is_member = col(Membership.state) == MembershipState.ACTIVE
    has_come = col(Membership.checked_in_at).is_not(None)
    counted = (
        db.select(policy.read_community)
        .where(scope.communities)
        .join(Membership, col(Membership.community_id) == Community.id)
        .join(Session, col(Session.community_id) == Community.id, isouter=not scope.is_conference)
        .with_only_columns(
            func.count(distinct(col(Session.id))),
            func.count(distinct(case((is_member, col(Membership.member_id))))),
            func.count(distinct(case((has_come, col(Membership.member_id))))),
        )
    )
    sessions, expected, checked_in = (await db.execute(counted)).one()
    return sessions, expected, checked_in


async def _voters(db: Reader, scope: Scope) -> int:
    """Of questions whose votes the viewer may count. Ballots are apart: together they would tell who cast one."""
    voted = db.select(policy.count_votes).where(scope.questions).join(Vote, col(Vote.question_id) == Question.id)
    return await _number(db, voted, func.count(distinct(col(Vote.principal_id))))


async def _asked(db: Reader, scope: Scope) -> Sequence[Any]:
    """What is counted of each question, all of it read at one moment.

    An asker is a member who asked by name, or a handle without one: so nobody is found to be both.
    """
    asker = func.coalesce(cast(Question.author_id, String), Question.asker_handle, cast(Question.id, String))
    seen = db.select(policy.see_question).where(scope.questions)
    facts = [col(Question.state), col(Question.board_id), col(Question.published_at), col(Question.answered_at)]
    columns: list[Any] = [asker.label("asker"), *facts]
    return (await db.execute(seen.with_only_columns(*columns))).all()


def _states(asked: Sequence[Any]) -> dict[QuestionState, int]:
    found = Counter(question.state for question in asked)
    return {state: found[state] for state in QuestionState if state in found}


def _times(asked: Sequence[Any]) -> tuple[int | None, int | None]:
    """How long a question waited for its answer, and how long a board for its first: the median, in seconds."""
    published = [question for question in asked if question.published_at and question.state in STANDING]
    answered = [question for question in published if question.answered_at]
    waits = [(question.answered_at - question.published_at).total_seconds() for question in answered]
    first_asked = _first((question.board_id, question.published_at) for question in published)
    first_answered = _first((question.board_id, question.answered_at) for question in answered)
    return _median(waits), _median([(at - first_asked[id]).total_seconds() for id, at in first_answered.items()])


def _first(moments: Iterable[tuple[UUID, datetime]]) -> dict[UUID, datetime]:
    """The earliest moment of each board."""
    return dict(sorted(moments, key=itemgetter(1), reverse=True))


def _median(seconds: Sequence[float]) -> int | None:
    return round(statistics.median(seconds)) if seconds else None


async def _contents(db: Reader, scope: Scope, kind: ContentKind, most: int, *where: Condition) -> Sequence[Content]:
    """Those that were talked about most."""
    published = (scope.contents, col(Content.kind) == kind, col(Content.lifecycle) == Lifecycle.PUBLISHED)
    talked_about = (col(Content.comment_count).desc(), col(Content.published_at).desc(), col(Content.id))
    return await db.all(db.select(policy.see_content).where(*published, *where).order_by(*talked_about).limit(most))

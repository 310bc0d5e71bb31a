"""Polls: drafted, opened, voted in, closed."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from models import (
    Ballot,
    BallotChoice,
    Kind,
    Member,
    Poll,
    PollOption,
    PollResults,
    PollState,
    Visit,
)
from realtime import topics
from resolvers import policy
from resolvers.context import Context
from resolvers.errors import Conflict, Flaw, Invalid
from resolvers.form import form
from resolvers.paging import Listing
from resolvers.session import Reader, Transaction

PUBLISHED = Listing("polls", policy.see_published_poll, order=("-opened_at",), parent="board_id")
ALL = Listing("polls_all", policy.moderate_poll, order=("-created_at",), parent="board_id")
SHOWN = Listing("polls_shown", policy.show_poll, order=("-opened_at",), parent="board_id")
BALLOTS = Listing("ballots", policy.see_ballot, order=("created_at",), parent="poll_id")

OPTIONS_LEAST, OPTIONS_MOST = 2, 20


async def create(
    ctx: Context,
    board_id: UUID,
    *,
    title: str,
    options: list[str],
    choices_most: int,
    anonymous: bool,
    results: PollResults,
) -> Poll:
    """A draft. Who votes, and what for, is settled with it: voters rely on `anonymous` and `results`."""
    title, options = _checked(title, options, choices_most)
    async with ctx.transaction() as tx:
        board = await tx.get(policy.create_poll_on_board, board_id, lock=False)
        poll = Poll(
            network_id=board.network_id,
            community_id=board.community_id,
            board_id=board_id,
            title=title,
            choices_most=choices_most,
            anonymous=anonymous,
            results=results,
        )
        await tx.add(poll)
        for position, text in enumerate(options):
            await tx.add(PollOption(poll_id=poll.id, position=position, text=text))
        _tell(tx, poll)
        return tx.answer(poll)


def _checked(title: str, options: list[str], choices_most: int) -> tuple[str, list[str]]:
    with form() as check:
        title = check.text("title", title, most=300)
        if not OPTIONS_LEAST <= len(options) <= OPTIONS_MOST:
            check.flaw("options", f"options needs between {OPTIONS_LEAST} and {OPTIONS_MOST} entries")
        options = [check.text("options", text, most=200) for text in options]
        if len(set(options)) < len(options):
            check.flaw("options", "options has the same entry twice")
        if not 1 <= choices_most <= max(len(options), 1):
            check.flaw("choicesMost", "choicesMost lies between 1 and the number of options")
    return title, options


def _tell(tx: Transaction, poll: Poll, kind: Kind = Kind.ROW) -> None:
    tx.announce([topics.board(poll.board_id)], kind, poll)


async def open_(ctx: Context, poll_id: UUID) -> Poll:
    """Let people vote."""
    return await _move(ctx, poll_id, PollState.DRAFT, PollState.OPEN)


async def close(ctx: Context, poll_id: UUID) -> Poll:
    """Count no more ballots."""
    return await _move(ctx, poll_id, PollState.OPEN, PollState.CLOSED)


async def withdraw(ctx: Context, poll_id: UUID) -> Poll:
    """Throw a draft away."""
    return await _move(ctx, poll_id, PollState.DRAFT, PollState.WITHDRAWN)


async def _move(ctx: Context, poll_id: UUID, origin: PollState, state: PollState) -> Poll:
    async with ctx.transaction() as tx:
        poll = await tx.get(policy.decide_poll, poll_id)
        if poll.state is not origin:
            raise Conflict(f"The poll is {poll.state.lower()}.")
        poll.state = state
        if state is PollState.OPEN:
            poll.opened_at = tx.now
        if state is PollState.CLOSED:
            poll.closed_at = tx.now
        _tell(tx, poll)
        return tx.answer(poll)


async def cast(ctx: Context, poll_id: UUID, *, option_ids: Collection[UUID]) -> Poll:
    """The viewer's ballot, or another choice on the one that was cast."""
    async with ctx.transaction() as tx:
        poll = await tx.get(policy.vote_in_poll, poll_id)
        wanted = set(option_ids)
        _check_choice(wanted, await _options(tx, poll), poll.choices_most)
        ballot = Ballot(poll_id=poll_id, principal_id=ctx.viewer)
        if await tx.add_once(ballot):
            await tx.count(Poll.voters, poll, 1)
        elif found := await _ballot(tx, poll):
            ballot = found
        if await _choose(tx, poll, ballot, wanted):
            _tell(tx, poll, Kind.COUNTERS)
        return tx.answer(poll)


def _check_choice(wanted: Collection[UUID], options: Sequence[PollOption], most: int) -> None:
    if not wanted:
        raise Invalid(Flaw("A ballot names an option; to take yours back, retract it.", ("optionIds",)))
    if len(wanted) > most:
        raise Invalid(Flaw(f"A ballot names at most {most} of the options.", ("optionIds",)))
    if not set(wanted) <= {option.id for option in options}:
        raise Invalid(Flaw("That is no option of this poll.", ("optionIds",)))


async def retract(ctx: Context, poll_id: UUID) -> Poll:
    """Take the viewer's ballot back. Without one, nothing happens."""
    async with ctx.transaction() as tx:
        poll = await tx.get(policy.vote_in_poll, poll_id)
        if ballot := await _ballot(tx, poll):
            await _choose(tx, poll, ballot, set())
            await tx.raw(delete(Ballot).where(col(Ballot.id) == ballot.id))
            await tx.count(Poll.voters, poll, -1)
            _tell(tx, poll, Kind.COUNTERS)
        return tx.answer(poll)


async def _options(tx: Transaction, poll: Poll) -> Sequence[PollOption]:
    return await tx.find_all(PollOption, PollOption.poll_id == poll.id, order=PollOption.position)


async def _ballot(tx: Transaction, poll: Poll) -> Ballot | None:
    return await tx.find(Ballot, Ballot.poll_id == poll.id, Ballot.principal_id == tx.viewer)


async def _choose(tx: Transaction, poll: Poll, ballot: Ballot, wanted: Collection[UUID]) -> bool:
    """Make these the ballot's choices; whether that changes anything. The poll is locked, so nobody else counts."""
    of_ballot = col(BallotChoice.ballot_id) == ballot.id
    chosen = {choice.option_id for choice in await tx.find_all(BallotChoice, of_ballot)}
    for option in await _options(tx, poll):
        if option.id in chosen and option.id not in wanted:
            await tx.raw(delete(BallotChoice).where(of_ballot, col(BallotChoice.option_id) == option.id))
            await tx.count(PollOption.votes, option, -1)
        if option.id in wanted and option.id not in chosen:
            await tx.add(BallotChoice(ballot_id=ballot.id, option_id=option.id))
            await tx.count(PollOption.votes, option, 1)
    return chosen != set(wanted)


async def options_of(db: Reader, poll_ids: Collection[UUID]) -> dict[UUID, list[PollOption]]:
    """The options of polls that the viewer sees, in their order."""
    found: dict[UUID, list[PollOption]] = defaultdict(list)
    for option in await db.find_all(PollOption, col(PollOption.poll_id).in_(poll_ids), order=PollOption.position):
        found[option.poll_id].append(option)
    return dict(found)


async def choices_of_viewer(db: Reader, poll_ids: Collection[UUID]) -> dict[UUID, list[PollOption]]:
    """What the viewer chose in polls that the viewer sees."""
    mine = await db.find_all(Ballot, col(Ballot.poll_id).in_(poll_ids), Ballot.principal_id == db.viewer)
    chosen = await choices_on(db, [ballot.id for ballot in mine])
    return {ballot.poll_id: chosen[ballot.id] for ballot in mine}


async def choices_on(db: Reader, ballot_ids: Collection[UUID]) -> dict[UUID, list[PollOption]]:
    """What was chosen on ballots that the viewer sees, in the order of the options."""
    choices = await db.find_all(BallotChoice, col(BallotChoice.ballot_id).in_(ballot_ids))
    wanted = {choice.option_id for choice in choices}
    options = await db.find_all(PollOption, col(PollOption.id).in_(wanted), order=PollOption.position)
    chosen = {(choice.ballot_id, choice.option_id) for choice in choices}
    return {id: [option for option in options if (id, option.id) in chosen] for id in ballot_ids}


async def _cast(db: Reader, ballot_ids: Collection[UUID]) -> list[tuple[Ballot, Poll]]:
    ballots = await db.find_all(Ballot, col(Ballot.id).in_(ballot_ids))
    wanted = {ballot.poll_id for ballot in ballots}
    polls = {poll.id: poll for poll in await db.find_all(Poll, col(Poll.id).in_(wanted))}
    return [(ballot, polls[ballot.poll_id]) for ballot in ballots]


async def voters_on(db: Reader, ballot_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The members who cast ballots that the viewer sees; whether the viewer may see the members is asked elsewhere."""
    cast = await _cast(db, ballot_ids)
    voters = {ballot.principal_id for ballot, _ in cast}
    members = await db.find_all(Member, col(Member.principal_id).in_(voters))
    named = {(member.network_id, member.principal_id): member.id for member in members}
    keys = {ballot.id: (poll.network_id, ballot.principal_id) for ballot, poll in cast}
    return {ballot_id: named[key] for ballot_id, key in keys.items() if key in named}


async def visitors_on(db: Reader, ballot_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names by which visitors cast ballots that the viewer sees."""
    cast = await _cast(db, ballot_ids)
    voters = {ballot.principal_id for ballot, _ in cast}
    visits = await db.find_all(Visit, col(Visit.principal_id).in_(voters))
    named = {(visit.board_id, visit.principal_id): visit.name for visit in visits}
    keys = {ballot.id: (poll.board_id, ballot.principal_id) for ballot, poll in cast}
    return {ballot_id: named[key] for ballot_id, key in keys.items() if key in named}

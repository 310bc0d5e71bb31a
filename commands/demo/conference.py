"""Halden Days 2026: a network of its own, with guests, a programme, a keynote and the board of its questions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from commands.demo import places
from commands.demo.cast import AMARA, CLARA, CONFERENCE, CROWD, GUESTS, KARIN, PAUL, RUTH, SOFIA, Person
from commands.demo.story import Story
from models import (
    Admits,
    AnsweredHow,
    BoardState,
    CommunityRole,
    MemberKind,
    Network,
    NetworkKind,
    Question,
    QuestionBoard,
    Session,
    Speaker,
)
from resolvers import (
    boards,
    communities,
    frab,
    imports,
    merges,
    networks,
    panels,
    policy,
    questions,
    schedules,
    speakers,
)
from resolvers import votes as upvotes
from resolvers.programme import Draft

NAMES = {key: name for key, (_, name) in places.COMMUNITIES.items()}
PROGRAMME = files(__package__).joinpath("programme.xml")
OPENS_BEFORE = timedelta(hours=24)

PARTS = 3


async def tell(story: Story) -> None:
    story.told("Halden Days and its guests")
    network = await story.found(places.NETWORKS[CONFERENCE], NetworkKind.EVENT, CLARA)
    for colleague in (AMARA, SOFIA):
        await story.hire(network, colleague, by=CLARA)
    for guest in GUESTS:
        await story.hire(network, guest, by=CLARA, kind=MemberKind.EXTERNAL)
    story.told("The programme")
    sessions = await _programme(story, network)
    await _foyer(story, network)
    await _plans(story, network, sessions)
    story.told("The keynote and its questions")
    await _ask(story, await _keynote(story, sessions[NAMES[places.KEYNOTE]]))


async def _programme(story: Story, network: Network) -> dict[str, Session]:
    """Imported as any conference is, and moved so that the keynote is going on when somebody looks. By title."""
    conference = _now(frab.read(PROGRAMME.read_bytes()))
    await networks.update(story.by(CLARA), network.id, time_zone=conference.time_zone, outsider_tier=None)
    clara = story.by(CLARA)
    async with clara.transaction() as tx:
        await imports.take_in(
            tx, await tx.get(policy.administer_network, network.id), conference, opens_before=OPENS_BEFORE
        )
    async with clara.reading() as db:
        sessions = await db.find_all(Session, Session.network_id == network.id)
    return {session.title: session for session in sessions}


def _now(conference: frab.Conference) -> frab.Conference:
    (keynote,) = [talk for talk in conference.talks if talk.title == NAMES[places.KEYNOTE]]
    now = datetime.now(UTC)
    begins = now.replace(minute=now.minute // 30 * 30, second=0, microsecond=0) - timedelta(minutes=30)
    by = begins - keynote.starts_at
    talks = [replace(talk, starts_at=talk.starts_at + by, ends_at=talk.ends_at + by) for talk in conference.talks]
    return replace(conference, talks=talks)


async def _plans(story: Story, network: Network, sessions: dict[str, Session]) -> None:
    """Who speaks says so; some plan to attend; one talk moves, and one is called off."""
    for speaker in (RUTH, SOFIA):
        async with story.by(CLARA).reading() as db:
            named = await db.find(Speaker, Speaker.network_id == network.id, Speaker.name == speaker.name)
        if named:
            _, token = await speakers.create_claim(story.by(CLARA), named.id)
            await speakers.claim(story.by(speaker), token=token)
    others = [session for title, session in sorted(sessions.items()) if title != NAMES[places.KEYNOTE]]
    for n, guest in enumerate(CROWD):
        for session in others[n % 3 :: 3 + n % 2]:
            await communities.join(story.by(guest), session.community_id)
    moved, off = sessions["Cable glands, or how water finds its way"], sessions["Torque drivers: a comparison"]
    larger = Draft(room="Main hall")
    await schedules.change(story.by(CLARA), moved.id, larger, note="More of you want to come than the library holds.")
    await schedules.cancel(story.by(CLARA), off.id, note="Lena is needed at a customer's. The drivers are at her desk.")


async def _foyer(story: Story, network: Network) -> None:
    foyer = await story.community(
        network,
        NAMES[places.FOYER],
        by=CLARA,
        about="Everybody who is here. Lost scarves, shared taxis, the best table at lunch.",
        admits=Admits.EXTERNALS,
    )
    await story.join(foyer, [*GUESTS, AMARA, SOFIA])
    await story.post(
        foyer,
        CLARA,
        "Welcome! The keynote begins at half past nine in the main hall",
        "Coffee is on both floors. Your questions go on the board of the keynote, with your name or without it.",
        "programme",
    )
    taxi = await story.topic(foyer, KARIN, "Who shares a taxi to the airport at five?", "Two seats are free.", "travel")
    await story.comment(taxi, CROWD[5], "One for me, please. I have only hand luggage.")


async def _keynote(story: Story, session: Session) -> QuestionBoard:
    await _seat(story, session)
    async with story.by(CLARA).reading() as db:
        board = await db.find(QuestionBoard, QuestionBoard.community_id == session.community_id)
    if board is None:
        raise LookupError("each session has a board")
    await boards.update(story.by(CLARA), board.id, title=places.BOARD, plan=boards.AS_IT_IS)
    story.clock.skip(hours=3)
    if board.state is BoardState.OPEN:
        return board
    return await boards.open_(story.by(CLARA), board.id)


async def _seat(story: Story, session: Session) -> None:
    async with story.by(CLARA).reading() as db:
        keynote = await db.get(policy.see_community, session.community_id)
    await story.admit(keynote, AMARA, CommunityRole.MANAGER, by=CLARA)
    await story.join(keynote, [guest for guest in GUESTS if guest is not RUTH])
    for early in CROWD[:5]:
        await schedules.check_in(story.by(early), session.id)


async def _ask(story: Story, board: QuestionBoard) -> None:
    async def ask(asker: Person, body: str, *, votes: int = 0, anonymous: bool = False) -> Question:
        asked = await questions.ask(story.by(asker), board.id, body=body, anonymous=anonymous)
        if votes:
            await panels.approve(story.by(CLARA), asked.id)
        for voter in [guest for guest in GUESTS if guest not in {asker, RUTH}][:votes]:
            await upvotes.upvote(story.by(voter), asked.id)
        return asked

    answered = await ask(CROWD[0], "Is ±0.1 % of reading or of full scale? Your brochure says only ±0.1 %.", votes=8)
    await panels.mark_answered(story.by(CLARA), answered.id, how=AnsweredHow.LIVE)
    shown = await ask(KARIN, "How often do you really have to calibrate, if nothing ever changes?", votes=7)
    await panels.show(story.by(CLARA), shown.id, on_screen=True)
    await ask(PAUL, "Our auditor wants a certificate for every meter. Does anybody read them?", votes=5, anonymous=True)
    await ask(CROWD[1], "What does a measurement uncertainty budget cost, and who pays for it?", votes=3)
    await ask(CROWD[6], "May I use the raw signal in my own software?", votes=2)
    advert = await ask(CROWD[6], "Visit Lee Controls at stand 14, we have biscuits!")
    await panels.reject(story.by(CLARA), advert.id, reason="The board is for questions. The biscuits are good, though.")
    taken_back = await ask(CROWD[3], "When will the slides be on line?")
    await merges.withdraw(story.by(CROWD[3]), taken_back.id)
    await ask(CROWD[2], "Will there be a meter without a display one day?")
    await ask(PAUL, "Why did the batch with the wet glands pass the final test?", anonymous=True)

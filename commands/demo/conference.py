"""Halden Days 2026: a network of its own, with guests, a keynote and the board of its questions."""

from commands.demo import places
from commands.demo.cast import AMARA, CLARA, CONFERENCE, CROWD, GUESTS, KARIN, PAUL, RUTH, SOFIA, Person
from commands.demo.story import Story
from models import (
    Admits,
    AnsweredHow,
    Community,
    CommunityPurpose,
    CommunityRole,
    MemberKind,
    Network,
    NetworkKind,
    Question,
    QuestionBoard,
)
from resolvers import boards, merges, panels, questions
from resolvers import votes as upvotes

NAMES = {key: name for key, (_, name) in places.COMMUNITIES.items()}
ABOUT_KEYNOTE = "Ruth Abel and Sofia Marin on uncertainty, and what it costs. Ask on the board; we read all of it."

PARTS = 2


async def tell(story: Story) -> None:
    story.told("Halden Days and its guests")
    network = await story.found(places.NETWORKS[CONFERENCE], NetworkKind.EVENT, CLARA)
    for colleague in (AMARA, SOFIA):
        await story.hire(network, colleague, by=CLARA)
    for guest in GUESTS:
        await story.hire(network, guest, by=CLARA, kind=MemberKind.EXTERNAL)
    await _foyer(story, network)
    story.told("The keynote and its questions")
    await _ask(story, await _keynote(story, network))


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


async def _keynote(story: Story, network: Network) -> QuestionBoard:
    keynote = await story.community(
        network,
        NAMES[places.KEYNOTE],
        by=CLARA,
        about=ABOUT_KEYNOTE,
        purpose=CommunityPurpose.SESSION,
        admits=Admits.EXTERNALS,
    )
    await _seat(story, keynote)
    board = await boards.create(
        story.by(CLARA),
        keynote.id,
        title=places.BOARD,
        plan=boards.Plan(open_per_asker=10, asks_per_minute=10),
    )
    story.clock.skip(hours=3)
    return await boards.open_(story.by(CLARA), board.id)


async def _seat(story: Story, keynote: Community) -> None:
    await story.admit(keynote, AMARA, CommunityRole.MANAGER, by=CLARA)
    for speaker in (RUTH, SOFIA):
        await story.admit(keynote, speaker, CommunityRole.PRESENTER, by=CLARA)
    await story.join(keynote, [guest for guest in GUESTS if guest is not RUTH])


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

"""Four questions that support could not solve: two are answered, one is in somebody's hands, one waits."""

from datetime import timedelta

from commands.demo.cast import HENRIK, JONAS, LENA, NADIA, PRIYA, SOFIA, TOM, WEI, Person
from commands.demo.story import Story
from models import Community, Content, Escalation
from resolvers import comments, tasks
from resolvers import escalations as operations


async def tell(story: Story, support: Community, developers: Community) -> None:
    await _answered_in_the_open(story, support, developers)
    await _answered_when_asked(story, support, developers)
    await _errand(story, support)
    await _in_hand(story, support, developers)
    await _waiting(story, support, developers)


async def _escalate(story: Story, topic: Content, developers: Community, *, by: Person) -> Escalation:
    return await operations.escalate(story.by(by), topic.id, community_id=developers.id, title=None, body=None)


async def _answer(story: Story, found: Escalation, words: str, *, by: Person, asker: Person) -> None:
    answer = await comments.add(story.by(by), found.topic_id, body=words)
    await comments.accept(story.by(asker), answer.id)


async def _relay(story: Story, topic: Content, words: str, *, by: Person, asker: Person) -> None:
    """The answer also stands where the question came from."""
    relayed = await story.comment(topic, by, words)
    await comments.accept(story.by(asker), relayed.id)


async def _answered_in_the_open(story: Story, support: Community, developers: Community) -> None:
    topic = await story.topic(
        support,
        TOM,
        "Gateway forgets the time after a power cut",
        "GW-3 comes back in 1970 and the customer's historian refuses the data until NTP answers, half an hour later.",
        "gw-3",
        "time",
    )
    found = await _escalate(story, topic, developers, by=TOM)
    story.clock.advance(hours=3)
    words = "The backup capacitor holds ten minutes. From 2.8 on the gateway keeps data back until it knows the time."
    await _answer(story, found, words, by=WEI, asker=TOM)
    await _relay(story, topic, f"Wei says: {words}", by=PRIYA, asker=TOM)


async def _answered_when_asked(story: Story, support: Community, developers: Community) -> None:
    topic = await story.topic(
        support,
        LENA,
        "PROFINET: name of station is lost after a factory reset of the PLC",
        "It happens at two sites with the same integrator. They re-assign the name each time and are not amused.",
        "fm-80",
        "profinet",
    )
    found = await _escalate(story, topic, developers, by=LENA)
    story.clock.advance(hours=20)
    member = story.members[developers.network_id, NADIA]
    found = await operations.push(story.by(LENA), found.id, member_id=member.id, due_at=None)
    if found.task_id:
        await tasks.accept(story.by(NADIA), found.task_id)
        await tasks.say(story.by(NADIA), found.task_id, body="Can you get me a capture of the start-up?")
        await tasks.say(story.by(LENA), found.task_id, body="It is in the folder of the ticket, 40 seconds.")
    words = "The PLC sends a reset with option 2, which clears the name. Option 1 does what they want."
    await _answer(story, found, words, by=NADIA, asker=LENA)
    await _relay(story, topic, f"Solved by Nadia: {words}", by=TOM, asker=LENA)


async def _errand(story: Story, support: Community) -> None:
    """A task that is about nothing here."""
    await tasks.create(
        story.by(LENA),
        support.network_id,
        assignee_id=story.members[support.network_id, HENRIK].id,
        title="Take two spare displays to Esbjerg",
        body="The harbour office signs for them. They close at four.",
        due_at=story.clock.now() + timedelta(days=4),
    )


async def _in_hand(story: Story, support: Community, developers: Community) -> None:
    """Nobody answered, so it was put to Sofia, who knew a better-placed colleague."""
    topic = await story.topic(
        support,
        PRIYA,
        "FM-80 is noisy on long 4-20 mA lines",
        "300 m to the control room, ±2 % on the display there, quiet on ours. Shield is grounded at one end.",
        "fm-80",
        "analog",
    )
    found = await _escalate(story, topic, developers, by=PRIYA)
    story.clock.advance(hours=18)
    hands = {person: story.members[developers.network_id, person].id for person in (SOFIA, JONAS)}
    due_at = story.clock.now() + timedelta(days=5)
    found = await operations.push(story.by(PRIYA), found.id, member_id=hands[SOFIA], due_at=due_at)
    if found.task_id:
        await tasks.reassign(story.by(SOFIA), found.task_id, assignee_id=hands[JONAS])
        await tasks.say(story.by(SOFIA), found.task_id, body="Jonas, you wrote the output filter. I will watch.")
        await tasks.say(story.by(PRIYA), found.task_id, body="They can test on site tomorrow until noon.")


async def _waiting(story: Story, support: Community, developers: Community) -> None:
    story.clock.skip(hours=5)
    topic = await story.topic(
        support,
        PRIYA,
        "WS-12: Modbus register 40071 reads 0",
        "Weight and status are right, only the tare is always 0. Firmware 3.1, over the gateway and directly.",
        "ws-12",
        "modbus",
    )
    await story.comment(topic, PRIYA, "Reads 0 on our bench as well, so it is not the customer's wiring.")
    await _escalate(story, topic, developers, by=PRIYA)

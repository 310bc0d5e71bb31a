"""Halden Instruments makes flow meters and scales: its people, its communities, and what is said there."""

from commands.demo import escalations, places
from commands.demo.cast import (
    AGENTS,
    AMARA,
    COMPANY,
    DEVELOPERS,
    HENRIK,
    IDA,
    LENA,
    MAREK,
    NORA,
    PRIYA,
    SOFIA,
    STAFF,
    TOM,
    WEI,
    YUSUF,
)
from commands.demo.story import Story
from models import (
    Admits,
    Community,
    CommunityPurpose,
    CommunityRole,
    JoinPolicy,
    Network,
    NetworkKind,
    NetworkRole,
    Visibility,
)
from resolvers import comments, nominations

NAMES = {key: name for key, (_, name) in places.COMMUNITIES.items()}

PARTS = 3


async def tell(story: Story) -> None:
    story.told("The people of Halden Instruments")
    network = await story.found(places.NETWORKS[COMPANY], NetworkKind.INTRANET, IDA, hybrid=True)
    await story.hire(network, MAREK, by=IDA, role=NetworkRole.ADMIN)
    for person in STAFF:
        if person not in story.principals:
            await story.hire(network, person, by=MAREK)
    story.told("Their communities")
    await _everyone(story, network)
    await _field(story, network)
    await _laboratory(story, network)
    await _heron(story, network)
    await _trial(story, network)
    story.told("Their questions and answers")
    support = await _support(story, network)
    await escalations.tell(story, support, await _developers(story, network))


async def _everyone(story: Story, network: Network) -> None:
    everyone = await story.community(
        network, NAMES[places.EVERYONE], by=IDA, about="News for all of us. Short, please: half of us read it in a van."
    )
    await story.join(everyone, [person for person in STAFF if person is not IDA])
    numbers = await story.post(
        everyone,
        IDA,
        "Third quarter: what went well, and what did not",
        "We delivered 4,120 meters, the most ever in three months. Returns rose as well, nearly all of them the batch "
        "with the wet cable glands. That batch is out of the field by Friday. Thank you, Henrik and team.",
        "numbers",
    )
    await story.comment(numbers, HENRIK, "Two of them are on a platform. Friday depends on the weather.")
    await story.comment(numbers, YUSUF, "The laboratory has a free slot on Thursday for whatever comes back early.")
    canteen = await story.topic(
        everyone, WEI, "Is the canteen open during the stocktaking?", "Monday and Tuesday next week.", "house"
    )
    answer = await story.comment(canteen, MAREK, "Open until one o'clock on both days, cold dishes only.")
    await comments.accept(story.by(WEI), answer.id)


async def _field(story: Story, network: Network) -> None:
    field = await story.community(
        network,
        NAMES[places.FIELD],
        by=HENRIK,
        about="On the road: routes, tools, customers who need a call beforehand.",
        purpose=CommunityPurpose.DEPARTMENT,
    )
    await story.join(field, [TOM, LENA, YUSUF])
    await story.post(
        field,
        HENRIK,
        "Torque for the new cable glands: 2.5 Nm, not 4",
        "At 4 Nm the seal creeps out within a month. There are torque drivers for everybody in the store, shelf C.",
        "fm-40",
        "glands",
    )


async def _laboratory(story: Story, network: Network) -> None:
    """Private: one sees that it is there, and asks to be let in."""
    laboratory = await story.community(
        network,
        NAMES[places.LABORATORY],
        by=YUSUF,
        about="Certificates, reference standards, the climate chamber. Ask to join if your work ends up on our bench.",
        purpose=CommunityPurpose.DEPARTMENT,
        visibility=Visibility.PRIVATE,
        join_policy=JoinPolicy.REQUEST,
    )
    await story.admit(laboratory, SOFIA, by=YUSUF)
    await story.admit(laboratory, PRIYA, by=YUSUF)
    drift = await story.topic(
        laboratory,
        YUSUF,
        "Reference meter 3 has drifted by 0.02 %",
        "Still within its certificate, but it never did that before. I compare it with meter 1 every morning now.",
        "references",
    )
    await story.comment(drift, SOFIA, "Is it the zero or the slope? If it is the zero, look at the ground strap first.")
    await story.join(laboratory, [HENRIK])


async def _heron(story: Story, network: Network) -> None:
    """Hidden: whoever does not belong does not know of it."""
    heron = await story.community(
        network,
        NAMES[places.HERON],
        by=AMARA,
        about="The meter without a display. Not to be talked about outside before Halden Days.",
        visibility=Visibility.HIDDEN,
    )
    for person in (IDA, SOFIA, WEI):
        await story.admit(heron, person, by=AMARA)
    name = await story.topic(
        heron, AMARA, "Does Heron keep its name?", "Marketing checks the word in nine countries until Friday.", "name"
    )
    await story.comment(name, WEI, "The update server calls it heron everywhere. I would rather not rename that.")


async def _trial(story: Story, network: Network) -> None:
    """With a guest: somebody from outside, for whom Henrik vouches, and who asks that a colleague be let in."""
    trial = await story.community(
        network,
        NAMES[places.TRIAL],
        by=HENRIK,
        about="Six FM-40 on the filling line, until the summer. Nordbryg reads along.",
        admits=Admits.GUESTS,
        visibility=Visibility.PRIVATE,
        join_policy=JoinPolicy.INVITE,
    )
    await story.admit(trial, TOM, by=HENRIK)
    await story.host(trial, NORA, by=HENRIK, purpose="Runs the filling line on which the trial is", days=80)
    foam = await story.topic(
        trial, NORA, "Meter 4 counts foam", "Only in the first minute after cleaning. The other five do not.", "fm-40"
    )
    await story.comment(foam, TOM, "It sits behind the bend. Could you swap it with meter 3 for a day?")
    await nominations.nominate(
        story.by(NORA),
        trial.id,
        name="Lars Bech",
        email="lars.bech@nordbryg.example",
        organisation="Nordbryg",
        reason="He does the cleaning, and knows what is in the pipe at which minute.",
    )


async def _support(story: Story, network: Network) -> Community:
    support = await story.community(
        network,
        NAMES[places.SUPPORT],
        by=LENA,
        about="What customers ask, and what we answered. Search first; then ask; then escalate.",
        purpose=CommunityPurpose.DEPARTMENT,
    )
    await story.join(support, [person for person in (*AGENTS, HENRIK) if person is not LENA])
    zero = await story.topic(
        support,
        TOM,
        "FM-40 shows flow although the valve is shut",
        "A dairy sees 0.3 l/min at night. The valve is tight, they checked with the pipe open. Firmware 5.2.",
        "fm-40",
        "zero",
    )
    answer = await story.comment(
        zero,
        PRIYA,
        "Empty pipe detection is off after the update to 5.2. Menu 4.1, set it to *auto*, then zero it once.",
    )
    await story.comment(zero, HENRIK, "Had the same at a brewery on Tuesday. That was it.")
    await comments.accept(story.by(TOM), answer.id)
    await story.post(
        support,
        LENA,
        "How to ask a developer so that you get an answer",
        "Serial number, firmware, what you see, what you expected, and the log as a file. Escalate the topic instead "
        "of sending mail: whoever knows the answer may be somebody you have never heard of.",
        "guide",
    )
    scale = await story.topic(
        support,
        PRIYA,
        "Do our scales need re-calibration after a firmware update?",
        "A pharmacy asks before they let us in. WS-12, from 3.0 to 3.1.",
        "ws-12",
        "calibration",
    )
    await story.comment(
        scale, TOM, "Not for 3.1: it leaves the adjustment alone. The release notes say so in section 2."
    )
    return support


async def _developers(story: Story, network: Network) -> Community:
    developers = await story.community(
        network,
        NAMES[places.DEVELOPERS],
        by=AMARA,
        about="Questions that support could not solve. Everybody may answer; nobody has to, until somebody is asked.",
        purpose=CommunityPurpose.ESCALATION,
    )
    await story.admit(developers, SOFIA, CommunityRole.RESPONDER, by=AMARA)
    await story.join(developers, [person for person in DEVELOPERS if person is not SOFIA])
    return developers

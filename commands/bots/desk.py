"""The support desk: agents ask what customers ask, help each other, and escalate what they cannot solve."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from commands.bots import words
from commands.bots.deeds import Deed, draw
from commands.bots.person import Person

MOST_WAITING = 8

TOPICS = """query ($community: ID!) { communityActivity(communityId: $community, kinds: [TOPIC]) {
  contents(first: 50) { nodes { ... on Topic {
    id title answerState author { id } escalatedTo { state }
    comments(last: 5) { nodes { id author { id } } } } } } } }"""
OPEN = """mutation ($community: ID!, $input: ContentInput!) {
  createTopic(communityId: $community, input: $input) { problems { message } } }"""
COMMENT = """mutation ($id: ID!, $input: CommentInput!) {
  addComment(contentId: $id, input: $input) { problems { message } } }"""
ACCEPT = "mutation ($id: ID!) { acceptAnswer(commentId: $id) { problems { message } } }"
ESCALATE = """mutation ($id: ID!, $input: EscalateTopicInput!) {
  escalateTopic(topicId: $id, input: $input) { problems { message } } }"""


class Desk:
    def __init__(self, support: str, developers: str, agents: Sequence[Person], dice: Random) -> None:
        self._support = support
        self._developers = developers
        self._agents = {agent.member_id: agent for agent in agents}
        self._dice = dice

    async def step(self) -> None:
        activity = await self._anybody().ask(TOPICS, community=self._support)
        nodes = activity["communityActivity"]["contents"]["nodes"]
        await draw(self._fitting([topic for topic in nodes if self._asker(topic)]), self._dice)

    def _fitting(self, topics: list[Any]) -> list[Deed]:
        """What the bots have asked; a newcomer's topics are the newcomer's."""
        waiting = [topic for topic in topics if topic["answerState"] == "UNANSWERED"]
        here = [topic for topic in waiting if not topic["escalatedTo"]]
        returned = [topic for topic in waiting if any(e["state"] == "RESOLVED" for e in topic["escalatedTo"])]
        answered = [topic for topic in topics if topic["answerState"] == "ANSWERED"]
        return [
            Deed(2 if len(waiting) < MOST_WAITING else 0, self._open),
            Deed(len(here), partial(self._help, here, words.HINTS)),
            Deed(len(here) / 2, partial(self._escalate, here)),
            Deed(3 * len(returned), partial(self._help, returned, words.RELAYS)),
            Deed(2 * len(answered), partial(self._accept, answered)),
        ]

    async def _open(self) -> None:
        title, body, tags = self._dice.choice(words.TOPICS)
        serial = self._dice.randint(2_100, 9_800)
        wanted = {"title": f"{title} (no. {serial})", "body": body, "tags": tags}
        await self._anybody().do(OPEN, community=self._support, input=wanted)

    async def _help(self, topics: list[Any], sayings: Sequence[str]) -> None:
        topic = self._dice.choice(topics)
        helper = self._dice.choice([agent for id, agent in self._agents.items() if id != topic["author"]["id"]])
        await helper.do(COMMENT, id=topic["id"], input={"body": self._dice.choice(sayings)})

    async def _escalate(self, topics: list[Any]) -> None:
        topic = self._dice.choice(topics)
        agent = self._asker(topic)
        if agent:
            await agent.do(ESCALATE, id=topic["id"], input={"communityId": self._developers})

    async def _accept(self, topics: list[Any]) -> None:
        topic = self._dice.choice(topics)
        asker, others = self._asker(topic), self._by_others(topic)
        if asker and others:
            await asker.do(ACCEPT, id=others[-1]["id"])

    def _anybody(self) -> Person:
        return self._dice.choice(list(self._agents.values()))

    def _asker(self, topic: Any) -> Person | None:
        return self._agents.get((topic["author"] or {}).get("id"))

    def _by_others(self, topic: Any) -> list[Any]:
        return [c for c in topic["comments"]["nodes"] if (c["author"] or {}).get("id") != topic["author"]["id"]]

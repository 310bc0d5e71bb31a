"""The workshop: developers answer escalations in the open, or when one is put into their hands."""

from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from commands.bots import words
from commands.bots.deeds import Deed, draw
from commands.bots.desk import ACCEPT, COMMENT
from commands.bots.person import Person

MOST_MESSAGES = 4
PATIENCE = 0.3  # the weight of giving a newcomer's task to somebody else
RUNNING = {"OPEN", "IN_PROGRESS"}

ESCALATIONS = """query ($network: ID!) { escalations(networkId: $network) {
  escalations(first: 50) { nodes {
    id state escalatedBy { id } assignee { id }
    topic { id author { id } comments(last: 5) { nodes { id author { id } } } }
    task { id state messages(last: 5) { nodes { id } } } } } } }"""
PUSH = """mutation ($id: ID!, $input: PushEscalationInput!) {
  pushEscalation(escalationId: $id, input: $input) { problems { message } } }"""
TAKE = "mutation ($id: ID!) { acceptTask(taskId: $id) { problems { message } } }"
REASSIGN = """mutation ($id: ID!, $assignee: ID!) {
  reassignTask(taskId: $id, assigneeId: $assignee) { problems { message } } }"""
TALK = """mutation ($id: ID!, $input: TaskMessageInput!) {
  postTaskMessage(taskId: $id, input: $input) { problems { message } } }"""


class Workshop:
    """`newcomers` are members whom no bot plays: they are asked, too, and if nothing comes somebody else is."""

    def __init__(
        self,
        network: str,
        agents: Sequence[Person],
        developers: Sequence[Person],
        newcomers: Sequence[str],
        dice: Random,
    ) -> None:
        self._network = network
        self._agents = {agent.member_id: agent for agent in agents}
        self._developers = {developer.member_id: developer for developer in developers}
        self._newcomers = newcomers
        self._dice = dice

    async def step(self) -> None:
        """One agent looks after what that agent has escalated: the task is seen by those who take part in it."""
        member_id, agent = self._dice.choice(list(self._agents.items()))
        dashboard = await agent.ask(ESCALATIONS, network=self._network)
        nodes = dashboard["escalations"]["escalations"]["nodes"]
        own = [node for node in nodes if (node["escalatedBy"] or {}).get("id") == member_id]
        await draw([deed for escalation in own for deed in self._fitting(agent, escalation)], self._dice)

    def _fitting(self, agent: Person, escalation: Any) -> list[Deed]:
        state, task = escalation["state"], escalation["task"]
        if state == "ANSWERED":
            return [Deed(2, partial(self._accept, agent, escalation))]
        if state not in {"PULL", "PUSHED"}:
            return []
        if task and task["state"] in RUNNING:
            return self._in_hand(agent, escalation)
        return [
            Deed(1, partial(self._answer, escalation, self._dice.choice(list(self._developers.values())))),
            Deed(1, partial(self._push, agent, escalation)),
        ]

    def _in_hand(self, agent: Person, escalation: Any) -> list[Deed]:
        task = escalation["task"]
        holder = self._developers.get((escalation["assignee"] or {}).get("id"))
        if holder is None:
            return [Deed(PATIENCE, partial(self._pass_on, agent, escalation))]
        if task["state"] == "OPEN":
            take = Deed(3, partial(holder.do, TAKE, id=task["id"]))
            return [take, Deed(1, partial(self._pass_on, holder, escalation))]
        is_quiet = len(task["messages"]["nodes"]) < MOST_MESSAGES
        return [
            Deed(2 if is_quiet else 0, partial(self._talk, agent, holder, task)),
            Deed(2, partial(self._answer, escalation, holder)),
        ]

    async def _answer(self, escalation: Any, developer: Person) -> None:
        await developer.do(COMMENT, id=escalation["topic"]["id"], input={"body": self._dice.choice(words.ANSWERS)})

    async def _push(self, agent: Person, escalation: Any) -> None:
        chosen = self._dice.choice([*self._developers, *self._newcomers])
        await agent.do(PUSH, id=escalation["id"], input={"assigneeId": chosen})

    async def _pass_on(self, by: Person, escalation: Any) -> None:
        others = [id for id in self._developers if id != escalation["assignee"]["id"]]
        await by.do(REASSIGN, id=escalation["task"]["id"], assignee=self._dice.choice(others))

    async def _talk(self, agent: Person, holder: Person, task: Any) -> None:
        speaker, sayings = self._dice.choice([(agent, words.FROM_AGENTS), (holder, words.FROM_DEVELOPERS)])
        await speaker.do(TALK, id=task["id"], input={"body": self._dice.choice(sayings)})

    async def _accept(self, agent: Person, escalation: Any) -> None:
        comments = escalation["topic"]["comments"]["nodes"]
        by_others = [c for c in comments if (c["author"] or {}).get("id") != agent.member_id]
        if by_others:
            await agent.do(ACCEPT, id=by_others[-1]["id"])

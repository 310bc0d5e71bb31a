"""A GraphQL client inside the process: what one viewer asks, does and follows."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any
from uuid import UUID

from graphql import ExecutionResult

from models import NOBODY
from realtime.mailbox import Mailbox
from schema.context import Context
from schema.requests import Refused, Request
from server import Service

DEADLINE = 30.0

EVENT = """{
  __typename
  ... on Added { cursor node { __typename id %(node)s } }
  ... on Changed { cursor node { __typename id %(node)s } }
  ... on Removed { cursor id typename }
  ... on Counters { cursor nodes { __typename id %(node)s } }
  ... on Lagged { skipped }
  ... on ResyncRequired { reason }
  ... on AccessRevoked { scope }
  ... on Heartbeat { cursor }
}"""


def event_of(node: str) -> str:
    """The selection of a feed's events, with these fragments on their nodes."""
    return EVENT % {"node": node}


class Client:
    def __init__(self, service: Service, viewer: UUID = NOBODY) -> None:
        self.service = service
        self.viewer = viewer

    def context(self) -> Context:
        return Context(means=self.service.means, live=self.service.live, viewer=self.viewer)

    async def execute(self, document: str, **variables: Any) -> Any:
        execution = self.service.execution
        try:
            operation = await execution.prepare(self.context(), Request(document, variables=variables))
            return await execution.run(operation)
        except Refused as refused:
            return ExecutionResult(errors=list(refused.errors))

    async def ask(self, document: str, **variables: Any) -> Any:
        """The data of a query that has no errors."""
        result = await self.execute(document, **variables)
        assert not result.errors, result.errors
        return result.data

    async def refused(self, document: str, **variables: Any) -> str:
        """The code of the one error that a query has."""
        result = await self.execute(document, **variables)
        assert result.errors, result.data
        return str((result.errors[0].extensions or {}).get("code"))

    async def do(self, document: str, **variables: Any) -> Any:
        """The payload of a mutation that has no problems."""
        payload = await self.payload(document, **variables)
        assert payload["problems"] == [], payload
        return payload

    async def problem(self, document: str, **variables: Any) -> Any:
        """The one problem of a mutation."""
        (problem,) = (await self.payload(document, **variables))["problems"]
        return problem

    async def payload(self, document: str, **variables: Any) -> Any:
        (payload,) = (await self.ask(document, **variables)).values()
        return payload

    async def follow(self, document: str, *, wait: bool = True, **variables: Any) -> "Follower":
        """A live feed, by default after it has joined."""
        follower = Follower(self, document, variables)
        others = operations(self.service)
        follower.start()
        if wait:
            await until(lambda: follower.is_done or bool(operations(self.service) - others))
            await settled(self.service)
        return follower


class Follower:
    """Collects what a subscription yields."""

    def __init__(self, client: Client, document: str, variables: dict[str, Any]) -> None:
        self._client = client
        self._document = document
        self._variables = variables
        self._changed = asyncio.Condition()
        self.events: list[Any] = []
        self.error: Any = None
        self.is_done = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._pump())

    async def _pump(self) -> None:
        try:
            execution = self._client.service.execution
            operation = await execution.prepare(
                self._client.context(), Request(self._document, variables=self._variables)
            )
            async with aclosing(execution.results(operation)) as answers:
                async for answer in answers:
                    await self._take(json.loads(answer.data))
        except Refused as refused:
            self.error = refused.errors[0].formatted
        async with self._changed:
            self.is_done = True
            self._changed.notify_all()

    async def _take(self, result: Any) -> None:
        async with self._changed:
            if "errors" in result:
                self.error = result["errors"][0]
            else:
                self.events.extend(result["data"].values())
            self._changed.notify_all()

    async def until(self, condition: Callable[["Follower"], bool]) -> None:
        async with asyncio.timeout(DEADLINE), self._changed:
            await self._changed.wait_for(lambda: condition(self))

    async def done(self) -> None:
        await self.until(lambda follower: follower.is_done)

    async def take(self) -> list[Any]:
        """What has come since the last time, once everything has."""
        await settled(self._client.service)
        taken, self.events = self.events, []
        return taken

    @property
    def code(self) -> str:
        return str(self.error["extensions"]["code"])

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.001)


async def settled(service: Service) -> None:
    """Wait until every committed change has been numbered, told, rendered and taken."""
    async with asyncio.timeout(DEADLINE):
        while True:
            await (
                service.relay.begin()
            )  # PostgreSQL takes the lock from a process that stands still, as on a busy machine
            # The service's own relay may be at what this one has skipped.
            is_waiting = await service.relay._is_waiting()
            head = (await service.live._feed.head()).position
            delivery = service.live.delivery
            if not is_waiting and delivery.settled >= head and is_idle(service):
                return
            await asyncio.sleep(0.002)


def operations(service: Service) -> set[Any]:
    """The live operations of the process."""
    return set(service.live.delivery.operations)


def is_idle(service: Service) -> bool:
    """Every live operation has been admitted, and waits for something to happen."""
    delivery = service.live.delivery
    is_telling = delivery._turn.locked() or delivery._has_counted.is_set()
    is_telling = is_telling or bool(delivery._counted)
    return not is_telling and all(op.is_live and not waiting(op.sink) for op in operations(service))


def waiting(sink: Any) -> int:
    """How many events its client has yet to draw."""
    return len(sink) if isinstance(sink, Mailbox) else 0

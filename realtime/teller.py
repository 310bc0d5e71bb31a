"""The teller: who is told what of a change, worked out once for all who follow the same."""

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, NamedTuple, Protocol

from models.changes import Change
from models.database import UNREACHABLE
from realtime.operation import Event, Mark, Operation, Outcome, Party, Ref

log = logging.getLogger("plenary.delivery")

# What was missed is no longer in the log.
STALE = Event(Outcome.RESYNC, Mark(0, 0), reason="CURSOR_STALE")

Outcomes = Collection[tuple[Outcome, Party]]
Render = Callable[[Any, Event, Collection[Party]], Awaitable[Collection[tuple[Any, Sequence[Operation]]]]]


class Audience(Protocol):
    """Who may see what, asked for all operations on one subject at once.

    `alike`: what is remembered of how viewers stand may be used. That holds unless `is_behind`: rights have changed of
    which `hear` has not been told.
    """

    def hear(self, change: Change) -> None: ...

    def forget_all(self) -> None: ...

    async def is_behind(self, position: int) -> bool: ...

    async def outcomes(
        self, subject: Any, change: Change, operations: Collection[Operation], *, alike: bool
    ) -> Outcomes: ...

    async def parties(self, subject: Any, operations: Collection[Operation], *, alike: bool) -> Collection[Party]: ...


class Telling(NamedTuple):
    """What is the same for all of the operations. A payload of None is nothing to say."""

    event: Event
    payload: Any
    operations: Sequence[Operation]


class Teller:
    """`position` is how far into the log it has heard.

    While the database is away nothing can be worked out: that is raised, for the caller to come again.
    """

    def __init__(self, audience: Audience, render: Render) -> None:
        self._audience = audience
        self._render = render
        self.position = 0

    def hear(self, change: Change) -> None:
        """What comes next in the log, before anybody is told of it."""
        self.position = change.position or self.position
        self._audience.hear(change)

    def skip(self, until: int) -> None:
        """What rights have changed meanwhile will not be heard."""
        self.position = until
        self._audience.forget_all()

    async def of_change(
        self, subject: Any, change: Change, mark: Mark, operations: Collection[Operation]
    ) -> Sequence[Telling]:
        async def work_out(*, alike: bool) -> Sequence[Telling]:
            events: defaultdict[Event, list[Party]] = defaultdict(list)
            for outcome, party in await self._outcomes(subject, change, operations, alike=alike):
                events[Event(outcome, mark, (Ref(change.noun, change.row_id),))].append(party)
            return [telling for event in events for telling in await self._rendered(subject, event, events[event])]

        return await self._exactly(work_out) if operations else ()

    async def of_event(self, subject: Any, event: Event, operations: Collection[Operation]) -> Sequence[Telling]:
        async def work_out(*, alike: bool) -> Sequence[Telling]:
            parties = await self._parties(subject, event, operations, alike=alike)
            return await self._rendered(subject, event, parties)

        if not event.refs:  # nothing is said that not everybody may know
            return await work_out(alike=False)
        return await self._exactly(work_out) if operations else ()

    async def _exactly(self, work_out: Callable[..., Awaitable[Sequence[Telling]]]) -> Sequence[Telling]:
        """By what is remembered. Whether that held is known only after all has been read: then nothing is newer."""
        position = self.position
        tellings = await work_out(alike=True)
        if await self._is_behind(position):
            return await work_out(alike=False)
        return tellings

    async def _is_behind(self, position: int) -> bool:
        try:
            return await self._audience.is_behind(position)
        except Exception:
            log.exception("could not tell whether rights have changed")
            return True

    async def _outcomes(
        self, subject: Any, change: Change, operations: Collection[Operation], *, alike: bool
    ) -> Outcomes:
        """What the change means to each. If that cannot be told, they must look for themselves."""
        try:
            return await self._audience.outcomes(subject, change, operations, alike=alike)
        except UNREACHABLE:
            raise
        except Exception:
            log.exception("could not tell whom change %s concerns", change.position)
            parties = await self._audience.parties(subject, operations, alike=False)
            return [(Outcome.RESYNC, party) for party in parties]

    async def _parties(
        self, subject: Any, event: Event, operations: Collection[Operation], *, alike: bool
    ) -> Collection[Party]:
        """Where it cannot be told who stands alike, nobody does."""
        try:
            return await self._audience.parties(subject, operations, alike=alike)
        except Exception:
            log.exception("could not tell how they stand who are told at %s", event.mark.position)
            return await self._audience.parties(subject, operations, alike=False)

    async def _rendered(self, subject: Any, event: Event, parties: Collection[Party]) -> Sequence[Telling]:
        """If it cannot be rendered, they are told that much."""
        try:
            return [Telling(event, *rendered) for rendered in await self._render(subject, event, parties)]
        except UNREACHABLE:
            raise
        except Exception as failure:
            log.exception("could not render what was to be told at %s", event.mark.position)
            for party in parties:
                for operation in party.operations:
                    operation.end(failure)
            return []

"""The post: takes the letters that are due, hands them to a mail server, and notes what has become of them."""

import asyncio
import logging
import math
import random
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, ClassVar, Protocol

from sqlalchemy import delete, update
from sqlmodel import col, select

from models import Letter, LetterState
from models.database import Database
from realtime.smtp import LETTER, Away, Later, Never

BATCH = 20  # letters that are taken at a time, on one connection
LEASE = timedelta(minutes=5)  # for which they are nobody else's
LAST_MOMENT = timedelta(seconds=1.5 * LETTER)  # before the lease ends no more are begun: a slow one might end too late
TRIES = 20
FIRST, LONGEST = timedelta(seconds=30), timedelta(hours=1)  # between two tries of a letter
LONGEST_AWAY = 60.0  # seconds between two looks at a server that is away
KEPT = timedelta(days=30)  # for which it is known what has become of a letter
TIDIED = timedelta(minutes=1)

log = logging.getLogger("plenary.post")
dice = random.SystemRandom()  # whoever failed together does not come back together

Compose = Callable[[Letter], Awaitable[EmailMessage | None]]


class Taker(Protocol):
    """Takes messages one by one. Raises Later, Never or Away."""

    async def send(self, message: EmailMessage) -> None: ...


class Carrier(Protocol):
    """Where letters go, and what they are then."""

    @property
    def settles(self) -> LetterState: ...

    def connected(self) -> AbstractAsyncContextManager[Taker]: ...


class Outbox:
    """Of development: what goes in stays in, for whoever looks."""

    settles: ClassVar = LetterState.KEPT

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Outbox"]:
        yield self

    async def send(self, message: EmailMessage) -> None:
        """It is where it shall be."""


class Post:
    """Every process may run one: a letter is one process's for as long as its lease.

    `compose` makes the message; None if nobody wants the letter any more. It is called outside of any transaction, and
    so is the server. A letter is sent at least once: a process that dies between sending and noting leaves it to be
    sent again, under the same Message-ID. Without a carrier letters wait until it is too late for them.
    """

    def __init__(
        self, database: Database, now: Callable[[], datetime], compose: Compose, carrier: Carrier | None
    ) -> None:
        self._database = database
        self._now = now
        self._compose = compose
        self._carrier = carrier
        self._tidy_at = now()
        self.outcomes: Counter[str] = Counter()

    async def run(self, *, every: float) -> None:
        failures = 0
        while True:
            try:
                await self.tidy()
                while await self.deliver():
                    failures = 0
            except Away as away:
                failures += 1
                log.warning("the mail server does not take letters now (%s); trying again", away.reason)
            except Exception:
                failures += 1
                log.exception("could not see to the letters; trying again")
            await asyncio.sleep(max(every, _jittered(min(2.0**failures, LONGEST_AWAY)) if failures else 0.0))

    async def deliver(self) -> int:
        """Hand over one batch of what is due; how many letters were taken. Raises Away, and then none was lost."""
        if self._carrier is None or not await self._is_due():
            return 0
        async with self._carrier.connected() as taker:
            letters = deque(await self._take())
            count = len(letters)
            try:
                while letters and self._now() <= letters[0].due_at - LAST_MOMENT:
                    await self._hand_over(letters.popleft(), taker, self._carrier.settles)
            finally:
                await self._give_back(letters)
        return count

    async def _is_due(self) -> bool:
        """Asked without a lock: most of the time nothing is."""
        async with self._database.read() as session:
            return await session.scalar(select(Letter.id).where(*self._due()).limit(1)) is not None

    def _due(self) -> tuple[Any, ...]:
        now = self._now()
        return (col(Letter.state) == LetterState.WAITING, col(Letter.due_at) <= now, col(Letter.expires_at) > now)

    async def _take(self) -> list[Letter]:
        """Those that are due the longest, for us alone until `due_at`."""
        async with self._database.write(tells=False) as session:
            due = select(Letter).where(*self._due()).order_by(col(Letter.due_at)).limit(BATCH)
            letters = list(await session.scalars(due.with_for_update(skip_locked=True)))
            for letter in letters:
                letter.tries += 1
                letter.due_at = self._now() + LEASE
            return letters

    async def _hand_over(self, letter: Letter, taker: Taker, settles: LetterState) -> None:
        try:
            message = await self._compose(letter)
        except Exception:
            log.exception("could not write a letter (%s)", letter.template)
            return await self._put_off(letter, "BROKEN")
        if message is None:
            return await self._settle(letter, LetterState.VOID, "UNWANTED")
        try:
            await taker.send(message)
        except Never as never:
            log.warning("a letter (%s) was refused: %s", letter.template, never.reason)
            return await self._settle(letter, LetterState.REFUSED, never.reason)
        except Later as later:
            return await self._put_off(letter, later.reason)
        except Away as away:
            await self._put_off(letter, away.reason, most=math.inf)
            raise
        return await self._settle(letter, settles)

    async def _put_off(self, letter: Letter, reason: str, most: float = TRIES) -> None:
        """Until another try, unless there were enough."""
        if letter.tries >= most:
            log.warning("a letter (%s) was given up: %s", letter.template, reason)
            return await self._settle(letter, LetterState.GIVEN_UP, reason)
        delay = _jittered(min(FIRST * 2.0 ** min(letter.tries - 1, TRIES), LONGEST).total_seconds())
        self.outcomes["PUT_OFF"] += 1
        return await self._note(letter, due_at=self._now() + timedelta(seconds=delay), reason=reason)

    async def _settle(self, letter: Letter, state: LetterState, reason: str | None = None) -> None:
        """What it said is forgotten at once, but in the outbox; what has become of it, later."""
        self.outcomes[state] += 1
        sealed = letter.sealed if state is LetterState.KEPT else None
        now = self._now()
        await self._note(letter, state=state, reason=reason, sealed=sealed, settled_at=now, due_at=now + KEPT)

    async def _give_back(self, letters: Iterable[Letter]) -> None:
        """What was not tried is due as before."""
        for letter in letters:
            await self._note(letter, due_at=self._now(), tries=letter.tries - 1)

    async def _note(self, letter: Letter, **values: Any) -> None:
        """If it is still ours. If not, whoever has it sends it again, and notes it."""
        ours = (Letter.id == letter.id, Letter.state == LetterState.WAITING, Letter.due_at == letter.due_at)
        async with self._database.write(tells=False) as session:
            await session.execute(update(Letter).where(*ours).values(values))  # type: ignore[arg-type] # conditions

    async def tidy(self) -> None:
        """Once a minute: void what is too late, forget what was settled long ago."""
        now = self._now()
        if now < self._tidy_at:
            return
        self._tidy_at = now + TIDIED
        is_waiting, is_due = col(Letter.state) == LetterState.WAITING, col(Letter.due_at) <= now
        late = {"state": LetterState.VOID, "reason": "EXPIRED", "sealed": None, "settled_at": now, "due_at": now + KEPT}
        async with self._database.write(tells=False) as session:
            is_late = col(Letter.expires_at) <= now
            await session.execute(update(Letter).where(is_waiting, is_due, is_late).values(late))
            settled = col(Letter.state).in_([state for state in LetterState if state is not LetterState.WAITING])
            await session.execute(delete(Letter).where(settled, is_due))


def _jittered(seconds: float) -> float:
    return seconds * dice.uniform(0.5, 1.5)

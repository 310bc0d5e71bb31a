"""Bots that live in the demo: each job does one deed every few seconds, through the public API alone."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress
from random import SystemRandom
from typing import Protocol

import httpx

from commands.bots.desk import Desk
from commands.bots.hall import Hall
from commands.bots.person import Person, Refused
from commands.bots.workshop import Workshop
from commands.demo.cast import COMPANY
from commands.demo.places import DEVELOPERS, KEYNOTE, SUPPORT
from commands.demo.record import Record

MOST_DEEDS = 2_000  # of each job; then it rests until the next start
TIMEOUT = 10.0

log = logging.getLogger("plenary.bots")
dice = SystemRandom()


class Job(Protocol):
    async def step(self) -> None:
        """Look at what is there, and do one fitting deed."""


async def live(address: str, record: Record, pace: float, closing: asyncio.Event) -> None:
    """Until closing time, or until every job has done its share. A deed that has begun is done."""
    async with httpx.AsyncClient(base_url=address, timeout=TIMEOUT) as http, asyncio.TaskGroup() as group:
        for job in jobs(http, record):
            group.create_task(work(job, pace, closing))


def jobs(http: httpx.AsyncClient, record: Record) -> Iterator[Job]:
    """Those for which there are enough people."""

    def cast(role: str) -> list[Person]:
        return [Person(http, bot) for bot in record.bots if bot.role == role]

    moderators, attendees = cast("moderator"), cast("attendee")
    agents, developers = cast("support agent"), cast("developer")
    newcomers = [member.member_id for member in record.sign_ins if member.role == "developer" and member.member_id]
    if moderators and attendees:
        yield Hall(record.boards[KEYNOTE], moderators[0], attendees, dice)
    if len(agents) > 1:
        yield Desk(record.communities[SUPPORT], record.communities[DEVELOPERS], agents, dice)
    if agents and len(developers) > 1:
        yield Workshop(record.networks[COMPANY], agents, developers, newcomers, dice)


async def work(job: Job, pace: float, closing: asyncio.Event) -> None:
    """At a human pace: about `pace` seconds from one deed to the next."""
    for _ in range(MOST_DEEDS):
        with suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), pace * dice.uniform(0.5, 1.5))
            return
        try:
            await job.step()
        except Refused as refusal:  # somebody else was faster, or the newcomer has changed something
            log.debug("%s: %s", type(job).__name__, refusal)
        except httpx.HTTPError as error:
            log.warning("%s: the service does not answer: %r", type(job).__name__, error)
        except Exception:
            log.exception("%s stumbled, and goes on", type(job).__name__)
    log.info("%s has done enough and rests until the next start", type(job).__name__)

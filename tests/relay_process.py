"""A relay in a process of its own that stands still at its worst moment: `python -m tests.relay_process URL MOMENT`."""

import asyncio
import sys
import time

from sqlalchemy import event
from sqlalchemy.orm import Session

from models import Database
from realtime.bell import Bell
from realtime.relay import Relay
from tests.brokers import Broker


def stand_still(*_: object) -> None:
    print("here", flush=True)
    time.sleep(600)


class Mute(Bell):
    """Numbered and committed, and nobody is told."""

    def ring(self, position: int) -> None:
        stand_still()


if __name__ == "__main__":
    _, url, moment = sys.argv
    if moment == "numbering":
        event.listen(Session, "before_commit", stand_still)
    asyncio.run(Relay(Database(url), Mute(Broker())).drain())

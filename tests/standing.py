"""Operations that all ask the same, to see who of their viewers stand alike."""

from collections.abc import Iterable
from uuid import UUID

from realtime.mailbox import Mailbox
from realtime.operation import Mark, Operation


class Asks:
    """What every operation here asks: the same."""

    key = "the same"


def asking(viewers: Iterable[UUID]) -> list[Operation]:
    return [Operation("subject", viewer, Mailbox(), Mark(0, 0), Asks) for viewer in viewers]

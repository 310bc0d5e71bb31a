"""What there is to do: deeds with weights, of which one is drawn."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any


@dataclass(frozen=True)
class Deed:
    """Something that fits now. One of twice the weight is done twice as often."""

    weight: float
    do: Callable[[], Awaitable[Any]]


async def draw(deeds: Sequence[Deed], dice: Random) -> None:
    """Do one of them, if there is any."""
    fitting = [deed for deed in deeds if deed.weight > 0]
    if fitting:
        (deed,) = dice.choices(fitting, [deed.weight for deed in fitting])
        await deed.do()

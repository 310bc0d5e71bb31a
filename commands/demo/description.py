"""Finds the demo in the database and writes its record: ids, and a sign-in for each person."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from commands.demo import cast, places
from commands.demo.cast import CLARA, Person
from commands.demo.record import Record, SignIn
from models import Account, Community, KioskKey, Member, Network, QuestionBoard, Row
from resolvers import accounts, boards
from resolvers.context import Context, Means
from resolvers.errors import Unauthenticated
from resolvers.session import Reader
from schema.base import global_id

R = TypeVar("R", bound=Row)


class Missing(Exception):
    """Something of the demo is not where the demo puts it."""


async def is_begun(db: Reader) -> bool:
    return await db.find(Account, Account.email == cast.IDA.email) is not None


async def describe(means: Means) -> Record:
    """The demo as it is, with new sign-ins. Raises Missing where it was left unfinished, or changed."""
    async with Context(means).reading() as db:
        networks = {key: await _the(db, Network, Network.name == name) for key, name in places.NETWORKS.items()}
        communities = {
            key: await _the(db, Community, Community.name == name, Community.network_id == networks[network].id)
            for key, (network, name) in places.COMMUNITIES.items()
        }
        board = await _the(db, QuestionBoard, QuestionBoard.title == places.BOARD)
        ids = {key: network.id for key, network in networks.items()}

    async def sign_in(people: Iterable[Person]) -> list[SignIn]:
        found = [await _sign_in(means, person, ids[person.at]) for person in people]
        return [sign_in for sign_in in found if sign_in]

    return Record(
        networks={key: _id(row) for key, row in networks.items()},
        communities={key: _id(row) for key, row in communities.items()},
        boards={places.KEYNOTE: _id(board)},
        sign_ins=[*await sign_in(cast.NEWCOMERS), await _display(means, board)],
        bots=await sign_in(cast.BOTS),
    )


async def _the(db: Reader, what: type[R], *where: object) -> R:
    found = await db.find(what, *where)
    if found is None:
        raise Missing
    return found


def _id(row: Row) -> str:
    return global_id(row.noun, row.id)


async def _sign_in(means: Means, person: Person, network_id: UUID) -> SignIn | None:
    """None for somebody whose password has been changed."""
    try:
        started = await accounts.sign_in(Context(means), email=person.email, password=cast.PASSWORD)
    except Unauthenticated:
        return None
    principal_id = started.account.principal_id
    async with Context(means).reading() as db:
        member = await _the(db, Member, Member.network_id == network_id, Member.principal_id == principal_id)
    return SignIn(
        role=person.role,
        name=person.name,
        email=person.email,
        password=cast.PASSWORD,
        token=started.token,
        member_id=_id(member),
    )


async def _display(means: Means, board: Row) -> SignIn:
    """A new key for the screen: nobody knows the token of the one before."""
    async with Context(means).reading() as db:
        account = await _the(db, Account, Account.email == CLARA.email)
        keys = await db.find_all(KioskKey, KioskKey.board_id == board.id, KioskKey.label == places.DISPLAY)
    clara = Context(means, account.principal_id)
    for key in keys:
        await boards.revoke_kiosk_key(clara, key.id)
    _, token = await boards.create_kiosk_key(clara, board.id, label=places.DISPLAY)
    return SignIn(role="display", name=places.DISPLAY, token=token)

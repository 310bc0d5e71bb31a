"""A mutation sent twice under one key is done once, and answered twice."""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import col

from models import NOBODY
from models.idempotency import Answer
from resolvers.cipher import Cipher
from resolvers.errors import Conflict, Flaw, Invalid
from resolvers.form import is_storable
from resolvers.session import Reader, Transaction

KEPT = timedelta(hours=24)
PURPOSE = "answer"
KEY_MOST = 128


@dataclass(frozen=True)
class Request:
    """A mutation that may come again: under this key it is done once."""

    mutation: str
    key: str
    arguments: Mapping[str, Any]

    def fingerprint(self, cipher: Cipher) -> bytes:
        """Keyed, because arguments may be passwords."""
        return cipher.fingerprint(self.mutation, json.dumps(self.arguments, sort_keys=True, default=str).encode())


current: ContextVar[Request | None] = ContextVar("current", default=None)


class Repeated(Exception):
    """Done before: not an error, the first answer is to be given again."""

    def __init__(self, noun: str, row_id: UUID | None, secret: str | None) -> None:
        super().__init__(noun)
        self.noun = noun
        self.row_id = row_id
        self.secret = secret


async def repeat(db: Reader, cipher: Cipher) -> None:
    """Raise `Repeated` if the current request was done before, before anything is done for it again."""
    request = current.get()
    if request is None or db.viewer == NOBODY:
        return
    if not 0 < len(request.key) <= KEY_MOST or not is_storable(request.key):
        raise Invalid(Flaw(f"idempotencyKey needs between 1 and {KEY_MOST} characters", ("idempotencyKey",)))
    first = await db.find(
        Answer,
        Answer.principal_id == db.viewer,
        Answer.mutation == request.mutation,
        Answer.key == request.key,
        col(Answer.created_at) >= db.now - KEPT,
    )
    if first is None:
        return
    if first.arguments_hash != request.fingerprint(cipher):
        raise Conflict("This idempotency key was used with other arguments.")
    noun, row_id, secret = cipher.open_json(PURPOSE, first.sealed or b"")
    raise Repeated(noun, UUID(row_id) if row_id else None, secret)


async def claim(tx: Transaction, cipher: Cipher) -> UUID | None:
    """Take the current request's key, if it has one, for this transaction. Nobody has keys: they are an actor's."""
    request = current.get()
    if request is None or tx.viewer == NOBODY:
        return None
    await tx.raw(delete(Answer).where(col(Answer.created_at) < tx.now - KEPT))
    fingerprint = request.fingerprint(cipher)
    answer = Answer(principal_id=tx.viewer, mutation=request.mutation, key=request.key, arguments_hash=fingerprint)
    if not await tx.add_once(answer):
        await repeat(tx, cipher)
    return answer.id


async def keep(tx: Transaction, cipher: Cipher, answer_id: UUID) -> None:
    """Write down what the operation answered, in its own transaction."""
    row, secret = tx.answered
    sealed = cipher.seal_json(PURPOSE, [row.noun, row.id.hex, secret] if row else ["", None, secret])
    await tx.raw(update(Answer).where(col(Answer.id) == answer_id).values(sealed=sealed))

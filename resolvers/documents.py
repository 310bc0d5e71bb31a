"""Trusted documents: kept under an id, for clients that send the id in place of the text."""

import hashlib
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete
from sqlmodel import col

from models import TrustedDocument
from resolvers.context import Context
from resolvers.errors import Conflict


def digest(text: str) -> str:
    """The id that every document has, by the convention of GraphQL over HTTP."""
    return f"sha256:{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}"


async def text_of(ctx: Context, document_id: str) -> str | None:
    async with ctx.reading() as db:
        found: str | None = await db.find(TrustedDocument.text, TrustedDocument.document_id == document_id)
        return found


async def add(ctx: Context, texts: Mapping[str, str]) -> int:
    """Trust these documents by their ids; how many are new.

    An id means one document for ever, since a client of last year may still send it: with another text it is a
    Conflict, and none is added.
    """
    async with ctx.transaction() as tx:
        known = {row.document_id: row.text for row in await tx.find_all(TrustedDocument)}
        if changed := sorted(id for id, text in texts.items() if known.get(id, text) != text):
            raise Conflict(f"{', '.join(changed)} is trusted already, with another text. Remove it first.")
        new = [TrustedDocument(document_id=id, text=text) for id, text in texts.items() if id not in known]
        await tx.add_all(new)
        return len(new)


async def every(ctx: Context) -> Sequence[TrustedDocument]:
    async with ctx.reading() as db:
        return await db.find_all(TrustedDocument, order=col(TrustedDocument.document_id))


async def remove(ctx: Context, ids: Collection[str]) -> set[str]:
    """Trust them no longer. Which of them there were."""
    gone = delete(TrustedDocument).where(col(TrustedDocument.document_id).in_(ids))
    async with ctx.transaction() as tx:
        return set((await tx.raw(gone.returning(col(TrustedDocument.document_id)))).scalars())

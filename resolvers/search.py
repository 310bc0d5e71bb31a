"""Search over what the viewer may read."""

from typing import Any
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import col

from models import Content, Lifecycle
from resolvers import policy
from resolvers.form import form
from resolvers.paging import Listing, Page, Slice
from resolvers.session import Reader

CONTENTS = Listing("search", policy.see_content, order=("-published_at",))


async def contents(db: Reader, network_id: UUID, text: str, page: Page) -> Slice[Any]:
    """Published topics and posts with every one of these words in title or body, newest first."""
    with form() as check:
        text = check.text("text", text, most=100)
    words = [
        or_(col(Content.title).icontains(word, autoescape=True), col(Content.body).icontains(word, autoescape=True))
        for word in text.split()
    ]
    here = (col(Content.network_id) == network_id, col(Content.lifecycle) == Lifecycle.PUBLISHED)
    return await CONTENTS.read(db, page, *here, *words)

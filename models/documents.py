"""Trusted documents: what clients may run by its id, because whoever operates the service has said so."""

from sqlmodel import Field

from models.base import Row

ID_MOST = 200


class TrustedDocument(Row, table=True):
    """`document_id` is `sha256:` with the digest of the text in hex, or a name that a build tool gave it."""

    document_id: str = Field(max_length=ID_MOST, unique=True)
    text: str

"""Accounts, the sign-ins that speak for them, and the keys of kiosks.

Secrets are stored hashed.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlmodel import Field

from models.base import Row, choice, later, moment, ref


class AccountState(StrEnum):
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ERASED = "ERASED"


class Account(Row, table=True):
    principal_id: UUID = ref("principal", unique=True)
    email: str = Field(max_length=254, unique=True)
    display_name: str = Field(max_length=100)
    password_hash: str = Field(max_length=200)
    state: AccountState = choice(AccountState.ACTIVE)


class SignIn(Row, table=True):
    """A signed-in device. The token itself is known to the device alone."""

    principal_id: UUID = ref("principal")
    token_hash: bytes = Field(max_length=32, unique=True)
    expires_at: datetime = moment()
    ended_at: datetime | None = moment()
    by_ticket: bool = later(default=False)


class KioskKey(Row, table=True):
    """Lets a display show one board, and nothing else."""

    principal_id: UUID = ref("principal", unique=True)
    network_id: UUID = ref("network")
    board_id: UUID = ref("question_board")
    label: str = Field(max_length=100)
    token_hash: bytes = Field(max_length=32, unique=True)
    revoked_at: datetime | None = moment()

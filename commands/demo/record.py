"""What a newcomer and the bots need to know of the demo: ids and sign-ins, in a file for their eyes only."""

import tempfile
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from models import Network
from resolvers import accounts
from resolvers.session import Reader
from schema.base import row_id


class SignIn(BaseModel):
    """As whom one can act. `token` goes into the Authorization header; a display has nothing else."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    role: str
    name: str
    email: str | None = None
    password: str | None = None
    token: str
    member_id: str | None = None


class Record(BaseModel):
    """Global ids, as the API gives them, under the keys of `commands.demo.places`; one sign-in of each role."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    networks: dict[str, str]
    communities: dict[str, str]
    boards: dict[str, str]
    sign_ins: list[SignIn]
    bots: list[SignIn]

    @classmethod
    def read(cls, path: Path) -> Self | None:
        try:
            return cls.model_validate_json(path.read_text())
        except (OSError, ValidationError):
            return None

    def write(self, path: Path) -> None:
        """Readable by its owner alone, and whole at any time."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as file:
            file.write(self.model_dump_json(by_alias=True, indent=2))
        Path(file.name).replace(path)


async def of(db: Reader, path: Path) -> Record | None:
    """The record, if it speaks of this database."""
    found = Record.read(path)
    if found is None:
        return None
    ids = [row_id(id, Network) for id in found.networks.values()]
    is_here = all([await db.find(Network.id, Network.id == id) for id in ids])
    return found if is_here else None


async def is_fresh(db: Reader, found: Record) -> bool:
    """Whether its tokens still sign in."""
    try:
        for sign_in in (*found.sign_ins, *found.bots):
            await accounts.authenticate(db, sign_in.token)
    except accounts.BadToken:
        return False
    return True

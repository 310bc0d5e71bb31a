"""Whoever can act: a person, a visitor of one board, a kiosk.

Rights never live here.
"""

from enum import StrEnum

from models.base import Row, choice


class PrincipalKind(StrEnum):
    PERSON = "PERSON"
    VISITOR = "VISITOR"
    KIOSK = "KIOSK"


class Principal(Row, table=True):
    kind: PrincipalKind = choice(PrincipalKind.PERSON)

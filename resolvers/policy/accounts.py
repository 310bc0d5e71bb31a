"""An account is seen by the person whose it is."""

from typing import Any

from models import Account
from resolvers.policy.rules import Condition, Viewer, sight


@sight(Account)
def see_account(viewer: Viewer, account: Any) -> Condition:
    return account.principal_id == viewer

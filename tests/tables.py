"""Which rules of the policy stand in a who and what table. A rule that stands in none fails tests/test_policy.py.

Put `@table(policy.see_thing, policy.edit_thing)` on a test that says, for each kind of viewer, what these rules answer.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from resolvers.policy import Rule

T = TypeVar("T")

tabled: set[str] = set()


def table(*rules: Rule[Any]) -> Callable[[T], T]:
    """Mark the test as the table of these rules."""
    tabled.update(rule.name for rule in rules)
    return lambda test: test

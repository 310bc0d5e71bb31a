"""Validation: the rules of the specification, none of which may take long over any document."""

from collections.abc import Sequence

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    recommended_rules,
    specified_rules,
    validate,
)
from graphql.validation.validate import ValidationAbortedError

from schema.limits import exceeded

COMPARISONS = 20_000  # about: what is asked under one name is compared in pairs, which takes 2 µs
# With suggestions each may look at every name of the schema, which takes 16 ms.
ERRORS, SUGGESTING_ERRORS = 10, 4


class MergingRule(OverlappingFieldsCanBeMergedRule):
    """The library's rule, which is quadratic and gives up after a second: this one does so after 40 ms."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = COMPARISONS


RULES: Sequence[type[ASTValidationRule]] = (
    *(MergingRule if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    *recommended_rules,
)


def flaws(schema: GraphQLSchema, document: DocumentNode, *, suggests: bool) -> tuple[GraphQLError, ...]:
    """What is wrong with the document. `suggests`: it may be told what the schema has instead."""
    most = SUGGESTING_ERRORS if suggests else ERRORS
    errors = validate(schema, document, RULES, max_errors=most, hide_suggestions=not suggests)
    if errors and isinstance(errors[-1], ValidationAbortedError) and len(errors) <= most:
        errors[-1] = exceeded("Comparisons of what is asked under the same name", COMPARISONS)
    return tuple(errors)

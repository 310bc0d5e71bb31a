"""Limits: how large and how deep a document may be, counted before anything looks at it that takes longer than reading.

One pass visits each node of the document once. What a fragment brings is counted where it stands, by arithmetic and
not by putting it there: two spreads of it are twice its fields, and it is looked at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import (
    ArgumentNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
)

TOKENS = 2_000
OPERATIONS = 25
DEPTH = 20  # fields within fields; the introspection that clients send has 15
NESTING = 100  # braces and spreads within each other, which costs nothing but our own stack
ROOT_FIELDS = 50
FIELDS = 500  # of one selection set, with those of its fragments
SELECTIONS = 5_000  # of an operation, with those of its fragments wherever they are spread
ALIASES = 100
DIRECTIVES = 100
SPREADS = 250
LIST = 250  # values of one list
VALUES = 5_000  # of all variables together, lists and objects with what is in them


def exceeded(what: str, most: int) -> GraphQLError:
    return GraphQLError(f"{what}: at most {most:,}.", extensions={"code": "COST_EXCEEDED"})


class Size(NamedTuple):
    """Of a selection set, or of a selection: with all that is within it, and with its fragments."""

    depth: int = 0
    nesting: int = 0
    fields: int = 0  # side by side
    selections: int = 0


NOTHING = Size()


def check(document: DocumentNode) -> None:
    """Raises GraphQLError with the code COST_EXCEEDED."""
    Survey(document).check()


def check_variables(variables: Mapping[str, Any]) -> None:
    """Raises GraphQLError with the code COST_EXCEEDED. What is wrong with each of many values takes long to say."""
    count, waiting = 0, [*variables.values()]
    while waiting:
        count += 1
        found = waiting.pop()
        if isinstance(found, (list, dict)):
            waiting += found.values() if isinstance(found, dict) else found
        if count + len(waiting) > VALUES:
            raise exceeded("Values of the variables", VALUES)


class Survey:
    """The sizes of one document."""

    def __init__(self, document: DocumentNode) -> None:
        self._document = document
        self._fragments = {
            found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}
        self._aliases = self._directives = self._spreads = 0

    def check(self) -> None:
        operations = [found for found in self._document.definitions if isinstance(found, OperationDefinitionNode)]
        if len(operations) > OPERATIONS:
            raise exceeded("Operations in one document", OPERATIONS)
        for name in self._fragments:
            self._fragment(name, 0)
        for operation in operations:
            self._look_at(operation.directives, ())
            for variable in operation.variable_definitions or ():
                self._look_at(variable.directives, (variable.default_value,) if variable.default_value else ())
            if self.measure(operation.selection_set, 0).fields > ROOT_FIELDS:
                raise exceeded("Fields at the root of an operation", ROOT_FIELDS)

    def measure(self, selection_set: SelectionSetNode, level: int) -> Size:
        """`level` is how far the recursion has come."""
        depth = nesting = fields = selections = 0
        if level > NESTING:
            raise exceeded("Selections within each other", NESTING)
        for node in selection_set.selections:
            size = self._size(node, level + 1)
            depth = max(depth, size.depth)
            nesting = max(nesting, size.nesting)
            fields += size.fields
            selections += size.selections
        if nesting >= NESTING:
            raise exceeded("Selections within each other", NESTING)
        if depth > DEPTH:
            raise exceeded("Fields within fields", DEPTH)
        if fields > FIELDS:
            raise exceeded("Fields of one selection set, with its fragments", FIELDS)
        if selections > SELECTIONS:
            raise exceeded("Selections, with those of the fragments each time they are spread", SELECTIONS)
        return Size(depth, nesting + 1, fields, selections)

    def _size(self, node: SelectionNode, level: int) -> Size:
        if isinstance(node, FragmentSpreadNode):
            self._spread(node)
            within = self._fragment(node.name.value, level)
            return within._replace(selections=within.selections + 1)
        selection_set: SelectionSetNode | None = getattr(node, "selection_set", None)
        within = self.measure(selection_set, level) if selection_set else NOTHING
        if not isinstance(node, FieldNode):
            self._look_at(node.directives, ())
            return within._replace(selections=within.selections + 1)
        self._field(node)
        return Size(within.depth + 1, within.nesting, 1, within.selections + 1)

    def _fragment(self, name: str, level: int) -> Size:
        """What is not there, or leads back to itself, is nothing here: validation will say so."""
        found = self._fragments.get(name)
        if found is None:
            return NOTHING
        if name not in self._known:
            self._known[name] = NOTHING
            self._look_at(found.directives, ())
            self._known[name] = self.measure(found.selection_set, level)
        return self._known[name]

    def _field(self, node: FieldNode) -> None:
        if node.alias:
            self._aliases += 1
            if self._aliases > ALIASES:
                raise exceeded("Aliases", ALIASES)
        if node.arguments or node.directives:
            self._look_at(node.directives, [argument.value for argument in node.arguments or ()])

    def _spread(self, node: FragmentSpreadNode) -> None:
        self._spreads += 1
        if self._spreads > SPREADS:
            raise exceeded("Spreads of fragments", SPREADS)
        self._look_at(node.directives, ())

    def _look_at(self, directives: Sequence[DirectiveNode] | None, given: Sequence[ValueNode]) -> None:
        directives = directives or ()
        self._directives += len(directives)
        if self._directives > DIRECTIVES:
            raise exceeded("Directives", DIRECTIVES)
        if any(len(found.values) > LIST for found in _lists([*given, *_given(directives)])):
            raise exceeded("Values of one list", LIST)


def _given(directives: Sequence[DirectiveNode]) -> Iterator[ValueNode]:
    arguments: Iterator[ArgumentNode] = (argument for found in directives for argument in found.arguments or ())
    return (argument.value for argument in arguments)


def _lists(values: list[ValueNode]) -> Iterator[ListValueNode]:
    """The lists among the values, however deep."""
    while values:
        value = values.pop()
        if isinstance(value, ListValueNode):
            yield value
            values.extend(value.values)
        elif isinstance(value, ObjectValueNode):
            values.extend(field.value for field in value.fields)

"""Cost: how much an operation may fetch at most, in points, known before any of it is fetched.

An object is a point, and a list counts as often as it may hold: a page by its `first` or `last`, what is looked up by
its ids, any other list by a number that it seldom passes. A leaf is nothing. What is asked for several times under one
name is fetched once, and counts once; of types that exclude each other the dearest counts.

What does not depend on variables is a number, made once per document. The rest is a function of the variables.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)

from resolvers import paging

MUTATION, SUBSCRIPTION = 10, 10
INTROSPECTION = 1_000  # `__schema` and `__type`: as long as a thousand objects take, whatever of it is asked
LISTED = 10  # what a list without pages counts as
LISTS = {"Poll.options": 20, "Poll.viewerChoices": 20, "Ballot.choices": 20, "Schedule.overlaps": 100}
LOOKED_UP = {"Query.nodes": "ids"}  # as long as this argument
# What takes longer than an object, or is none.
WEIGHTS = {
    **dict.fromkeys(("Query.boardReport", "Query.sessionReport", "Query.conferenceReport"), 50),
    **dict.fromkeys(("QuestionBoard.export", "Schedule.ics"), 100),
    "Query.rateLimit": 0,
}
FOR_NOTHING = {"Problem"}

# A hall does these at once from one address, where nobody has a budget of their own yet. Their failures are limited.
FREE = {"joinBoard", "signIn", "signInWithLink", "signInWithTicket"}

Variables = Mapping[str, Any]
Points = int | Callable[[Variables], int]
Conditions = frozenset[tuple[str, bool]]  # variables of @skip and @include, and what they must be

ALWAYS: Conditions = frozenset()


class Cost(NamedTuple):
    """What an operation may take, and what it is charged if not that: a feed is charged once, and may take so much
    for each event.
    """

    taken: Points
    charged: int | None
    introspects: bool


def cost_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Cost:
    """Of a document that is valid and within its limits."""
    reckoning = Reckoning(schema, document)
    taken = reckoning.selected(schema.get_root_type(operation.operation), [operation.selection_set])
    charged = SUBSCRIPTION if operation.operation is OperationType.SUBSCRIPTION else None
    return Cost(taken, charged, reckoning.introspects)


def value(points: Points, variables: Variables) -> int:
    return points if isinstance(points, int) else points(variables)


class Place(NamedTuple):
    """Where a field is asked for in its selection set; in one place it is asked for once."""

    name: str
    only_of: str | None  # the one type of object that has it
    conditions: Conditions


class Reckoning:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._mutations = schema.mutation_type
        self._fragments = {
            found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)
        }
        self._types = schema.type_map
        self.introspects = False

    def selected(self, parent: Any, sets: Iterable[SelectionSetNode], page: Points = 0) -> Points:
        """What is selected of one object of this type. `page`: how many it holds, if it is a page."""
        fields: dict[Place, tuple[Any, list[FieldNode]]] = {}
        gathering = _Gathering(self._fragments, self._types, fields)
        for selection_set in sets:
            gathering.gather(parent, selection_set, None, ALWAYS)
        of_types: defaultdict[str | None, list[Points]] = defaultdict(list)
        for place, (owner, nodes) in fields.items():
            of_types[place.only_of].append(_if(place.conditions, self._field(owner, nodes, page)))
        shared = _sum(of_types.pop(None, ()))
        return _sum([shared, _dearest([_sum(points) for points in of_types.values()])])

    def _field(self, owner: Any, nodes: list[FieldNode], page: Points) -> Points:
        """A field that is asked for by all these nodes under one name."""
        name = nodes[0].name.value
        if name in {"__schema", "__type"}:
            self.introspects = True
            return INTROSPECTION
        if name == "__typename":
            return 0
        type_ = owner.fields[name].type
        target = get_named_type(type_)
        weight = WEIGHTS.get(f"{owner.name}.{name}")
        if is_leaf_type(target) or target.name in FOR_NOTHING:
            return weight or 0
        size = _page_size(nodes[0]) if _is_page(target) else 0
        below = self.selected(target, [node.selection_set for node in nodes if node.selection_set], size)
        if owner is self._mutations:
            return _sum([0 if name in FREE else MUTATION, below])
        each = _sum([1 if weight is None else weight, below])
        is_list = is_list_type(get_nullable_type(type_))
        return _product(page if _is_page(owner) else _listed(owner, nodes[0]), each) if is_list else each


class _Gathering:
    """The fields of a selection set with those of its fragments, as the executor gathers them."""

    def __init__(
        self,
        fragments: Mapping[str, FragmentDefinitionNode],
        types: Mapping[str, GraphQLNamedType],
        fields: dict[Place, tuple[Any, list[FieldNode]]],
    ) -> None:
        self._fragments = fragments
        self._types = types
        self._fields = fields
        self._seen: set[Place] = set()

    def gather(self, owner: Any, selection_set: SelectionSetNode, only_of: str | None, conditions: Conditions) -> None:
        for node in selection_set.selections:
            held = _conditions(node)
            if held is not None:
                self._take(owner, node, only_of, conditions | held)

    def _take(self, owner: Any, node: SelectionNode, only_of: str | None, conditions: Conditions) -> None:
        if isinstance(node, FieldNode):
            name = node.alias.value if node.alias else node.name.value
            self._fields.setdefault(Place(name, only_of, conditions), (owner, []))[1].append(node)
            return
        found: Any = node
        if isinstance(node, FragmentSpreadNode):
            place = Place(node.name.value, only_of, conditions)
            if place in self._seen:
                return
            self._seen.add(place)
            found = self._fragments[node.name.value]
        within = self._types[found.type_condition.name.value] if found.type_condition else owner
        is_narrower = is_object_type(within) and within is not owner
        self.gather(within, found.selection_set, within.name if is_narrower else only_of, conditions)


def _conditions(node: SelectionNode) -> Conditions | None:
    """What must hold for it to be asked at all; None if it never is."""
    held = set()
    for directive in node.directives or ():
        if directive.name.value in {"skip", "include"}:
            wanted = directive.name.value == "include"
            given = _argument(directive, "if")
            if isinstance(given, VariableNode):
                held.add((given.name.value, wanted))
            elif isinstance(given, BooleanValueNode) and given.value is not wanted:
                return None
    return frozenset(held)


def _is_page(type_: Any) -> bool:
    return str(type_.name).endswith("Connection")


def _page_size(node: FieldNode) -> Points:
    """By `first` or `last`. Without either, which is refused, as with the most there can be."""
    given = [_argument(node, name) for name in ("first", "last")]
    numbers = [int(found.value) for found in given if isinstance(found, IntValueNode)]
    names = [found.name.value for found in given if isinstance(found, VariableNode)]
    if not names:
        return _bounded(numbers)
    return lambda variables: _bounded([*numbers, *(n for name in names if (n := variables.get(name)) is not None)])


def _bounded(sizes: Collection[int]) -> int:
    return max(0, min(max(sizes, default=paging.MOST), paging.MOST))


def _listed(owner: Any, node: FieldNode) -> Points:
    """How many a list without pages may hold."""
    what = f"{owner.name}.{node.name.value}"
    if what not in LOOKED_UP:
        return LISTS.get(what, LISTED)
    given = _argument(node, LOOKED_UP[what])
    if isinstance(given, VariableNode):
        name = given.name.value
        return lambda variables: len(variables.get(name) or ())
    return len(given.values) if isinstance(given, ListValueNode) else 1


def _argument(node: Any, name: str) -> ValueNode | None:
    return next((argument.value for argument in node.arguments or () if argument.name.value == name), None)


# --- arithmetic, of which as little as can be is left for later ------------------------------------------------------


def _sum(parts: Iterable[Points]) -> Points:
    constant, rest = _split(parts)
    if not rest:
        return sum(constant)
    if len(rest) == 1 and not any(constant):
        return rest[0]
    known = sum(constant)
    return lambda variables: known + sum([part(variables) for part in rest])


def _dearest(parts: Iterable[Points]) -> Points:
    constant, rest = _split(parts)
    known = max(constant, default=0)
    return (lambda variables: max(known, *[part(variables) for part in rest])) if rest else known


def _product(one: Points, other: Points) -> Points:
    if isinstance(one, int):
        if isinstance(other, int):
            return one * other
        one, other = other, one
    if isinstance(other, int):
        times, factor = other, one
        return lambda variables: times * factor(variables)
    first, second = one, other
    return lambda variables: first(variables) * second(variables)


def _if(conditions: Conditions, points: Points) -> Points:
    if not conditions or points == 0:
        return points
    return lambda variables: (
        value(points, variables)
        if all(bool(variables.get(name, wanted)) is wanted for name, wanted in conditions)
        else 0
    )


def _split(parts: Iterable[Points]) -> tuple[list[int], list[Callable[[Variables], int]]]:
    constant: list[int] = []
    rest: list[Callable[[Variables], int]] = []
    for part in parts:
        if isinstance(part, int):
            constant.append(part)
        else:
            rest.append(part)
    return constant, rest

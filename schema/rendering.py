"""Rendering: one event, executed once for all who ask the same and may see the same.

Sharing is by recorded decisions. While a document is executed for one viewer, every question about their rights is
noted with its answer. Whoever gets the same answers gets the same bytes; for the others it is executed again.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakValueDictionary

from graphql import Executor, FieldNode, Node, VariableNode, execute_subscription_event, visit
from graphql.language import Visitor

from models import Row
from models.database import UNREACHABLE
from realtime.operation import Event, Operation, Party, Ref
from resolvers.live import Live, Subject
from resolvers.policy import Audience, Rule
from resolvers.policy.rules import UNSEEN, Seen
from schema.context import Context, Read
from schema.encoding import encode
from schema.live import event_for
from schema.masking import masked_result


class Told(NamedTuple):
    """What a client gets for one event: the encoded result, and where to continue behind it."""

    data: bytes
    cursor: str | None = None


class Key:
    """One for all that ask the same: comparing what they ask would cost more than telling it to them."""

    __slots__ = ("__weakref__",)


_keys: WeakValueDictionary[tuple[int, str], Key] = WeakValueDictionary()


@dataclass(frozen=True, slots=True)
class Shape:
    """What an operation asks of each event. Operations with the same key ask the same."""

    executor: Executor[Any]
    key: Key

    @classmethod
    def of(cls, executor: Executor[Any]) -> "Shape":
        """Of a root field only what is below it counts: its arguments have said what is followed, and from where."""
        root = executor.operation.selection_set.selections
        below = [node.selection_set if isinstance(node, FieldNode) else node for node in root]
        names = _variables(*below, *executor.fragment_definitions.values())
        coerced = executor.variable_values.coerced
        asked = id(executor.operation), repr([(name, coerced.get(name)) for name in sorted(names)])
        return cls(executor, _keys.setdefault(asked, Key()))


def _variables(*nodes: Node | None) -> set[str]:
    names: set[str] = set()

    class Names(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            names.add(node.name.value)

    for node in filter(None, nodes):
        visit(node, Names())
    return names


async def render(
    subject: Subject, event: Event, parties: Collection[Party]
) -> Collection[tuple[Told | None, Sequence[Operation]]]:
    """What operations are told of the event; None where there is nothing to say."""
    told: list[tuple[Told | None, Sequence[Operation]]] = []
    for alike in _by_shape(parties):
        waiting = alike
        while waiting:
            speaker = waiting[0].operations[0]
            recording = Recording(speaker)
            payload = await _execute(recording, speaker.shape, subject, event)
            same, waiting = await recording.agreeing(waiting)
            told.append((payload, [operation for party in same for operation in party.operations]))
    return told


def _by_shape(parties: Collection[Party]) -> Collection[Sequence[Party]]:
    found: defaultdict[Any, list[Party]] = defaultdict(list)
    for party in parties:
        found[party.operations[0].shape.key].append(party)
    return found.values()


async def _execute(recording: "Recording", shape: Shape, subject: Subject, event: Event) -> Told | None:
    shown = await event_for(recording, subject, event)
    if shown is None:
        return None
    executor = shape.executor.build_per_event_executor(shown)
    executor.context_value = recording
    result = execute_subscription_event(executor)
    result = await result if isawaitable(result) else result
    for error in result.errors or ():
        if isinstance(error.original_error, UNREACHABLE):  # no event is told by halves
            raise error.original_error
    result = masked_result(result)
    return Told(encode(result.formatted), getattr(shown, "cursor", None))


class Decision(NamedTuple):
    """What the speaker was told. If it is sure, so is whoever stands where they do."""

    is_allowed: bool
    is_sure: bool


class Recording:
    """One viewer's context, which notes what it is asked. What cannot be noted makes the answer theirs alone."""

    def __init__(self, speaker: Operation) -> None:
        self._speaker = speaker
        self._context: Context = speaker.shape.executor.context_value
        self._decisions: dict[tuple[Audience, UUID], Decision] = {}
        self._rows: dict[UUID, Row] = {}
        self._is_personal = False

    def __getattr__(self, name: str) -> Any:
        self._is_personal = True
        return getattr(self._context, name)

    @property
    def live(self) -> Live:
        return self._context.live

    async def row(self, rule: Rule[Any], row_id: UUID) -> Row | None:
        seen = await self._context.seen(rule, row_id)
        self._note(rule.now, row_id, seen)
        found: Row | None = seen.row
        if found is not None:
            self._rows[row_id] = found
        return found

    async def allows(self, rule: Rule[Any], row_id: UUID) -> bool:
        return await self.row(rule, row_id) is not None

    async def of_row(self, read: Read, row_id: UUID) -> Any:
        found, is_personal = await self._context.witnessed(read, row_id)
        self._is_personal |= is_personal
        return found

    async def feed_rows(self, subject: Subject, refs: Sequence[Ref], *, counted: bool = False) -> list[Row]:
        """Those of the rows that the feed shows the viewer now; `counted`: and whose numbers they may see."""
        shown = await self.live.rows(self._context, subject, refs)
        sources = {ref: source for ref in refs if (source := subject.source(ref.noun))}
        for ref, source in sources.items():
            self._note(source.now, ref.row_id, shown.get(ref, UNSEEN))
        self._rows |= {ref.row_id: seen.row for ref, seen in shown.items()}
        if counted:
            moved = {ref: rule for ref in shown if (rule := sources[ref].counters)}
            told = await self.live.counted(self._context, subject, list(moved))
            for ref, rule in moved.items():
                self._note(rule.now, ref.row_id, told.get(ref, UNSEEN))
            shown = {ref: found for ref, found in shown.items() if ref in told or ref not in moved}
        return [shown[ref].row for ref in refs if ref in shown]

    def _note(self, audience: Audience, row_id: UUID, seen: Seen) -> None:
        """What is asked twice is sure if it was so both times; if it has changed meanwhile, it is theirs alone."""
        decision = Decision(seen.row is not None, seen.is_sure)
        known = self._decisions.setdefault((audience, row_id), decision)
        self._is_personal |= known.is_allowed != decision.is_allowed
        self._decisions[audience, row_id] = Decision(decision.is_allowed, decision.is_sure and known.is_sure)

    async def agreeing(self, parties: Sequence[Party]) -> tuple[Sequence[Party], Sequence[Party]]:
        """Those who get the same answers, the speaker among them, and the others."""
        left = [operation for operation in parties[0].operations if operation is not self._speaker]
        same: Collection[Party] = [*([parties[0]._replace(operations=left)] if left else ()), *parties[1:]]
        others: Collection[Party] = []
        if self._is_personal:
            same, others = others, same
        has_asked = False
        for (audience, row_id), (is_allowed, is_sure) in self._decisions.items():
            known, asked = self.live.divided(row_id, same, parties[0].standing) if is_sure else ([], same)
            same = known
            if asked:
                has_asked = True
                allowed, refused = await self.live.ask(audience, row_id, asked)
                agree, differ = (allowed, refused) if is_allowed else (refused, allowed)
                same, others = [*known, *agree], [*others, *differ]
        if same and has_asked and not await self.live.are_still(self._rows.values()):
            # They were asked of another moment than the speaker, who saw what was not theirs yet, perhaps.
            same, others = [], [*others, *same]
        return [Party([self._speaker]), *same], list(others)

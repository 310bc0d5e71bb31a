"""Documents that mean no good: small to send, and dear to whoever takes them as they come."""

from graphql import get_introspection_query

DOUBLING = 60


def bomb(fragments: int = DOUBLING) -> str:
    """Each fragment spreads the next one twice: two to the power of their number."""
    links = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(fragments))
    return f"{{ ...F0 }} {links} fragment F{fragments} on Query {{ __typename }}"


def field_bomb(fragments: int = 12) -> str:
    """As `bomb`, with an object in between, so that no executor can see that it is twice the same."""
    links = "".join(
        f"fragment F{n} on Network {{ a{n}: viewerMember {{ network {{ ...F{n + 1} }} }} "
        f"b{n}: viewerMember {{ network {{ ...F{n + 1} }} }} }}"
        for n in range(fragments)
    )
    return f"{{ viewer {{ networks {{ ...F0 }} }} }} {links} fragment F{fragments} on Network {{ id }}"


def chain(links: int) -> str:
    spreads = "".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(links))
    return f"{{ ...F0 }} {spreads} fragment F{links} on Query {{ __typename }}"


def circle(fragments: int) -> str:
    links = " ".join(f"fragment F{n} on Query {{ ...F{(n + 1) % fragments} }}" for n in range(fragments))
    return f"{{ ...F0 }} {links}"


def aliases(count: int) -> str:
    return "{" + " ".join(f"a{n}: __typename" for n in range(count)) + "}"


def roots(count: int) -> str:
    return "{" + " viewer { __typename }" * count + "}"


def deep(depth: int) -> str:
    return "{ a" * depth + " }" * depth


def nested(braces: int) -> str:
    return "{ ... " * (braces - 1) + "{ a }" + " }" * (braces - 1)


def wide(fields: int) -> str:
    return "{ a { " + " ".join(f"f{n}" for n in range(fields)) + " } }"


def selections(count: int) -> str:
    """Ten of a kind, which are so many together once their fragment stands in each."""
    leaves = "a " * (-(-count // 10) - 2)
    return f"{{ {' '.join(f'x{n} {{ ...F }}' for n in range(10))} }} fragment F on Query {{ {leaves} }}"


def directives(count: int) -> str:
    return "{ a { " + " ".join(f"f{n} @skip(if: true)" for n in range(count)) + " } }"


def spreads(count: int) -> str:
    return "{ a { " + " ".join(f"b{n} {{ ...F }}" for n in range(count)) + "} } fragment F on Query { c }"


def listing(values: int) -> str:
    return "{ nodes(ids: [" + "1 " * values + "]) { id } }"


def operations(count: int) -> str:
    return " ".join(f"query Q{n} {{ a }}" for n in range(count))


def tokens(count: int) -> str:
    """Most of them variables, which are in nobody's way."""
    variables, rest = divmod(count - 6, 4)
    return "query (" + " ".join(f"$v{n}: Int" for n in range(variables)) + ") { a" + " a" * rest + " }"


def same_names() -> str:
    """Each pair of these is compared, and each pair of what is within them."""
    return "{" + ("viewer {" + "networks { id }" * 12 + "}") * 38 + "}"


def unknown_types() -> str:
    return " ".join(f"fragment F{n} on UpdateQuestionBoardPayload{n} {{ id }}" for n in range(280))


INTROSPECTION = get_introspection_query(
    descriptions=True,
    specified_by_url=True,
    directive_is_repeatable=True,
    schema_description=True,
    input_value_deprecation=True,
    experimental_directive_deprecation=False,
    one_of=True,
)

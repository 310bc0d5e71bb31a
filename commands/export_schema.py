"""Print the schema."""

from schema.root import build


def export_schema() -> None:
    """Print the GraphQL schema (SDL), sorted."""
    print(build(sort_schema=True).as_str())

"""GraphQL: types, inputs, nullability, descriptions."""

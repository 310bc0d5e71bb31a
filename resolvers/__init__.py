"""The business: rules, operations, transactions and clocks.

It knows no GraphQL.
"""

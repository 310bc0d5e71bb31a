"""The pipe: what was committed reaches whoever listens.

It has no opinion on who may look.
"""

"""Pairing, bonds and encryption."""
from settings import group

TESTS, test = group()

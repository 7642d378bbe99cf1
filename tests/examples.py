"""Fewer examples of properties that are costly to check: a share of those of all others."""

from hypothesis import settings

HALF = settings(max_examples=settings().max_examples // 2)
QUARTER = settings(max_examples=settings().max_examples // 4)

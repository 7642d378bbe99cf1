"""Fewer and smaller examples of properties that are costly to check, by the size of a sample."""

from hypothesis import settings

from steps import MAX_STEPS

HALF = settings(max_examples=settings().max_examples // 2)
QUARTER = settings(max_examples=settings().max_examples // 4)
#: The longest histories of which all pairs of events are looked at: 120 steps in `make test`.
PAIRED_STEPS = min(MAX_STEPS, 3 * settings().max_examples)

"""Clocks that order exactly the causally related pairs of events."""

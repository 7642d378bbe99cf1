"""Clocks that read the machine's physical clock."""

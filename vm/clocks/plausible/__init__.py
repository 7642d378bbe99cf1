"""Clocks of a bounded size that order every causally related pair, and some concurrent ones."""

"""Pages for people: one self-contained file per run, per experiment, and for all of them."""

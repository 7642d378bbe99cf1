"""Logs of the lab exercise in random shapes, with the exact truth about each.

A seed gives a shape: words, order of fields, separators, times, names, conventions, noise.
Histories of the simulator are written in this shape, as the files of a submission. `making.made`
returns them with the truth; `comparing` holds an audit of the files against it.

    PYTHONPATH=tests .venv/bin/python -m shapes SEED COUNT             measure, and print failures
    PYTHONPATH=tests .venv/bin/python -m shapes SEED COUNT --mistake each     with planted mistakes
    PYTHONPATH=tests .venv/bin/python -m shapes SEED 1 --write FOLDER         write the files
"""

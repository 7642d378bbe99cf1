"""The execution of runs by `vklocks run` and by the Python API."""

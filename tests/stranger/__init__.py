"""A program that reaches the ports of a run's machines, and knows all but the run's key.

It imports gRPC and the package `vm` only, so that it can be executed in a container of a run's
network: `python -m stranger FORM`, as `strangers` does.
"""

"""The programs of a swarm's run beside its machines: they run on the nodes, from the same image."""

"""The tree clock (Mathur, Pavlogiannis, Tunç and Viswanathan 2022).

A tree clock holds a vector in a tree of machines: the root is the machine itself, and a node hangs
below the machine from which it was learned. Knowledge of a node's event implies all of its subtree
up to then, so a join stops there and visits about as many nodes as it changes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from vm.clocks.clock import At, Bounds, Clock
from vm.clocks.encoding import encode_numbers, read_numbers
from vm.clocks.exact.counts import Counts, check_count, is_before

#: The parent of the root, and of machines without a known event.
NONE = -1


class Nodes(NamedTuple):
    """A tree clock: by machine the count of known events (clk), the parent, the parent's count on
    attachment (aclk), and the children, the last attached first.

    A state is shared with the stamps of its messages and the log, so it is not changed in place as
    in the paper: a join copies the arrays. The copy is linear in machines; the visited nodes, which
    the paper counts, are the same.
    """

    root: int
    clk: Counts
    parent: Counts
    aclk: Counts
    children: tuple[Counts, ...]


class Tree(Clock[Nodes]):
    """The vector clock as a tree (A Tree Clock Data Structure for Causal Orderings in Concurrent
    Executions, ASPLOS 2022, section 3, algorithm 2). A message carries the tree.

    Orders exactly the causally related pairs of events. A stamp has up to 3 N - 2 numbers, a
    timestamp N. By the paper's theorem, joins and copies together visit at most three times as many
    nodes as entries change. A copy goes into the clock of a lock, here into that of a channel.
    Joins alone can exceed this, where many machines pass on the same news to one another.
    """

    promise = "strong clock condition"
    column = "list"

    def initial(self, me: int, machines: int) -> Nodes:
        zero = (0,) * machines
        return Nodes(me, zero, (NONE,) * machines, zero, ((),) * machines)

    def advance(self, state: Nodes, at: At) -> Nodes:
        me, clk, parent, aclk, children = state
        return Nodes(me, (*clk[:me], clk[me] + 1, *clk[me + 1 :]), parent, aclk, children)

    def receive(self, state: Nodes, stamp: Nodes, sender: int, at: At) -> Nodes:
        me, clk, parent, aclk, children = state
        # The receive counts first: only from this event on does the machine know the subtree.
        own = max(clk[me], stamp.clk[me]) + 1
        state = Nodes(me, (*clk[:me], own, *clk[me + 1 :]), parent, aclk, children)
        if stamp.clk[stamp.root] <= clk[stamp.root]:
            return state
        return _attached(state, stamp, updates(stamp, state.clk)[0])

    def timestamp(self, state: Nodes) -> Counts:
        return state.clk

    def precedes(self, a: Counts, b: Counts) -> bool:
        return is_before(a, b)

    def encode(self, stamp: Nodes) -> bytes:
        numbers = list[int]()
        for q, count in enumerate(stamp.clk):
            numbers.append(count)
            if count and q != stamp.root:
                numbers += stamp.parent[q], stamp.aclk[q]
        return encode_numbers(numbers)

    def decode(self, data: bytes, bounds: Bounds) -> Nodes:
        clk, parent, aclk = _read_arrays(data, bounds)
        below: list[list[int]] = [[] for _ in clk]
        for q, above in enumerate(parent):
            _check_node(q, clk, parent, aclk, bounds)
            if above != NONE:
                below[above].append(q)
        for nodes in below:
            nodes.sort(key=aclk.__getitem__, reverse=True)
            if len({aclk[q] for q in nodes}) < len(nodes):
                raise ValueError("tree: two machines were attached by one receive")
        if _size(below, bounds.sender) < len(clk) - clk.count(0):
            raise ValueError("tree: a machine is not below the sender")
        children = tuple(map(tuple, below))
        return Nodes(bounds.sender, tuple(clk), tuple(parent), tuple(aclk), children)


def updates(tree: Nodes, known: Sequence[int]) -> tuple[dict[int, list[int]], int]:
    """Return the nodes of which `tree` knows more events than `known`, each with those of its
    children, and how many nodes the search visited.

    The root must be among them (getUpdatedNodesJoin in algorithm 2).
    """
    _, clk, _, aclk, children = tree
    found, visited, waiting = dict[int, list[int]](), 1, [tree.root]
    while waiting:
        node = waiting.pop()
        found[node] = newer = []
        for child in children[node]:
            visited += 1
            if known[child] < clk[child]:
                newer.append(child)
            elif aclk[child] <= known[node]:
                # The known event of the node knew this child, and all that were attached before.
                break
        waiting += newer
    return found, visited


def _attached(state: Nodes, stamp: Nodes, newer: dict[int, list[int]]) -> Nodes:
    """Move the updated nodes of a stamp below the root (detachNodes, attachNodes, pushChild)."""
    me = state.root
    clk, parent, aclk = list(state.clk), list(state.parent), list(state.aclk)
    children = list(state.children)
    for node in newer:
        if (above := parent[node]) != NONE:
            children[above] = tuple(child for child in children[above] if child != node)
    for node, below in newer.items():
        clk[node] = stamp.clk[node]
        children[node] = (*below, *children[node])
        for child in below:
            parent[child], aclk[child] = node, stamp.aclk[child]
    parent[stamp.root], aclk[stamp.root] = me, clk[me]
    children[me] = (stamp.root, *children[me])
    return Nodes(me, tuple(clk), tuple(parent), tuple(aclk), tuple(children))


def _size(children: Sequence[Sequence[int]], root: int) -> int:
    """Return the number of nodes of the subtree at `root`."""
    size, waiting = 0, [root]
    while waiting:
        size += 1
        waiting += children[waiting.pop()]
    return size


def _read_arrays(data: bytes, bounds: Bounds) -> tuple[list[int], list[int], list[int]]:
    """Return clk, parent and aclk by machine."""
    numbers = iter(read_numbers("tree", data))
    machines = len(bounds.events)
    clk, parent, aclk = [0] * machines, [NONE] * machines, [0] * machines
    try:
        for q in range(machines):
            clk[q] = next(numbers)
            if clk[q] and q != bounds.sender:
                parent[q], aclk[q] = next(numbers), next(numbers)
    except StopIteration:
        raise ValueError(f"tree: the stamp ends within machine {q}") from None
    if rest := len(list(numbers)):
        raise ValueError(f"tree: {rest} numbers after the last machine")
    return clk, parent, aclk


def _check_node(
    q: int, clk: Sequence[int], parent: Sequence[int], aclk: Sequence[int], bounds: Bounds
) -> None:
    """Check one node against its parent; ValueError if no receive can have attached it."""
    check_count("tree", q, clk[q], bounds)
    if q == bounds.sender and not clk[q]:
        raise ValueError("tree: the sender's component is 0, but a send is an event")
    if q == bounds.sender or not clk[q]:
        return
    if not 0 <= (above := parent[q]) < len(clk):
        raise ValueError(f"tree: the parent {above} of machine {q} is no machine")
    # The parent's own message, by which the node came, was sent after the receive.
    if not 1 <= aclk[q] < clk[above]:
        raise ValueError(f"tree: machine {q} was attached by event {aclk[q]} of {above}")

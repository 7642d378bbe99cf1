"""Values that belong to the object they are derived from."""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

Owner = TypeVar("Owner")
T = TypeVar("T")


def derived(make: Callable[[Owner], T]) -> Callable[[Owner], T]:
    """Compute a function of a run, or of another owner, once for each owner.

    As with `functools.cached_property`, the value is stored in the owner and freed with it; but
    the function may live in any module that knows the owner's type. It must not be used if a
    value refers back to its owner, since then only a garbage collection frees both.
    """
    name = f"{make.__module__}.{make.__qualname__}"

    @wraps(make)
    def of(owner: Owner) -> T:
        values = vars(owner)
        if name not in values:
            values[name] = make(owner)
        value: T = values[name]
        return value

    return of

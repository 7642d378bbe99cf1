"""The machines that the names in logs stand for.

A log can call a machine by its name, by the part in which the names differ (`1` for `run3_1`), by
its number (`process 1`), or by an alias that a description gives. A list of receivers can be
written in many ways, and in words: `m2 and m3`, `[2, 3]`, `both`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from analysis.logs.description.description import EVERYONE, SEPARATORS, SOMEONE, Alias
from analysis.logs.limits import MAX_MACHINES

#: Words for all other machines, and for none that is known.
ALL_OTHERS = {"all", "everyone", "everybody", "everything", "others", "broadcast", "both", "*"}
UNKNOWN = {"", "?", "-", "none", "null", "nil", "nan", "n/a", "na", "nobody", "undefined"}
#: Words beside names, which are no names unless a machine is called so.
FILLERS = {"to", "from", "and", "the", "machine", "machines", "process", "processes", "node"}
FILLERS |= {"nodes", "vm", "vms", "peer", "peers", "server", "servers", "other", "neighbour"}
FILLERS |= {"neighbours", "neighbor", "neighbors"}
TOKEN = re.compile(r"\d+|[^\W\d_]+|.")
#: Signs around names, and before a number: #2.
ENCLOSING = re.compile(r"[\[\](){}<>'\"]|(?<!\w)#")
LAST_NUMBER = re.compile(r"(\d{1,200})\D*$")
END_NUMBER = re.compile(r"\d{1,200}$")

Names = tuple[str, ...]


class Directory:
    """The machines of a run by all their names; `notes` state what was taken for which."""

    def __init__(
        self,
        machines: Sequence[str],
        aliases: Mapping[str, Alias] | None = None,
        separators: Sequence[str] = SEPARATORS,
    ) -> None:
        self._machines = tuple(machines)
        self._aliases = aliases or {}
        parts = _differing_parts(machines)
        self._by_part = _unique((part.lower(), m) for part, m in zip(parts, machines, strict=True))
        self._by_case = _unique((machine.lower(), machine) for machine in machines)
        self._by_number = _unique(
            (str(int(found[1])), machine)
            for part, machine in zip(parts, machines, strict=True)
            if (found := LAST_NUMBER.search(part) or LAST_NUMBER.search(machine))
        )
        self._between = re.compile("|".join(_separator(one) for one in separators) or r"(?!)")
        self._found: dict[tuple[str, str], Names] = {}
        self.taken: dict[str, str] = {}

    def notes(self) -> list[str]:
        return [
            f"{name} is taken for {machine}, by its"
            f" {'number' if END_NUMBER.search(name) else 'name without the common part'}"
            for name, machine in sorted(self.taken.items())
        ]

    def own(self, name: str) -> str:
        """Return the name of the machine of a log, after its alias."""
        of = self._aliases.get(name)
        if isinstance(of, tuple) and len(of) == 1 and of[0] not in (EVERYONE, SOMEONE):
            return of[0]
        return name

    def sender(self, machine: str, text: str) -> str | None:
        """Return the sender in a receive of a machine, None if it is not known."""
        names = self.receivers(machine, text)
        return names[0] if len(names) == 1 else None

    def receivers(self, machine: str, text: str) -> Names:
        """Return the receivers in a send of a machine; () if they are not known."""
        if (machine, text) not in self._found:
            names = dict.fromkeys(self._all(machine, text.strip()))
            self._found[machine, text] = tuple(names)[:MAX_MACHINES]
        return self._found[machine, text]

    def _all(self, machine: str, text: str) -> Iterator[str]:
        if text in self._machines or text in self._aliases:
            yield from self._one(machine, text) or ()
            return
        for piece in self._between.split(ENCLOSING.sub(" ", text)):
            yield from self._piece(machine, piece.strip())

    def _piece(self, machine: str, piece: str) -> Names:
        """Return the machines in a text between separators: one name, or names and words."""
        words = piece.split()
        by_word = {word: self._one(machine, word) for word in words}
        # Numbers are names each, as in `1 3`, also those of machines without a log.
        if len(words) > 1 and all(by_word[w] is not None or w.isdigit() for w in words):
            known = {word: (word,) if found is None else found for word, found in by_word.items()}
            return tuple(name for word in words for name in known[word])
        if (whole := self._one(machine, piece)) is not None:
            return whole
        some = [word for word in words if by_word[word] or word.lower() not in FILLERS]
        if any(by_word[word] for word in words):
            return tuple(name for word in some for name in by_word[word] or (word,))
        return (piece,) if len(some) > 1 or piece in some else tuple(some)

    def _one(self, machine: str, name: str) -> Names | None:
        """Return the machines that one name stands for, None if it is none of this run's."""
        own = self._aliases.get(machine)
        alias = (own.get(name) if isinstance(own, Mapping) else None) or self._aliases.get(name)
        if isinstance(alias, tuple):
            return tuple(n for one in alias for n in self._meant(machine, one))
        if name in self._machines:
            return (name,)
        if name.lower() in UNKNOWN:
            return ()
        if found := self._same(name):
            self.taken[name] = found
            return (found,)
        return self._others(machine) if name.lower() in ALL_OTHERS else None

    def _meant(self, machine: str, name: str) -> Names:
        if name == SOMEONE:
            return ()
        return self._others(machine) if name == EVERYONE else (name,)

    def _others(self, machine: str) -> Names:
        return tuple(other for other in self._machines if other != machine)

    def _same(self, name: str) -> str | None:
        lower, number = name.lower(), END_NUMBER.search(name)
        if found := self._by_case.get(lower) or self._by_part.get(lower):
            return found
        return self._by_number.get(str(int(number[0]))) if number else None


def _separator(text: str) -> str:
    """Return the expression of a separator; a word in it is between spaces of any length."""
    word = text.strip()
    return rf"\s+{re.escape(word)}\s+" if text != word and word else re.escape(text)


def _unique(pairs: Iterator[tuple[str, str]]) -> dict[str, str]:
    """Return the pairs whose key is there once."""
    known = list(pairs)
    counts = Counter(key for key, _ in known)
    return {key: machine for key, machine in known if counts[key] == 1}


def _differing_parts(names: Sequence[str]) -> list[str]:
    """Return the names without the tokens with which all of them begin and end."""
    tokens = [TOKEN.findall(name) for name in names]
    if len(names) < 2:
        return list(names)
    least = min(map(len, tokens))
    before = next((n for n in range(least) if len({t[n] for t in tokens}) > 1), least)
    most = least - before
    after = next((n for n in range(most) if len({t[-1 - n] for t in tokens}) > 1), most)
    parts = ["".join(t[before : len(t) - after]) for t in tokens]
    return parts if all(parts) else list(names)

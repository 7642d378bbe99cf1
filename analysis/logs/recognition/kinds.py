"""Words for the kinds of events, as programs log them."""

import re
from collections.abc import Iterable, Iterator
from unicodedata import normalize

from vm.records import Kind

#: Beginnings of words, in lower case, by the kind of event that they stand for. A word that ends
#: in $ is whole.
STEMS: dict[Kind, tuple[str, ...]] = {
    "send": (
        *("send", "sent", "snd", "tx$", "transmi", "emit", "post", "mail", "dispatch", "out$"),
        *("outward", "outgoing", "outbound", "gave$", "give", "push", "publish", "broadcast"),
        *("bcast", "multicast", "forward", "deposit", "ship", "cast", "s$", "write", "wrote"),
        *("notif", "propagat", "envi", "senden", "sende", "gesendet", "envoi", "envoy", "throw"),
        *("threw", "speak", "told$", "tell", "utter", "release", "unicast", "ping", "put$"),
        *(
            "note$",
            "call",
            "request",
            "hand$",
            "handed",
            "pass",
            "deal",
            "fire",
            "export",
            "upload",
        ),
        *("mando", "verschick", "spoke", "signal", "invi", "verzond", "verzend", "wysl", "lahet"),
        *("отправ", "посла", "送信", "发送", "發送", "fanout", "diffus", "difus"),
    ),
    "receive": (
        *(
            "receiv",
            "recv",
            "rcv",
            "rx$",
            "got$",
            "get$",
            "gets$",
            "accept",
            "took$",
            "take",
            "in$",
        ),
        *("inward", "incoming", "inbound", "intake", "handl", "deliver", "consum", "read$"),
        *("reads$", "pop", "process", "fetch", "obtain", "pick", "r$", "dequeu", "arriv", "hear"),
        *("pull", "collect", "ingest", "recib", "empfang", "erhalten", "recu", "absorb"),
        *("drain", "import", "download", "catch", "caught", "merge", "recep", "ricez", "ricev"),
        *("ontvang", "odebr", "odbier", "vastaan", "получ", "прин", "受信", "接收"),
    ),
    "internal": (
        *("internal", "local", "own$", "self$", "idle", "work", "comput", "op$", "nothing", "step"),
        *("tick$", "int$", "i$", "interno", "intern", "action", "calc", "think", "noop", "nop$"),
        *("pass$", "busy", "task", "execut", "proces$", "private", "alone", "spin", "wewn"),
        *("sisai", "внутр", "内部", "內部"),
    ),
}
PRIORITY: tuple[Kind, ...] = ("receive", "send", "internal")
#: Words that name a kind of event as a value, and mean nothing as the name of a field.
GENERIC = {
    *("sender", "senders", "receiver", "receivers", "op", "action", "step", "task", "event"),
    *("process", "work", "out", "in", "write", "i"),
}


MESSAGES = {"message", "messages", "msg", "msgs"}
ACCENTS = re.compile("[\u0300-\u036f]")
#: What divides the parts of a word, as in `evt.recv`.
PARTS = re.compile(r"[._-]")
NEGATIONS = {"not", "no", "without", "nothing", "never", "non"}


def kinds_of(words: Iterable[str], labels: Iterable[str] = ()) -> list[Kind]:
    """Return the kinds that the words of a line may stand for, in the order of the words.

    `labels` are names of fields: they count only if no word stands for a kind.
    """
    found: list[Kind] = []
    for word, is_of_none in affirmed(words):
        found += [kind for kind in _kinds_of_word(word) if kind == "internal" or not is_of_none]
    if not found and labels:
        return kinds_of(label for label in labels if label not in GENERIC)
    return list(dict.fromkeys(found))


def affirmed(words: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Yield the words that are not negated, and whether each is about a message that is not there.

    So is the last of `no message received`, and that of `no message: internal`, which names an
    internal event nevertheless.
    """
    before = earlier = ""
    for word in words:
        if before not in NEGATIONS:
            yield word, before in MESSAGES and earlier in NEGATIONS
        earlier, before = before, word


def _kinds_of_word(word: str) -> list[Kind]:
    """Return the kinds that a word stands for, or else one of its parts; accents do not count."""
    word = ACCENTS.sub("", normalize("NFKD", word)).replace("ł", "l")
    for some in ([word], [part for part in PARTS.split(word) if part not in GENERIC]):
        if kinds := [
            kind
            for one in some
            for kind in PRIORITY
            if any(_fits(one, stem) for stem in STEMS[kind])
        ]:
            return kinds
    return []


def _fits(word: str, stem: str) -> bool:
    return word == stem[:-1] if stem.endswith("$") else word.startswith(stem)

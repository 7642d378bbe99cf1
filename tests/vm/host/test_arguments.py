"""What is typed, and what is said of what cannot be."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from loopback import own_address
from orchestrator.keys import new_certificate, new_secret
from vm.host.arguments import read_settings
from vm.latency import Constant
from vm.options import UsageError
from vm.spec import Spec
from vm.workloads import WORKLOADS

BASE = ("vm2", "--port", "1", "--peers", "vm10=h:2,vm1=h:3")


def test_a_spec_is_one_value() -> None:
    loss = {"kind": "loss", "probability": 0.5, "senders": ["vm10"]}
    fields = {"latency": {"kind": "constant", "delay_s": 0.5}, "fifo": False, "faults": [loss]}
    spec = read_settings((*BASE, "--spec", json.dumps(fields))).spec
    assert spec.machines == ("vm1", "vm2", "vm10")
    assert spec.latency == Constant(500_000_000)
    assert not spec.fifo
    assert spec.plain()["faults"][0] | loss == spec.plain()["faults"][0]


WRONG: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "'{' is not JSON"),
    "no object": ("[1]", "'[1]' is not an object of fields"),
    "nested without end": ("[" * 100_000, "is not JSON"),
    "other machines": (
        '{"machines": 2}',
        "--spec: machines: they are not NAME and --peers, vm1, vm2",
    ),
    "unknown field": ('{"fifi": true}', "--spec: fifi: there is no such field; did you mean fifo?"),
    "wrong value": ('{"fifo": 1}', "--spec: fifo: 1 is neither true nor false"),
    "deep inside": (
        '{"faults": [{"kind": "loss", "probability": 2}]}',
        "--spec: faults.0.probability: 2 is not",
    ),
    "unknown machine": (
        '{"faults": [{"kind": "crash", "machine": "vm3", "at_s": 1}]}',
        "--spec: faults.0.machine: there is no machine 'vm3'",
    ),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_field_is_named(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings((*BASE, "--spec", text))
    assert says in str(caught.value)


def test_who_comes_back_cannot_ask_peers_for_their_names() -> None:
    with pytest.raises(UsageError, match="--peers: h:5 needs a name with --recover"):
        read_settings(("vm2", "--port", "1", "--peers", "h:5", "--recover"))


def test_options_are_conveniences_over_the_spec() -> None:
    whole = Spec.parse({"machines": ["vm1", "vm2", "vm10"], "seed": 5, "ticks": [2, 3]})
    options = ("--spec", json.dumps(whole.plain()), "--seed", "6", "--max-ticks", "9", "--tight")
    settings = read_settings((*BASE, *options))
    assert settings.spec == replace(whole, seed=6, ticks=(2, 9), workload=WORKLOADS["tight"])
    assert settings.seed == 6
    assert read_settings(BASE).seed is None


def test_a_wrong_option_is_named_as_it_was_typed() -> None:
    for option in ("--ticks", "6-1"), ("--tick-rate", "0"), ("--clocks", "sundial"):
        with pytest.raises(UsageError, match=f"^{option[0]}: "):
            read_settings((*BASE, *option))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--port", "0"], "--port: a port from 1 to 65535 is needed, not 0"),
        (["--port", "²"], "argument --port: '²' is not a whole number"),
        (["--port", "9" * 5000], "argument --port: '999"),
        (["--peers", "h:²"], "--peers: 'h:²' is neither NAME=HOST:PORT nor HOST:PORT"),
        (["--peers", "h:" + "9" * 5000], "--peers: 'h:999"),
        (["--peers", "\x1b[2J:5"], r"--peers: '\x1b[2J:5' is neither NAME=HOST:PORT"),
        (["--peers", "a b=h:5"], "--peers: 'a b' is not a name"),
        (["--peers", ",".join(f"h:{n}" for n in range(1, 60_000))], "--peers: 60000 machines"),
        (["--run", "a\nb"], r"argument --run: 'a\nb' is not 1 to 255 printable characters"),
        (["--listen", "256.0.0.1"], "argument --listen: '256.0.0.1' is not an address of this"),
        (["--listen", "192.0.2.1"], "argument --listen: '192.0.2.1' is not an address of this"),
        (["--startup", "nan"], "argument --startup: 'nan' is not a number of seconds"),
        (["--min-ticks", "0"], "--ticks: 0 is outside"),
        (["--spec", '{"seed": 1, "seed": 2}'], "argument --spec: seed: it is there more than once"),
        (
            ["--spec", '{"faults": [{"kind": "crash", "kind": "loss"}]}'],
            "argument --spec: kind: it is there more than once",
        ),
        (["--spec", '{"ticks": 5}', "--min-ticks", "1"], "--spec: ticks: 5 is not a pair"),
        (["--spec", '{"seed": ' + "9" * 5000 + "}"], 'argument --spec: \'{"seed": 999'),
        (["--spec", '{"\\u001b": 1}'], r"--spec: \x1b: there is no such field"),
        (["--spec", "\x1b" * 100_000], r"argument --spec: '\x1b\x1b"),
    ],
)
def test_a_hostile_value_is_refused_in_one_short_line(words: list[str], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_settings((*BASE, *words))
    assert str(caught.value).startswith(says)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


def test_a_name_that_is_none_is_refused_with_its_place() -> None:
    with pytest.raises(UsageError, match=r"^NAME: 'a\\x07' is not a name"):
        read_settings(("a\x07", *BASE[1:]))


@pytest.mark.parametrize("address", ["127.0.0.1", "[::]", "localhost", "0.0.0.0"])
def test_an_address_of_this_computer_is_listened_on(address: str) -> None:
    assert read_settings((*BASE, "--listen", address)).listen == address


KEYS = {
    "missing": (None, "No such file or directory"),
    "short": (b"k" * 31 + b"\n", "it has 31 bytes, not 32 to 65536"),
    "long": (b"k" * 100_000, "it has 65537 bytes, not 32 to 65536"),
    "half": (
        new_certificate().partition(b"-----BEGIN PRIVATE KEY")[0],
        "it does not hold a certificate with its private key",
    ),
    "torn": (
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        "it does not hold a certificate with its private key",
    ),
    "mixed": (
        new_certificate().partition(b"-----BEGIN PRIVATE KEY")[0]
        + b"".join(new_certificate().partition(b"-----BEGIN PRIVATE KEY")[1:]),
        "it does not hold a certificate with its private key",
    ),
}


@pytest.mark.parametrize(("content", "problem"), KEYS.values(), ids=list(KEYS))
def test_a_file_that_is_no_key_is_refused(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_settings((*BASE, "--key", str(file)))
    assert f"is no key: {problem}; `vklocks key FILE` makes one" in str(caught.value)


def test_to_listen_for_other_computers_takes_a_key(tmp_path: Path) -> None:
    if not (address := own_address()):
        pytest.skip("this computer has loopback only")
    with pytest.raises(UsageError, match=r"^--listen: .* need a key: `vklocks key FILE` makes"):
        read_settings((*BASE, "--listen", address))
    (tmp_path / "key").write_bytes(new_secret())
    options = ("--listen", address, "--key", str(tmp_path / "key"))
    assert read_settings((*BASE, *options)).listen == address

"""The formats of logs by name, and the settings that change how logs are read."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.history.run import Format, InputError
from analysis.logs import own
from analysis.logs.description import fields
from analysis.logs.importers import IMPORTERS, delimited, described
from analysis.logs.recognition import format as recognition
from analysis.logs.recognition.rivals import READING
from vm.fields import SpecError, suggestion
from vm.quoting import plain, quoted

#: How logs are read, by the format's name; the first that knows a file of a directory reads it.
FORMATS: dict[str, Format] = {
    own.NAME: own,
    **IMPORTERS,
    recognition.NAME: recognition.Recogniser(),
}


def formats_of(name: str, settings: Mapping[str, Any]) -> tuple[Format, ...]:
    """Return the format with a name, or all of them for ""; `settings` change what can be set.

    InputError for an unknown name, a wrong description, or a wrong setting.
    """
    if name.endswith(described.SUFFIX) and name not in FORMATS:
        return (described.read(Path(name), settings),)
    if name and name not in FORMATS:
        raise InputError(
            f"there is no format {name!r}{suggestion(name, FORMATS)}; or give a description of it,"
            f" a file that ends in {described.SUFFIX}"
        )
    formats = FORMATS | ({delimited.NAME: _set(settings)} if settings else {})
    formats |= {recognition.NAME: recognition.Recogniser(settings)}
    return (formats[name],) if name else tuple(formats.values())


def can_be_set(format_: Format) -> bool:
    """Return whether settings change how a format is read."""
    return isinstance(
        format_, delimited.Delimited | described.Described | recognition.RecognisedFormat
    )


def _set(settings: Mapping[str, Any]) -> delimited.Delimited:
    """Return the delimited format with settings in the place of inferred conventions."""
    try:
        settings = {name: one for name, one in settings.items() if name != READING}
        for name in settings:
            field = name.partition(".")[0]
            if field in fields.FIELDS and field not in delimited.SETTINGS:
                raise SpecError(field, "only a description has this field: give one with --format")
        return delimited.Delimited(fields.parse(fields.overridden({}, settings), is_whole=False))
    except SpecError as error:
        raise InputError(f"--set {error}") from None


def read_settings(texts: Iterable[str]) -> dict[str, Any]:
    """Read FIELD=VALUE of the command line; a value that is no TOML is a text."""
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError(f"--set {plain(text)}: give a field and its value, as stamp=before")
        if name.partition(".")[0] not in (*fields.FIELDS, READING):
            near = suggestion(name, fields.FIELDS)
            raise InputError(f"--set {quoted(name)}: there is no such field{near}")
        settings[name] = _value(value)
    if settings.get(READING, 1) not in (1, 2):
        raise InputError(f"--set {READING}={settings[READING]}: it is neither 1 nor 2")
    return settings


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return text

"""Pages that are one file each: templates, style and modules of assets/ put together.

The modules are plain ES modules, which a browser could load one by one. A page holds them in
one script, each in a scope of its own, in an order in which whoever is imported comes first.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vm import __version__

ASSETS = Path(__file__).parent / "assets"
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./([a-z]+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:class|const|function) (\w+))", re.MULTILINE)


def render(template: str, **values: Any) -> str:
    """A page, with the module of the same name as its script.

    Whatever `values` hold ends up as text: the templates escape all of it.
    """
    page = _environment().get_template(f"{template}.html")
    return page.render(version=__version__, css=_css(), script=linked(template), **values)


def leave(path: Path, text: str) -> Path:
    """Write a file that appears only once it is whole."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(text, encoding="utf-8")
    return partial.replace(path)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _css() -> Markup:
    return Markup((ASSETS / "page.css").read_text(encoding="utf-8"))


@cache
def linked(module: str) -> Markup:
    """A module and all that it imports, as one script."""
    texts: dict[str, str] = {}
    _gather(module, texts)
    return Markup("const modules = {};\n" + "\n".join(texts.values()))


def _gather(module: str, texts: dict[str, str]) -> None:
    text = (ASSETS / f"{module}.js").read_text(encoding="utf-8")
    for imported in IMPORT.findall(text):
        if imported[1] not in texts:
            _gather(imported[1], texts)
    exports = ", ".join(name for _, name in EXPORT.findall(text))
    body = EXPORT.sub(r"\1", IMPORT.sub(r"const \1 = modules.\2;", text))
    texts[module] = f"modules.{module} = (() => {{\n{body}return {{ {exports} }};\n}})();"

"""Single-file pages, assembled from the templates, style and modules in assets/.

The modules are plain ES modules that a browser could load one by one. A page contains them in one
script, each in its own scope, after the modules that it imports.
"""

import posixpath
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from vm import __version__

ASSETS = Path(__file__).parent / "assets"
IMPORT = re.compile(r'^import (\{[^}]*\}) from "(\.{1,2}/[a-z/.]+)\.js";$', re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:class|const|function) (\w+))", re.MULTILINE)


def render(template: str, **values: Any) -> str:
    """Return a page whose script is the module of the same name. `values` are escaped."""
    page = _environment().get_template(f"{template}.html")
    return page.render(version=__version__, css=_css(), script=linked(template), **values)


def compile_templates() -> None:
    """Compile all templates, which takes 0.1 s, before the first page needs them."""
    for template in _environment().list_templates(["html"]):
        _environment().get_template(template)


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
    """Link a module and all of its imports into one script."""
    texts: dict[str, str] = {}
    _gather(module, texts)
    return Markup("const modules = {};\n" + "\n".join(texts.values()))


def _gather(module: str, texts: dict[str, str]) -> None:
    text = (ASSETS / f"{module}.js").read_text(encoding="utf-8")
    for _, path in IMPORT.findall(text):
        imported = _resolved(module, path)
        if imported not in texts:
            _gather(imported, texts)
    exports = ", ".join(name for _, name in EXPORT.findall(text))
    body = IMPORT.sub(lambda m: f'const {m[1]} = modules["{_resolved(module, m[2])}"];', text)
    body = EXPORT.sub(r"\1", body)
    texts[module] = f'modules["{module}"] = (() => {{\n{body}return {{ {exports} }};\n}})();'


def _resolved(module: str, path: str) -> str:
    """Return the module name below assets/ for the path of an import."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(module), path))

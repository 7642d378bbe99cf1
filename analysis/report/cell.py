"""A page in a cell of a notebook."""

from dataclasses import dataclass, field
from html import escape

HEIGHT_PX = 640


@dataclass(frozen=True)
class Diagram:
    """The space-time diagram of a run, which a notebook shows as the result of a cell.

    `page` is a whole HTML page, to be written to a file where there is no notebook.
    """

    run: str
    page: str = field(repr=False)

    def _repr_html_(self) -> str:
        """Return a frame that contains the page itself, so it needs neither server nor network.

        Its origin is its own: its script cannot reach the notebook around it.
        """
        return (
            f'<iframe title="Space-time diagram of {escape(self.run)}"'
            ' sandbox="allow-scripts allow-forms allow-downloads"'
            f' style="width: 100%; height: {HEIGHT_PX}px; border: 0"'
            f' srcdoc="{escape(self.page)}"></iframe>'
        )

"""Escaping of untrusted text (names of methods, datasets, cases) for each output format."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup

#: A bracket of at most 40 characters (longer ones have to break), a p value, a mean with its deviation.
_UNBROKEN = re.compile(r"([\[(][^\[\]()]{1,40}[\])]|\bp [<≥]? ?\d[.\d]*|[-−]?[.\d]+ ± [.\d]+)")
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#])")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "†": r"$^\dagger$",
    "→": r"$\rightarrow$",
    "–": "--",
    "−": r"$-$",
    "Δ": r"$\Delta$",
    "°": r"\textdegree{}",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "²": r"$^2$",
    "³": r"$^3$",
    "μ": r"$\mu$",
    "µ": r"$\mu$",
    "…": r"\dots{}",
    "’": "'",
    "“": "``",
    "”": "''",
    "—": "---",
    "·": r"$\cdot$",
}
#: Characters at which a spreadsheet starts a formula, including their full-width forms.
_FORMULA = tuple("=+-@＝＋－＠")


def printable(text: str) -> str:
    """`text` on one line; control, right-to-left and zero-width characters are written as \\u202e and similar.

    >>> printable("a\\tb")
    'a\\\\tb'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def breakable(text: str) -> "Markup":
    """For a narrow HTML cell: a line may break before a bracket and after @, not inside a bracket or p value.

    >>> str(breakable("0.1 [0.0, <0.2]"))
    '0.1 <span class="whole">[0.0, &lt;0.2]</span>'
    """
    from markupsafe import Markup, escape

    parts = _UNBROKEN.split(printable(text))
    wrapped = (
        Markup('<span class="whole">{}</span>').format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
    return Markup("").join(wrapped).replace("@", Markup("@<wbr>"))


def markdown(text: str) -> str:
    """For a table cell or paragraph of GitHub-flavoured Markdown: no HTML, emphasis, column break or link."""
    entities = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", entities).replace("://", "&#58;//")


def latex(text: str) -> str:
    """For LaTeX text; letters beyond Latin-1 are written as U+4E2D, so that every engine compiles them."""
    return "".join(_LATEX.get(c) or _latin(c) for c in printable(text))


def _latin(c: str) -> str:
    return c if c.isascii() or (c.isalpha() and ord(c) <= 0xFF) else f"U+{ord(c):04X}"


def spreadsheet(text: str) -> str:
    """For a CSV cell: a leading apostrophe stops a spreadsheet from reading the cell as a formula."""
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown

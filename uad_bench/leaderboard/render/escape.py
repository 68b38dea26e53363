"""Names are strangers' text: each format writes them so that they can only be read, never run."""

import re

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
}
#: What a spreadsheet takes for the beginning of a formula, the wide forms of East Asian fonts included.
_FORMULA = tuple("=+-@＝＋－＠")


def visible(text: str) -> str:
    """`text` on one line, with control, right-to-left and zero-width characters as \\u202e and the like."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def markdown(text: str) -> str:
    """For a GitHub-flavoured table cell or paragraph: no HTML, no emphasis, no column break, no link."""
    entities = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", entities).replace("://", "&#58;//")


def latex(text: str) -> str:
    """For LaTeX text; a letter that no western font has is named (U+4E2D), so that every engine compiles it."""
    return "".join(_LATEX.get(c) or _western(c) for c in visible(text))


def _western(c: str) -> str:
    return c if c.isascii() or (c.isalpha() and ord(c) <= 0xFF) else f"U+{ord(c):04X}"


def spreadsheet(text: str) -> str:
    """For a CSV cell: a leading apostrophe keeps a spreadsheet from taking it for a formula."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown

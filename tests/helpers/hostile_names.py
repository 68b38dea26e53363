"""Names that must be displayed and never interpreted as markup, formulas, commands or paths."""

NAMES = [
    "<script>alert(1)</script>", "a|b", '=HYPERLINK("http://x")', "snake_case_*name*", "R&D 5% $x$ #1 ~^\\{}",
    "safe\u202eexe", "[click](http://x)", "line\nbreak", "`code`", "@cmd", "-1+1", "&lt;", "é 中",
]  # fmt: skip
HTML_NAMES = [
    "<script>alert(1)</script>", "a|b", '=HYPERLINK("x")', 'x" onload="alert(1)', "a\u202eb\u200f", "{{ 7*7 }}",
]  # fmt: skip

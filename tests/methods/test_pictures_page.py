"""docs/pictures.md names the components of exactly the methods that have some."""

import re
from pathlib import Path

from uad_bench import Method, plugins
from uad_methods.plugin import METHODS

PAGE = Path(__file__).parents[2] / "docs/pictures.md"


def test_the_page_names_every_method_with_components():
    table = PAGE.read_text().partition("| method | components |")[2].partition("\n\n")[0]
    named = [name for line in table.splitlines() for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])]
    classes = {name: plugins.load(plugins.resolve("method", name)) for name in METHODS}
    assert sorted(named) == sorted(
        name for name, cls in classes.items() if cls.components is not Method.components
    )

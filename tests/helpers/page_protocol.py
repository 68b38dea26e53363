"""The protocol that docs/protocols.md gives as an example."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/protocols.md"


def page_protocol(folder: Path) -> str:
    """The path of a file in `folder` with the example."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(), flags=re.DOTALL | re.MULTILINE)
    path = folder / "rigid-1mm.yaml"
    path.write_text(text)
    return str(path)

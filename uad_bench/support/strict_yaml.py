"""Strict YAML: 1e-3 is a number, duplicate keys are errors, no tag runs code, files and nesting are bounded."""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from uad_bench.errors import IntegrityError, UsageError

MAX_BYTES = 1_000_000
MAX_DEPTH = 30


class _Loader(yaml.SafeLoader):  # a safe loader: only plain values are constructed
    """SafeLoader that reads 1e-3 as a float, and refuses duplicate keys, aliases, deep nesting and infinite numbers."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:  # PyYAML's own types
        if self.check_event(yaml.AliasEvent):
            self._refuse("aliases (*name) are not accepted")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse("nested too deeply")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def _refuse(self, what: str) -> None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        raise yaml.constructor.ConstructorError(None, None, what, mark)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key.start_mark)
            if key.value in seen:
                what = f"key {key.value!r} stands on line {seen[key.value]} and again"
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            seen[key.value] = line
        return super().construct_mapping(node, deep)

    def construct_finite(self, node: yaml.ScalarNode) -> float:
        value = float(self.construct_yaml_float(node))  # type: ignore[no-untyped-call]
        if not math.isfinite(value):  # 1e999 too; a record of the run in JSON would hold null in its place
            raise yaml.constructor.ConstructorError(
                None, None, f"{node.value} is not a finite number", node.start_mark
            )
        return value


_FLOAT = re.compile(
    r"^[-+]?(?:(?:[0-9][0-9_]*)?\.[0-9_]+(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*\.?(?:[eE][-+]?[0-9]+)"
    r"|[0-9][0-9_]*\.|\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_INT = re.compile(r"^[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0b[01_]+)$")  # 12:30 is not a number
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag.rpartition(":")[2] not in {"float", "int"}]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_finite)


def parse(text: str, where: str) -> Any:  # whatever the YAML says
    """The value of a YAML text. Raises UsageError with line and reason, IntegrityError for a foreign tag."""
    if len(text) > MAX_BYTES:
        raise UsageError(f"configuration larger than {MAX_BYTES} bytes", where=where)
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = str(getattr(error, "problem", None) or error)
        at = f"{where}, line {mark.line + 1}" if mark else where
        if "could not determine a constructor" in what:
            raise IntegrityError(f"refused YAML tag: {what}", where=at, hint="write plain values") from error
        raise UsageError(f"not readable as YAML: {what}", where=at) from error
    except (
        RecursionError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:  # raised by PyYAML for unusual values
        raise UsageError(f"not readable as YAML: {error}", where=where) from error


def read(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, of which no more than the bound is read.

    Raises UsageError where it is missing, too large or holds something else.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"configuration larger than {MAX_BYTES} bytes", where=str(path))
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("cannot read the file", where=str(path), hint=str(error)) from error
    value = parse(text, str(path))
    if not isinstance(value, dict):
        raise UsageError("expected keys and values", where=str(path))
    return value


def dump(value: Any) -> str:  # any plain value
    """YAML text of plain values, keys in their order."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)

"""Protocol and RunSpec: everything that determines a result, validated, resolved and fingerprinted."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from dataclasses import Field as DataclassField
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic.errors import PydanticSchemaGenerationError

from uad_bench.errors import PluginError, UadError, UsageError, unknown_name
from uad_bench.support import strict_yaml
from uad_bench.support.deprecation import present_names
from uad_bench.support.package_files import protocol_files, shipped

Model = TypeVar("Model", bound=BaseModel)
Triple = tuple[float, float, float]
#: `RunSpec.target` of a run that is made of the maps of another program.
MAPS_ONLY = "maps only"


class Strict(BaseModel):
    """Base of all specifications: unknown keys are errors, numbers are finite and not bool, instances are immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, values: Any) -> Any:  # what is to be validated
        for key, value in values.items() if isinstance(values, Mapping) else ():
            field = cls.model_fields.get(str(key))
            if isinstance(value, bool) and field is not None and field.annotation in (int, float):
                raise ValueError(f"{key} is a number, got {value}")
        return values


class Grid(Strict):
    """The common voxel grid.

    spacing: (x, y, z) in mm; shape: (X, Y, Z) in voxels; centre: "brain", the centre of mass of the brain mask, or a
    point (x, y, z) in mm, RAS+.
    """

    spacing: Triple
    shape: tuple[int, int, int]
    centre: Literal["brain"] | Triple = "brain"


class Splits(Strict):
    """Shares of subjects by role. A subject's role depends on `salt` and its own id alone.

    healthy: of the training dataset's healthy subjects (healthy subjects of other datasets are all test);
    tune: per lesion dataset, the share of its subjects that the threshold rule `tune` may use. folds: the number of
    folds of the subjects that are not test, one of which is val (`--fold`); 0: train and val by share.
    """

    salt: str = "uad-bench"
    healthy: dict[Literal["train", "val", "test"], float] = {"train": 0.7, "val": 0.1, "test": 0.2}
    tune: dict[str, float] = {}
    folds: Annotated[int, Field(ge=0, le=100)] = 0

    @field_validator("healthy")
    @classmethod
    def _whole(cls, value: dict[str, float]) -> dict[str, float]:
        if abs(sum(value.values()) - 1) > 1e-9 or min(value.values()) < 0:
            raise ValueError("the shares must be positive and add up to 1")
        return value


class Protocol(Strict):
    """What all methods of a leaderboard share. Results with different fingerprints are never ranked together.

    modalities: words such as t1, t2, flair, in channel order; train, test: dataset names; prepare, postprocess: steps
    in order, each {"step": name, ...parameters}; thresholds: threshold rules; metrics: names; primary: the metric that
    ranks; presets: usual parameters of methods under this protocol, by method (not part of the fingerprint).
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    version: int = Field(ge=1)
    summary: str = ""
    modalities: tuple[str, ...] = Field(min_length=1)
    train: str
    test: tuple[str, ...] = Field(min_length=1)
    grid: Grid
    prepare: tuple[dict[str, Any], ...]
    postprocess: tuple[dict[str, Any], ...] = ()
    thresholds: tuple[str, ...] = ()
    metrics: tuple[str, ...]
    primary: str = "ap.pooled"
    splits: Splits = Splits()
    presets: dict[str, dict[str, Any]] = {}

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The preparation steps with the grid written into `resample`."""
        grid = self.grid.model_dump(mode="json")
        return [{**step, **grid} if step.get("step") == "resample" else dict(step) for step in self.prepare]

    @property
    def fingerprint(self) -> str:
        """12 hex digits of everything that must be equal for results to be comparable."""
        return digest(self.pinned)

    @property
    def pinned(self) -> dict[str, Any]:
        """The keys that the fingerprint covers; names, presets and the list of test sets are not among them."""
        pinned = {"version", "modalities", "train", "grid", "prepare", "postprocess", "splits"}
        values: dict[str, Any] = self.model_dump(mode="json", include=pinned)
        if not self.splits.folds:  # added later: a protocol without folds keeps its fingerprint
            del values["splits"]["folds"]
        values["prepare"] = [_without_path(step) for step in values["prepare"]]
        return values


class RunSpec(Strict):
    """One run: one method with its parameters, one seed, one protocol, some test sets.

    method: name in tables, with ":variant" and "@modalities"; target: "module:Class"; source: the distribution that it
    comes from; version: that of the method (`Method.version`); modalities: those of the protocol that the method sees,
    in the protocol's order; empty: all of them;
    parameters: all hyper-parameters, resolved; datasets: options of dataset plug-ins, by dataset; fold: the fold that
    is val; map_bits: bits of a stored anomaly score, from which all metrics are computed (32 keeps every bit);
    splits: the published table that gave the roles, "" for those of the protocol; allow_leak: see `cohort.roles.Plan`.
    time_budget_s: seconds of training, None for no limit.
    """

    method: str
    target: str
    source: str = ""
    version: int = Field(1, ge=1)
    parameters: dict[str, Any]
    modalities: tuple[str, ...] = ()
    protocol: Protocol
    test: tuple[str, ...]
    seed: int = Field(ge=0, lt=2**63)
    datasets: dict[str, dict[str, Any]] = {}
    checkpoint_minutes: float = Field(2.0, ge=0)
    time_budget_s: float | None = Field(None, gt=0)
    keep_maps: Literal["all", "none"] = "all"
    map_bits: Literal[16, 32] = 32
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    fold: int | None = Field(None, ge=0)
    splits: str = ""
    allow_leak: bool = False

    def run_id(self, cohort: str) -> str:
        """The name of the run directory; equal specification and cohort give equal names."""
        values = self.model_dump(mode="json", exclude={"seed", "checkpoint_minutes", "keep_maps"})
        unused: dict[str, Any] = {
            "fold": None,
            "splits": "",
            "allow_leak": False,
            "map_bits": 32,
            "version": 1,
            "modalities": [],
        }
        for later, value in unused.items():
            if values[later] == value:  # added later: runs without them keep their names
                del values[later]
        values |= {"protocol": self.protocol.fingerprint, "cohort": cohort}
        return f"seed{self.seed}-{digest(values)[:8]}"


def _without_path(step: dict[str, Any]) -> dict[str, Any]:
    """A step without the path of its atlas where the digest of the atlas is given: a moved file is the same atlas."""
    return {key: value for key, value in step.items() if key != "atlas" or not step.get("sha256")}


class Overrides(Strict):
    """A configuration file for `run`: keys of the protocol, parameters of methods, options of datasets."""

    protocol: dict[str, Any] = {}
    methods: dict[str, dict[str, Any]] = {}
    datasets: dict[str, dict[str, Any]] = {}


def digest(value: Any) -> str:  # any JSON value
    """12 hex digits of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def validated(model: type[Model], values: Mapping[str, Any], where: str) -> Model:
    """`model` from `values`. Raises UsageError: the key, what was expected, what was found, nearest names."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise _one_line(model, error, where) from error


def _one_line(model: type[BaseModel], error: ValidationError, where: str) -> UadError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        *path, last = [str(part) for part in first["loc"]]
        owner = _owner(model, path)
        return unknown_name(f"key of {'.'.join([where, *path])}", last, owner.model_fields)
    found = "" if first["type"] == "missing" else f", got {first['input']!r:.60}"
    return UsageError(f"{key or 'value'}: {first['msg']}{found}", where=where, code="UB202")


def _owner(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    """The nested model that a path of keys leads to, as far as it leads."""
    for part in path:
        inner = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            break
        model = inner
    return model


def parameters_model(cls: type) -> type[BaseModel]:
    """A pydantic model of the dataclass fields of a plug-in, with the same checks as for a protocol.

    Raises PluginError for a field whose type is unknown at run time, or is none that a configuration file can hold.
    """
    if not is_dataclass(cls):
        return create_model(cls.__name__, __base__=Strict)
    try:
        hints = get_type_hints(cls)
        known: dict[str, Any] = {f.name: (hints[f.name], _default(f)) for f in fields(cls) if f.init}
        return create_model(cls.__name__, __base__=Strict, **known)
    except (NameError, PydanticSchemaGenerationError) as error:
        hint = "annotate fields with int, float, bool, str, or tuples, lists and dicts of them, imported at run time"
        what = f"a field's type cannot be used: {str(error).partition(' Set `')[0]}"
        raise PluginError(what.splitlines()[0], where=f"{cls.__module__}:{cls.__name__}", hint=hint) from error


def _default(field: DataclassField[Any]) -> Any:  # of any type
    """A dataclass field's default as pydantic writes it; `...` means required."""
    if field.default_factory is not MISSING:
        return Field(default_factory=field.default_factory)
    return ... if field.default is MISSING else field.default


def checked_parameters(cls: type, values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """All dataclass fields of a plug-in class, with `values` set and validated. Raises UsageError (UB201, UB202).

    Numbers must lie within the class attribute `limits`, where it names them.
    """
    model = validated(parameters_model(cls), present_names(cls, values), name)
    found = {key: getattr(model, key) for key in type(model).model_fields}
    for key, (low, high) in getattr(cls, "limits", {}).items():
        value = found.get(key)
        if isinstance(value, int | float) and not low <= value <= high:
            raise UsageError(
                f"{key} is {value:g}", where=name, hint=f"give a value from {low:g} to {high:g}", code="UB202"
            )
    return found


def default_protocol() -> str:
    """The protocol of a run that names none, from configs/default.txt."""
    return (shipped("configs") / "default.txt").read_text().strip()


def protocol_names() -> dict[str, Path]:
    """The shipped protocols by name."""
    return protocol_files()


def load_protocol(name: str, overrides: Mapping[str, Any] | None = None) -> Protocol:
    """A shipped protocol by name, or any YAML file by path, with `overrides` applied to its keys.

    Raises UsageError for an unknown name and for keys or values that are not valid.
    """
    path = protocol_names().get(name) or Path(name)
    if path.suffix not in {".yaml", ".yml"}:
        raise unknown_name("protocol", name, protocol_names(), hint="or the path of a .yaml file")
    return validated(Protocol, merged(strict_yaml.read(path), overrides or {}), str(path.name))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` updated by `over`, mapping by mapping; lists and values are replaced as a whole.

    >>> merged({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    result = dict(base)
    for key, value in over.items():
        inner = result.get(key)
        both = isinstance(value, Mapping) and isinstance(inner, Mapping)
        result[key] = merged(cast("Mapping[str, Any]", inner), value) if both else value
    return result


def assignment(text: str) -> tuple[list[str], Any]:
    """A `--set` option as path and value. Raises UsageError where there is no key or no "=".

    >>> assignment("a.b=1e-3")
    (['a', 'b'], 0.001)
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text!r}", hint="write KEY=VALUE, for instance METHOD.steps=100")
    return key.strip().split("."), strict_yaml.parse(value, f"--set {key}")

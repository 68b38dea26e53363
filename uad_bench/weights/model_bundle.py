"""A bundle read as the run directory that its model came from: specification, learnt preparation, thresholds, model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from uad_bench.config import RunSpec, validated
from uad_bench.errors import UsageError
from uad_bench.results.run_directory import RunDir
from uad_bench.weights.bundle import Bundle, open_bundle
from uad_bench.weights.manifest import ModelFacts, changed, strict_json


@dataclass(frozen=True)
class ModelBundle(RunDir):
    """A model bundle in the place of a complete run, for all that reads a model and nothing else of a run."""

    kind: ClassVar[str] = "bundle"
    remedy: ClassVar[str] = "do not use this bundle"
    bundle: Bundle

    @property
    def name(self) -> str:
        """NAME@ and 12 digits of the digest."""
        return self.bundle.label

    @property
    def state(self) -> str:
        """A bundle is only ever made of a complete run."""
        return "complete"

    @property
    def facts(self) -> ModelFacts:
        """What the manifest says of the model."""
        assert self.bundle.manifest.model is not None  # `read_manifest` has checked it
        return self.bundle.manifest.model

    def spec(self) -> RunSpec:
        """The specification. Raises IntegrityError where it is none, or is not that of the manifest (UB510)."""
        values = strict_json((self.path / "spec.json").read_bytes(), f"{self.name}, spec.json")
        try:
            spec = validated(RunSpec, values if isinstance(values, dict) else {}, "spec.json")
        except UsageError as error:
            changed(f"no specification of a run: {error}", self.name, error)
        said = {
            "method": spec.method,
            "target": spec.target,
            "seed": spec.seed,
            "protocol": spec.protocol.name,
        }
        said |= {"fingerprint": spec.protocol.fingerprint, "modalities": spec.protocol.modalities}
        for key, value in said.items():
            if getattr(self.facts, key) != value:
                changed(f"spec.json has another {key} than the manifest: {value!r:.60}", self.name)
        return spec

    def verify(self, *, maps: bool = False, model: bool = True) -> None:
        """Raise IntegrityError for the first file that is not as the manifest lists it."""
        del maps, model  # a bundle has no maps, and its files are one whole
        self.bundle.verify()

    def status(self) -> dict[str, Any]:
        """The state alone: a bundle has no status.json."""
        return {"state": self.state}


def open_model_bundle(folder: Path) -> ModelBundle:
    """The model in the folder of a bundle. Raises as `open_bundle`, and UsageError for pretrained weights (UB252)."""
    bundle = open_bundle(folder)
    if bundle.manifest.kind != "model":
        what = "the bundle holds pretrained weights of a network and no trained model"
        hint = "name it as a parameter of a method"
        raise UsageError(what, where=bundle.label, hint=hint, code="UB252")
    return ModelBundle(bundle.folder, bundle)

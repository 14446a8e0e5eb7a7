"""The artifact: a folder with ``manifest.json`` and the files that it names.

Nothing of an artifact is used before its manifest has been checked and every file's hash has
matched, because a model with one changed byte can load and be silently wrong.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.errors import ArtifactRefused
from edge.preprocess import InputContract
from edge.quality import Gates
from edge.signature import SIGNATURE, check_signature

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
DEFAULT_ARTIFACT = Path(__file__).parent / "models" / "lite0"


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 (hex) of one file of the artifact."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold of one model.

    Attributes:
        name: ``"refer"`` or ``"uncertain"``.
        threshold: scores at or above it, in [0, 1].
        rule: what the threshold was chosen for.
        chosen_on: the split that it was chosen on.
    """

    name: str
    threshold: float
    rule: str
    chosen_on: str


@dataclass(frozen=True)
class DrawnScore:
    """What one variant has made of one drawing of `edge.phantom.draw_phantom`.

    Attributes:
        seed, side, opacities: of the drawing; its side in pixels, in [64, 1024].
        score: calibrated, in [0, 1].
    """

    seed: int
    side: int
    opacities: int
    score: float

    def __post_init__(self) -> None:
        drawn = (self.seed, self.side, self.opacities)
        if not all(type(number) is int for number in drawn):
            raise ValueError("a drawing's seed, side and opacities must be whole numbers")
        if self.seed < 0 or not 64 <= self.side <= 1024 or not 0 <= self.opacities <= 20:
            raise ValueError("a drawing must have a seed, 64 to 1024 pixels and 0 to 20 opacities")
        if not 0.0 <= self.score <= 1.0:
            raise ValueError("the score of a drawing must be in [0, 1]")


@dataclass(frozen=True)
class Manifest:
    """What an artifact says of itself.

    Attributes:
        name, version: of the model.
        created: ISO 8601 time.
        input: what the model receives.
        attention_shape: (height, width) of the attention map.
        calibration: ``slope`` and ``intercept`` from the model's margin to a probability.
        operating_points: ``refer`` and ``uncertain``.
        variants: model file by numeric type (``int8``, ``fp16``, ``fp32``).
        default_variant: the one to run.
        files: every file but the manifest.
        made_from: weights, recipe, data, versions, tolerances seen.
        measured: accuracy figures with their data.
        licence, attribution: of model and data.
        gates: what an image has to pass before the model sees it; None where the artifact was
            made without.
        self_test: what every variant has to make of drawings before it is used; None where the
            artifact was made without.
    """

    name: str
    version: str
    created: str
    input: InputContract
    attention_shape: tuple[int, int]
    calibration: dict[str, Any]
    operating_points: tuple[OperatingPoint, ...]
    variants: dict[str, str]
    default_variant: str
    files: dict[str, FileRecord]
    made_from: dict[str, Any] = field(default_factory=dict)
    measured: dict[str, Any] = field(default_factory=dict)
    licence: str = ""
    attribution: str = ""
    gates: Gates | None = None
    self_test: dict[str, tuple[DrawnScore, ...]] | None = None

    def __post_init__(self) -> None:
        if set(self.thresholds) != {"refer", "uncertain"}:
            raise ValueError("operating_points must name refer and uncertain")
        if not 0.0 <= self.thresholds["uncertain"] <= self.thresholds["refer"] <= 1.0:
            raise ValueError("thresholds must satisfy 0 <= uncertain <= refer <= 1")
        if self.default_variant not in self.variants:
            raise ValueError("default_variant must be one of variants")
        if not set(self.variants.values()) <= set(self.files):
            raise ValueError("every variant's file must be listed in files")
        if not all(map(_is_plain, self.files)):
            raise ValueError("files must be plain names inside the artifact's folder")
        slope, intercept = (float(self.calibration[name]) for name in ("slope", "intercept"))
        if not (0 < slope < math.inf and math.isfinite(intercept)):
            raise ValueError("calibration must have a slope above 0 and an intercept")
        if self.self_test is not None and not (
            set(self.self_test) == set(self.variants) and all(self.self_test.values())
        ):
            raise ValueError("self_test must hold drawings for every variant and for no other")

    @property
    def thresholds(self) -> dict[str, float]:
        """Threshold by the name of its operating point."""
        return {point.name: point.threshold for point in self.operating_points}

    def score(self, margin: float) -> float:
        """Calibrated probability of pneumonia in [0, 1], for a finite margin."""
        value = self.calibration["slope"] * margin + self.calibration["intercept"]
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))

    def to_json(self) -> str:
        """The manifest as text, closed by the hash of its own content."""
        content = {
            "format_version": FORMAT_VERSION,
            "name": self.name,
            "version": self.version,
            "created": self.created,
            "made_from": self.made_from,
            "input": self.input.to_dict(),
            "outputs": {
                "margin": "logit of pneumonia minus logit of normal",
                "attention": list(self.attention_shape),
            },
            "calibration": self.calibration,
            "operating_points": [vars(point) for point in self.operating_points],
            "variants": self.variants,
            "default_variant": self.default_variant,
            "measured": self.measured,
            "licence": self.licence,
            "attribution": self.attribution,
            "files": {name: vars(record) for name, record in self.files.items()},
        }
        if self.gates is not None:
            content["gates"] = self.gates.to_dict()
        if self.self_test is not None:
            content["self_test"] = {
                variant: [vars(drawn) for drawn in drawings]
                for variant, drawings in self.self_test.items()
            }
        return json.dumps({**content, "content_sha256": _content_hash(content)}, indent=2) + "\n"


@dataclass(frozen=True)
class Artifact:
    """A verified artifact, its model files in memory.

    Attributes:
        folder: where it came from.
        manifest: what it says of itself.
        models: verified bytes of each variant.
        manifest_bytes: the manifest's file as it was read: what a signature is made over.
    """

    folder: Path
    manifest: Manifest
    models: dict[str, bytes]
    manifest_bytes: bytes


def load_artifact(folder: Path = DEFAULT_ARTIFACT, public_key: Path | None = None) -> Artifact:
    """Read and verify an artifact.

    The bytes that were hashed are the bytes that are kept: no file is read twice.

    Args:
        folder: of the artifact.
        public_key: PEM file; what its owner has not signed is refused before it is looked at.
            Without a key, no signature is looked for.

    Raises:
        ArtifactRefused: ``manifest_missing``, ``manifest_invalid``, ``format_version``,
            ``file_missing`` or ``hash_mismatch``; with a key also as
            `edge.signature.check_signature` raises it.
    """
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactRefused("manifest_missing", f"{path} cannot be read.") from error
    if public_key is not None:
        check_signature(data, folder / SIGNATURE, public_key)
    manifest = _parsed_manifest(path, data)
    contents = {name: _verified(folder / name, record) for name, record in manifest.files.items()}
    models = {variant: contents[name] for variant, name in manifest.variants.items()}
    return Artifact(folder, manifest, models, data)


def _parsed_manifest(path: Path, data: bytes) -> Manifest:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactRefused("manifest_invalid", f"{path} is not UTF-8 text.") from error
    try:
        content = json.loads(text)
        stated = content.pop("content_sha256")
        version = content["format_version"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactRefused("manifest_invalid", f"{path} is not a manifest.") from error
    if stated != _content_hash(content):
        raise ArtifactRefused(
            "hash_mismatch", f"{path} was altered: its content does not match its own hash."
        )
    if version != FORMAT_VERSION:
        raise ArtifactRefused(
            "format_version", f"{path} has format {version}; this version reads {FORMAT_VERSION}."
        )
    try:
        return _manifest_from(content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactRefused("manifest_invalid", f"{path} is not valid: {error}") from error


def _is_plain(name: str) -> bool:
    """Whether a file's name stays inside the artifact's folder."""
    return Path(name).name == name not in ("", "..", MANIFEST, SIGNATURE) and name.isprintable()


def _manifest_from(content: dict[str, Any]) -> Manifest:
    height, width = content["outputs"]["attention"]
    return Manifest(
        name=content["name"],
        version=content["version"],
        created=content["created"],
        input=InputContract(**content["input"]),
        attention_shape=(height, width),
        calibration=content["calibration"],
        operating_points=tuple(OperatingPoint(**p) for p in content["operating_points"]),
        variants=content["variants"],
        default_variant=content["default_variant"],
        files={name: FileRecord(**record) for name, record in content["files"].items()},
        made_from=content["made_from"],
        measured=content["measured"],
        licence=content["licence"],
        attribution=content["attribution"],
        gates=Gates.from_dict(content["gates"]) if "gates" in content else None,
        self_test=_self_test_from(content["self_test"]) if "self_test" in content else None,
    )


def _self_test_from(content: dict[str, Any]) -> dict[str, tuple[DrawnScore, ...]]:
    return {
        variant: tuple(DrawnScore(**drawn) for drawn in drawings)
        for variant, drawings in content.items()
    }


def _verified(path: Path, record: FileRecord) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ArtifactRefused("file_missing", f"{path} cannot be read.") from error
    if len(data) != record.bytes or hashlib.sha256(data).hexdigest() != record.sha256:
        raise ArtifactRefused(
            "hash_mismatch", f"{path} was altered: it does not match the manifest's hash."
        )
    return data


def _content_hash(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()

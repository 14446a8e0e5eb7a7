"""What can be measured, behind one small interface."""

from bench.backends.base import Backend, Image, Missing, NotAvailable, Predict
from bench.backends.choice import RUNTIMES, Chosen, choose_backends
from bench.backends.full import FULL, full_litert, full_model, shipped_full
from bench.backends.litert import LiteRTBackend
from bench.backends.null import NullBackend
from bench.backends.tensorflow import KerasBackend

__all__ = [
    "FULL",
    "RUNTIMES",
    "Backend",
    "Chosen",
    "Image",
    "KerasBackend",
    "LiteRTBackend",
    "Missing",
    "NotAvailable",
    "NullBackend",
    "Predict",
    "choose_backends",
    "full_litert",
    "full_model",
    "shipped_full",
]

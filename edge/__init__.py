"""The offline kiosk: how pixels become model input, what an artifact is, and who shows the outcome.

This package is the ground floor of the project. It imports neither TensorFlow nor Keras, nor
`train`, `optimize` or `bench`.
"""

from __future__ import annotations

__version__ = "0.1.0"

STANDING_SENTENCE = "Screening aid. Not a diagnosis. A clinician decides."
"""Stands wherever an outcome is shown, printed or exported."""

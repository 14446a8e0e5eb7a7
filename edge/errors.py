"""One family of refusals: each has a stable reason code and a sentence for the operator."""

from __future__ import annotations


class PneumoKioskError(Exception):
    """A refusal with a reason.

    Attributes:
        code: stable, machine-readable reason, in snake_case.
        message: one or two sentences that the operator can act on.
        exit_status: of a command that ends with it.
    """

    exit_status = 2

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __reduce__(self) -> tuple[type[PneumoKioskError], tuple[str, str]]:
        """Both parts, so that a refusal crosses from one process to another."""
        return type(self), (self.code, self.message)


class ImageRefused(PneumoKioskError):
    """The file is not a radiograph that can be screened."""


class ArtifactRefused(PneumoKioskError):
    """The model artifact is missing, altered, unsigned, or not of a kind that this version runs."""


class DataRefused(PneumoKioskError):
    """A data set, weights file or recipe is not what a workstation command needs."""


class WorkFailed(PneumoKioskError):
    """The input was right, but the work on it did not come out: training diverged, for one."""

    exit_status = 3


class FieldRefused(PneumoKioskError):
    """Something typed about the patient breaks a rule."""


class RecordsUnavailable(PneumoKioskError):
    """The screenings cannot be stored or read."""

"""Where a kiosk keeps its data."""

from __future__ import annotations

from pathlib import Path

from edge.errors import PneumoKioskError


def default_data_dir() -> Path:
    """The user's own data folder."""
    import platformdirs

    return Path(platformdirs.user_data_dir("pneumokiosk", appauthor=False))


def prepared(folder: Path | None) -> Path:
    """A data folder, made if it is not there; None for the default one.

    Raises:
        PneumoKioskError: ``data_dir_unusable``.
    """
    folder = folder or default_data_dir()
    try:
        # Patients' records: for this user's eyes.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise PneumoKioskError(
            "data_dir_unusable", f"{folder} cannot be created: {error.strerror}."
        ) from error
    return folder

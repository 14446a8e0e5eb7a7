"""Where a result was made."""

from __future__ import annotations

import platform
from importlib.metadata import version

from train.provenance import describe_environment, processor


def test_environment_names_processor_and_installed_versions() -> None:
    found = describe_environment(("numpy", "no-such-package"))
    assert found["packages"] == {"numpy": version("numpy")}
    assert found["processor"] == processor() != ""
    assert found["python"] == platform.python_version()
    assert found["cores"] >= 1
    assert found["time"].endswith("+00:00")

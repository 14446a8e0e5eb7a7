"""The shell scripts, run as a clinic's technician runs them; no network, no system is touched."""

from __future__ import annotations

import ensurepip
import hashlib
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"
PROGRAMS = sorted(SCRIPTS.rglob("*.sh"))
PIP = sorted(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
BUNDLE = os.environ.get("PNEUMOKIOSK_BUNDLE")

needs_pip = pytest.mark.skipif(not PIP, reason="this Python comes without a pip to install by")


def _run(program: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *map(str, arguments)],
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _install(*arguments: object, bundle: Path = SCRIPTS) -> subprocess.CompletedProcess[str]:
    return _run(bundle / "install_kiosk.sh", *arguments)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    done = subprocess.run(
        ["shellcheck", "--shell=bash", "--exclude=SC1091", *PROGRAMS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.name)
def test_no_script_has_an_error_of_syntax(path: Path) -> None:
    assert subprocess.run(["bash", "-n", path], check=False).returncode == 0


@pytest.mark.parametrize("name", ["install_kiosk.sh", "bundle_offline.sh", "bench.sh"])
def test_help_names_every_option(name: str) -> None:
    done = _run(SCRIPTS / name, "--help")
    assert done.returncode == 0
    read = re.findall(r"--[a-z-]+(?= \||\))", (SCRIPTS / name).read_text(encoding="utf-8"))
    assert len(read) >= 3
    assert all(option in done.stdout for option in set(read) - {"--help"})


@pytest.mark.parametrize(
    "arguments",
    [
        "install_kiosk.sh --nonsense",
        "install_kiosk.sh --dry-run --port",
        "install_kiosk.sh --dry-run --port 0",
        "install_kiosk.sh --dry-run --port 65536",
        "install_kiosk.sh --dry-run --port 80;true",
        "install_kiosk.sh --dry-run --prefix relative",
        "install_kiosk.sh --dry-run --prefix /",
        "install_kiosk.sh --dry-run --prefix /opt/../etc",
        "install_kiosk.sh --dry-run --data /var/lib/$(id)",
        "install_kiosk.sh --dry-run --purge",
        "install_kiosk.sh --dry-run --extras A;B",
        "bundle_offline.sh --nonsense",
        "bundle_offline.sh --platform",
        "bundle_offline.sh --platform armv7l",
        "bundle_offline.sh --python 2.7",
        "bundle_offline.sh --extras a/b",
        "bundle_offline.sh --out /missing/folder/bundle.tar",
        "bundle_offline.sh --out /",
        "bench.sh --nonsense",
        "bench.sh --out",
    ],
)
def test_wrong_use_is_told(arguments: str) -> None:
    name, *rest = arguments.split()
    done = _run(SCRIPTS / name, *rest)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="this is root")
def test_only_root_installs() -> None:
    assert "run it as root" in _install().stderr


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    for arguments in ((), ("--uninstall", "--purge")):
        done = _install("--root", tmp_path, "--dry-run", "--kiosk-mode", *arguments)
        assert done.returncode == 0, done.stderr
        assert f"{tmp_path}/etc/systemd/system/pneumokiosk.service" in done.stdout
        assert "useradd" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    system = _run(SCRIPTS / "install_kiosk.sh", "--dry-run", PYTHON="")
    if "the service may not look into" in system.stderr:
        pytest.skip("the only Python of this machine lies in a user's home")
    for step in ("useradd --system", "chmod 700 /var/lib/pneumokiosk", "systemctl restart"):
        assert step in system.stdout


def _bundle(folder: Path, version: str, verifies: bool = True) -> Path:
    """A bundle like those of bundle_offline.sh, with a kiosk that can do nothing but `verify`."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    for name in ("install_kiosk.sh", "environment.sh"):
        shutil.copy(SCRIPTS / name, folder)
    shutil.copytree(SCRIPTS / "kiosk", folder / "kiosk")
    shutil.copy(PIP[0], wheels)
    about = f"pneumokiosk-{version}.dist-info"
    files = {
        "edge/__init__.py": f"def main():\n    return {0 if verifies else 1}\n",
        "edge/web/static/kiosk.svg": "<svg/>",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: pneumokiosk\nVersion: {version}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "[console_scripts]\npneumokiosk = edge:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(wheels / f"pneumokiosk-{version}-py3-none-any.whl", "w") as wheel:
        for name, content in {**files, f"{about}/RECORD": record}.items():
            wheel.writestr(name, content)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    (folder / "target").write_text(f"{python} {platform.machine()} \n", encoding="utf-8")
    _sum(folder)
    return folder


def _sum(folder: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    sums = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
    ]
    (folder / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def _installed(root: Path) -> str:
    """The version that a start of the service would run."""
    (about,) = (root / "opt/pneumokiosk/current").glob(
        "lib/*/site-packages/pneumokiosk-*.dist-info"
    )
    return about.name.split("-")[1].removesuffix(".dist")


@needs_pip
def test_installed_upgraded_and_taken_away_again(tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = _install("--root", root, "--kiosk-mode", bundle=_bundle(tmp_path / "one", "1.0"))
    assert done.returncode == 0, done.stderr
    assert _installed(root) == "1.0"
    records = root / "var/lib/pneumokiosk"
    assert stat.S_IMODE(records.stat().st_mode) == 0o700
    (records / "screenings.sqlite3").write_bytes(b"a child's")
    autostart = root / "etc/xdg/autostart/pneumokiosk.desktop"
    assert "show_kiosk.sh 8080 --kiosk\n" in autostart.read_text(encoding="utf-8")

    options = ("--root", root, "--port", 9000, "--network")
    done = _install(*options, bundle=_bundle(tmp_path / "two", "2.0"))
    assert done.returncode == 0, done.stderr
    assert _installed(root) == "2.0"
    assert len(list((root / "opt/pneumokiosk/releases").iterdir())) == 1
    unit = root / "etc/systemd/system/pneumokiosk.service"
    assert "serve --port 9000 --data-dir /var/lib/pneumokiosk\n" in unit.read_text(encoding="utf-8")
    assert "@" not in re.sub(r"@(system-service|privileged)", "", unit.read_text(encoding="utf-8"))
    assert not autostart.exists()
    assert not (root / "etc/systemd/system/pneumokiosk.service.d/loopback.conf").exists()

    for _ in range(2):
        assert _install("--root", root, "--uninstall").returncode == 0
    assert (records / "screenings.sqlite3").read_bytes() == b"a child's"
    left = {path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir()}
    assert left == {
        "var/lib/pneumokiosk/.pneumokiosk", "var/lib/pneumokiosk/screenings.sqlite3",
    }  # fmt: skip
    assert _install("--root", root, "--uninstall", "--purge").returncode == 0
    assert not records.exists()


@needs_pip
def test_what_does_not_work_takes_no_ones_place(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert _install("--root", root, bundle=_bundle(tmp_path / "one", "1.0")).returncode == 0
    ill = _bundle(tmp_path / "ill", "2.0", verifies=False)
    assert _install("--root", root, bundle=ill).returncode != 0
    damaged = _bundle(tmp_path / "damaged", "3.0")
    (damaged / "kiosk" / "pneumokiosk.service").write_text("[Service]\n", encoding="utf-8")
    refused = _install("--root", root, bundle=damaged)
    assert (refused.returncode, "damaged" in refused.stderr) == (2, True)
    other = _bundle(tmp_path / "other", "4.0")
    (other / "target").write_text("3.2 m68k \n", encoding="utf-8")
    _sum(other)
    refused = _install("--root", root, bundle=other)
    assert (refused.returncode, "3.2 on m68k" in refused.stderr) == (2, True)
    assert _installed(root) == "1.0"
    assert len(list((root / "opt/pneumokiosk/releases").iterdir())) == 1


@needs_pip
def test_no_other_folder_becomes_that_of_the_records(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "home" / "nurse").mkdir(parents=True)
    arguments = ("--root", root, "--data", "/home")
    bundle = _bundle(tmp_path / "one", "1.0")
    assert "holds other files" in _install(*arguments, bundle=bundle).stderr
    assert "remove it yourself" in _install(*arguments, "--uninstall", "--purge").stderr
    assert (root / "home" / "nurse").is_dir()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")
@needs_pip
def test_systemd_takes_the_service_for_a_safe_one(tmp_path: Path) -> None:
    root = tmp_path / "root"
    assert _install("--root", root, bundle=_bundle(tmp_path / "one", "1.0")).returncode == 0
    unit = root / "etc/systemd/system/pneumokiosk.service"
    text = unit.read_text(encoding="utf-8")
    unit.write_text(text.replace("=/opt/", f"={root}/opt/"), encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in rated.stderr:
        pytest.skip("this systemd-analyze rates no files")
    assert rated.returncode == 0, rated.stdout


@pytest.mark.skipif(
    not BUNDLE, reason="PNEUMOKIOSK_BUNDLE=1 would download a bundle of 140 MB and install it"
)
def test_a_real_bundle_installs_without_a_network_and_screens(tmp_path: Path) -> None:
    archive = tmp_path / "kiosk.tar"
    made = _run(SCRIPTS / "bundle_offline.sh", "--out", archive)
    assert made.returncode == 0, made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kiosk.tar"]
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path], check=True)
    (bundle,) = tmp_path.glob("pneumokiosk-*")
    root = tmp_path / "root"
    done = _run(bundle / "install_kiosk.sh", "--root", root, PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    assert done.returncode == 0, done.stderr
    kiosk = root / "opt/pneumokiosk/current/bin/pneumokiosk"
    assert _run(kiosk, "phantom", tmp_path / "films" / "drawn.png").returncode == 0
    screened = _run(kiosk, "batch", tmp_path / "films", "--out", tmp_path / "table.csv")
    assert screened.returncode in (0, 1), screened.stderr  # gates may refuse what was drawn
    assert "Not a diagnosis" in screened.stdout

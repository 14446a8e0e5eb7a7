"""How one clinic wants its kiosk: every setting, in one registry and one TOML file.

The file stands in the data folder, may be written by hand, and is read when the kiosk starts.
What is changed on the page is written to it at once, with a line in the audit.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

from edge.audit import write_line
from edge.database import Database
from edge.errors import FieldRefused, PneumoKioskError
from edge.fields import read_who
from edge.files import write_atomically
from edge.retention import MAX_DAYS

FILE = "settings.toml"
LANGUAGES = {
    "en": "English",
    "fr": "Français",
    "es": "Español",
    "pt": "Português",
    "sw": "Kiswahili",
    "ar": "العربية",
}
"""Code to the language's own name for itself."""
LONGEST_TEXT = 400

Value = str | int | bool


@dataclass(frozen=True)
class Setting:
    """One setting, as the registry has it.

    Attributes:
        name: in the file, in snake_case.
        default: what holds where the file is silent; its type is the setting's.
        title: a few words.
        help: a sentence or two.
        group: under which heading the page shows it.
        choices: the texts that it may be; empty where any will do.
        bounds: the smallest and the largest whole number that it may be; None for a text.
        restart: it takes effect when the kiosk starts the next time.
    """

    name: str
    default: Value
    title: str
    help: str
    group: str
    choices: tuple[str, ...] = ()
    bounds: tuple[int, int] | None = None
    restart: bool = False


def _setting(
    default: Value,
    group: str,
    title: str,
    help: str,
    choices: tuple[str, ...] = (),
    bounds: tuple[int, int] | None = None,
    restart: bool = False,
) -> Any:
    facts = {"group": group, "title": title, "help": help}
    rules = {"choices": choices, "bounds": bounds, "restart": restart}
    return field(default=default, metadata={**facts, **rules})


@dataclass(frozen=True)
class Settings:
    """The settings of one kiosk; `SETTINGS` tells what each is."""

    language: str = _setting(
        "en", "Clinic", "Language",
        "Of pages, until someone chooses another on the page itself.",
        tuple(LANGUAGES),
    )  # fmt: skip
    place: str = _setting(
        "", "Clinic", "Name of the clinic", "Stands on everything that is printed."
    )
    next_step_refer: str = _setting(
        "", "Clinic", "Next step: refer",
        "What the clinic does with a film to refer. Empty: the kiosk's own sentence.",
    )  # fmt: skip
    next_step_uncertain: str = _setting(
        "", "Clinic", "Next step: uncertain",
        "What the clinic does with an uncertain film. Empty: the kiosk's own sentence.",
    )  # fmt: skip
    next_step_below_threshold: str = _setting(
        "", "Clinic", "Next step: below threshold",
        "What the clinic does with a film below the threshold. Empty: the kiosk's own sentence.",
    )  # fmt: skip
    next_step_refused: str = _setting(
        "", "Clinic", "Next step: refused",
        "What the clinic does with a film that was refused. Empty: the kiosk's own sentence.",
    )  # fmt: skip
    paper: str = _setting(
        "a4", "Clinic", "Paper", "What is printed on: A4 sheets or an 80 mm receipt.",
        ("a4", "receipt"),
    )  # fmt: skip
    keep_images: bool = _setting(
        False, "Records", "Keep images",
        "Keep the films that are screened, without names, beside their records.",
    )  # fmt: skip
    keep_images_days: int = _setting(
        30, "Records", "Days to keep images",
        "Older images are deleted; their records stay.", bounds=(1, MAX_DAYS),
    )  # fmt: skip
    backup_folder: str = _setting(
        "", "Records", "Backup folder",
        "Where backups are put: best on another disk. Empty: it is asked for each time.",
    )  # fmt: skip
    batch_folder: str = _setting(
        "/media", "Records", "Folder of batches",
        "The page looks for folders of films in here and nowhere else.",
    )  # fmt: skip
    age_gate: str = _setting(
        "warn", "Model", "Age outside the trained range",
        "What happens to the film of a child who is younger or older than those that the model "
        "has learnt from.",
        ("off", "warn", "refuse"), restart=True,
    )  # fmt: skip
    artifact: str = _setting(
        "", "Model", "Model folder",
        "Folder of another model. Empty: the one that comes with the kiosk.", restart=True,
    )  # fmt: skip
    public_key: str = _setting(
        "", "Model", "Public key",
        "File (PEM) of the key that models must be signed with. Empty: none is asked for.",
        restart=True,
    )  # fmt: skip
    variant: str = _setting(
        "auto", "Model", "Variant of the model",
        "Numeric type; auto takes what is fastest on this machine and passes the self-test.",
        ("auto", "int8", "fp16", "fp32"), restart=True,
    )  # fmt: skip
    threads: int = _setting(
        0, "Model", "Processor threads",
        "That one film may use; 0 takes what is fastest on this machine.",
        bounds=(0, 64), restart=True,
    )  # fmt: skip
    host: str = _setting(
        "127.0.0.1", "Network", "Address",
        "Where the kiosk listens. Any but this machine's own demands that a PIN is set.",
        restart=True,
    )  # fmt: skip
    port: int = _setting(
        8080, "Network", "Port", "TCP port where the kiosk listens; 0 takes any that is free.",
        bounds=(0, 65535), restart=True,
    )  # fmt: skip
    host_names: str = _setting(
        "", "Network", "Host names",
        "Names, with blanks between them, by which other machines may call the kiosk besides its "
        "address.",
        restart=True,
    )  # fmt: skip

    def next_step(self, outcome: str) -> str:
        """The clinic's own words for what to do; empty where it has none."""
        return str(getattr(self, f"next_step_{outcome}"))


SETTINGS = tuple(Setting(f.name, cast(Value, f.default), **f.metadata) for f in fields(Settings))
"""The registry: all settings, in the order of the page and of the file."""
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def load_settings(data_dir: Path) -> Settings:
    """Read the settings of a kiosk; where there is no file, the defaults hold.

    Raises:
        PneumoKioskError: ``settings_invalid``: the file cannot be read, names what is no setting,
            or gives one a value that it may not have.
    """
    path = data_dir / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise _invalid(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:  # neither UTF-8 nor TOML
        raise _invalid(path, str(error)) from error
    unknown = sorted(content.keys() - _BY_NAME.keys())
    if unknown:
        raise _invalid(path, f"there is no setting {', '.join(unknown)}")
    try:
        found: dict[str, Any] = {n: _checked(_BY_NAME[n], v) for n, v in content.items()}
    except FieldRefused as refusal:
        raise _invalid(path, refusal.message) from refusal
    return replace(Settings(), **found)


def read_settings(current: Settings, typed: Mapping[str, str]) -> Settings:
    """Check what was typed on a form, over the settings that hold.

    Args:
        current: they keep the values that were not typed.
        typed: by name; ``"yes"`` and ``"no"`` for what is on or off.

    Raises:
        FieldRefused: the name of the setting is its code.
    """
    unknown = sorted(typed.keys() - _BY_NAME.keys())
    if unknown:
        raise FieldRefused("invalid_field", f"There is no setting {', '.join(unknown)}.")
    found: dict[str, Any] = {
        name: _checked(_BY_NAME[name], _parsed(_BY_NAME[name], v)) for name, v in typed.items()
    }
    return replace(current, **found)


def save_settings(
    data_dir: Path, database: Database, old: Settings, new: Settings, who: str
) -> None:
    """Write the settings to their file, each with what it is for, and a line to the audit.

    Args:
        data_dir: of the kiosk.
        database: for the audit, which names what changed but no values: they may name people.
        old, new: before and after.
        who: changed them.

    Raises:
        FieldRefused: ``invalid_field``: ``who`` is no name.
        RecordsUnavailable: as `Database.write`, or the file cannot be written.
    """
    who = read_who(who)
    changed = [s.name for s in SETTINGS if getattr(old, s.name) != getattr(new, s.name)]
    if not changed:
        return
    with database.write() as connection:
        write_line(connection, "settings_changed", who, changed=changed)
        # Inside the transaction: where the file cannot be written, no line says that it was.
        write_atomically(data_dir / FILE, as_toml(new).encode())


def as_toml(settings: Settings) -> str:
    """The settings as their file has them."""
    parts = []
    for setting in SETTINGS:
        about = setting.help + (
            f" One of: {', '.join(setting.choices)}." if setting.choices else ""
        )
        # A JSON text of printable characters is a TOML text.
        value = json.dumps(getattr(settings, setting.name), ensure_ascii=False)
        parts.append(f"# {about}\n{setting.name} = {value}\n")
    return "\n".join(parts)


def _parsed(setting: Setting, typed: str) -> Value:
    typed = typed.strip()
    if isinstance(setting.default, bool):
        return {"yes": True, "no": False}.get(typed, typed)
    # isdecimal alone takes other scripts' digits, and int() would take them too.
    if isinstance(setting.default, int) and typed.isascii() and typed.isdecimal():
        return int(typed[:9])
    return typed


def _checked(setting: Setting, value: Value) -> Value:
    rule = _rule(setting)
    if type(value) is not type(setting.default):
        raise _refused(setting, rule, value)
    if setting.choices and value not in setting.choices:
        raise _refused(setting, rule, value)
    if isinstance(value, int) and setting.bounds:
        low, high = setting.bounds
        if not low <= value <= high:
            raise _refused(setting, rule, value)
    if isinstance(value, str) and (len(value) > LONGEST_TEXT or not value.isprintable()):
        raise _refused(setting, rule, value)
    return value


def _rule(setting: Setting) -> str:
    if setting.choices:
        return "one of " + ", ".join(setting.choices)
    if isinstance(setting.default, bool):
        return "yes or no (true or false in the file)"
    if setting.bounds:
        return f"a whole number from {setting.bounds[0]} to {setting.bounds[1]}"
    return f"at most {LONGEST_TEXT} printable characters"


def _refused(setting: Setting, rule: str, value: object) -> FieldRefused:
    return FieldRefused(setting.name, f"{setting.name} must be {rule}. Received: {value!r:.80}")


def _invalid(path: Path, why: str) -> PneumoKioskError:
    return PneumoKioskError("settings_invalid", f"{path}: {why}.".replace("..", "."))

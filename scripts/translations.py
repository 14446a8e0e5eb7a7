"""Keep the kiosk's gettext catalogues in step with what its pages say.

    python scripts/translations.py update    after a text was added or changed
    python scripts/translations.py compile   after a translation was written
    python scripts/translations.py check     exits with 1 where a text is not translated

Texts are those of the templates, those that edge/web marks by ``_``, ``gettext``, ``ngettext`` or
``marked``, and those of the registries that pages show: settings, gates, faults.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import edge  # noqa: E402
from edge.quality import SENTENCES  # noqa: E402
from edge.settings import LANGUAGES, SETTINGS  # noqa: E402
from edge.web.faults import HTTP_FAULTS  # noqa: E402
from edge.web.language import DOMAIN, FOLDER  # noqa: E402

WEB = ROOT / "edge" / "web"
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"templates/**.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "gettext": None,
    "marked": None,
    "ngettext": (1, 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)")


def texts() -> Catalog:
    """Everything that a page may say, in English."""
    catalogue = Catalog(domain=DOMAIN, charset="utf-8", fuzzy=False)
    for file, _, message, _, context in extract_from_dir(WEB, METHODS, OPTIONS, KEYWORDS):
        catalogue.add(message, locations=[(f"edge/web/{file}", 0)], context=context)
    for source, message in _registries():
        catalogue.add(message, locations=[(source, 0)])
    return catalogue


def _registries() -> Iterator[tuple[str, str]]:
    yield "edge/__init__.py", edge.STANDING_SENTENCE
    for sentence in SENTENCES.values():
        yield "edge/quality.py", sentence
    for setting in SETTINGS:
        for message in (setting.group, setting.title, setting.help):
            yield "edge/settings.py", message
    for _, sentence in HTTP_FAULTS.values():
        yield "edge/web/faults.py", sentence


def update() -> None:
    """Bring every catalogue to the texts that are; what is no longer said is dropped."""
    wanted = texts()
    for code in _translated():
        catalogue = _read(code)
        catalogue.update(wanted, no_fuzzy_matching=True)
        catalogue.obsolete.clear()
        _source(code).parent.mkdir(parents=True, exist_ok=True)
        with _source(code).open("wb") as file:
            write_po(file, catalogue, width=100, omit_header=False, sort_output=True)


def compile_catalogues() -> None:
    """Write what the kiosk reads."""
    for code in _translated():
        _source(code).with_suffix(".mo").write_bytes(_compiled(_read(code)))


def problems() -> list[str]:
    """What is wrong with the catalogues, a line each."""
    wanted = {message.id for message in texts() if message.id}
    found = []
    for code in _translated():
        catalogue = _read(code)
        known = {message.id: message for message in catalogue if message.id}
        found += [f"{code}: no translation of {text!r}" for text in wanted - known.keys()]
        found += [f"{code}: nobody says {text!r}" for text in known.keys() - wanted]
        for message in known.values():
            found += [f"{code}: {fault}: {message.id!r}" for fault in _faults(message)]
        compiled = _source(code).with_suffix(".mo")
        if not compiled.exists() or compiled.read_bytes() != _compiled(catalogue):
            found.append(f"{code}: not compiled since it was changed")
    return sorted(found)


def _faults(message: Message) -> Iterator[str]:
    said: object = message.string
    forms = [str(form or "") for form in (said if isinstance(said, tuple) else (said,))]
    if not all(forms):
        yield "not translated"
    if message.fuzzy:
        yield "fuzzy"
    wanted = set(PLACEHOLDER.findall(str(message.id)))
    for form in forms:
        # A plural form may leave its number out: one film, two films.
        if not wanted - {"num", "n"} <= set(PLACEHOLDER.findall(form)) <= wanted:
            yield "other placeholders"


def _translated() -> list[str]:
    return [code for code in LANGUAGES if code != "en"]


def _source(code: str) -> Path:
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def _read(code: str) -> Catalog:
    if not _source(code).exists():
        return Catalog(locale=code, domain=DOMAIN, charset="utf-8", fuzzy=False)
    with _source(code).open("rb") as file:
        return read_po(file, locale=code, domain=DOMAIN)


def _compiled(catalogue: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def main(command: str) -> int:
    """Run a command; its exit status."""
    if command == "update":
        update()
    elif command == "compile":
        compile_catalogues()
    elif command == "check":
        found = problems()
        sys.stdout.writelines(line + "\n" for line in found)
        return 1 if found else 0
    else:
        sys.stderr.write(__doc__ or "")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))

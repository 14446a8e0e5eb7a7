"""Damaged image files, each from a seed and its number alone, so that one can be made again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.kiosk.anatomy import Anatomy, Field, dissect, repair_checksums
from bench.kiosk.drawings import dicom, jpeg, png
from edge.phantom import draw_phantom
from edge.radiograph import PNG_SIGNATURE

SIDE = 320
HEADER = 1024
"""Bytes in which most formats say what they are."""
BLOCK = 4096
ABSURD = (0, 1, 2, 63, 255, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)

Rng = random.Random


@dataclass(frozen=True)
class Mutant:
    """One damaged file: of which format, damaged how."""

    format: str
    damage: str
    data: bytes


def sound_files() -> dict[str, bytes]:
    """A small phantom in every format that is damaged."""
    drawn = draw_phantom(0, SIDE)
    return {
        "JPEG": jpeg(drawn),
        "PNG": png(drawn),
        "DICOM": dicom(drawn),
        "PNG, 16 bits": png(drawn.astype("<u2") * 257),
        "DICOM, JPEG": dicom(drawn, "jpeg"),
        "DICOM, RLE": dicom(drawn, "rle"),
    }


def mutant(files: dict[str, bytes], seed: int, number: int) -> Mutant:
    """Damage one of the files.

    Args:
        files: sound ones by format, from `sound_files`.
        seed: of the whole run.
        number: of this mutant; formats take turns, damages are drawn.
    """
    rng = random.Random(f"{seed} {number}")
    name = list(files)[number % len(files)]
    whole = files[name]
    damage = rng.choice(list(DAMAGES))
    data = DAMAGES[damage](whole, dissect(whole), rng)
    # Otherwise hardly a damage to a PNG would get past its checksums.
    if data.startswith(PNG_SIGNATURE) and rng.random() < 0.7:
        data, damage = repair_checksums(data), f"{damage}, checksums repaired"
    return Mutant(name, damage, data)


def _flip_bytes(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    return _flipped(data, len(data), rng)


def _flip_header(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    return _flipped(data, min(len(data), HEADER), rng)


def _cut(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    return data[: rng.randrange(len(data))]


def _duplicate_block(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    first, last = _block(data, rng)
    return data[:last] + data[first:last] * rng.randint(1, 4) + data[last:]


def _remove_block(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    first, last = _block(data, rng)
    return data[:first] + data[last:]


def _blank_block(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    first, last = _block(data, rng)
    return data[:first] + bytes([rng.choice((0, 255))]) * (last - first) + data[last:]


def _absurd_size(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    return _absurd(data, rng.sample(anatomy.sizes, rng.randint(1, 2)), rng)


def _absurd_length(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    return _absurd(data, [rng.choice(anatomy.lengths)], rng)


def _swap_parts(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    one, other = sorted(rng.sample(anatomy.parts, 2))
    middle = data[one[1] : other[0]]
    return data[: one[0]] + data[slice(*other)] + middle + data[slice(*one)] + data[other[1] :]


def _swap_tags(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    """Each of two parts goes on under the other's name."""
    one, other = (first for first, _ in rng.sample(anatomy.parts, 2))
    first, last = anatomy.tag
    changed = bytearray(data)
    changed[one + first : one + last] = data[other + first : other + last]
    changed[other + first : other + last] = data[one + first : one + last]
    return bytes(changed)


def _repeat_part(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    first, last = rng.choice(anatomy.parts)
    return data[:last] + data[first:last] * rng.choice((1, 3, 50)) + data[last:]


def _remove_part(data: bytes, anatomy: Anatomy, rng: Rng) -> bytes:
    first, last = rng.choice(anatomy.parts)
    return data[:first] + data[last:]


DAMAGES: dict[str, Callable[[bytes, Anatomy, Rng], bytes]] = {
    "flipped bytes": _flip_bytes,
    "flipped bytes in the header": _flip_header,
    "cut": _cut,
    "block duplicated": _duplicate_block,
    "block removed": _remove_block,
    "block blanked": _blank_block,
    "absurd size": _absurd_size,
    "absurd length": _absurd_length,
    "parts swapped": _swap_parts,
    "tags swapped": _swap_tags,
    "part repeated": _repeat_part,
    "part removed": _remove_part,
}


def _flipped(data: bytes, reach: int, rng: Rng) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5, 20, 100))):
        changed[rng.randrange(reach)] ^= rng.randint(1, 255)
    return bytes(changed)


def _block(data: bytes, rng: Rng) -> tuple[int, int]:
    first = rng.randrange(len(data))
    return first, min(len(data), first + rng.randint(1, BLOCK))


def _absurd(data: bytes, fields: Sequence[Field], rng: Rng) -> bytes:
    changed = bytearray(data)
    for each in fields:
        value = rng.choice(ABSURD) & (256**each.width - 1)
        stated = value.to_bytes(each.width, each.order)
        changed[each.place : each.place + each.width] = stated
    return bytes(changed)

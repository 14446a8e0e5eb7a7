"""Decompresses one frame with GDCM; a program of its own, run by `edge.dicom_frames`.

GDCM ends the whole process on some damaged files (2 of the first 300 mutations tried) and may
take any time and memory on others. Here it ends or exhausts a process that has nothing else to
lose. Reads the frame from standard input, writes the pixels to standard output.
"""

from __future__ import annotations

import resource
import sys

MAX_SECONDS = 8
"""Of processor time."""
MAX_MEMORY = 1_000_000_000
"""Bytes of address space; the libraries take 150 MB of it."""


def main(arguments: list[str]) -> int:
    """Decompress one frame.

    Args:
        arguments: UID of the transfer syntax, rows, columns, bits allocated, bits stored, and 1
            for signed or 0.

    Returns:
        0; a frame that GDCM cannot read ends otherwise, or gives too few bytes.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_SECONDS, MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import gdcm

    syntax = arguments[0]
    rows, columns, allocated, stored, signed = map(int, arguments[1:])
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(sys.stdin.buffer.read())
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    kind = gdcm.TransferSyntax.GetTSType(syntax)
    grey = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(grey))
    image.SetTransferSyntax(gdcm.TransferSyntax(kind))
    image.SetPixelFormat(gdcm.PixelFormat(1, allocated, stored, stored - 1, signed))
    # The bytes come as text, which takes two to four times their room: encoded part by part.
    pixels = image.GetBuffer()
    for start in range(0, len(pixels), 2**20):
        part = pixels[start : start + 2**20]
        sys.stdout.buffer.write(part.encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

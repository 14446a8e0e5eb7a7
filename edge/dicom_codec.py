"""Decompresses one frame with GDCM; a program of its own, run by `edge.dicom_frames`.

GDCM 3.2.6 can end the process that it runs in: through pydicom it did so within the first 26, 87
and 223 mutations of a JPEG lossless, a JPEG 2000 and a JPEG-LS file. Here it ends, or exhausts, a
process that has nothing else to lose. Reads the frame from standard input, writes the pixels to
standard output.
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
        0, or 1 for a frame that GDCM cannot read; some of these end the process before.
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
    pixels = image.GetBuffer()
    if pixels is None:
        return 1
    # The bytes come as text, which takes two to four times their room: encoded part by part.
    for start in range(0, len(pixels), 2**20):
        part = pixels[start : start + 2**20]
        sys.stdout.buffer.write(part.encode("utf-8", "surrogateescape"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Damage to files."""

import gzip

import nibabel as nib


def with_header(path, **fields):
    """Change some fields of a header, byte for byte, and no voxel."""
    raw = gzip.decompress(path.read_bytes())
    header = nib.Nifti1Header(raw[:348], check=False)
    for field, value in fields.items():
        header[field] = value
    path.write_bytes(gzip.compress(header.binaryblock + raw[348:]))


def flip(path, position):
    """Flip one bit of one byte."""
    raw = bytearray(path.read_bytes())
    raw[position] ^= 0x10
    path.write_bytes(raw)


def declares_too_much(path):
    """Let the header declare 70 TB."""
    with_header(path, dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])


def contains_a_bomb(path):
    """Append 10 GB of zeros, 10 MB on disk."""
    zeros = gzip.compress(bytes(10_000_000))
    path.write_bytes(path.read_bytes() + 1000 * zeros)

"""Packed maps: what damage may raise is known, bit by bit."""

import numpy as np

from uad_bench.results.serialise import UNREADABLE, pack_map, unpack_map


def test_no_flipped_bit_raises_what_nobody_catches():
    whole = pack_map(np.arange(24, dtype=np.float32).reshape(2, 3, 4), np.ones((2, 3, 4), bool), 32)
    refused = 0
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        try:
            unpack_map(bytes(data))
        except UNREADABLE:
            refused += 1
    assert refused > 1000

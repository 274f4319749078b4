"""Blocks of every ggml type, and what the gguf package dequantizes them to.

    python test/models/make-gguf-blocks.py    # numpy, gguf 0.19, safetensors; writes references/gguf/blocks.safetensors

NAME.bytes are random, but scales are finite and codes of grids name every point; NAME.values are float32.
"""

import os
import pathlib

import numpy as np
from gguf import quants
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from safetensors.numpy import save_file

os.chdir(pathlib.Path(__file__).parent)
random = np.random.default_rng(20261129)

# Where a block has its binary16 numbers.
HALVES = {
    **{name: [0] for name in ("Q4_0", "Q5_0", "Q8_0", "IQ4_NL", "IQ4_XS", "IQ1_S")},
    **{name: [0] for name in ("IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S")},
    **{name: [0, 2] for name in ("Q4_1", "Q5_1", "Q4_K", "Q5_K")},
    "Q2_K": [80, 82],
    "Q3_K": [108],
    "Q6_K": [208],
    "TQ1_0": [52],
    "TQ2_0": [64],
}
# Points of the grid in a block.
POINTS = {"IQ2_XXS": 32, "IQ2_XS": 32, "IQ2_S": 32, "IQ3_XXS": 64, "IQ3_S": 64, "IQ1_S": 32, "IQ1_M": 32}
PLAIN = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8"}


def finite_halves(blocks):
    halves = random.integers(0, 1 << 16, blocks, dtype=np.uint16)
    halves[(halves & 0x7C00) == 0x7C00] &= 0xBFFF
    return halves.view(np.uint8).reshape(blocks, 2)


def name_every_point(name, blocks, data):
    """Writes codes 0, 1, 2 ... over the random ones, in random order."""
    per_block = POINTS[name]
    codes = random.permutation(blocks * per_block).reshape(blocks, per_block)
    low, high = (codes & 255).astype(np.uint8), codes >> 8

    def fields(width, in_byte):
        """`high` in fields of `width` bits, each in its byte's share."""
        shifts = np.arange(in_byte) * (8 // in_byte)
        return ((high.reshape(blocks, -1, in_byte) & ((1 << width) - 1)) << shifts).sum(-1).astype(np.uint8)

    if name == "IQ2_XXS":
        data[:, 2:].reshape(blocks, 8, 8)[:, :, :4] = low.reshape(blocks, 8, 4)
    elif name == "IQ2_XS":
        words = data[:, 2:66].copy().view("<u2")
        data[:, 2:66] = ((words & 0xFE00) | codes.astype("<u2")).view(np.uint8)
    elif name == "IQ2_S":
        data[:, 2:34], data[:, 66:74] = low, fields(2, 4)
    elif name == "IQ3_XXS":
        data[:, 2:66] = low
    elif name == "IQ3_S":
        data[:, 2:66], data[:, 66:74] = low, fields(1, 8)
    elif name == "IQ1_S":
        words = data[:, 34:50].copy().view("<u2") & 0xF000
        words |= (high.reshape(blocks, 8, 4) << np.array([0, 3, 6, 9])).sum(-1).astype("<u2")
        data[:, 2:34], data[:, 34:50] = low, words.view(np.uint8)
    else:
        data[:, :32], data[:, 32:48] = low, (data[:, 32:48] & 0x88) | fields(3, 2)


def blocks_of(name, width):
    if name in POINTS:
        blocks = int(np.prod(getattr(quants, name).grid_shape[:1])) // POINTS[name]
    else:
        blocks = {256: 8, 64: 16, 32: 16, 1: 64}[GGML_QUANT_SIZES[GGMLQuantizationType[name]][0]]
    data = random.integers(0, 256, (blocks, width), dtype=np.uint8)
    for at in HALVES.get(name, []):
        data[:, at : at + 2] = finite_halves(blocks)
    if name == "IQ1_M":
        data[:, 55] &= 0xBF
    if name == "BF16":
        data[:, 1] &= 0xBF
    if name in POINTS:
        name_every_point(name, blocks, data)
    return data


tensors = {}
for kind, (_, width) in GGML_QUANT_SIZES.items():
    name = kind.name
    if name in PLAIN:
        data = random.integers(0, 256, 64 * width, dtype=np.uint8)
        if name.startswith("F"):
            numbers = np.ldexp(random.standard_normal(64), random.integers(-20, 15, 64))
            data = numbers.astype(PLAIN[name]).view(np.uint8)
        values = data.view(PLAIN[name]).astype(np.float32)
    elif kind in quants._type_traits:
        data = blocks_of(name, width).reshape(-1)
        try:
            values = quants.dequantize(data, kind)
        except NotImplementedError:
            continue
    else:
        continue
    assert not np.isnan(values).any(), name
    tensors[f"{name}.bytes"] = data
    tensors[f"{name}.values"] = values.reshape(-1)
    print(name, data.size, values.size)

save_file(tensors, "references/gguf/blocks.safetensors")

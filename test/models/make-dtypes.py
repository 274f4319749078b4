"""Every type of safetensors that is read, and its values as torch's float32.

    python test/models/make-dtypes.py    # torch, safetensors; writes references/dtypes.safetensors
"""

import os
import pathlib

import torch
from safetensors.torch import save_file

os.chdir(pathlib.Path(__file__).parent)
torch.manual_seed(20261129)
codes = torch.arange(256, dtype=torch.int64).to(torch.uint8)
normal = torch.randn(64, dtype=torch.float64) * 10 ** torch.linspace(-30, 30, 64, dtype=torch.float64)
tensors = {
    "F8_E4M3": codes.view(torch.float8_e4m3fn),
    "F8_E5M2": codes.view(torch.float8_e5m2),
    "F64": normal,
    "F32": normal.float(),
    "F16": torch.randn(64).half(),
    "BF16": torch.randn(64).bfloat16(),
    "I8": codes.view(torch.int8),
    "I16": torch.randint(-(2**15), 2**15, (64,)).to(torch.int16),
    "I32": torch.randint(-(2**31), 2**31, (64,)).to(torch.int32),
    "I64": torch.randint(-(2**62), 2**62, (64,)),
    "U8": codes,
}
values = {f"{name}.values": tensor.to(torch.float32, copy=True) for name, tensor in tensors.items()}
tensors = {name: tensor.clone() for name, tensor in tensors.items()}
save_file(tensors | values, "references/dtypes.safetensors")

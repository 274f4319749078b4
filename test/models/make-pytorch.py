"""Files of torch.save, and the same tensors as safetensors.

    python test/models/make-pytorch.py    # torch, safetensors; writes references/pytorch/

tensors.bin has every type and kind of view; small/ is a sharded LLaMA model for the configuration of small-model.ts; the others
are what must be refused.
"""

import json
import os
import pathlib
import zipfile

import torch
from safetensors.torch import save_file

out = pathlib.Path(__file__).parent / "references" / "pytorch"
(out / "small").mkdir(parents=True, exist_ok=True)
os.chdir(out)
torch.manual_seed(20261129)

base = torch.randn(4, 6)
views = {
    "whole": base,
    "tied": base,
    "transposed": base.t(),
    "part": base[1:3, 2:5],
    "every other": base[::2, ::3],
    "permuted": torch.randn(2, 3, 4).permute(2, 0, 1),
    "scalar": torch.tensor(1.5),
    "empty": torch.zeros(0, 3),
    "parameter": torch.nn.Parameter(torch.randn(3, 2)),
    "buffer": torch.tensor([True, False]),
}
dtypes = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]
dtypes += [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
types = {str(dtype): (torch.randn(5) * 20).abs().to(dtype) for dtype in dtypes}
tensors = views | types
torch.save(tensors, "tensors.bin")
torch.save(tensors, "protocol-4.bin", pickle_protocol=4)
readable = {name: tensor for name, tensor in tensors.items() if tensor.dtype != torch.bool}
save_file({name: tensor.detach().clone().contiguous() for name, tensor in readable.items()}, "tensors.safetensors")

state = torch.nn.Linear(2, 1).state_dict()
torch.save(state, "state.bin")  # with the attribute _metadata
torch.save(state, "legacy.bin", _use_new_zipfile_serialization=False)
torch.save(torch.nn.Linear(2, 1), "module.bin")
torch.save(state | {"weight": state["weight"].expand(1000, 2)}, "expanded.bin")
torch.save(state | {"weight": state["weight"].to(torch.complex64)}, "complex.bin")
torch.save({"epoch": 3, "state_dict": state}, "nested.bin")


class Command:
    def __reduce__(self):
        return os.system, ("true",)


torch.save(state | {"weight": Command()}, "command.bin")
with zipfile.ZipFile("tensors.bin") as stored, zipfile.ZipFile("compressed.bin", "w", zipfile.ZIP_DEFLATED) as written:
    for name in stored.namelist():
        written.writestr(name, stored.read(name))

block = {
    "input_layernorm.weight": (8,),
    "self_attn.q_proj.weight": (8, 8),
    "self_attn.k_proj.weight": (4, 8),
    "self_attn.v_proj.weight": (4, 8),
    "self_attn.o_proj.weight": (8, 8),
    "post_attention_layernorm.weight": (8,),
    "mlp.gate_proj.weight": (6, 8),
    "mlp.up_proj.weight": (6, 8),
    "mlp.down_proj.weight": (8, 6),
}
shapes = {"model.embed_tokens.weight": (12, 8)}
shapes |= {f"model.layers.{i}.{name}": shape for i in range(2) for name, shape in block.items()}
shapes |= {"model.norm.weight": (8,), "lm_head.weight": (12, 8)}
model = {name: torch.randn(shape).to(torch.float16) for name, shape in shapes.items()}
names = list(model)
shards = {"pytorch_model-00001-of-00002.bin": names[:11], "pytorch_model-00002-of-00002.bin": names[11:]}
for file, part in shards.items():
    torch.save({name: model[name] for name in part}, f"small/{file}")
index = {"metadata": {}, "weight_map": {name: file for file, part in shards.items() for name in part}}
pathlib.Path("small/pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")
save_file(model, "small.safetensors")

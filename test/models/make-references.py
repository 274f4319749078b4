"""Makes tiny random models with transformers, and what it computes with them, for test/models/reference.test.ts.

    make-references.py [FAMILY ...]

Needs torch, transformers and safetensors. Each family of FAMILIES (all, unless some are named) becomes a folder in references/:
config.json, model.safetensors, and expected.safetensors with input_ids [sequences, tokens], block_outputs [blocks, sequences, tokens,
hidden] (what goes into each block) and logits [sequences, tokens, vocabulary], in float32 with eager attention.
"""

import sys
import zlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

FOLDER = Path(__file__).parent / "references"
SEQUENCES, TOKENS = 3, 24

# Odd numbers of heads.
SMALL_MOE = dict(
    vocab_size=64,
    hidden_size=24,
    intermediate_size=40,
    num_attention_heads=3,
    num_key_value_heads=1,
    num_experts_per_tok=2,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
)

# The model type, and the settings of its configuration.
FAMILIES = {
    "mixtral": (
        "mixtral",
        dict(**SMALL_MOE, num_hidden_layers=2, num_local_experts=5, head_dim=8, sliding_window=9),
    ),
    "qwen2_moe": (
        "qwen2_moe",
        dict(
            **SMALL_MOE,
            num_hidden_layers=3,
            num_experts=5,
            moe_intermediate_size=20,
            shared_expert_intermediate_size=28,
            mlp_only_layers=[1],
            norm_topk_prob=False,
        ),
    ),
    "qwen3_moe": (
        "qwen3_moe",
        dict(
            **SMALL_MOE,
            num_hidden_layers=4,
            num_experts=5,
            moe_intermediate_size=20,
            head_dim=16,
            decoder_sparse_step=2,
            norm_topk_prob=True,
        ),
    ),
}


def randomize(model, generator):
    """Values of the size that trained ones have; nothing is left at 0 or 1."""
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            parameter += 0.3 * noise
        elif "embed" in name:
            parameter.copy_(0.3 * noise)
        else:
            parameter.copy_(1.5 * noise / parameter.shape[-1] ** 0.5)


def blocks(model):
    lists = (module for module in model.modules() if isinstance(module, torch.nn.ModuleList))
    return next(each for each in lists if len(each) == model.config.num_hidden_layers)


def write(name, model_type, settings):
    folder = FOLDER / name
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    config = AutoConfig.for_model(model_type, **settings)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    inputs = []
    for block in blocks(model):
        block.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        randomize(model, generator)
        ids = torch.randint(3, config.vocab_size, (SEQUENCES, TOKENS), generator=generator)
        logits = model(ids, use_cache=False).logits
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    expected = {"input_ids": ids.to(torch.int32), "block_outputs": torch.stack(inputs), "logits": logits}
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    print(f"{name}: {sum(file.stat().st_size for file in folder.iterdir()) // 1024} KiB, logits up to {logits.abs().max():.2f}")


if __name__ == "__main__":
    for family in sys.argv[1:] or FAMILIES:
        write(family, *FAMILIES[family])

"""Writes small random models and what transformers computes with them, for reference.test.ts.

    python test/models/make-references.py [FAMILY ...]

Each family's folder in test/models/references/ has config.json, model.safetensors and expected.safetensors: input_ids [3, 24],
logits [3, 24, vocab] and block_outputs [blocks, 3, 24, hidden] (the input of each block: index 0 is the embedding), in float32.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

SEED = 7
SEQUENCES, TOKENS = 3, 24
FOLDER = Path(__file__).parent / "references"

SIZES = dict(
    vocab_size=64,
    hidden_size=24,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=3,
    num_key_value_heads=1,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=1,
    eos_token_id=2,
)

# A family -> what sets its configuration apart from SIZES.
FAMILIES = {
    "mixtral": dict(num_local_experts=5, num_experts_per_tok=2, head_dim=8, sliding_window=9),
    "qwen2_moe": dict(
        num_hidden_layers=3,
        num_experts=5,
        num_experts_per_tok=2,
        moe_intermediate_size=20,
        shared_expert_intermediate_size=28,
        mlp_only_layers=[1],
        norm_topk_prob=False,
    ),
    "qwen3_moe": dict(
        num_hidden_layers=4,
        num_experts=5,
        num_experts_per_tok=2,
        moe_intermediate_size=20,
        head_dim=16,
        decoder_sparse_step=2,
        norm_topk_prob=True,
    ),
}


def make_model(family, changes):
    config = transformers.AutoConfig.for_model(family, **{**SIZES, **changes})
    torch.manual_seed(SEED)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
    # Values of the size that trained weights have: with those of initialization every token would give nearly the same.
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 1:
                parameter.add_(0.2 * torch.randn_like(parameter))
            else:
                parameter.copy_(torch.randn_like(parameter) / parameter.shape[-1] ** 0.5)
    return model.eval()


def write_family(family, changes):
    model = make_model(family, changes)
    folder = FOLDER / family
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    ids = torch.randint(3, model.config.vocab_size, (SEQUENCES, TOKENS))
    with torch.no_grad():
        out = model(ids, output_hidden_states=True, use_cache=False)
    expected = {
        "input_ids": ids.to(torch.int32),
        "logits": out.logits.contiguous(),
        "block_outputs": torch.stack(out.hidden_states[:-1]).contiguous(),
    }
    save_file(expected, folder / "expected.safetensors")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(json.dumps({"family": family, "bytes": size, "transformers": transformers.__version__}))


if __name__ == "__main__":
    for name in sys.argv[1:] or FAMILIES:
        write_family(name, FAMILIES[name])

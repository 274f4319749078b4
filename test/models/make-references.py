"""Makes tiny random models and what transformers computes with them, for reference.test.ts.

    python make-references.py [FAMILY ...]

Needs torch, transformers and safetensors. Each family's folder in references/ gets config.json, model.safetensors and
expected.safetensors: input_ids [sequences, tokens], logits [sequences, tokens, vocabulary], and the input of each block, block_outputs
[blocks, sequences, tokens, hidden].
"""

import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM


class Family(NamedTuple):
    """A model type, and where its configuration differs from transformers' defaults."""

    model_type: str
    config: dict
    sequences: int = 2
    tokens: int = 40
    attention: str = "eager"


SMALL = {"vocab_size": 48, "num_hidden_layers": 2, "bos_token_id": 1, "eos_token_id": 2}

# Heads are few, small and no power of two, so that a wrong order of heads shows.
FAMILIES = {
    "bloom": Family(
        "bloom",
        {"vocab_size": 44, "n_layer": 2, "hidden_size": 40, "n_head": 5},
        sequences=1,
        tokens=262,
    ),
    "falcon_7b": Family(
        "falcon",
        {**SMALL, "hidden_size": 40, "num_attention_heads": 5},
    ),
    "falcon_11b": Family(
        "falcon",
        {
            **SMALL,
            **{"hidden_size": 48, "num_attention_heads": 6, "num_kv_heads": 2, "ffn_hidden_size": 64},
            **{"new_decoder_architecture": True, "num_ln_in_parallel_attn": 1, "tie_word_embeddings": False},
            "rope_parameters": {"rope_type": "default", "rope_theta": 500042.0},
        },
    ),
    "falcon_40b": Family(
        "falcon",
        {
            **SMALL,
            **{"hidden_size": 48, "num_attention_heads": 6, "num_kv_heads": 2},
            **{"new_decoder_architecture": True, "bias": True},
        },
    ),
    # Eager attention of transformers 5 adds ALiBi twice; the published model was trained with it once. More than 256 tokens:
    # beyond them positions are rounded.
    "falcon_rw": Family(
        "falcon",
        {
            **SMALL,
            **{"hidden_size": 40, "num_attention_heads": 5, "ffn_hidden_size": 96},
            **{"alibi": True, "multi_query": False, "parallel_attn": False, "bias": True},
        },
        sequences=1,
        tokens=262,
        attention="sdpa",
    ),
}


def randomize(model, generator):
    """Values of the size that trained ones have; norms and biases that show where they are left out."""
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            is_norm = name.endswith("weight")
            parameter.copy_(0.2 * noise + (1 if is_norm else 0))
        elif "embed" in name:
            parameter.copy_(0.5 * noise)
        else:
            parameter.copy_(1.2 * noise / parameter.shape[-1] ** 0.5)


def make(name, family):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    config = AutoConfig.for_model(family.model_type, **family.config)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=family.attention, dtype=torch.float32).eval()
    ids = torch.randint(3, config.vocab_size, (family.sequences, family.tokens), generator=generator)
    with torch.no_grad():
        randomize(model, generator)
        out = model(ids, output_hidden_states=True, use_cache=False)
    inputs = torch.stack(out.hidden_states[: config.num_hidden_layers])
    return model, {"input_ids": ids.to(torch.int32), "logits": out.logits, "block_outputs": inputs}


def write(name, family):
    folder = Path(__file__).parent / "references" / name
    model, expected = make(name, family)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    for file in folder.iterdir():
        file.chmod(0o644)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: {size} bytes, logits up to {expected['logits'].abs().max():.2f}")


def main(names):
    for name in names or FAMILIES:
        write(name, FAMILIES[name])


if __name__ == "__main__":
    main(sys.argv[1:])

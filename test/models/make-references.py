"""Makes tiny random models with transformers, and what it computes with them, for test/models/reference.test.ts.

    make-references.py [FAMILY ...]

Needs torch, transformers and safetensors. Each family of FAMILIES (all, unless some are named) becomes a folder in references/families/:
config.json, model.safetensors, and expected.safetensors with input_ids [sequences, tokens], block_outputs [blocks, sequences, tokens,
hidden] (what goes into each block) and logits [sequences, tokens, vocabulary], in float32. Of an encoder-decoder the first half of a
sequence, or one token more, is the encoder's input, the rest the decoder's labels, which have logits; its blocks are the encoder's and
then the decoder's, and what goes into each has the hidden states of both.
"""

import json
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

FOLDER = Path(__file__).parent / "references" / "families"


class Family(NamedTuple):
    """A model type, and where its configuration differs from transformers' defaults."""

    model_type: str
    config: dict
    sequences: int = 3
    tokens: int = 24
    attention: str = "eager"


# An odd number of heads.
SMALL = dict(
    **dict(pad_token_id=0, bos_token_id=1, eos_token_id=2),
    num_attention_heads=3,
    num_key_value_heads=1,
    max_position_embeddings=64,
)
# Heads are not hidden_size / num_attention_heads wide.
DECODER = dict(**SMALL, vocab_size=96, hidden_size=36, intermediate_size=56, head_dim=20)
MIXTURE = dict(**SMALL, vocab_size=64, hidden_size=24, intermediate_size=40, num_experts_per_tok=2)
SLIDING, FULL = "sliding_attention", "full_attention"

FALCON = dict(vocab_size=48, num_hidden_layers=2, bos_token_id=1, eos_token_id=2)
GROUPED_FALCON = dict(
    **FALCON, hidden_size=48, num_attention_heads=6, num_kv_heads=2, new_decoder_architecture=True
)

# Heads together are wider than the model; the largest classes of distances are met in both directions.
T5 = dict(
    **dict(vocab_size=60, d_model=36, d_kv=20, d_ff=56, num_heads=3, num_layers=2, num_decoder_layers=3),
    **dict(relative_attention_num_buckets=9, relative_attention_max_distance=14, decoder_start_token_id=2),
)

# Windows are shorter than the sequences.
FAMILIES = {
    # More than 256 tokens: beyond them ALiBi's positions are rounded.
    "bloom": Family(
        "bloom",
        dict(vocab_size=44, n_layer=2, hidden_size=40, n_head=5, bos_token_id=1, eos_token_id=2),
        sequences=1,
        tokens=262,
    ),
    "falcon_7b": Family("falcon", dict(**FALCON, hidden_size=40, num_attention_heads=5)),
    "falcon_11b": Family(
        "falcon",
        dict(
            **GROUPED_FALCON,
            ffn_hidden_size=64,
            num_ln_in_parallel_attn=1,
            tie_word_embeddings=False,
            rope_parameters={"rope_type": "default", "rope_theta": 500042.0},
        ),
    ),
    "falcon_40b": Family("falcon", dict(**GROUPED_FALCON, bias=True)),
    # Eager attention of transformers 5 adds ALiBi twice; the published model was trained with it once.
    "falcon_rw": Family(
        "falcon",
        dict(
            **FALCON,
            **dict(hidden_size=40, num_attention_heads=5, ffn_hidden_size=96),
            **dict(alibi=True, multi_query=False, parallel_attn=False, bias=True),
        ),
        sequences=1,
        tokens=262,
        attention="sdpa",
    ),
    "gemma2": Family(
        "gemma2",
        dict(
            **DECODER,
            num_hidden_layers=3,
            sliding_window=7,
            query_pre_attn_scalar=13,
            attn_logit_softcapping=2.5,
            final_logit_softcapping=4.0,
        ),
    ),
    "gemma3": Family(
        "gemma3_text",
        dict(
            **{**DECODER, "hidden_size": 24, "intermediate_size": 40, "head_dim": 12},
            num_hidden_layers=7,
            sliding_window=5,
            query_pre_attn_scalar=17,
            final_logit_softcapping=6.0,
            rope_parameters={
                FULL: {"rope_type": "linear", "factor": 8.0, "rope_theta": 20000.0},
                SLIDING: {"rope_type": "default", "rope_theta": 300.0},
            },
        ),
    ),
    "mixtral": Family(
        "mixtral", dict(**MIXTURE, num_hidden_layers=2, num_local_experts=5, head_dim=8, sliding_window=9)
    ),
    "qwen2_moe": Family(
        "qwen2_moe",
        dict(
            **MIXTURE,
            num_hidden_layers=3,
            num_experts=5,
            moe_intermediate_size=20,
            shared_expert_intermediate_size=28,
            mlp_only_layers=[1],
            norm_topk_prob=False,
        ),
    ),
    "qwen2_window": Family(
        "qwen2",
        dict(
            **{**DECODER, "head_dim": 12},
            num_hidden_layers=3,
            tie_word_embeddings=True,
            use_sliding_window=True,
            sliding_window=6,
            max_window_layers=2,
        ),
    ),
    "qwen3_moe": Family(
        "qwen3_moe",
        dict(
            **MIXTURE,
            num_hidden_layers=4,
            num_experts=5,
            moe_intermediate_size=20,
            head_dim=16,
            decoder_sparse_step=2,
            norm_topk_prob=True,
        ),
    ),
    "qwen3_window": Family(
        "qwen3",
        dict(
            **DECODER,
            num_hidden_layers=3,
            tie_word_embeddings=False,
            use_sliding_window=True,
            sliding_window=4,
            layer_types=[SLIDING, FULL, SLIDING],
        ),
    ),
    # More than 256 tokens of each part: those attend in several pieces.
    "t5": Family("t5", T5, sequences=1, tokens=541),
    "t5_v1_1": Family("t5", dict(**T5, feed_forward_proj="gated-gelu", tie_word_embeddings=False), tokens=47),
}


def randomize(model, generator):
    """Values of the size that trained ones have; nothing is left at 0 or 1."""
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.dim() == 1:
            parameter += 0.3 * noise
        elif name == "shared.weight":
            parameter.copy_(noise)
        elif "embed" in name:
            parameter.copy_(0.3 * noise)
        else:
            parameter.copy_(1.5 * noise / parameter.shape[-1] ** 0.5)
        # T5 doesn't scale scores: its queries are small.
        if "Attention.q." in name:
            parameter *= model.config.d_kv**-0.5


def make_encoder_decoder(config, family, generator):
    model = AutoModelForSeq2SeqLM.from_config(config, attn_implementation=family.attention, dtype=torch.float32).eval()
    if not config.scale_decoder_outputs:
        # transformers ties heads of their own too, until it reads them.
        model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.clone())
    ids = torch.randint(3, config.vocab_size, (family.sequences, family.tokens), generator=generator)
    read = (family.tokens + 1) // 2
    with torch.no_grad():
        randomize(model, generator)
        out = model(ids[:, :read], labels=ids[:, read:].contiguous(), output_hidden_states=True, use_cache=False)
    encoder, decoder = out.encoder_hidden_states, out.decoder_hidden_states
    inputs = [(states, decoder[0]) for states in encoder[:-1]] + [(encoder[-1], states) for states in decoder[:-1]]
    rows = torch.stack([torch.cat(parts, dim=1) for parts in inputs])
    return model, {"input_ids": ids.to(torch.int32), "logits": out.logits, "block_outputs": rows}


def make(name, family):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    config = AutoConfig.for_model(family.model_type, **family.config)
    if config.is_encoder_decoder:
        return make_encoder_decoder(config, family, generator)
    model = AutoModelForCausalLM.from_config(config, attn_implementation=family.attention, dtype=torch.float32).eval()
    ids = torch.randint(3, config.vocab_size, (family.sequences, family.tokens), generator=generator)
    with torch.no_grad():
        randomize(model, generator)
        out = model(ids, output_hidden_states=True, use_cache=False)
    inputs = torch.stack(out.hidden_states[: config.num_hidden_layers])
    return model, {"input_ids": ids.to(torch.int32), "logits": out.logits, "block_outputs": inputs}


def say_untied(file):
    """As published configurations do, which transformers 5 no longer writes for T5."""
    config = {**json.loads(file.read_text()), "tie_word_embeddings": False}
    file.write_text(f"{json.dumps(config, indent=2, sort_keys=True)}\n")


def write(name, family):
    folder = FOLDER / name
    model, expected = make(name, family)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if family.config.get("tie_word_embeddings") is False:
        say_untied(folder / "config.json")
    save_file({key: value.contiguous() for key, value in expected.items()}, folder / "expected.safetensors")
    for file in folder.iterdir():
        file.chmod(0o644)
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{name}: {size // 1024} KiB, logits up to {expected['logits'].abs().max():.2f}")


if __name__ == "__main__":
    for chosen in sys.argv[1:] or FAMILIES:
        write(chosen, FAMILIES[chosen])

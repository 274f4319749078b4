"""Makes tiny random models with transformers, GGUF files of them with llama.cpp's converter, and what transformers computes with
the models, for test/models/gguf-families.test.ts.

    make-gguf-models.py CONVERTER [FAMILY ...]

CONVERTER is llama.cpp's convert_hf_to_gguf.py, which the source distribution of llama-cpp-python has too. Needs torch, transformers,
safetensors, gguf and mistral_common. Each family (all, unless some are named) becomes NAME.gguf and NAME.safetensors in references/gguf-families/, with
input_ids [sequences, tokens] and logits [sequences, tokens, vocabulary] in float32. The files have no vocabulary.
"""

import importlib.util
import sys
import tempfile
import zlib
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

FOLDER = Path(__file__).parent / "references" / "gguf-families"
SEQUENCES, TOKENS = 2, 19

COMMON = dict(vocab_size=48, bos_token_id=1, eos_token_id=2, pad_token_id=0)
SMALL = dict(
    **COMMON,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
)
# Heads are not hidden_size / num_attention_heads wide.
DECODER = dict(**SMALL, hidden_size=24, intermediate_size=40, head_dim=10)
MIXTURE = dict(
    **SMALL, hidden_size=24, intermediate_size=40, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=20
)
FALCON = dict(**COMMON, num_hidden_layers=2, num_attention_heads=6, hidden_size=48)

# Windows are shorter than the sequences.
FAMILIES = {
    "bloom": ("bloom", dict(**COMMON, n_layer=2, hidden_size=40, n_head=5, seq_length=64)),
    "falcon_7b": ("falcon", dict(**FALCON, num_kv_heads=1)),
    "falcon_11b": (
        "falcon",
        dict(**FALCON, num_kv_heads=2, new_decoder_architecture=True, num_ln_in_parallel_attn=1),
    ),
    "falcon_40b": ("falcon", dict(**FALCON, num_kv_heads=2, new_decoder_architecture=True)),
    "gemma": ("gemma", DECODER),
    "gemma2": ("gemma2", dict(**DECODER, sliding_window=6, query_pre_attn_scalar=10)),
    "gemma3": (
        "gemma3_text",
        dict(
            **{**DECODER, "num_hidden_layers": 7},
            sliding_window=6,
            query_pre_attn_scalar=10,
            rope_parameters={
                "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            },
        ),
    ),
    "gpt_neox": (
        "gpt_neox",
        dict(
            **COMMON,
            **dict(num_hidden_layers=2, num_attention_heads=4, hidden_size=32, intermediate_size=72),
            **dict(rotary_pct=0.5, max_position_embeddings=64, use_parallel_residual=False),
        ),
    ),
    "mistral": ("mistral", {**DECODER, "sliding_window": None}),
    "mixtral": ("mixtral", dict(**DECODER, num_local_experts=5, num_experts_per_tok=2, sliding_window=None)),
    "phi3": (
        "phi3",
        dict(**{**SMALL, "hidden_size": 40, "intermediate_size": 56}, sliding_window=6),
    ),
    "qwen2": ("qwen2", dict(**{**DECODER, "hidden_size": 40}, tie_word_embeddings=True)),
    "qwen2_moe": ("qwen2_moe", dict(**MIXTURE, shared_expert_intermediate_size=28)),
    "qwen3": ("qwen3", dict(**DECODER, tie_word_embeddings=False)),
    "qwen3_moe": ("qwen3_moe", dict(**MIXTURE, head_dim=10, norm_topk_prob=True)),
}


def load_converter(path):
    sys.path.insert(0, str(Path(path).parent / "gguf-py"))
    spec = importlib.util.spec_from_file_location("convert_hf_to_gguf", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make(name, model_type, keys):
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    config = AutoConfig.for_model(model_type, **keys)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    ids = torch.randint(3, config.vocab_size, (SEQUENCES, TOKENS), generator=generator)
    with torch.no_grad():
        for parameter in (value for _, value in sorted(model.named_parameters())):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() == 1:
                parameter += 0.3 * noise
            else:
                parameter.copy_(1.2 * noise / parameter.shape[-1] ** 0.5)
        logits = model(ids, use_cache=False).logits
    return model, {"input_ids": ids.to(torch.int32), "logits": logits.contiguous()}


def older(config):
    """The keys that transformers 5 has put into others, as the converter reads them."""
    ropes = config.get("rope_parameters") or {}
    whole = ropes.get("full_attention", ropes)
    scaling = None if whole.get("rope_type", "default") == "default" else whole
    renamed = {"gpt_neox": dict(rotary_pct=whole.get("partial_rotary_factor"))}.get(config["model_type"], {})
    if "num_experts" not in config and "num_local_experts" in config:
        renamed["num_experts"] = config["num_local_experts"]
    return {**config, "rope_theta": whole.get("rope_theta", 10000.0), "rope_scaling": scaling, **renamed}


def name_router(file):
    """As other families do: in 2025 the converter took Mixtral's own name for a gate's, where published files have the router."""
    weights = {name.replace(".block_sparse_moe.gate.", ".mlp.gate."): value for name, value in load_file(file).items()}
    save_file(weights, file, {"format": "pt"})


def convert(converter, folder, out):
    hparams = older(converter.ModelBase.load_hparams(folder, False))
    cls = converter.ModelBase.from_model_architecture(hparams["architectures"][0])
    # The models have no vocabulary; nothing is cut to one.
    methods = dict(
        set_vocab=lambda self: None,
        _create_vocab_sentencepiece=lambda self: ([None] * hparams["vocab_size"], [], []),
    )
    bare = type(cls.__name__, (cls,), {**methods, "model_arch": cls.model_arch})
    writer = bare(folder, converter.gguf.LlamaFileType.ALL_F32, out, hparams=hparams)
    writer.write()


def write(converter, name):
    model, expected = make(name, *FAMILIES[name])
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        if model.config.model_type == "mixtral":
            name_router(Path(folder) / "model.safetensors")
        convert(converter, Path(folder), FOLDER / f"{name}.gguf")
    save_file(expected, FOLDER / f"{name}.safetensors")
    for file in FOLDER.glob(f"{name}.*"):
        file.chmod(0o644)
    size = (FOLDER / f"{name}.gguf").stat().st_size
    print(f"{name}: {size // 1024} KiB, logits up to {expected['logits'].abs().max():.2f}")


if __name__ == "__main__":
    module = load_converter(sys.argv[1])
    for chosen in sys.argv[2:] or FAMILIES:
        write(module, chosen)

"""Reads exported model folders with independent readers, and writes what they make of them as safetensors.

    read_folder.py CASES.json

CASES is {"input_ids": [[...], ...], "cases": [{"format", "folder", "out"}, ...]}; a format is dense, gptq or compressed-tensors. Each
`out` has every linear of the blocks as the reader dequantizes it (float32), under its full name, and `logits [sequences, tokens, vocab]`.
"""

import json
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM


# LLaMA's linears, and those of OPT, BLOOM and Falcon, and T5.
LINEARS = ("_proj", "fc1", "fc2", "query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h")
LINEARS += (".q", ".k", ".v", ".o", ".wi", ".wi_0", ".wi_1", ".wo")


def load(kind, folder):
    auto = AutoModelForSeq2SeqLM if is_encoder_decoder(folder) else AutoModelForCausalLM
    if kind == "gptq":
        from transformers import GPTQConfig

        with open(f"{folder}/config.json", encoding="utf-8") as file:
            bits = json.load(file)["quantization_config"]["bits"]
        # The default kernel is compiled for minutes.
        config = GPTQConfig(bits=bits, backend="gptq_torch")
        return auto.from_pretrained(
            folder, dtype=torch.float16, device_map="cpu", quantization_config=config
        )
    if kind == "compressed-tensors":
        from transformers import CompressedTensorsConfig

        config = CompressedTensorsConfig(run_compressed=False)
        return auto.from_pretrained(
            folder, dtype=torch.float32, device_map="cpu", quantization_config=config
        )
    return auto.from_pretrained(folder, dtype=torch.float32)


def is_encoder_decoder(folder):
    return AutoConfig.from_pretrained(folder).is_encoder_decoder


def logits_of(model, ids):
    """Of an encoder-decoder those of the second half of each sequence, of which the encoder reads the first."""
    if not model.config.is_encoder_decoder:
        return model(ids).logits
    read = (ids.shape[1] + 1) // 2
    return model(ids[:, :read], labels=ids[:, read:].contiguous()).logits


def linears(kind, model):
    found = {}
    for name, module in model.named_modules():
        if not name.endswith(LINEARS):
            continue
        # GPTQ's kernels hold weights as [in, out].
        weight = module.dequantize_weight().T if kind == "gptq" else module.weight
        found[f"{name}.weight"] = weight.detach().to(torch.float32).contiguous().clone()
    return found


def read(ids, case):
    model = load(case["format"], case["folder"]).eval()
    with torch.no_grad():
        weights = linears(case["format"], model)
        logits = logits_of(model, ids).to(torch.float32)
    save_file({**weights, "logits": logits.contiguous()}, case["out"])


def main(path):
    with open(path, encoding="utf-8") as file:
        given = json.load(file)
    ids = torch.tensor(given["input_ids"])
    for case in given["cases"]:
        read(ids, case)


if __name__ == "__main__":
    main(sys.argv[1])

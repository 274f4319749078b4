"""Makes a tiny random T5 and what lm-evaluation-harness scores with it, for test/evaluation/encoder-decoder.test.ts.

    make-harness.py

Needs torch, transformers and lm_eval. It writes references/harness_t5/: config.json, model.safetensors, and expected.json with
`requests` [context, continuation, log-likelihood, greedy] and `documents` [text, log-likelihood], rolling. The tokenizer is that of
references/unigram.
"""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from transformers import T5Config, T5ForConditionalGeneration

REFERENCES = Path(__file__).parent / "references"
FOLDER = REFERENCES / "harness_t5"
LONGEST = 40

LONG = "Sunadentor molira is korite. The calibration don't perede, naïve Zürich. " * 3
REQUESTS = [
    ("Bakori tesu?", " namoli"),
    ("Bakori tesu?", " rader"),
    ("Bakori tesu? ", "namoli"),
    ("Bakori tesu?\n", " namoli ba"),
    ("", "The calibration"),
    ("", " perede"),
    (" ", "koriten"),
    ("Bakori tesu.", " 日本語 мир </s>"),
    (LONG, " Straße final"),
    (f"{LONG}\n\n", "The"),
]
DOCUMENTS = ["Bakori tesu namoli.", LONG, "мир"]


def make():
    torch.manual_seed(7)
    config = T5Config(
        **dict(vocab_size=512, d_model=24, d_kv=10, d_ff=32, num_heads=3, num_layers=2, num_decoder_layers=2),
        **dict(relative_attention_num_buckets=8, relative_attention_max_distance=12, feed_forward_proj="gated-gelu"),
        **dict(n_positions=LONGEST, decoder_start_token_id=0, initializer_factor=1.0),
    )
    model = T5ForConditionalGeneration(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape) / (parameter.shape[-1] ** 0.5 if parameter.dim() > 1 else 3) + (parameter.dim() == 1))
    return model


def score(folder):
    harness = HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=4)
    assert harness.backend == "seq2seq" and harness.max_length == LONGEST

    def asked(kind, given):
        return [Instance(request_type=kind, doc={}, arguments=each, idx=i) for i, each in enumerate(given)]

    requests = harness.loglikelihood(asked("loglikelihood", REQUESTS))
    documents = harness.loglikelihood_rolling(asked("loglikelihood_rolling", [(text,) for text in DOCUMENTS]))
    return {
        "requests": [[*pair, *found] for pair, found in zip(REQUESTS, requests, strict=True)],
        "documents": list(map(list, zip(DOCUMENTS, documents, strict=True))),
    }


def main():
    make().save_pretrained(FOLDER)
    (FOLDER / "generation_config.json").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
        for name in ["tokenizer.json", "tokenizer_config.json"]:
            shutil.copy(REFERENCES / "unigram" / name, folder)
        expected = score(folder)
    (FOLDER / "expected.json").write_text(f"{json.dumps(expected, ensure_ascii=False, indent=1)}\n")
    for file in FOLDER.iterdir():
        file.chmod(0o644)


if __name__ == "__main__":
    main()

"""The blocks of a causal language model in transformers, to compare speed with.

    python forward_reference.py MODEL THREADS REPEATS SHAPES

MODEL is a Hugging Face folder, SHAPES a JSON list of [sequences, tokens]. Standard output ends with one line of JSON: for each
shape the seconds of the fastest pass through all blocks (and the last norm), in float32, from hidden states that are there already.
"""

import json
import os
import sys
import time

os.environ.update(HF_HUB_OFFLINE="1")
model, threads, repeats, shapes = sys.argv[1:]
os.environ["OMP_NUM_THREADS"] = threads

import torch  # noqa: E402
from transformers import AutoModel  # noqa: E402

torch.set_num_threads(int(threads))
blocks = AutoModel.from_pretrained(model, dtype=torch.float32).eval()
seconds = []
with torch.inference_mode():
    for sequences, tokens in json.loads(shapes):
        hidden = blocks.get_input_embeddings()(torch.arange(sequences * tokens).reshape(sequences, tokens) % 997)
        times = []
        for _ in range(int(repeats) + 1):
            started = time.monotonic()
            blocks(inputs_embeds=hidden, use_cache=False)
            times.append(time.monotonic() - started)
        # The first one warms up.
        seconds.append(min(times[1:]))
print(json.dumps(seconds))

"""Reads stored objects and a written model as other people's programs do, and prints what it finds as one JSON document.

    check_objects.py objects FILE...                 what pyarrow sees in each Arrow file
    check_objects.py dequantize FILE OUT             numpy dequantizes a layer of codes into raw float32
    check_objects.py perplexity MODEL TEXT LENGTH LIMIT   transformers' token perplexity, windows scored alone
"""

import json
import math
import sys


def objects(*files):
    import pyarrow as pa

    found = []
    for file in files:
        with pa.memory_map(file) as source:
            table = pa.ipc.open_file(source).read_all()
        table.validate(full=True)
        metadata = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        columns = {field.name: str(field.type) for field in table.schema}
        found.append({"rows": table.num_rows, "columns": columns, "metadata": metadata})
    return found


def dequantize(file, out):
    import numpy as np
    import pyarrow as pa

    table = pa.ipc.open_file(file).read_all()
    metadata = table.schema.metadata
    columns, bits = int(metadata[b"columns"]), int(metadata[b"bits"])
    matrix = lambda name: np.array(table[name].to_pylist())
    unpacked = np.unpackbits(matrix("codes").astype(np.uint8), axis=1, bitorder="little")[:, : columns * bits]
    codes = unpacked.reshape(-1, columns, bits) @ (1 << np.arange(bits))
    # Groups are runs of inputs, unless an index says otherwise.
    index = metadata.get(b"groupIndex")
    group = np.array(json.loads(index)) if index else np.arange(columns) // int(metadata[b"groupSize"])
    scales, zeros = (matrix(name).astype(np.float32)[:, group] for name in ("scales", "zeros"))
    weight = scales * (codes.astype(np.float32) - zeros)
    weight.astype("<f4").tofile(out)
    return {"shape": list(weight.shape)}


def perplexity(model, text, length, limit):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    length, limit = int(length), int(limit)
    with open(text, encoding="utf-8", newline="") as file:
        ids = AutoTokenizer.from_pretrained(model)(file.read())["input_ids"]
    windows = torch.tensor(ids[: length * limit]).reshape(limit, length)
    network = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    total = 0.0
    with torch.no_grad():
        for window in windows:
            logits = network(window[None]).logits[0, :-1].double()
            total += torch.nn.functional.cross_entropy(logits, window[1:], reduction="sum").item()
    return {"perplexity": math.exp(total / (limit * (length - 1)))}


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    print(json.dumps({"objects": objects, "dequantize": dequantize, "perplexity": perplexity}[command](*arguments)))

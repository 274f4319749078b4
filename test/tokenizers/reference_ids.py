"""Token ids of texts by the reference implementations.

    reference_ids.py CASES.json

CASES is {"texts": [...], "cases": [{"library", "file", "out"}, ...]}; a library is tokenizers (`file` is a tokenizer.json) or
sentencepiece (a tokenizer.model; BOS is put first). Each `out` becomes a JSON list of lists of ids.
"""

import json
import sys

import sentencepiece
from tokenizers import Tokenizer


def encoder(library, file):
    if library == "tokenizers":
        tokenizer = Tokenizer.from_file(file)
        return lambda text: tokenizer.encode(text).ids
    processor = sentencepiece.SentencePieceProcessor(model_file=file)
    return lambda text: [processor.bos_id(), *processor.encode(text)]


with open(sys.argv[1], encoding="utf-8") as file:
    given = json.load(file)
for case in given["cases"]:
    encode = encoder(case["library"], case["file"])
    with open(case["out"], "w", encoding="utf-8") as out:
        json.dump([encode(text) for text in given["texts"]], out)

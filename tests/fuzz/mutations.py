"""Ways to break a file: its bytes, or what they mean."""

import copy
import csv
import io
import json
import random
from xml.etree import ElementTree

import numpy as np
import yaml
from PIL import Image

# What a reader may find where it expects something else.
HOSTILE = [
    *(None, True, False, 0, 1, -1, 2, 3, 255, 0.5, -0.0, 1e-300, 1e7, 1e9, 1e300),
    *(float("nan"), float("inf"), -float("inf"), 10**30, -(10**400), 2**31, 2**63),
    *("", " ", "0", "1", "nan", "inf", "-1", "1e9", "1e400", "a.png", "cat", "BG"),
    *("../a.png", "/etc/passwd", "C:\\a.png", "..\\a.png", "a.png/", ".", "..", "\x00"),
    *("//", "images", "\ud800", "é" * 300, "x" * 5000, "a,b;c,d", "1,2;3,4;5,6"),
    *([], {}, [[]], [{}], [None], {"": None}, [1, 2], [1, 2, 3, 4, 5, 6], [0] * 3000),
    *([[1e7, -1e7] * 50], {"size": [20, 30], "counts": [600]}, [[20, 30]], [5, [6]]),
    *({"size": [10**6, 10**6], "counts": [10**12]}, {"size": [20, 30], "counts": "~~"}),
]


def mutate(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """Return the bytes of a file, changed once or a few times.

    Args:
        content: of a valid file.
        suffix: of its name; says how it can be changed by meaning.
        rng: decides how.
    """
    by_meaning = _BY_SUFFIX.get(suffix)
    if by_meaning is None or rng.random() < 0.3:
        return _mutate_bytes(content, rng)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = by_meaning(content, rng)
    return content


def _mutate_bytes(content: bytes, rng: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            changed[at : at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del changed[at : at + rng.choice((1, 2, 10, 100))]
        elif kind == 2:
            changed[at:at] = rng.choice(
                (b"[", b"{", b"0", b"9" * 30, b'"', b"<a>", b"\0")
            )
        elif kind == 3:
            del changed[at:]
        elif kind == 4:
            other = rng.randrange(len(changed) + 1)
            changed[at:at] = changed[other : other + 50]
        else:
            changed[at:at] = rng.choice((b"[", b'{"a":', b"<a>", b"-")) * 2000
    return bytes(changed)


def _mutate_value(value, rng: random.Random):
    """Return a JSON value in which one place, at any depth, is something else."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = rng.choice(keys)
        changed = value.copy()
        kind = rng.random()
        if kind < 0.08:
            del changed[key]
        elif kind < 0.16 and isinstance(changed, list):
            changed.insert(key, changed[rng.choice(keys)])
        elif kind < 0.16:
            changed[str(rng.choice(HOSTILE))] = changed[key]
        elif kind < 0.24:
            changed[key] = changed[rng.choice(keys)]
        else:
            changed[key] = _mutate_value(changed[key], rng)
        return changed
    is_small = isinstance(value, (int, float)) and abs(value) < 1e6
    if is_small and rng.random() < 0.5:
        return value * rng.choice((-1, 0, 0.1, 2, 10, 1e6, 1e300))
    return rng.choice(HOSTILE)


def _mutate_json(content: bytes, rng: random.Random) -> bytes:
    value = _mutate_value(json.loads(content), rng)
    return json.dumps(value).encode("utf-8", "replace")


def _text(value) -> str:
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-8", "replace").decode("utf-8")


def _mutate_csv(content: bytes, rng: random.Random) -> bytes:
    rows = list(csv.reader(io.StringIO(content.decode("utf-8"))))
    row = rng.choice(rows)
    at = rng.randrange(len(row)) if row else 0
    if row and row[at].startswith("{") and rng.random() < 0.7:
        try:
            row[at] = _mutate_json(row[at].encode("utf-8"), rng).decode("utf-8")
        except ValueError:
            row[at] = ""
    else:
        row[at : at + 1] = rng.choice(
            ([], [""], ["", ""], [_text(rng.choice(HOSTILE)).replace("\x00", "")])
        )
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8")


def _mutate_xml(content: bytes, rng: random.Random) -> bytes:
    root = ElementTree.fromstring(content)
    elements = list(root.iter())
    element = rng.choice(elements)
    value = "".join(c for c in _text(rng.choice(HOSTILE)) if c >= " ")
    kind = rng.random()
    if element.attrib and kind < 0.5:
        key = rng.choice(list(element.attrib))
        if rng.random() < 0.2:
            del element.attrib[key]
        else:
            element.set(key, value)
    elif kind < 0.7:
        element.text = value
    elif kind < 0.8 and len(element):
        element.remove(rng.choice(list(element)))
    elif kind < 0.9:
        element.append(copy.deepcopy(rng.choice(elements)))
    else:
        element.tag = rng.choice(elements).tag
    return ElementTree.tostring(root)


def _mutate_yaml(content: bytes, rng: random.Random) -> bytes:
    value = _mutate_value(yaml.safe_load(content), rng)
    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "replace")


def _mutate_words(content: bytes, rng: random.Random) -> bytes:
    lines = [line.split(" ") for line in content.decode("utf-8").split("\n")]
    words = rng.choice(lines)
    at = rng.randrange(len(words))
    new = ([], ["0", "1"], [_text(rng.choice(HOSTILE))], words, ["0.5"] * 999)
    words[at : at + 1] = rng.choice(new)
    return "\n".join(" ".join(words) for words in lines).encode("utf-8", "replace")


def _mutate_picture(content: bytes, rng: random.Random) -> bytes:
    with Image.open(io.BytesIO(content)) as image:
        pixels = np.array(image)
    kind = rng.randrange(6)
    if kind == 0:
        pixels = pixels[: rng.randrange(1, len(pixels) + 1)]
    elif kind == 1:
        noise = np.random.default_rng(rng.randrange(2**32))
        pixels = noise.integers(0, 2 ** rng.choice((1, 8)), pixels.shape, np.uint8)
    elif kind == 2:
        pixels = np.zeros_like(pixels)
    elif kind == 3 and pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], rng.choice((3, 4)), axis=2)
        pixels = pixels.astype(np.uint8)
    elif kind == 4 and pixels.ndim == 2:
        pixels = pixels.astype(bool)
    else:
        pixels = np.rot90(pixels)
    out = io.BytesIO()
    kinds = ("PNG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "JPEG")
    try:
        Image.fromarray(np.ascontiguousarray(pixels)).save(out, rng.choice(kinds))
    except OSError:  # a kind that cannot hold such pixels
        return content
    return out.getvalue()


_BY_SUFFIX = {
    ".json": _mutate_json,
    ".csv": _mutate_csv,
    ".xml": _mutate_xml,
    ".yaml": _mutate_yaml,
    ".txt": _mutate_words,
    ".png": _mutate_picture,
}

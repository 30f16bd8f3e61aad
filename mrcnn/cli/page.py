"""A page of HTML in one piece: its style, its frame, pictures inside, its writing."""

import base64
import html
import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

from mrcnn.errors import ConfigError

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #8884; --error: #c62828; --warning: #b26a00;
  --note: #3f6fa8; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 16px;
  max-width: 1180px; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.3rem; }}
h2 {{ font-size: 1.05rem; margin: 2rem 0 .5rem; }}
h2 b {{ color: #fff; border-radius: 4px; padding: .1em .5em; margin-right: .4em;
  font-size: .85em; }}
.error {{ background: var(--error); }} .warning {{ background: var(--warning); }}
.note {{ background: var(--note); }}
ul.cards {{ list-style: none; margin: 0; padding: 0; display: grid; gap: 14px;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 250px), 1fr)); }}
ul.cards li {{ border: 1px solid var(--line); border-radius: 6px; padding: 8px;
  font-size: .87rem; }}
ul.cards img {{ width: 100%; max-height: 300px; object-fit: contain; display: block;
  margin-bottom: 6px; background: #8882; }}
.figures {{ display: grid; gap: 14px; align-items: start; margin-top: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)); }}
.figures img {{ width: 100%; border-radius: 6px; }}
img.step {{ max-width: 100%; border-radius: 6px; }}
.table {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .87rem; overflow-wrap: normal;
  font-variant-numeric: tabular-nums; }}
th, td {{ border-bottom: 1px solid var(--line); padding: 3px 10px; text-align: right;
  white-space: nowrap; }}
th:first-child, td:first-child {{ text-align: left; }}
pre {{ overflow-x: auto; border: 1px solid var(--line); border-radius: 6px;
  padding: 12px; font-size: .8rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """Return the page.

    Args:
        title: plain text.
        body: HTML.
    """
    return _PAGE.format(title=html.escape(title), body=body)


def data_uri(picture: np.ndarray) -> str:
    """Return a picture, uint8 [H, W, 3], as an address that holds it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def png_uri(content: bytes) -> str:
    """Return what is in a PNG file as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(content).decode()


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Raise what the system says of a file as an error that names --output.

    Args:
        what: is written, for the error.

    Raises:
        ConfigError: a file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"Expected a folder to write the {what} to. Received: {error.filename} "
            f"({error.strerror}). Choose another one with --output."
        ) from error

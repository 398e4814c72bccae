"""Run a notebook headless and leave what came of it in a folder: the notebook, an HTML page, the videos.

`make demo` calls it; nothing is asked, no key is needed, any failure ends it with a message and a
non-zero exit code.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nbformat
import zmq
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from traitlets.config import Config

OUTPUTS = "wan_outputs"
# The page is whole by itself: nothing in it needs the scripts that nbconvert's pages fetch before they show anything.
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}"""


def main(notebook: Path, build: Path) -> None:
    """Execute `notebook` in `build` and write `demo.ipynb`, `demo.html` and the videos there."""
    build.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(build / OUTPUTS, ignore_errors=True)
    book = nbformat.read(notebook, as_version=4)
    where = {"metadata": {"path": str(build), "name": notebook.stem}}
    NotebookClient(book, timeout=300, kernel_name="python3", resources=where, config=private()).execute()
    nbformat.write(book, build / "demo.ipynb")
    page, _ = HTMLExporter(raw_template=PAGE).from_notebook_node(book, resources=where)
    (build / "demo.html").write_text(page, encoding="utf-8")
    videos = sorted((build / OUTPUTS).glob("*.mp4"))
    if not videos or "<video" not in page:
        sys.exit("the notebook ran, but there is no video in it")
    for made in (build / "demo.ipynb", build / "demo.html", *videos):
        print(os.path.relpath(made))


def private() -> Config:
    """Have what goes between here and the kernel encrypted, where that can be; an ipykernel that could warns if not."""
    can = zmq.has("curve") and "transport_encryption" in KernelManager.class_trait_names()
    return Config({"KernelManager": {"transport_encryption": "auto"}} if can else {})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

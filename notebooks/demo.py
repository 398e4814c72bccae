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
from nbclient import NotebookClient
from nbconvert import HTMLExporter

OUTPUTS = "wan_outputs"


def main(notebook: Path, build: Path) -> None:
    """Execute `notebook` in `build` and write `demo.ipynb`, `demo.html` and the videos there."""
    build.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(build / OUTPUTS, ignore_errors=True)
    book = nbformat.read(notebook, as_version=4)
    NotebookClient(book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(build)}}).execute()
    nbformat.write(book, build / "demo.ipynb")
    page, _ = HTMLExporter().from_notebook_node(book)
    (build / "demo.html").write_text(page, encoding="utf-8")
    videos = sorted((build / OUTPUTS).glob("*.mp4"))
    if not videos or "<video" not in page:
        sys.exit("the notebook ran, but there is no video in it")
    for made in (build / "demo.ipynb", build / "demo.html", *videos):
        print(os.path.relpath(made))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

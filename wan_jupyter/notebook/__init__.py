"""IPython and Jupyter: magics, completion, displays."""
